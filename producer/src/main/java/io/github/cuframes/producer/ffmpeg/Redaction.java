package io.github.cuframes.producer.ffmpeg;

import java.util.regex.Pattern;

/**
 * Takes credentials out of text: user names and passwords before the host of a URL, and the values of parameters whose
 * names say that they are secret. The only place that knows what a secret looks like.
 */
public final class Redaction {

    /** What stands where a secret stood. */
    public static final String MARK = "***";

    // The authority ends at the first slash, question mark or hash, and the user part at the last @ in it.
    private static final Pattern USER_INFO = Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*://)[^/\\s?#]*@");
    // A password with a slash in it is no valid URL, yet people write it; "user:no-digits" before the slash betrays it.
    private static final Pattern UNESCAPED_USER_INFO =
            Pattern.compile("([A-Za-z][A-Za-z0-9+.-]*://)[^/\\s?#@:]+:(?!\\d+[/?#])\\S*@");
    private static final Pattern PARAMETER = Pattern.compile(
            "(?i)((?:^|[?&;/\\s])(?:user(?:name)?|usr|login|pass|passwd|password|pwd|token|access_token|auth"
                    + "|secret|api_?key|key|signature|sig)=)[^&;#/\\s\"']*");
    private static final Pattern AUTHORIZATION = Pattern.compile("(?i)((?:proxy-)?authorization:\\s*)[^\\r\\n]*");

    private Redaction() {}

    /** The same text without what must not be seen. Text without secrets comes back unchanged. */
    public static String of(String text) {
        String result = text;
        if (text.contains("://")) {
            result = USER_INFO.matcher(result).replaceAll("$1" + MARK + "@");
            result = UNESCAPED_USER_INFO.matcher(result).replaceAll("$1" + MARK + "@");
        }
        if (text.indexOf('=') >= 0) {
            result = PARAMETER.matcher(result).replaceAll("$1" + MARK);
        }
        return AUTHORIZATION.matcher(result).replaceAll("$1" + MARK);
    }
}

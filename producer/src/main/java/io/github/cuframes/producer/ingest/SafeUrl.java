package io.github.cuframes.producer.ingest;

import io.github.cuframes.producer.ffmpeg.Redaction;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;

/**
 * Where media comes from: a URL, or the path of a file. It prints without credentials, so that it can be handed to
 * logs, messages and exceptions as it is; what FFmpeg needs is {@link #reveal()}, of which there is one use.
 */
public final class SafeUrl {

    private static final Set<String> LIVE =
            Set.of("rtsp", "rtsps", "rtmp", "rtmps", "rtp", "udp", "tcp", "srt", "rist", "mmsh", "mmst");

    private final String value;
    private final String shown;
    private final String scheme;

    private SafeUrl(String value, String shown, String scheme) {
        this.value = value;
        this.shown = "file".equals(scheme) ? shown : Redaction.of(shown);
        this.scheme = scheme;
    }

    /**
     * A URL, or the path of a file where there is no {@code scheme://}.
     *
     * @throws IllegalArgumentException if there is nothing in it, or a character that has no business in a URL
     */
    public static SafeUrl of(String urlOrPath) {
        return of(urlOrPath, urlOrPath);
    }

    /**
     * The same, for one that was put together of parts that are secret, wherever in it they stand.
     *
     * @param shown the same without these parts; this is what is printed
     * @throws IllegalArgumentException as {@link #of(String)} does
     */
    public static SafeUrl of(String urlOrPath, String shown) {
        Objects.requireNonNull(urlOrPath, "url");
        if (urlOrPath.isBlank()) {
            throw new IllegalArgumentException(
                    "the input is empty; give a URL such as rtsp://camera/stream, or a file");
        }
        if (urlOrPath.chars().anyMatch(c -> c < ' ')) {
            throw new IllegalArgumentException("the input contains a control character; check how it is quoted");
        }
        int end = urlOrPath.indexOf("://");
        boolean hasScheme = end > 0 && urlOrPath.substring(0, end).matches("[A-Za-z][A-Za-z0-9+.-]*");
        return new SafeUrl(
                urlOrPath, shown, hasScheme ? urlOrPath.substring(0, end).toLowerCase(Locale.ROOT) : "file");
    }

    /** The scheme in lower case; "file" for a path. */
    public String scheme() {
        return scheme;
    }

    /** Whether this is a file of this machine. */
    public boolean isFile() {
        return "file".equals(scheme);
    }

    /** Whether this is RTSP, in the clear or over TLS. */
    public boolean isRtsp() {
        return "rtsp".equals(scheme) || "rtsps".equals(scheme);
    }

    /** Whether media comes in as it is made, so that it has no end and can't be asked to wait. */
    public boolean isLive() {
        return LIVE.contains(scheme);
    }

    /** The path of a file. */
    String path() {
        return value.startsWith("file://") || value.startsWith("FILE://") ? value.substring(7) : value;
    }

    /** The name or address of the host, without brackets; empty if there is none. */
    public String host() {
        if (isFile()) {
            return "";
        }
        String rest = value.substring(value.indexOf("://") + 3);
        String authority = rest.split("[/?#]", 2)[0];
        String hostAndPort = authority.substring(authority.lastIndexOf('@') + 1);
        if (hostAndPort.startsWith("[")) {
            int end = hostAndPort.indexOf(']');
            return end < 0 ? hostAndPort.substring(1) : hostAndPort.substring(1, end);
        }
        int colon = hostAndPort.indexOf(':');
        return colon < 0 ? hostAndPort : hostAndPort.substring(0, colon);
    }

    /** The whole URL as FFmpeg takes it, credentials included. */
    String reveal() {
        return isFile() ? "file:" + path() : value;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SafeUrl url && value.equals(url.value);
    }

    @Override
    public int hashCode() {
        return value.hashCode();
    }

    /** Without credentials. */
    @Override
    public String toString() {
        return shown;
    }
}

package io.github.cuframes.producer.config;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Puts environment variables where <code>${NAME}</code> stands; a second dollar before it makes it plain text. Immutable. */
final class Variables {

    private static final Pattern USE = Pattern.compile("\\$?\\$\\{([^}]*)(}?)");
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

    private final Map<String, String> environment;

    Variables(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

    /**
     * The text with the values.
     *
     * @throws IllegalArgumentException if a variable is not set or not written as it should be; says which
     */
    String expand(String text) {
        StringBuilder expanded = new StringBuilder();
        Matcher matcher = USE.matcher(text);
        int end = 0;
        while (matcher.find(end)) {
            expanded.append(text, end, matcher.start());
            if (matcher.group().startsWith("$$")) {
                expanded.append("${");
                end = matcher.start() + 3;
            } else {
                expanded.append(valueOf(matcher.group(1), !matcher.group(2).isEmpty()));
                end = matcher.end();
            }
        }
        return expanded.append(text, end, text.length()).toString();
    }

    private String valueOf(String name, boolean closed) {
        if (!closed) {
            throw new IllegalArgumentException(
                    "\"${\" without \"}\"; write ${NAME} for an environment variable (in quotes between { and }), or $${");
        }
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "what stands in ${} is no environment variable; write ${NAME} with letters,"
                            + " digits and underscores, or $${ for the text");
        }
        String value = environment.get(name);
        if (value == null) {
            throw new IllegalArgumentException(
                    "the environment variable " + name + " is not set; set it for this process");
        }
        return value;
    }

    /** Whether {@link #expand} would put something in. */
    static boolean isUsedIn(String text) {
        Matcher matcher = USE.matcher(text);
        int from = 0;
        while (matcher.find(from)) {
            if (!matcher.group().startsWith("$$")) {
                return true;
            }
            from = matcher.start() + 3;
        }
        return false;
    }
}

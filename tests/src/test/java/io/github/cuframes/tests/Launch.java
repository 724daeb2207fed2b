package io.github.cuframes.tests;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * How a {@link Child} is started.
 *
 * @param prefix a command that executes the rest of its line, such as {@code unshare}; may be empty
 * @param jvmOptions added behind those that every child has, and so stronger
 * @param environment added to this process's own
 */
public record Launch(List<String> prefix, List<String> jvmOptions, Map<String, String> environment) {

    /** As this process runs. */
    public static final Launch PLAIN = new Launch(List.of(), List.of(), Map.of());

    /** With more in the environment. */
    public Launch with(Map<String, String> more) {
        Map<String, String> all = new HashMap<>(environment);
        all.putAll(more);
        return new Launch(prefix, jvmOptions, Map.copyOf(all));
    }

    /** With more options of the JVM. */
    public Launch with(String... options) {
        return new Launch(
                prefix, Stream.concat(jvmOptions.stream(), Stream.of(options)).toList(), environment);
    }

    /** By another command. */
    public Launch by(List<String> command) {
        return new Launch(command, jvmOptions, environment);
    }
}

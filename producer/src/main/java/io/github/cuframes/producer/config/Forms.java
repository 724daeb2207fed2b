package io.github.cuframes.producer.config;

import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How values are written, in a file as on the command line. Nothing comes back for what is not written so. */
public final class Forms {

    /** Of a time. */
    static final String DURATION = "\\d{1,9}(ms|s|m|h)";

    /** Of a number of bytes. */
    static final String SIZE = "\\d{1,12}([KMGTkmgt]?)[Ii]?[Bb]?";

    /** Of octal permissions. */
    static final String MODE = "0?[0-7]{3}";

    private static final Pattern DURATION_FORM = Pattern.compile("(\\d{1,9})(ms|s|m|h)");
    private static final Pattern SIZE_FORM = Pattern.compile("(\\d{1,12})([KMGT]?)I?B?");

    private Forms() {}

    /** {@code 500ms}, {@code 5s}, {@code 2m}, {@code 1h}. */
    public static Optional<Duration> duration(String text) {
        Matcher matcher = DURATION_FORM.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        long amount = Long.parseLong(matcher.group(1));
        return Optional.of(
                switch (matcher.group(2)) {
                    case "ms" -> Duration.ofMillis(amount);
                    case "s" -> Duration.ofSeconds(amount);
                    case "m" -> Duration.ofMinutes(amount);
                    default -> Duration.ofHours(amount);
                });
    }

    /** Bytes: {@code 512MB}, {@code 4GB}; the units are powers of 1024. */
    public static Optional<Long> size(String text) {
        Matcher matcher = SIZE_FORM.matcher(text.toUpperCase(Locale.ROOT));
        if (!matcher.matches()) {
            return Optional.empty();
        }
        int shift = matcher.group(2).isEmpty() ? 0 : 10 * (1 + "KMGT".indexOf(matcher.group(2)));
        long amount = Long.parseLong(matcher.group(1));
        return amount > Long.MAX_VALUE >> shift ? Optional.empty() : Optional.of(amount << shift);
    }

    /** Octal permissions: {@code 0660}. */
    public static Optional<Set<PosixFilePermission>> mode(String text) {
        if (!text.matches(MODE)) {
            return Optional.empty();
        }
        int mode = Integer.parseInt(text, 8);
        PosixFilePermission[] all = PosixFilePermission.values(); // from the owner's read to the others' execute
        Set<PosixFilePermission> set = EnumSet.noneOf(PosixFilePermission.class);
        for (int i = 0; i < all.length; i++) {
            if ((mode & 0400 >> i) != 0) {
                set.add(all[i]);
            }
        }
        return Optional.of(set);
    }
}

package io.github.cuframes.producer.config;

import io.github.cuframes.protocol.frame.Rational;
import java.net.InetSocketAddress;
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
    static final String DURATION = "\\d{1,9}(ms|s|m|h|d)";

    /** Of a number of bytes. */
    static final String SIZE = "\\d{1,12}([KMGTkmgt]?)[Ii]?[Bb]?";

    /** Of frames a second. */
    static final String RATE = "\\d{1,6}(\\.\\d{1,3}|/\\d{1,6})?";

    /** Of octal permissions. */
    static final String MODE = "0?[0-7]{3}";

    private static final Pattern DURATION_FORM = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");
    private static final Pattern SIZE_FORM = Pattern.compile("(\\d{1,12})([KMGT]?)I?B?");

    /** Where a server listens. */
    static final String ADDRESS = "(([0-9A-Za-z._-]*|\\[[0-9A-Fa-f:.%a-z]+\\]):)?\\d{1,5}";

    private static final Pattern ADDRESS_FORM =
            Pattern.compile("(?:(?:\\[([0-9A-Fa-f:.%a-z]+)]|([A-Za-z0-9._-]*)):)?(\\d{1,5})");
    private static final String LOOPBACK = "127.0.0.1";
    private static final int LAST_PORT = 0xFFFF;

    private static final Pattern RATE_FORM = Pattern.compile("(\\d{1,6})(?:\\.(\\d{1,3})|/(\\d{1,6}))?");

    private Forms() {}

    /** {@code 500ms}, {@code 5s}, {@code 2m}, {@code 1h}, {@code 30d}. */
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
                    case "h" -> Duration.ofHours(amount);
                    default -> Duration.ofDays(amount);
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

    /** Frames a second: {@code 5}, {@code 12.5}, {@code 30000/1001}. */
    public static Optional<Rational> rate(String text) {
        Matcher matcher = RATE_FORM.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        int whole = Integer.parseInt(matcher.group(1));
        String decimals = matcher.group(2);
        int denominator = matcher.group(3) == null ? 1 : Integer.parseInt(matcher.group(3));
        for (int i = 0; decimals != null && i < decimals.length(); i++) {
            whole = 10 * whole + decimals.charAt(i) - '0';
            denominator *= 10;
        }
        return whole > 0 && denominator > 0 ? Optional.of(new Rational(whole, denominator)) : Optional.empty();
    }

    /** {@code 9400}, {@code :9400}, {@code host:9400}, {@code [::1]:9400}; not resolved. Without a host it is loopback. */
    public static Optional<InetSocketAddress> address(String text) {
        Matcher matcher = ADDRESS_FORM.matcher(text);
        if (!matcher.matches() || Integer.parseInt(matcher.group(3)) > LAST_PORT) {
            return Optional.empty();
        }
        String host = matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
        return Optional.of(InetSocketAddress.createUnresolved(
                host == null || host.isEmpty() ? LOOPBACK : host, Integer.parseInt(matcher.group(3))));
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

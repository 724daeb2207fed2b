package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.Memory;
import io.github.cuframes.protocol.frame.Rational;
import java.net.InetSocketAddress;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How the command's arguments are written. */
final class Converters {

    private Converters() {}

    /** {@code 500ms}, {@code 5s}, {@code 2m}, {@code 1h}, {@code 30d}. */
    static final class OfDuration implements ITypeConverter<Duration> {

        private static final Pattern FORM = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");

        @Override
        public Duration convert(String value) {
            Matcher matcher = FORM.matcher(value);
            if (!matcher.matches()) {
                throw new TypeConversionException("'" + value + "' is no duration; write for example 500ms, 5s or 2m");
            }
            long amount = Long.parseLong(matcher.group(1));
            return switch (matcher.group(2)) {
                case "ms" -> Duration.ofMillis(amount);
                case "s" -> Duration.ofSeconds(amount);
                case "m" -> Duration.ofMinutes(amount);
                case "h" -> Duration.ofHours(amount);
                default -> Duration.ofDays(amount);
            };
        }
    }

    /** Bytes: {@code 512MB}, {@code 4GB}; the units are powers of 1024. */
    static final class OfSize implements ITypeConverter<Long> {

        private static final Pattern FORM = Pattern.compile("(\\d{1,9})([KMGT]?)I?B?");

        @Override
        public Long convert(String value) {
            Matcher matcher = FORM.matcher(value.toUpperCase(Locale.ROOT));
            if (!matcher.matches()) {
                throw new TypeConversionException("'" + value + "' is no size; write for example 512MB or 4GB");
            }
            int shift = matcher.group(2).isEmpty() ? 0 : 10 * (1 + "KMGT".indexOf(matcher.group(2)));
            return Long.parseLong(matcher.group(1)) << shift;
        }
    }

    /** Frames a second: {@code 5}, {@code 12.5}, {@code 30000/1001}. */
    static final class OfRate implements ITypeConverter<Rational> {

        private static final Pattern FORM = Pattern.compile("(\\d{1,6})(?:\\.(\\d{1,3})|/(\\d{1,6}))?");

        @Override
        public Rational convert(String value) {
            Matcher matcher = FORM.matcher(value);
            if (matcher.matches()) {
                int whole = Integer.parseInt(matcher.group(1));
                String decimals = matcher.group(2);
                int denominator = matcher.group(3) == null ? 1 : Integer.parseInt(matcher.group(3));
                for (int i = 0; decimals != null && i < decimals.length(); i++) {
                    whole = 10 * whole + decimals.charAt(i) - '0';
                    denominator *= 10;
                }
                if (whole > 0 && denominator > 0) {
                    return new Rational(whole, denominator);
                }
            }
            throw new TypeConversionException("'" + value + "' is no rate; write for example 5, 12.5 or 30000/1001");
        }
    }

    /** Octal permissions: {@code 0660}. */
    static final class OfMode implements ITypeConverter<Set<PosixFilePermission>> {

        private static final Pattern FORM = Pattern.compile("0?[0-7]{3}");

        @Override
        public Set<PosixFilePermission> convert(String value) {
            if (!FORM.matcher(value).matches()) {
                throw new TypeConversionException("'" + value + "' is no mode; write for example 0660");
            }
            int mode = Integer.parseInt(value, 8);
            PosixFilePermission[] all = PosixFilePermission.values(); // from the owner's read to the others' execute
            Set<PosixFilePermission> set = EnumSet.noneOf(PosixFilePermission.class);
            for (int i = 0; i < all.length; i++) {
                if ((mode & 0400 >> i) != 0) {
                    set.add(all[i]);
                }
            }
            return set;
        }
    }

    /** {@code 9400}, {@code :9400}, {@code host:9400}, {@code [::1]:9400}; not resolved. Without a host it is loopback. */
    static final class OfAddress implements ITypeConverter<InetSocketAddress> {

        private static final Pattern FORM =
                Pattern.compile("(?:(?:\\[([0-9A-Fa-f:.%a-z]+)]|([A-Za-z0-9._-]*)):)?(\\d{1,5})");
        private static final String LOOPBACK = "127.0.0.1";
        private static final int LAST_PORT = 0xFFFF;

        @Override
        public InetSocketAddress convert(String value) {
            Matcher matcher = FORM.matcher(value);
            if (!matcher.matches() || Integer.parseInt(matcher.group(3)) > LAST_PORT) {
                throw new TypeConversionException(
                        "'" + value + "' is no address; write for example 9400, 127.0.0.1:9400 or [::1]:9400");
            }
            String host = matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
            return InetSocketAddress.createUnresolved(
                    host == null || host.isEmpty() ? LOOPBACK : host, Integer.parseInt(matcher.group(3)));
        }
    }

    /** {@code auto}, {@code cuda}, {@code cuda-ipc} or {@code host}. */
    static final class OfMemory implements ITypeConverter<Memory> {
        @Override
        public Memory convert(String value) {
            for (Memory memory : Memory.values()) {
                if (memory.label().equalsIgnoreCase(value)) {
                    return memory;
                }
            }
            throw new TypeConversionException(
                    "'" + value + "' is no kind of memory; give auto, cuda, cuda-ipc or host");
        }
    }
}

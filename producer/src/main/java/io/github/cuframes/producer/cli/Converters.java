package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.Memory;
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

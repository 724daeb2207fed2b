package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.config.Forms;
import io.github.cuframes.protocol.frame.Rational;
import java.net.InetSocketAddress;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.Set;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How the command's arguments are written. */
final class Converters {

    private Converters() {}

    /** {@code 500ms}, {@code 5s}, {@code 2m}, {@code 1h}, {@code 30d}. */
    static final class OfDuration implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String value) {
            return Forms.duration(value)
                    .orElseThrow(() -> new TypeConversionException(
                            "'" + value + "' is no duration; write for example 500ms, 5s or 2m"));
        }
    }

    /** Bytes: {@code 512MB}, {@code 4GB}; the units are powers of 1024. */
    static final class OfSize implements ITypeConverter<Long> {
        @Override
        public Long convert(String value) {
            return Forms.size(value)
                    .orElseThrow(() ->
                            new TypeConversionException("'" + value + "' is no size; write for example 512MB or 4GB"));
        }
    }

    /** Frames a second: {@code 5}, {@code 12.5}, {@code 30000/1001}. */
    static final class OfRate implements ITypeConverter<Rational> {

        @Override
        public Rational convert(String value) {
            return Forms.rate(value)
                    .orElseThrow(() -> new TypeConversionException(
                            "'" + value + "' is no rate; write for example 5, 12.5 or 30000/1001"));
        }
    }

    /** Octal permissions: {@code 0660}. */
    static final class OfMode implements ITypeConverter<Set<PosixFilePermission>> {
        @Override
        public Set<PosixFilePermission> convert(String value) {
            return Forms.mode(value)
                    .orElseThrow(
                            () -> new TypeConversionException("'" + value + "' is no mode; write for example 0660"));
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

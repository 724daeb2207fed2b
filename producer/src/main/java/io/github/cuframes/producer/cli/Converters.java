package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.config.Forms;
import io.github.cuframes.producer.config.RenditionForm;
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

    /** {@code KEY:OPTION=VALUE,…}. */
    static final class OfRendition implements ITypeConverter<RenditionForm> {
        @Override
        public RenditionForm convert(String value) {
            try {
                return RenditionForm.parse(value);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
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

        @Override
        public InetSocketAddress convert(String value) {
            return Forms.address(value)
                    .orElseThrow(() -> new TypeConversionException(
                            "'" + value + "' is no address; write for example 9400, 127.0.0.1:9400 or [::1]:9400"));
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

package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.config.Forms;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.Set;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How the command's arguments are written. */
final class Converters {

    private Converters() {}

    /** {@code 500ms}, {@code 5s}, {@code 2m}, {@code 1h}. */
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

    /** Octal permissions: {@code 0660}. */
    static final class OfMode implements ITypeConverter<Set<PosixFilePermission>> {
        @Override
        public Set<PosixFilePermission> convert(String value) {
            return Forms.mode(value)
                    .orElseThrow(
                            () -> new TypeConversionException("'" + value + "' is no mode; write for example 0660"));
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

package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.Memory;
import java.util.Arrays;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a place for frames from the command line, as users call it. */
final class MemoryConverter implements ITypeConverter<Memory> {
    @Override
    public Memory convert(String text) {
        return Arrays.stream(Memory.values())
                .filter(memory -> memory != Memory.AUTO && memory.label().equals(text))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException("\"" + text + "\" is none of host, cuda and cuda-ipc"));
    }
}

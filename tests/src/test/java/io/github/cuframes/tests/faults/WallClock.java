package io.github.cuframes.tests.faults;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A wall clock that jumps for processes that were started with its {@link #environment()}; others keep theirs. */
final class WallClock {

    private final Path file;
    private final Path library;
    private final boolean usable;

    /** Compiles the library that stands before the C library's clock; where there is no compiler, the clock never jumps. */
    WallClock(Path directory) throws IOException {
        file = Files.write(directory.resolve("clock"), new byte[Long.BYTES]);
        library = directory.resolve("clock.so");
        Path source = directory.resolve("clock.c");
        try (InputStream in = WallClock.class.getResourceAsStream("clock.c")) {
            Files.copy(in, source, StandardCopyOption.REPLACE_EXISTING);
        }
        boolean compiled;
        try {
            Actor.run(List.of(
                    "cc", "-std=gnu11", "-O2", "-fPIC", "-shared", "-o", library.toString(), source.toString()));
            compiled = true;
        } catch (IOException e) {
            compiled = false;
        }
        usable = compiled;
    }

    Map<String, String> environment() {
        return usable ? Map.of("LD_PRELOAD", library.toString(), "CUFRAMES_CLOCK_FILE", file.toString()) : Map.of();
    }

    /** Puts the clock so far off the true time. */
    void jumpTo(Duration offset) throws IOException, SkippedStep {
        if (!usable) {
            throw new SkippedStep("there is no C compiler (gcc, libc6-dev) to build a clock that jumps");
        }
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
        bytes.putLong(0, offset.toNanos());
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(bytes, 0);
        }
    }
}

package io.github.cuframes.tests.faults;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** A wall clock that jumps for processes that were started with its {@link #environment()}; others keep theirs. */
final class WallClock {

    private final Path file;
    private final Optional<Path> library;

    /** Where there is no library that stands before the C library's clock, the clock never jumps. */
    WallClock(Path directory) throws IOException {
        file = Files.write(directory.resolve("clock"), new byte[Long.BYTES]);
        library = Natives.clock(directory);
    }

    Map<String, String> environment() {
        return library.map(there -> Map.of("LD_PRELOAD", there.toString(), "CUFRAMES_CLOCK_FILE", file.toString()))
                .orElse(Map.of());
    }

    /** Puts the clock so far off the true time. */
    void jumpTo(Duration offset) throws IOException, SkippedStep {
        if (library.isEmpty()) {
            throw new SkippedStep("there is no C compiler (gcc, libc6-dev) to build a clock that jumps");
        }
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder());
        bytes.putLong(0, offset.toNanos());
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(bytes, 0);
        }
    }
}

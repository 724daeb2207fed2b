package io.github.cuframes.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A directory for a benchmark's sockets, removed with it. */
final class TemporaryDirectory implements AutoCloseable {

    // short: with what a socket's name adds, 107 bytes are all there are
    private final Path path = Files.createTempDirectory("cf");

    TemporaryDirectory() throws IOException {}

    Path path() {
        return path;
    }

    @Override
    public void close() throws IOException {
        List<Path> deepestFirst;
        try (Stream<Path> all = Files.walk(path)) {
            deepestFirst = all.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path entry : deepestFirst) {
            Files.deleteIfExists(entry);
        }
    }
}

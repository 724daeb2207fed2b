package io.github.cuframes.tests.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The directories of a theatre: run directory, and a tiny one that is easily full, a tmpfs of its own where this process
 * may mount.
 */
final class Directories implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Directories.class);
    private static final String TINY_SIZE = "size=64k,nr_inodes=8,mode=0700";
    private static final int MOST_FILES = 1 << 10;

    final Path root;
    final Path run;
    final Path tiny;
    private boolean mounted;

    Directories() throws IOException {
        root = Files.createTempDirectory("cuframes-faults");
        run = Files.createDirectory(root.resolve("run"));
        tiny = Files.createDirectory(root.resolve("tiny"));
        try {
            mount(tiny, TINY_SIZE);
            mounted = true;
        } catch (IOException e) {
            LOG.info("{}; steps that fill a file system are skipped", e.getMessage());
        }
    }

    private static void mount(Path at, String options) throws IOException {
        Actor.run(List.of("mount", "-t", "tmpfs", "-o", options, "cuframes-faults", at.toString()));
    }

    void requireMounts() throws SkippedStep {
        if (!mounted) {
            throw new SkippedStep("this user may not mount a tmpfs; run as root");
        }
    }

    /** Takes the last inode of the tiny directory. */
    void fillTiny() throws IOException {
        for (int i = 0; i < MOST_FILES; i++) {
            try {
                Files.createFile(tiny.resolve("file" + i));
            } catch (IOException e) {
                return;
            }
        }
        throw new IOException(tiny + " is never full");
    }

    void emptyTiny() throws IOException {
        deleteBelow(tiny);
    }

    private static void deleteBelow(Path directory) throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(directory)) {
            files = walk.filter(file -> !file.equals(directory))
                    .sorted(Comparator.reverseOrder())
                    .toList();
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
    }

    @Override
    public void close() throws IOException {
        if (mounted) {
            // lazily: a process that was just killed may still be letting go
            Actor.run(List.of("umount", "-l", tiny.toString()));
        }
        deleteBelow(root);
        Files.delete(root);
    }
}

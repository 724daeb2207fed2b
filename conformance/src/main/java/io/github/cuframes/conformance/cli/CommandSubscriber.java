package io.github.cuframes.conformance.cli;

import io.github.cuframes.conformance.subscriber.SubscriberUnderTest;
import io.github.cuframes.memory.transport.RunDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** A subscriber that a command starts, or one that comes by itself. */
record CommandSubscriber(Duration patience, Path socket, List<String> command) implements SubscriberUnderTest {

    @Override
    public Optional<Path> fixedSocket() {
        return Optional.ofNullable(socket);
    }

    @Override
    public boolean takesPolicy() {
        return command.stream().anyMatch(word -> word.contains("{policy}"));
    }

    @Override
    public Running start(Path directory, String key, String policy) throws IOException {
        if (command.isEmpty()) {
            return () -> {};
        }
        List<String> words = command.stream()
                .map(word -> word.replace("{run-dir}", directory.toString())
                        .replace("{key}", key)
                        .replace("{socket}", directory.resolve(key + ".sock").toString())
                        .replace("{policy}", policy))
                .toList();
        ProcessBuilder builder = new ProcessBuilder(words)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put(RunDirectory.VARIABLE, directory.toString());
        Process process = builder.start();
        return new Child(process);
    }

    /** The process that a command started. */
    private record Child(Process process) implements Running {
        @Override
        public boolean isAlive() {
            return process.isAlive();
        }

        @Override
        public void close() {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }
}

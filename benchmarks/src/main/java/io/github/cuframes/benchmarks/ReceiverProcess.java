package io.github.cuframes.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** A {@link Receiver} in a JVM of its own, or another program in its place. */
final class ReceiverProcess implements AutoCloseable {

    private final ChildJvm process;

    ReceiverProcess(List<String> arguments) throws IOException {
        this(null, arguments);
    }

    /**
     * Starts a program.
     *
     * @param program null for {@link Receiver}
     */
    ReceiverProcess(Path program, List<String> arguments) throws IOException {
        process = program == null ? new ChildJvm(Receiver.class, arguments) : new ChildJvm(program, arguments);
    }

    void awaitConnected() throws IOException {
        expect("connected");
    }

    /** Has it receive a round; returns when it is about to. */
    void begin(Round round) throws IOException {
        process.tell(round.toLine());
        expect("ready");
    }

    /** Waits for the end of the round. */
    Reception end() throws IOException {
        return Reception.ofLine(process.hear());
    }

    private void expect(String word) throws IOException {
        String line = process.hear();
        if (!line.equals(word)) {
            throw new IOException("a receiver said \"" + line + "\" instead of \"" + word + "\"");
        }
    }

    @Override
    public void close() throws IOException {
        process.close();
    }
}

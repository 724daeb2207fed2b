package io.github.cuframes.benchmarks;

import java.io.IOException;
import java.util.List;

/** A {@link Receiver} in a JVM of its own. */
final class ReceiverProcess implements AutoCloseable {

    private final ChildJvm process;

    ReceiverProcess(List<String> arguments) throws IOException {
        process = new ChildJvm(Receiver.class, arguments);
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

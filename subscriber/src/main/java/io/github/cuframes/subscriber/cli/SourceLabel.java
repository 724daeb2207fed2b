package io.github.cuframes.subscriber.cli;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.layout.SourceState;
import io.github.cuframes.subscriber.Observer;
import io.github.cuframes.subscriber.SubscriberException;
import java.io.IOException;
import java.time.Duration;

/**
 * What a stream's source does, as its producer shows it: why no frames come. Looks for the next producer where one has
 * gone. Belongs to one thread.
 */
final class SourceLabel implements AutoCloseable {

    /** A producer that lives answers within a millisecond; frames wait meanwhile. */
    private static final Duration ANSWER = Duration.ofMillis(100);

    private final RunDirectory directory;
    private final String key;
    private Observer observer;

    SourceLabel(RunDirectory directory, String key) {
        this.directory = directory;
        this.key = key;
    }

    /** The state's name; "no answer" without a producer that answers. */
    String now() {
        try {
            if (observer != null && !observer.isAlive()) {
                close();
            }
            if (observer == null) {
                observer = Observer.connect(directory, key, ANSWER);
            }
            return observer.ring().sourceState().map(SourceState::label).orElse("unknown");
        } catch (IOException | SubscriberException e) {
            return "no answer";
        }
    }

    @Override
    public void close() throws IOException {
        if (observer != null) {
            Observer closing = observer;
            observer = null;
            closing.close();
        }
    }
}

package io.github.cuframes.conformance.subscriber;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** A subscriber that takes frames and gives each back soon, and how to have one. Any threads may call any method. */
public interface SubscriberUnderTest {

    /** How long to wait for what must come. */
    Duration patience();

    /** The socket to listen at, where subscribers are not started but come by themselves. */
    Optional<Path> fixedSocket();

    /** Whether {@link #start} lets the suite choose the policy. */
    boolean takesPolicy();

    /**
     * Starts one.
     *
     * @param directory the run directory
     * @param key of the stream to subscribe to
     * @param policy {@code latest}, {@code fifo:3} or {@code lossless}
     * @return what ends it
     */
    Running start(Path directory, String key, String policy) throws IOException;

    /** A subscriber that was started. */
    interface Running extends AutoCloseable {
        /** Whether it may still connect: false when its program has ended. */
        default boolean isAlive() {
            return true;
        }

        /** Ends it, however it stands. */
        @Override
        void close();
    }
}

package io.github.cuframes.conformance.publisher;

import io.github.cuframes.conformance.Skipped;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** A publisher that publishes frames of host memory all the time, and what can be done to it from outside. */
public interface PublisherUnderTest {

    /** Its control socket. */
    Path socket();

    /** Its stream's name. */
    String key();

    /** How long to wait for what must come. */
    Duration patience();

    /** How long it waits for a lossless subscriber, if somebody said so. */
    Optional<Duration> losslessLimit();

    /**
     * Has it go over to another size or format.
     *
     * @throws Skipped if there is no way
     */
    void reconfigure() throws Exception;

    /**
     * Kills it with SIGKILL.
     *
     * @throws Skipped if it is not the suite's to kill
     */
    void kill() throws Exception;

    /** Starts it again, after {@link #kill()} or {@link #end()}, and returns when its socket is there. */
    void start() throws Exception;

    /**
     * Ends it in good order.
     *
     * @throws Skipped if there is no way
     */
    void end() throws Exception;
}

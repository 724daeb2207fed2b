package io.github.cuframes.producer;

import io.github.cuframes.producer.ingest.Backoff;
import io.github.cuframes.producer.ingest.Clock;
import io.github.cuframes.producer.record.Recorder;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One camera of a group, with a thread of its own that opens its producer, waits for its end, closes it, and opens it again.
 * {@link CameraState} has the states. All else may be called by any thread, and waits for nothing but {@link #awaitClosed}.
 */
final class ManagedCamera {

    private static final Logger LOG = LoggerFactory.getLogger(ManagedCamera.class);

    /** From the moment a producer says that its source is over until it says how it ended. */
    private static final Duration VERDICT = Duration.ofSeconds(10);

    private final String key;
    private final CameraSettings settings;
    private final Path runDirectory;
    private final Backoff backoff;
    private final Duration steady;
    private final Clock clock;
    private final GroupListener listener;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Thread thread;
    private volatile CameraStatus status;
    private volatile Producer producer;
    private volatile Life life;

    /** One producer, from opening to closing. Its source's thread says when it is over, and so does {@link #stop()}. */
    private static final class Life {
        private final CountDownLatch over = new CountDownLatch(1);
        private boolean closed; // guarded by the camera
        private long streamingSince; // guarded by the camera
        private boolean streamed; // guarded by the camera
    }

    /**
     * A camera that is not started.
     *
     * @param steady a producer that streamed for so long starts over with the waits
     * @param listener must not throw
     */
    ManagedCamera(
            String key,
            CameraSettings settings,
            Path runDirectory,
            Backoff backoff,
            Duration steady,
            Clock clock,
            GroupListener listener) {
        this.key = key;
        this.settings = settings;
        this.runDirectory = runDirectory;
        this.backoff = backoff;
        this.steady = steady;
        this.clock = clock;
        this.listener = listener;
        this.status = new CameraStatus(key, CameraState.STARTING, settings.source(), 0, null);
        this.thread = new Thread(this::run, "cuframes-camera-" + key);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    CameraStatus status() {
        return status;
    }

    /** Its producer at the moment; null if there is none. */
    Producer producer() {
        return producer;
    }

    boolean isAs(CameraSettings wanted, Path directory) {
        return settings.equals(wanted) && Objects.equals(runDirectory, directory);
    }

    /** Has it close; {@link #awaitClosed} waits for that. */
    void stop() {
        stop.countDown();
        Life current = life; // a life that is begun later sees the first latch
        if (current != null) {
            current.over.countDown();
        }
    }

    /** Whether its thread has ended by then. */
    boolean awaitClosed(long deadlineNanos) throws InterruptedException {
        long left = Math.max(1, (deadlineNanos - System.nanoTime()) / 1_000_000);
        thread.join(left);
        return !thread.isAlive();
    }

    private boolean isStopped() {
        return stop.getCount() == 0;
    }

    private void run() {
        try {
            while (!isStopped() && live()) {
                if (!clock.await(stop, backoff.nextNanos())) {
                    become(CameraState.STARTING, null);
                }
            }
            stop.await(); // over, but the group's until it is removed
        } catch (InterruptedException e) {
            LOG.warn("{}: interrupted, and closed by that", key); // nobody does: the thread is ours
        } finally {
            become(CameraState.CLOSED, null);
        }
    }

    /** One producer. Whether to open another after a wait. */
    private boolean live() throws InterruptedException {
        Life current = new Life();
        life = current;
        if (isStopped()) {
            return false;
        }
        IOException failure = null;
        boolean hopeless = false;
        try (Recorder recorder = settings.openRecorder(key);
                Producer opened = open(current, recorder)) {
            producer = opened;
            current.over.await();
            if (!isStopped() && !opened.awaitEnd(VERDICT)) {
                failure = new IOException("the source is over, and does not say how it ended");
            }
        } catch (IOException e) {
            failure = e;
            hopeless = e instanceof HangException;
        } catch (RuntimeException | Error e) { // also where libraries are missing: the other cameras may not need them
            LOG.error("{}: failed", key, e);
            failure = new IOException("cannot work like this: " + e.getMessage(), e);
            hopeless = true;
        } finally {
            producer = null;
        }
        return !isStopped() && conclude(current, failure, hopeless);
    }

    private Producer open(Life current, Recorder recorder) throws IOException {
        ProducerBuilder builder = settings.toProducer(key, runDirectory)
                .retryFirst(true)
                .listener((state, cause) -> heard(current, state, cause));
        return (recorder == null ? builder : builder.tap(recorder)).open();
    }

    private synchronized boolean conclude(Life current, IOException failure, boolean hopeless) {
        current.closed = true;
        if (failure == null && settings.isPlayedOnce()) {
            become(CameraState.ENDED, null);
            return false;
        }
        if (hopeless || current.streamed && settings.isPlayedOnce()) {
            become(CameraState.FAILED, failure);
            return false;
        }
        if (current.streamed && clock.nanoTime() - current.streamingSince >= steady.toNanos()) {
            backoff.reset();
        }
        become(CameraState.RETRYING, failure != null ? failure : new IOException("the source came to its end"));
        return true;
    }

    /** On the source's thread. */
    private synchronized void heard(Life current, SourceState state, IOException cause) {
        if (current.closed || isStopped()) {
            return;
        }
        switch (state) {
            case CONNECTING -> become(CameraState.CONNECTING, cause);
            case STREAMING -> {
                if (!current.streamed) {
                    current.streamed = true;
                    current.streamingSince = clock.nanoTime();
                }
                become(CameraState.STREAMING, null);
            }
            case RECONNECTING -> become(CameraState.RECONNECTING, cause);
            default -> current.over.countDown(); // ended or failed: the camera's thread learns why, and closes
        }
    }

    private synchronized void become(CameraState next, IOException cause) {
        CameraState before = status.state();
        if (before == next && cause == null) {
            return;
        }
        if (!before.canBecome(next)) {
            throw new IllegalStateException("no way from " + before + " to " + next);
        }
        status = new CameraStatus(
                key,
                next,
                status.source(),
                status.restarts() + (before == CameraState.RETRYING && next == CameraState.STARTING ? 1 : 0),
                cause != null ? cause : status.lastError());
        listener.cameraChanged(before, status);
    }
}

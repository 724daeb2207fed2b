package io.github.cuframes.producer.pattern;

import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Draws the test pattern into slots and publishes it, in a thread of its own.
 *
 * <p>Paced, as by default, it behaves like a camera: frame 0 is published at once, frame n is due n intervals after it
 * on an absolute schedule, so that lateness never adds up. A frame for which there is no slot is left out and counted;
 * its number is not used again. After a delay, the frames that are due by then follow at once; of a delay above
 * {@link #MAX_LAG}, the frames are left out and counted. Not paced, it publishes as fast as slots come free and leaves
 * nothing out.
 *
 * <p>pts counts ticks of 1/90000 s from 0; the capture time is the wall clock at the start plus the monotonic time since
 * then. Nothing is allocated for a frame.
 *
 * <p>All methods may be called by any thread.
 */
public final class TestPatternSource implements AutoCloseable {

    /** The longest delay that is caught up with. */
    public static final Duration MAX_LAG = Duration.ofSeconds(1);

    /** The ticks of the pts. */
    public static final Rational TIME_BASE = new Rational(1, 90_000);

    private static final Logger LOG = LoggerFactory.getLogger(TestPatternSource.class);
    private static final long NANOS = 1_000_000_000L;
    private static final long MAX_LAG_NANOS = MAX_LAG.toNanos();
    private static final long RETRY_NANOS = 100_000;
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);
    private static final int PITCH_ALIGNMENT = 64;

    private final SlotSource slots;
    private final PatternSpec spec;
    private final TestPattern pattern;
    private final boolean paced;
    private final long frames;
    private final Pacer pacer;
    private final Canvas canvas;
    private final Thread thread;
    private final CompletableFuture<Void> done = new CompletableFuture<>();

    private volatile boolean closed;
    // written by the thread alone
    private volatile long published;
    private volatile long unplaced;
    private volatile long late;

    private TestPatternSource(Builder builder, FrameLayout layout, Canvas canvas) {
        this.canvas = canvas;
        slots = builder.slots;
        spec = builder.spec;
        paced = builder.paced;
        frames = builder.frames;
        pacer = builder.pacer;
        pattern = new TestPattern(layout, builder.tag);
        thread = new Thread(this::run, "test-pattern");
        thread.setDaemon(true);
    }

    /** Begins to describe a source: paced, endless, {@link PixelFormat#YUV420P}, tag 0 unless told otherwise. */
    public static Builder builder(SlotSource slots, PatternSpec spec) {
        return new Builder(slots, spec);
    }

    /** Describes a source. Not thread-safe. */
    public static final class Builder {
        private final SlotSource slots;
        private final PatternSpec spec;
        private PixelFormat format = PixelFormat.YUV420P;
        private int tag;
        private boolean paced = true;
        private long frames = Long.MAX_VALUE;
        private Pacer pacer = Pacer.SYSTEM;
        private CudaContext gpu;

        private Builder(SlotSource slots, PatternSpec spec) {
            this.slots = Objects.requireNonNull(slots, "slots");
            this.spec = Objects.requireNonNull(spec, "spec");
        }

        /** Sets the samples: {@link PixelFormat#YUV420P} or {@link PixelFormat#NV12}. */
        public Builder format(PixelFormat samples) {
            format = samples;
            return this;
        }

        /** Says that the slots are in this GPU's memory; the context must outlive the source. */
        public Builder gpu(CudaContext context) {
            gpu = context;
            return this;
        }

        /** Sets what tells streams apart in the frame code, 0 to 65535. */
        public Builder tag(int stream) {
            tag = stream;
            return this;
        }

        /** Sets whether frames come at the rate of the specification (true) or as fast as slots come free (false). */
        public Builder paced(boolean pacing) {
            paced = pacing;
            return this;
        }

        /** Ends the source after the frame number {@code count - 1}. */
        public Builder frames(long count) {
            if (count < 0) {
                throw new IllegalArgumentException("a number of frames cannot be negative: " + count);
            }
            frames = count;
            return this;
        }

        Builder pacer(Pacer time) {
            pacer = time;
            return this;
        }

        /**
         * Configures the slots and starts the thread. The slot source stays the caller's and must outlive the source
         * that is returned.
         *
         * @throws IOException if the memory cannot be had
         * @throws IllegalArgumentException if the pattern cannot be drawn in the format
         */
        public TestPatternSource start() throws IOException {
            FrameLayout layout = FrameLayout.of(format, spec.width(), spec.height(), PITCH_ALIGNMENT);
            Canvas canvas = gpu == null ? new Canvas.InPlace() : new Canvas.Uploaded(gpu, layout);
            TestPatternSource source;
            try {
                source = new TestPatternSource(this, layout, canvas);
                slots.configure(new StreamConfig(layout, TIME_BASE, spec.rate(), TestPattern.COLOUR), 1);
            } catch (IOException | RuntimeException e) {
                canvas.close();
                throw e;
            }
            source.thread.start();
            return source;
        }
    }

    private void run() {
        Throwable failure = null;
        try (canvas) {
            if (paced) {
                produceAtRate();
            } else {
                produceAtOnce();
            }
        } catch (IOException | RuntimeException | Error e) {
            failure = e;
        }
        // when nothing of the slots is used any more: who waits for this may free them
        if (failure == null) {
            done.complete(null);
        } else {
            done.completeExceptionally(failure);
        }
    }

    private void produceAtRate() throws IOException {
        FrameInfo info = new FrameInfo();
        long start = pacer.nanoTime();
        long epoch = pacer.epochNanos() - start;
        long maxLag = Math.max(MAX_LAG_NANOS, spec.intervalNanos());
        long expected = 0;
        long number = 0;
        while (number < frames) {
            long due = start + spec.due(number, NANOS);
            if (!awaitDue(due)) {
                return;
            }
            long lag = pacer.nanoTime() - due;
            if (lag > maxLag) {
                long skip = Math.min(lag / spec.intervalNanos(), frames - number);
                late += skip;
                number += skip;
                continue;
            }
            Slot slot = slots.acquire();
            if (slot == null) {
                unplaced++;
            } else {
                publish(slot, number, number - expected, epoch + pacer.nanoTime(), info);
                expected = number + 1;
            }
            number++;
        }
    }

    private void produceAtOnce() throws IOException {
        FrameInfo info = new FrameInfo();
        long epoch = pacer.epochNanos() - pacer.nanoTime();
        long number = 0;
        while (number < frames && !closed) {
            Slot slot = slots.acquire();
            if (slot == null) {
                pacer.park(RETRY_NANOS);
            } else {
                publish(slot, number, 0, epoch + pacer.nanoTime(), info);
                number++;
            }
        }
    }

    /** Whether the time has come; false if the source was closed. */
    private boolean awaitDue(long due) {
        while (!closed) {
            long left = due - pacer.nanoTime();
            if (left <= 0) {
                return true;
            }
            pacer.park(left);
        }
        return false;
    }

    private void publish(Slot slot, long number, long lostBefore, long captureNanos, FrameInfo info)
            throws IOException {
        try {
            pattern.render(canvas.of(slot), number);
            boolean copied = canvas.finish(slot);
            long nanos = spec.due(number, NANOS);
            info.reset()
                    .pts(spec.due(number, TIME_BASE.denominator()), nanos)
                    .captureNanos(captureNanos)
                    .durationNanos(spec.due(number + 1, NANOS) - nanos)
                    .lostBefore((int) Math.min(lostBefore, Integer.MAX_VALUE))
                    .flag(FrameFlag.KEY);
            if (lostBefore > 0) {
                info.flag(FrameFlag.DISCONTINUITY);
            }
            if (copied) {
                info.flag(FrameFlag.COPIED);
            }
            slot.publish(info);
        } finally {
            slot.release();
        }
        published++;
    }

    /**
     * Completes when no frame will follow: normally after the last frame or {@link #close()}, exceptionally with what a
     * slot threw. Its dependents run in the source's thread.
     */
    public CompletableFuture<Void> done() {
        return done.copy();
    }

    /** Frames published. */
    public long published() {
        return published;
    }

    /** Frames that were left out because no slot was free. */
    public long unplaced() {
        return unplaced;
    }

    /** Frames that were left out because the thread was delayed by more than {@link #MAX_LAG}. */
    public long late() {
        return late;
    }

    /**
     * Ends the thread and waits for it, at most 2 s; after that, says so in the log. Once it has returned in time, no
     * slot is touched any more. May be called again.
     */
    @Override
    public void close() {
        close(CLOSE_TIMEOUT);
    }

    /**
     * {@link #close()} with another limit.
     *
     * @return whether the thread has ended, or is the one that calls
     */
    public boolean close(Duration timeout) {
        closed = true;
        if (Thread.currentThread() == thread) {
            return true;
        }
        LockSupport.unpark(thread);
        try {
            thread.join(Math.max(1, timeout.toMillis()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (thread.isAlive()) {
            LOG.warn("The test pattern's thread has not ended; it may still write to a slot");
        }
        return !thread.isAlive();
    }
}

package io.github.cuframes.producer;

import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.producer.watch.NativeCall;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A publisher's slots as one reader of a camera sees them, until it is given up: then it gets no more, and cannot change
 * what its successor's look like. The slots that it has stay its own until it releases them, whatever it still writes.
 */
final class FencedSlots implements SlotSource {

    private final SlotSource slots;
    /** Held during each call, so that none is half done when the fence goes up. */
    private final ReentrantLock lock = new ReentrantLock();

    private boolean revoked;
    private CallWatch watch;

    FencedSlots(SlotSource slots) {
        this.slots = slots;
    }

    @Override
    public void configure(StreamConfig config, int writerSlots) throws IOException {
        lock.lock();
        try {
            if (revoked) {
                throw new IOException("these slots have another writer by now");
            }
            CallWatch.enter(watch, NativeCall.ALLOCATE);
            try {
                slots.configure(config, writerSlots);
            } finally {
                CallWatch.exit(watch);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whom to tell of allocations; before the reader starts, whose thread is the watch's. */
    void watch(CallWatch callWatch) {
        watch = callWatch;
    }

    @Override
    public Slot acquire() {
        lock.lock();
        try {
            return revoked ? null : slots.acquire();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean leaveOut() {
        lock.lock();
        try {
            return revoked || slots.leaveOut();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Puts the fence up.
     *
     * @return false if the reader is within {@link #configure} and has not come out in time: then nobody can allocate
     */
    boolean revoke(Duration patience) {
        try {
            if (!lock.tryLock(patience.toNanos(), TimeUnit.NANOSECONDS)) {
                return false;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        revoked = true;
        lock.unlock();
        return true;
    }
}

package io.github.cuframes.producer;

import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

/**
 * The publishers of one camera, its main stream's first: what one of them is told, all are. Any thread may call any method.
 */
final class Streams {

    /** A publisher to be opened. */
    @FunctionalInterface
    interface Opening {
        Publisher open() throws IOException;
    }

    /** For subscribers to take the last frame. */
    private static final long LAST_FRAME_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final List<Publisher> publishers;

    /** Threads that close publishers where something hangs; empty where nothing does. */
    private final List<Thread> closers = new CopyOnWriteArrayList<>();

    private Streams(List<Publisher> publishers) {
        this.publishers = publishers;
    }

    /** Opens all or none. */
    static Streams open(List<Opening> openings) throws IOException {
        List<Publisher> opened = new ArrayList<>();
        try {
            for (Opening opening : openings) {
                opened.add(opening.open());
            }
        } catch (IOException | RuntimeException | Error e) {
            opened.forEach(Publisher::close);
            throw e;
        }
        return new Streams(List.copyOf(opened));
    }

    Publisher main() {
        return publishers.get(0);
    }

    /** Those beside the main one. */
    List<Publisher> renditions() {
        return publishers.subList(1, publishers.size());
    }

    List<Publisher> all() {
        return publishers;
    }

    void sourceState(SourceState state) {
        publishers.forEach(publisher -> publisher.sourceState(state));
    }

    /** Ends all, in a second at most for all of them together. */
    void end() {
        long deadline = System.nanoTime() + LAST_FRAME_NANOS;
        publishers.forEach(publisher -> publisher.end(deadline, System::nanoTime));
    }

    void stopWaiting() {
        publishers.forEach(Publisher::stopWaiting);
    }

    void close() {
        publishers.forEach(Publisher::close);
    }

    /** Where something hangs, closing may hang too, and nobody is to wait for it, nor one stream for another. */
    void closeBeside() {
        for (Publisher publisher : publishers) {
            Thread thread = new Thread(publisher::close, "cuframes-close-" + publisher.key());
            thread.setDaemon(true);
            thread.start();
            closers.add(thread);
        }
    }

    /** Closes all, and waits so long for those that are being closed already. Whether all are closed. */
    boolean close(long timeoutMillis) {
        if (closers.isEmpty()) {
            close();
            return true;
        }
        long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMillis);
        boolean closed = true;
        for (Thread closer : closers) {
            try {
                closer.join(Math.max(1, TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime())));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            closed &= !closer.isAlive();
        }
        return closed;
    }

    /** A number that grows while the threads of all publishers work: the least of theirs. */
    long controlTicks() {
        return publishers.stream().mapToLong(Publisher::controlTicks).min().orElseThrow();
    }

    /**
     * Waits until each stream has as many subscribers as it wants.
     *
     * @param counts one for each, the main stream's first
     * @return false if they were closed meanwhile
     */
    boolean awaitSubscribers(List<Integer> counts) throws InterruptedException {
        Iterator<Integer> wanted = counts.iterator();
        for (Publisher publisher : publishers) {
            if (!publisher.awaitSubscribers(wanted.next())) {
                return false;
            }
        }
        return true;
    }
}

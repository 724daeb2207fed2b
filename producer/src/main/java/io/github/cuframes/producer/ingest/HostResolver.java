package io.github.cuframes.producer.ingest;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Looks a name up on a thread of its own: the C library's resolver can be neither interrupted nor given a deadline, and
 * FFmpeg calls it as if it could. FFmpeg looks the name up once more, by then from the resolver's memory.
 */
final class HostResolver {

    private volatile CompletableFuture<?> pending;
    private volatile boolean cancelled;

    /**
     * Waits until a name has an address.
     *
     * @throws UnknownHostException if it has none
     * @throws TimeoutException if the resolver says nothing before the deadline
     * @throws CancellationException after {@link #cancel()}
     */
    void check(String host, Duration timeout) throws UnknownHostException, TimeoutException, InterruptedException {
        CompletableFuture<InetAddress> answer = new CompletableFuture<>();
        pending = answer;
        Thread thread = new Thread(
                () -> {
                    try {
                        answer.complete(InetAddress.getByName(host));
                    } catch (UnknownHostException | RuntimeException e) {
                        answer.completeExceptionally(e);
                    }
                },
                "cuframes-resolve-" + host);
        thread.setDaemon(true);
        thread.start();
        try {
            if (cancelled) {
                throw new CancellationException();
            }
            answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            UnknownHostException unknown = new UnknownHostException(host);
            unknown.initCause(e.getCause());
            throw unknown;
        } finally {
            pending = null;
        }
    }

    /** Ends a wait that is under way and every later one; any thread. */
    void cancel() {
        cancelled = true;
        CompletableFuture<?> answer = pending;
        if (answer != null) {
            answer.cancel(false);
        }
    }
}

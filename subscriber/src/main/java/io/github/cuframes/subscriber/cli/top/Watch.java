package io.github.cuframes.subscriber.cli.top;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.subscriber.Observer;
import io.github.cuframes.subscriber.SubscriberException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The streams of a run directory, looked at again and again: connects to each as an observer once, reads its counters from shared
 * memory, and connects again where a publisher was replaced. Costs publishers nothing but the connection. Belongs to one thread;
 * some of its own connect.
 */
public final class Watch implements AutoCloseable {

    /** A publisher that lives answers within a millisecond; one that is stopped keeps the table no longer than this. */
    private static final Duration ANSWER = Duration.ofSeconds(1);

    private static final int AT_ONCE = 8;

    private final RunDirectory directory;
    private final ExecutorService pool = Executors.newFixedThreadPool(AT_ONCE, task -> {
        Thread thread = new Thread(task, "cuframes-top");
        thread.setDaemon(true);
        return thread;
    });

    private final Map<String, Observer> observers = new TreeMap<>();
    private final Map<String, Sample> samples = new HashMap<>();

    /** Watches a directory; connects to nobody yet. */
    public Watch(RunDirectory directory) {
        this.directory = directory;
    }

    /** How the streams are now, by key; rates are those since the last look. */
    public List<StreamRow> look() throws IOException, InterruptedException {
        Map<String, String> problems = connect();
        List<StreamRow> rows = new ArrayList<>();
        problems.forEach((key, problem) -> {
            Observer observer = observers.get(key);
            if (observer == null) {
                samples.remove(key);
                rows.add(StreamRow.unknown(key, problem));
            } else {
                Sample now = Sample.of(observer.ring(), System.nanoTime());
                rows.add(StreamRow.of(key, observer.ring(), now, samples.put(key, now)));
            }
        });
        return rows;
    }

    /** Connects to those streams that are new. Returns all, each with why it has no observer, or null if it has. */
    private Map<String, String> connect() throws IOException, InterruptedException {
        List<String> keys = directory.list();
        for (String key : List.copyOf(observers.keySet())) {
            if (!keys.contains(key) || !isAlive(observers.get(key))) {
                observers.remove(key).close();
            }
        }
        Map<String, Future<Observer>> connecting = new TreeMap<>();
        Map<String, String> problems = new TreeMap<>();
        for (String key : keys) {
            problems.put(key, null);
            if (!observers.containsKey(key)) {
                connecting.put(key, pool.submit(() -> Observer.connect(directory, key, ANSWER)));
            }
        }
        for (Map.Entry<String, Future<Observer>> one : connecting.entrySet()) {
            try {
                observers.put(one.getKey(), one.getValue().get());
            } catch (ExecutionException e) {
                problems.put(one.getKey(), reason(e.getCause()));
            }
        }
        return problems;
    }

    /** A publisher that breaks the protocol is asked anew, and then says why, or is as it should be. */
    private static boolean isAlive(Observer observer) {
        try {
            return observer.isAlive();
        } catch (IOException | SubscriberException e) {
            return false;
        }
    }

    private static String reason(Throwable failure) throws IOException {
        if (failure instanceof IOException || failure instanceof SubscriberException) {
            return failure.getMessage();
        }
        throw new IOException("a stream cannot be looked at: " + failure, failure);
    }

    @Override
    public void close() throws IOException {
        pool.shutdownNow();
        for (Observer observer : observers.values()) {
            observer.close();
        }
        observers.clear();
    }
}

package io.github.cuframes.benchmarks;

import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * A process with subscribers, started by a benchmark: each has a thread and closes each frame at once.
 */
final class Audience implements Servant {

    /**
     * What its subscribers did, all together.
     *
     * @param sessions subscriptions begun
     * @param failures of them; 0 are expected
     * @param dropped frames between those received
     * @param cpuNanos of the process
     */
    record Account(long received, long sessions, long failures, long dropped, long cpuNanos) {
        static Account ofLine(String line) {
            long[] parts =
                    Arrays.stream(line.split(" ")).mapToLong(Long::parseLong).toArray();
            return new Account(parts[0], parts[1], parts[2], parts[3], parts[4]);
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(Audience.class);
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long FOR_GOOD = Long.MAX_VALUE / 2;
    private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long JOIN_SECONDS = 60;

    @Option(names = "--run-dir", required = true)
    private Path runDirectory;

    @Option(names = "--context", description = "Keep the GPU's context from the beginning to the end.")
    private boolean keepsContext;

    @Option(names = "--policy", defaultValue = "latest")
    private String policy;

    private CudaContext context;
    private final Set<Subscriber> present = ConcurrentHashMap.newKeySet();
    private final List<Thread> threads = new ArrayList<>();
    private final LongAdder received = new LongAdder();
    private final LongAdder sessions = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private final LongAdder dropped = new LongAdder();
    private volatile boolean leaving;

    private Audience() {}

    /** Runs until standard input ends. */
    public static void main(String[] arguments) throws IOException {
        Audience audience = new Audience();
        new CommandLine(audience).parseArgs(arguments);
        if (audience.keepsContext) {
            audience.context = GpuPlace.retain();
        }
        Servant.serve(audience);
    }

    /** What starts it. */
    static List<String> arguments(Path runDirectory, boolean keepsContext) {
        return arguments(runDirectory, keepsContext, "latest");
    }

    /** What starts it, with subscribers of that policy. */
    static List<String> arguments(Path runDirectory, boolean keepsContext, String policy) {
        List<String> arguments = new ArrayList<>(List.of("--run-dir", runDirectory.toString(), "--policy", policy));
        if (keepsContext) {
            arguments.add("--context");
        }
        return arguments;
    }

    @Override
    public String answer(String order, List<String> arguments) throws IOException {
        switch (order) {
            case "hello" -> {
                return "hello";
            }
            case "join" -> begin(Integer.parseInt(arguments.get(0)), false, arguments.subList(1, arguments.size()));
            case "churn" -> begin(Integer.parseInt(arguments.get(0)), true, arguments.subList(1, arguments.size()));
            case "leave" -> leave();
            case "account" -> {
                // below
            }
            case "use" -> {
                return Use.ofThisProcess().toLine();
            }
            default -> throw Servant.unknown(order);
        }
        long missed = dropped.sum();
        for (Subscriber subscriber : present) {
            missed += subscriber.statistics().dropped();
        }
        return received.sum() + " " + sessions.sum() + " " + failures.sum() + " " + missed + " " + Machine.cpuNanos();
    }

    /** So many subscribers of each key; those that change stay so many seconds each, one after the other. */
    private void begin(int seats, boolean change, List<String> keys) throws IOException {
        CountDownLatch missing = new CountDownLatch(seats * keys.size());
        long now = System.nanoTime();
        for (String key : keys) {
            for (int seat = 0; seat < seats; seat++) {
                long firstEnd = change ? now + (seat + 1) * SECOND : now + FOR_GOOD;
                Thread thread = new Thread(() -> occupy(key, firstEnd, seats * SECOND, missing), "audience-" + key);
                thread.setDaemon(true);
                threads.add(thread);
                thread.start();
            }
        }
        try {
            if (!missing.await(JOIN_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException(missing.getCount() + " of " + seats * keys.size()
                        + " subscribers are not there after " + JOIN_SECONDS + " s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void occupy(String key, long firstEnd, long stayNanos, CountDownLatch missing) {
        long end = firstEnd;
        while (!leaving) {
            try (Subscriber subscriber = Subscriber.builder(key)
                    .runDirectory(runDirectory)
                    .policy(DeliveryPolicy.parse(policy))
                    .reconnect(false)
                    .connect()) {
                present.add(subscriber);
                sessions.increment();
                missing.countDown();
                receive(subscriber, end);
            } catch (RuntimeException e) {
                if (!leaving) {
                    failures.increment();
                    LOG.warn("{}: {}", key, e.getMessage());
                    LockSupport.parkNanos(SECOND);
                }
            }
            end += stayNanos;
        }
    }

    private void receive(Subscriber subscriber, long end) {
        try {
            while (!leaving && !subscriber.isAtEnd() && System.nanoTime() - end < 0) {
                try (Frame frame = subscriber.next(STEP_NANOS)) {
                    if (frame != null) {
                        received.increment();
                    }
                }
            }
        } finally {
            present.remove(subscriber);
            dropped.add(subscriber.statistics().dropped());
        }
    }

    private void leave() {
        leaving = true;
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        threads.clear();
        leaving = false;
    }

    @Override
    public void close() {
        leave();
        if (context != null) {
            context.close();
        }
    }
}

package io.github.cuframes.benchmarks;

import io.github.cuframes.benchmarks.Tally.Count;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/**
 * A program of {@link BoxBenchmark} that reads what others decoded: a subscription a stream, with a thread each, which
 * counts the frames by their sequence numbers and gives them back at once.
 */
final class BoxProgram extends BoxMember {

    private static final Logger LOG = LoggerFactory.getLogger(BoxProgram.class);
    private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(50);
    private static final String FULL = "full";

    @Option(names = "--run-dir", required = true)
    private Path runDirectory;

    @Option(names = "--policy", required = true)
    private String policy;

    private final List<Seat> seats = new ArrayList<>();
    private volatile boolean leaving;

    private BoxProgram() {}

    /** Runs until standard input ends. */
    public static void main(String[] arguments) throws IOException {
        BoxProgram program = new BoxProgram();
        new CommandLine(program).parseArgs(arguments);
        Servant.serve(program);
    }

    /**
     * The order to subscribe.
     *
     * @param full whether these are full-size streams
     * @param patienceNanos how late a frame may be received by who keeps up
     * @param keys with a blank before each
     */
    static String join(boolean full, long patienceNanos, String keys) {
        return "join " + (full ? FULL : "small") + " " + patienceNanos + keys;
    }

    @Override
    void carryOut(String order, List<String> arguments) throws IOException {
        if (!order.equals("join")) {
            throw Servant.unknown(order);
        }
        Count received = arguments.get(0).equals(FULL) ? Count.RECEIVED : Count.SMALL_RECEIVED;
        long patience = Long.parseLong(arguments.get(1));
        List<Seat> joined = new ArrayList<>();
        for (String key : arguments.subList(2, arguments.size())) {
            Seat seat = new Seat(key, received, patience);
            seats.add(seat);
            joined.add(seat);
            seat.start();
        }
        for (Seat seat : joined) {
            // whoever fails is not waited for
            Streams.awaitAtLeast(1, () -> seat.received + seat.failures, "the subscriber of " + seat.getName());
            if (seat.failures > 0) {
                throw new IOException("the subscriber of " + seat.getName() + ": " + seat.problem);
            }
        }
    }

    @Override
    void mark() {
        seats.forEach(Seat::mark);
    }

    @Override
    Tally counts() {
        Tally tally = new Tally();
        seats.forEach(seat -> seat.addTo(tally));
        return tally;
    }

    @Override
    void stop() {
        leaving = true;
        try {
            for (Seat seat : seats) {
                seat.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A subscription. Its thread writes the counts, others read them. */
    private final class Seat extends Thread {
        private final Count kind;
        private final long patienceNanos;

        private volatile long received;
        private volatile long missed;
        private volatile long lostBefore;
        private volatile long latestNanos;
        private volatile long failures;
        private String problem; // written before failures

        /** The one who gives orders writes it. */
        private long missedBefore;

        private long epoch;
        private long sequence;

        Seat(String key, Count kind, long patienceNanos) {
            super(key);
            setDaemon(true);
            this.kind = kind;
            this.patienceNanos = patienceNanos;
        }

        @Override
        public void run() {
            try (Subscriber subscriber = Subscriber.builder(getName())
                    .runDirectory(runDirectory)
                    .policy(DeliveryPolicy.parse(policy))
                    .reconnect(false)
                    .connectTimeout(CONNECT_TIMEOUT)
                    .connect()) {
                while (!leaving && !subscriber.isAtEnd()) {
                    try (Frame frame = subscriber.next(STEP_NANOS)) {
                        if (frame != null) {
                            count(frame);
                        }
                    }
                }
                fail("the stream has ended");
            } catch (RuntimeException e) {
                fail(e.getMessage());
            }
        }

        private void fail(String reason) {
            if (!leaving) {
                problem = reason;
                failures = 1;
                LOG.warn("{}: {}", getName(), reason);
            }
        }

        // one thread writes: nothing is lost between reading and writing
        private void count(Frame frame) {
            long late = System.nanoTime() - frame.publishNanos();
            if (late > latestNanos) {
                latestNanos = late;
            }
            if (received > 0 && frame.epoch() == epoch) {
                missed = missed + frame.sequence() - sequence - 1;
            }
            epoch = frame.epoch();
            sequence = frame.sequence();
            lostBefore = lostBefore + frame.lostBefore();
            received = received + 1;
        }

        private void mark() {
            latestNanos = 0;
            missedBefore = missed;
        }

        private void addTo(Tally tally) {
            // read in this order: who missed a frame was late before
            long missedNow = missed;
            long latest = latestNanos;
            tally.add(kind, received)
                    .add(Count.MISSED, missedNow)
                    .add(Count.MISSED_IN_TIME, latest < patienceNanos ? missedNow - missedBefore : 0)
                    .add(Count.LOST_BEFORE, lostBefore)
                    .add(Count.LATEST_NANOS, latest)
                    .add(Count.FAILURES, failures);
        }
    }
}

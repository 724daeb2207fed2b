package io.github.cuframes.tests.faults;

import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.subscriber.SubscriberException;
import io.github.cuframes.tests.Report;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A subscriber that looks at the pixels of every frame, is told on stdin what to do, and answers each line with one.
 *
 * <p>{@code subscribe key= run-dir= policy= hold=}, {@code unsubscribe}, {@code hold millis=}; {@code await nanos=
 * limit=} answers when a frame was received that was published later, or after so many milliseconds; {@code check} says what was seen since the start; {@code resources};
 * {@code cut} says that its connection will be ended; {@code close-sockets} ends it. The end of stdin ends it.
 */
public final class FaultSubscriber {

    private static final Duration POLL = Duration.ofMillis(50);
    private static final Duration CONNECT = Duration.ofSeconds(20);

    private final PrintStream out = System.out;
    private final Scrutiny scrutiny = new Scrutiny();
    private Subscriber subscriber;
    private Thread receiver;
    private volatile boolean leaving;
    private volatile long holdNanos;
    /** Of the newest frame that was received. */
    private volatile long publishedNanos;
    /** Why no frame will come any more, or null. */
    private volatile String gone;

    private FaultSubscriber() {}

    /** Runs until the end of stdin. */
    public static void main(String[] arguments) throws Exception {
        FaultSubscriber told = new FaultSubscriber();
        told.warmUp();
        told.out.println("ready");
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                told.out.println(told.answer(Report.parse(line)));
            }
        }
        told.unsubscribe();
        System.exit(0);
    }

    /** Loads what a connection needs, so that one of a process that waited for its turn takes no time for it. */
    private void warmUp() {
        try (Subscriber none = Subscriber.builder("nobody")
                .runDirectory(Path.of(System.getProperty("java.io.tmpdir")))
                .connectTimeout(Duration.ZERO)
                .connect()) {
            throw new IllegalStateException("there is a producer of " + none.key());
        } catch (SubscriberException e) {
            gone = "not_subscribed";
        }
    }

    private String answer(Report told) throws InterruptedException {
        try {
            return switch (told.kind()) {
                case "subscribe" -> subscribe(told);
                case "unsubscribe" -> unsubscribe();
                case "hold" -> hold(told.number("millis"));
                case "await" -> await(told.number("nanos"), told.number("limit"));
                case "check" -> scrutiny.line(subscriber == null ? null : subscriber.statistics(), gone);
                case "resources" -> Resources.ofThisProcess().line();
                case "cut" -> cut();
                case "close-sockets" -> closeSockets();
                default -> throw new IllegalArgumentException("no such command: " + told);
            };
        } catch (IOException | RuntimeException e) {
            return "failed text=" + Actor.word(e.toString());
        }
    }

    private String cut() {
        scrutiny.cut();
        return "cut";
    }

    private String closeSockets() throws IOException {
        cut();
        return "closed sockets=" + OwnDescriptors.closeSockets();
    }

    private String hold(long millis) {
        holdNanos = TimeUnit.MILLISECONDS.toNanos(millis);
        return "holding";
    }

    private String subscribe(Report told) {
        DeliveryPolicy policy = DeliveryPolicy.parse(told.text("policy"));
        subscriber = Subscriber.builder(told.text("key"))
                .runDirectory(Path.of(told.text("run-dir")))
                .policy(policy)
                .connectTimeout(CONNECT)
                .connect();
        hold(told.number("hold"));
        scrutiny.begin(policy);
        gone = null;
        leaving = false;
        receiver = new Thread(this::receive, "receiver");
        receiver.start();
        return "subscribed nanos=" + System.nanoTime();
    }

    private String unsubscribe() throws InterruptedException {
        leaving = true;
        if (receiver != null) {
            receiver.join();
            receiver = null;
        }
        if (subscriber != null) {
            scrutiny.end(subscriber.statistics());
            subscriber.close();
            subscriber = null;
        }
        gone = "not_subscribed";
        return "unsubscribed";
    }

    private void receive() {
        try {
            while (!leaving && !subscriber.isAtEnd()) {
                try (Frame frame = subscriber.next(POLL)) {
                    if (frame != null) {
                        look(frame);
                    }
                }
            }
            gone = leaving ? "left" : "end_of_stream";
        } catch (RuntimeException e) {
            gone = Actor.word(e.toString());
        }
    }

    private void look(Frame frame) {
        scrutiny.first(frame, subscriber.statistics().reconnects());
        long held = holdNanos;
        if (held > 0) {
            long end = System.nanoTime() + held;
            for (long left = held; left > 0 && !leaving; left = end - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
        }
        scrutiny.again(frame);
        publishedNanos = frame.publishNanos();
    }

    private String await(long nanos, long limitMillis) {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(limitMillis);
        while (publishedNanos - nanos < 0) {
            String reason = gone;
            if (reason != null && publishedNanos - nanos < 0) {
                return "gone text=" + reason;
            }
            if (System.nanoTime() - deadline > 0) {
                return "none state=" + subscriber.state();
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
        return "frame nanos=" + System.nanoTime();
    }
}

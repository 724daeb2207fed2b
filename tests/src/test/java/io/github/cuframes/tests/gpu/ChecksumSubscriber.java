package io.github.cuframes.tests.gpu;

import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.subscriber.SubscriberBuilder;
import io.github.cuframes.subscriber.SubscriberException;
import io.github.cuframes.subscriber.SubscriberStatistics;
import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Report;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A subscriber process that downloads every frame and writes down its checksum.
 *
 * <p>Arguments are {@code name=value}: {@code key}, {@code run-dir}, {@code policy}, {@code file} (for lines of {@link
 * Received}); {@code credits} (0), {@code frames} (0: until the stream ends), {@code gpu}, {@code copy} (false), {@code progress} (frames from
 * one report to the next, 0: none).
 *
 * <p>It writes {@link Report}s: {@code connected}, {@code progress} and in the end {@code summary}, or {@code failed} with
 * the reason. The end of its stdin ends it. Exit status 0, or 1 if the subscription failed.
 */
public final class ChecksumSubscriber {

    private static final Duration POLL = Duration.ofMillis(100);
    private static final PrintStream OUT = System.out;

    private final Report options;
    private final FrameSum sum = new FrameSum();
    private volatile boolean leaving;

    private ChecksumSubscriber(Report options) {
        this.options = options;
    }

    /** Runs until it has its frames, or stdin or the stream ends. */
    public static void main(String[] arguments) throws IOException {
        System.exit(new ChecksumSubscriber(Report.parse("options " + String.join(" ", arguments))).run());
    }

    /** A subscriber as the arguments of such a process want it. */
    static SubscriberBuilder builder(Report options) {
        SubscriberBuilder builder = Subscriber.builder(options.text("key"))
                .runDirectory(Path.of(options.text("run-dir")))
                .policy(DeliveryPolicy.parse(options.text("policy")))
                .connectTimeout(Await.DEADLINE)
                .credits((int) number(options, "credits", 0))
                .copyToMyGpu("true".equals(options.fields().get("copy")));
        String gpu = options.fields().get("gpu");
        return gpu == null ? builder : builder.gpu(gpu);
    }

    static long number(Report options, String name, long otherwise) {
        return options.fields().containsKey(name) ? options.number(name) : otherwise;
    }

    private int run() throws IOException {
        Thread listener = new Thread(this::awaitEndOfInput, "stdin");
        listener.setDaemon(true);
        listener.start();
        try (PrintWriter file = new PrintWriter(options.text("file"));
                Subscriber subscriber = builder(options).connect()) {
            OUT.println("connected");
            receive(subscriber, file);
            return 0;
        } catch (SubscriberException e) {
            OUT.println("failed " + e.getMessage());
            return 1;
        }
    }

    private void awaitEndOfInput() {
        try {
            while (System.in.read() >= 0) {
                // nothing is asked
            }
        } catch (IOException e) {
            OUT.println("failed stdin cannot be read: " + e);
        }
        leaving = true;
    }

    private void receive(Subscriber subscriber, PrintWriter file) {
        long wanted = number(options, "frames", 0);
        long progress = number(options, "progress", 0);
        long received = 0;
        long begin = 0;
        long end = 0;
        String kind = "";
        while (!leaving && !subscriber.isAtEnd() && (wanted == 0 || received < wanted)) {
            try (Frame frame = subscriber.next(POLL)) {
                if (frame == null) {
                    continue;
                }
                file.println(new Received(
                                frame.epoch(),
                                frame.sequence(),
                                frame.ptsNanos(),
                                frame.has(FrameFlag.COPIED),
                                sum.of(frame))
                        .line());
                end = System.nanoTime();
                if (received++ == 0) {
                    begin = end;
                    kind = " memory=" + frame.memoryKind().label() + " format=" + frame.format() + " width="
                            + frame.width() + " height=" + frame.height() + " gpu="
                            + frame.gpu().map(Object::toString).orElse("none");
                }
                if (progress > 0 && received % progress == 0) {
                    OUT.println("progress received=" + received + " epoch=" + frame.epoch() + " sequence="
                            + frame.sequence());
                }
            }
        }
        file.flush();
        SubscriberStatistics statistics = subscriber.statistics();
        OUT.println("summary received=" + received + " dropped=" + statistics.dropped() + " gaps=" + statistics.gaps()
                + " reconnects=" + statistics.reconnects() + " copied=" + statistics.copied() + " nanos="
                + (end - begin) + kind);
    }
}

package io.github.cuframes.tests;

import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.pattern.FrameCode;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.subscriber.SubscriberException;
import io.github.cuframes.subscriber.SubscriberStatistics;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.zip.CRC32;

/**
 * A subscriber process that looks at the pixels of every frame, and looks again before it gives the frame back.
 *
 * <p>Arguments are {@code name=value}: {@code key}, {@code run-dir}, {@code policy}; {@code tag} (-1: any),
 * {@code wrap} (0: never), {@code hold} (milliseconds for which each frame is kept, 0), {@code progress} (frames from one
 * report to the next, 25; 0: none), {@code reconnect} (true).
 *
 * <p>It writes {@link Report}s: {@code connected}, {@code progress}, {@code break}, {@code skip}, {@code violation}, {@code hole},
 * {@code end} and in the end {@code summary}. A line {@code mark} on its stdin has it report a {@link Window} and begin
 * the next, {@code collect} collects garbage before that; the end of stdin ends it. Exit status 0, or 1 if the
 * subscription failed.
 */
public final class VerifyingSubscriber {

    private static final Duration POLL = Duration.ofMillis(100);

    private final PrintStream out = System.out;
    private final Report options;
    private final FrameVerifier verifier;
    private final Window window = new Window();
    private final CRC32 checksum = new CRC32();
    private ByteBuffer downloaded = ByteBuffer.allocateDirect(0);
    private final long holdNanos;
    private final long progress;

    private long received;
    private long captured;
    private long corrupt;
    private long firstNumber = -1;
    private long lastSequence;
    private long lastEpoch;
    private long markedSequence;

    private volatile String question;
    private volatile boolean leaving;

    private VerifyingSubscriber(Report options) {
        this.options = options;
        this.verifier = new FrameVerifier((int) option("tag", -1), option("wrap", 0), out::println);
        this.holdNanos = Duration.ofMillis(option("hold", 0)).toNanos();
        this.progress = option("progress", 25);
    }

    /** Runs until stdin or the stream ends. */
    public static void main(String[] arguments) {
        System.exit(new VerifyingSubscriber(Report.parse("options " + String.join(" ", arguments))).run());
    }

    private long option(String name, long otherwise) {
        return options.fields().containsKey(name) ? options.number(name) : otherwise;
    }

    private int run() {
        Thread listener = new Thread(this::listen, "stdin");
        listener.setDaemon(true);
        listener.start();
        try (Subscriber subscriber = Subscriber.builder(options.text("key"))
                .runDirectory(Path.of(options.text("run-dir")))
                .policy(DeliveryPolicy.parse(options.text("policy")))
                .reconnect(!"false".equals(options.fields().get("reconnect")))
                .connectTimeout(Await.DEADLINE)
                .connect()) {
            out.println("connected nanos=" + System.nanoTime());
            receive(subscriber);
            SubscriberStatistics statistics = subscriber.statistics();
            out.println("summary received=" + received + " dropped=" + statistics.dropped() + " gaps="
                    + statistics.gaps() + " reconnects=" + statistics.reconnects() + " violations="
                    + verifier.violations() + " breaks=" + verifier.breaks() + " holes=" + verifier.holes()
                    + " corrupt=" + corrupt + " captured=" + captured + " first=" + firstNumber + " last="
                    + verifier.lastNumber() + " end=" + subscriber.isAtEnd());
            return 0;
        } catch (SubscriberException e) {
            out.println("failed " + e.getMessage());
            return 1;
        }
    }

    private void listen() {
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                question = line;
            }
        } catch (IOException e) {
            out.println("violation stdin cannot be read: " + e);
        }
        leaving = true;
    }

    private void receive(Subscriber subscriber) {
        while (!leaving && !subscriber.isAtEnd()) {
            try (Frame frame = subscriber.next(POLL)) {
                if (frame != null) {
                    window.add(System.nanoTime() - frame.publishNanos());
                    verify(frame);
                    long allocated = Window.allocatedHere();
                    report(frame, subscriber);
                    window.exclude(allocated);
                }
            }
            if (question != null) {
                answer();
            }
        }
    }

    private void verify(Frame frame) {
        ByteBuffer luma = luma(frame);
        long code = code(frame, luma);
        long sum = checksum(luma);
        if (frame.has(FrameFlag.CORRUPT)) {
            corrupt++; // it was said that the picture is not what was sent
        } else {
            verifier.next(code, frame.epoch(), frame.sequence(), frame.breaksStream());
        }
        if (holdNanos > 0) {
            Await.elapse(Duration.ofNanos(holdNanos));
        }
        if (frame.memoryKind() != MemoryKind.HOST) {
            luma = luma(frame); // another download
        }
        if (code(frame, luma) != code || checksum(luma) != sum) {
            verifier.violation("another picture than before, while it was held", frame.sequence());
        }
    }

    /** As it lies in host memory, or as it was downloaded. */
    private ByteBuffer luma(Frame frame) {
        if (frame.memoryKind() == MemoryKind.HOST) {
            return frame.plane(0);
        }
        int bytes = frame.rowBytes(0) * frame.rows(0);
        if (downloaded.capacity() < bytes) {
            downloaded = ByteBuffer.allocateDirect(bytes);
        }
        downloaded.clear().limit(bytes);
        frame.download(0, downloaded);
        return downloaded;
    }

    private static long code(Frame frame, ByteBuffer luma) {
        int pitch = frame.memoryKind() == MemoryKind.HOST ? frame.pitch(0) : frame.rowBytes(0);
        return FrameCode.read(luma, 0, pitch, frame.width(), frame.height());
    }

    private long checksum(ByteBuffer luma) {
        checksum.reset();
        checksum.update(luma.rewind());
        return checksum.getValue();
    }

    private void report(Frame frame, Subscriber subscriber) {
        long sequence = frame.sequence();
        if (received == 0) {
            firstNumber = verifier.lastNumber();
        } else if (frame.epoch() == lastEpoch && sequence > lastSequence + 1) {
            out.println("skip from=" + lastSequence + " to=" + sequence);
        }
        if (frame.breaksStream()) {
            out.println("break sequence=" + sequence + " number=" + verifier.lastNumber() + " flagged="
                    + frame.has(FrameFlag.DISCONTINUITY) + " lostBefore=" + frame.lostBefore());
        }
        if (frame.captureNanos() != Frame.NO_TIME) {
            captured++;
        }
        received++;
        lastSequence = sequence;
        lastEpoch = frame.epoch();
        if (progress > 0 && received % progress == 0) {
            out.println("progress received=" + received + " epoch=" + frame.epoch() + " sequence=" + sequence
                    + " number=" + verifier.lastNumber() + " breaks=" + verifier.breaks() + " captured=" + captured
                    + " captureNanos=" + frame.captureNanos() + " reconnects="
                    + subscriber.statistics().reconnects());
        }
    }

    private void answer() {
        String asked = question;
        question = null;
        if (!List.of("mark", "collect").contains(asked)) {
            out.println("violation a question that is none: " + asked);
            return;
        }
        out.println("mark from=" + markedSequence + " sequence=" + lastSequence + " " + window.end());
        if (asked.equals("collect")) {
            System.gc();
        }
        markedSequence = lastSequence;
        window.begin();
    }
}

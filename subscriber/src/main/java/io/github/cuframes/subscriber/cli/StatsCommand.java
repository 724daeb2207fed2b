package io.github.cuframes.subscriber.cli;

import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.subscriber.SubscriberBuilder;
import io.github.cuframes.subscriber.SubscriberStatistics;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Receives a stream, touches every frame, and says how it went. */
@Command(
        name = "stats",
        description =
                "Receives frames, touching every byte (of frames in GPU memory the first and last row of each plane,"
                        + " see --checksum), until --frames, --seconds, the stream's end or SIGINT; prints rate, losses"
                        + " and latency.",
        mixinStandardHelpOptions = true)
final class StatsCommand extends StoppableCommand {

    private static final long LONGEST_LATENCY_NANOS = TimeUnit.HOURS.toNanos(1);
    private static final long REPORT_NANOS = TimeUnit.SECONDS.toNanos(1);

    @Parameters(paramLabel = "KEY", description = "The stream's name.")
    private String key;

    @Option(names = "--frames", paramLabel = "N", description = "End after so many frames.")
    private Long frames;

    @Option(names = "--seconds", paramLabel = "S", description = "End after so many seconds.")
    private Double seconds;

    @Option(
            names = "--policy",
            paramLabel = "POLICY",
            defaultValue = "latest",
            converter = PolicyConverter.class,
            description = "latest, fifo:N or lossless; default ${DEFAULT-VALUE}.")
    private DeliveryPolicy policy;

    @Option(
            names = "--spin",
            paramLabel = "MICROS",
            description = "Watch memory for so long before sleeping; default 0.")
    private long spinMicros;

    @Option(
            names = "--wait",
            paramLabel = "S",
            defaultValue = "5",
            description = "Seconds to wait for the producer; default ${DEFAULT-VALUE}.")
    private double wait;

    @Option(
            names = "--verify-pattern",
            description =
                    "Read the frame number that test patterns carry in their pixels, and count frames that are torn,"
                            + " stale or out of order.")
    private boolean verifyPattern;

    @Option(
            names = "--checksum",
            description =
                    "Download every byte of frames in GPU memory, twice, as --verify-pattern does too; frames in host"
                            + " memory are always read in full.")
    private boolean wholeFrames;

    @Mixin
    private GpuOptions gpu;

    @Option(names = "--json", description = "One object on the last line instead of a table.")
    private boolean json;

    private final Histogram latency = new Histogram(LONGEST_LATENCY_NANOS, 3);
    private final FrameChecksum checksum = new FrameChecksum();
    private final PatternCheck pattern = new PatternCheck();
    private final HostPixels pixels = new HostPixels();
    private long checksumErrors;
    private long copied;
    private long firstNanos;
    private long lastNanos;
    private long seen;
    private String size = "-";
    private Map<String, Object> stream = Map.of();
    private long describedEpoch;
    private int describedGeneration = -1;

    @Override
    public Integer call() throws Exception {
        if (frames != null && frames < 1
                || seconds != null && !(seconds > 0 && seconds < 1e9)
                || spinMicros < 0
                || !(wait >= 0 && wait < 1e9)) {
            throw new IllegalArgumentException("--frames, --seconds, --spin and --wait take positive numbers");
        }
        SubscriberBuilder builder = gpu.apply(subscribe(key, "stats", nanos(wait)))
                .policy(policy)
                .spin(Duration.ofNanos(spinMicros * 1_000));
        try (SourceLabel source = new SourceLabel(directory(), key);
                Subscriber subscriber = stop.interruptibly(builder::connect)) {
            long end = seconds == null
                    ? Long.MAX_VALUE
                    : System.nanoTime() + nanos(seconds).toNanos();
            receive(subscriber, end, source);
            report(subscriber.statistics(), source);
        }
        return Main.DONE;
    }

    private static Duration nanos(double value) {
        return Duration.ofNanos((long) (value * 1e9));
    }

    private void receive(Subscriber subscriber, long end, SourceLabel source) {
        long nextReport = System.nanoTime() + REPORT_NANOS;
        while (!stop.isRequested() && !subscriber.isAtEnd() && (frames == null || seen < frames)) {
            long now = System.nanoTime();
            if (seconds != null && now - end >= 0) {
                return;
            }
            try (Frame frame = subscriber.next(Math.min(STEP_NANOS, seconds == null ? STEP_NANOS : end - now))) {
                if (frame != null) {
                    take(frame);
                }
            }
            if (!json && System.nanoTime() - nextReport >= 0) {
                nextReport += REPORT_NANOS;
                progress(subscriber.statistics(), source);
            }
        }
    }

    private void take(Frame frame) {
        long now = System.nanoTime();
        latency.recordValue(Math.max(0, Math.min(now - frame.publishNanos(), LONGEST_LATENCY_NANOS)));
        long before = touch(frame);
        if (verifyPattern) {
            pattern.look(frame, pixels);
        }
        if (frame.has(FrameFlag.COPIED)) {
            copied++;
        }
        if (frame.epoch() != describedEpoch || frame.generation() != describedGeneration) {
            describe(frame);
        }
        firstNanos = seen++ == 0 ? now : firstNanos;
        lastNanos = now;
        if (touch(frame) != before) {
            checksumErrors++;
        }
    }

    /** A checksum of the bytes as they are now. */
    private long touch(Frame frame) {
        boolean whole = wholeFrames || verifyPattern || frame.gpu().isEmpty();
        return whole ? checksum.of(frame, pixels.look(frame)) : checksum.ofEdges(frame);
    }

    private void describe(Frame frame) {
        describedEpoch = frame.epoch();
        describedGeneration = frame.generation();
        size = frame.width() + "x" + frame.height() + " " + frame.format().label() + ", "
                + frame.memoryKind().label() + " memory";
        Map<String, Object> described = new LinkedHashMap<>();
        described.put("width", frame.width());
        described.put("height", frame.height());
        described.put("format", frame.format().label());
        described.put("memory", frame.memoryKind().label());
        described.put("epoch", Long.toUnsignedString(frame.epoch()));
        described.put("generation", frame.generation());
        stream = described;
    }

    private double fps() {
        return seen < 2 || lastNanos == firstNanos ? 0 : (seen - 1) * 1e9 / (lastNanos - firstNanos);
    }

    private double micros(double percentile) {
        return seen == 0 ? 0 : latency.getValueAtPercentile(percentile) / 1e3;
    }

    private void progress(SubscriberStatistics counted, SourceLabel source) {
        out().printf(
                        Locale.ROOT,
                        "%8.2f fps  %d received  %d dropped  %d gaps  p99 %.1f us  source %s%n",
                        fps(),
                        counted.received(),
                        counted.dropped(),
                        counted.gaps(),
                        micros(99),
                        source.now());
    }

    private void report(SubscriberStatistics counted, SourceLabel source) throws IOException {
        double copiesPerFrame = seen == 0 ? 0 : (double) copied / seen;
        if (json) {
            Map<String, Object> micros = new LinkedHashMap<>();
            micros.put("p50", micros(50));
            micros.put("p90", micros(90));
            micros.put("p99", micros(99));
            micros.put("max", seen == 0 ? 0 : latency.getMaxValue() / 1e3);
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("key", key);
            object.put("fps", fps());
            object.put("received", counted.received());
            object.put("dropped", counted.dropped());
            object.put("gaps", counted.gaps());
            object.put("latencyMicros", micros);
            object.put("copiesPerFrame", copiesPerFrame);
            object.put("checksumErrors", checksumErrors);
            for (String field : new String[] {"width", "height", "format", "memory", "epoch", "generation"}) {
                object.put(field, stream.get(field));
            }
            object.put("source", source.now());
            object.put("reconnects", counted.reconnects());
            object.put("copiedToMyGpu", counted.copied());
            if (verifyPattern) {
                object.put("torn", pattern.torn());
                object.put("stale", pattern.stale());
                object.put("outOfOrder", pattern.outOfOrder());
                object.put("unreadable", pattern.unreadable());
            }
            printJson(object);
            return;
        }
        row("stream", key + ", " + size);
        row("fps", String.format(Locale.ROOT, "%.2f", fps()));
        row("received", counted.received());
        row("dropped", counted.dropped());
        row("gaps", counted.gaps());
        row("source", source.now());
        row("reconnects", counted.reconnects());
        row(
                "latency",
                String.format(
                        Locale.ROOT,
                        "p50 %.1f  p90 %.1f  p99 %.1f  max %.1f us",
                        micros(50),
                        micros(90),
                        micros(99),
                        seen == 0 ? 0 : latency.getMaxValue() / 1e3));
        row("copies/frame", String.format(Locale.ROOT, "%.2f", copiesPerFrame));
        if (counted.copied() > 0) {
            row("copied to GPU", counted.copied());
        }
        row("checksum errors", checksumErrors);
        if (verifyPattern) {
            row("torn", pattern.torn());
            row("stale", pattern.stale());
            row("out of order", pattern.outOfOrder());
            row("unreadable", pattern.unreadable());
        }
    }

    private void row(String name, Object value) {
        out().printf("%-16s %s%n", name, value);
    }
}

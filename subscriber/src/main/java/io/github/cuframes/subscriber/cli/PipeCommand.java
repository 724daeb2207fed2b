package io.github.cuframes.subscriber.cli;

import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes frames to stdout. */
@Command(
        name = "pipe",
        description = "Writes frames to stdout, until the stream's end, SIGINT, or the reader's end.",
        mixinStandardHelpOptions = true)
final class PipeCommand extends StoppableCommand {

    private static final Pattern SIZE = Pattern.compile("([0-9]{1,5}):([0-9]{1,5})");
    private static final Pattern RATE = Pattern.compile("([0-9]{1,6})(?:/([0-9]{1,6}))?");

    @Parameters(paramLabel = "KEY", description = "The stream's name.")
    private String key;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            defaultValue = "y4m",
            description = "nv12, yuv420p or y4m (which says size and rate itself); default ${DEFAULT-VALUE}.")
    private PipeFormat format;

    @Option(names = "--scale", paramLabel = "W:H", description = "Scale to this size, in pixels.")
    private String scale;

    @Option(names = "--fps", paramLabel = "N", description = "Leave frames out so that at most N a second remain.")
    private String fps;

    @Option(names = "--frames", paramLabel = "N", description = "End after so many frames.")
    private Long frames;

    @Option(
            names = "--policy",
            paramLabel = "POLICY",
            defaultValue = "fifo:4",
            converter = PolicyConverter.class,
            description = "latest, fifo:N or lossless; default ${DEFAULT-VALUE}.")
    private DeliveryPolicy policy;

    @Option(
            names = "--wait",
            paramLabel = "S",
            defaultValue = "5",
            description = "Seconds to wait for the producer; default ${DEFAULT-VALUE}.")
    private double wait;

    @Mixin
    private GpuOptions gpu;

    @Override
    public Integer call() throws Exception {
        int width = 0;
        int height = 0;
        if (scale != null) {
            Matcher size = SIZE.matcher(scale);
            width = size.matches() ? Integer.parseInt(size.group(1)) : 0;
            height = size.matches() ? Integer.parseInt(size.group(2)) : 0;
            if (width < 1 || height < 1 || Math.max(width, height) > FrameLayout.MAX_DIMENSION) {
                throw new IllegalArgumentException("--scale takes W:H in pixels, 1 to " + FrameLayout.MAX_DIMENSION
                        + " each, such as 640:360, not \"" + scale + "\"");
            }
        }
        if (frames != null && frames < 1 || !(wait >= 0 && wait < 1e9)) {
            throw new IllegalArgumentException("--frames and --wait take positive numbers");
        }
        Rational rate = rate();
        // never closed: it is the process's
        FileChannel stdout = new FileOutputStream(FileDescriptor.out).getChannel();
        PipeWriter writer = new PipeWriter(stdout, format, width, height, rate);
        return stop.interruptibly(() -> {
            copy(writer, new FrameThinner(rate));
            return Main.DONE;
        });
    }

    private Rational rate() {
        if (fps == null) {
            return Rational.UNKNOWN;
        }
        Matcher parts = RATE.matcher(fps);
        int numerator = parts.matches() ? Integer.parseInt(parts.group(1)) : 0;
        int denominator = numerator == 0 || parts.group(2) == null ? 1 : Integer.parseInt(parts.group(2));
        if (numerator < 1 || denominator < 1) {
            throw new IllegalArgumentException(
                    "--fps takes frames a second, such as 5 or 30000/1001, not \"" + fps + "\"");
        }
        return new Rational(numerator, denominator);
    }

    private void copy(PipeWriter writer, FrameThinner thinner) throws IOException {
        Duration limit = Duration.ofNanos((long) (wait * 1e9));
        long written = 0;
        try (Subscriber subscriber =
                gpu.apply(subscribe(key, "pipe", limit)).policy(policy).connect()) {
            while (!stop.isRequested() && !subscriber.isAtEnd() && (frames == null || written < frames)) {
                try (Frame frame = subscriber.next(STEP_NANOS)) {
                    if (frame != null && thinner.isDue(timeOf(frame), frame.breaksStream())) {
                        writer.write(frame);
                        written++;
                    }
                }
            }
        } catch (IOException e) {
            if (!isBrokenPipe(e)) {
                throw new IOException("the frames cannot be written to stdout: " + sentence(e), e);
            }
            // the reader has had enough, as `head` does: an orderly end
        }
    }

    private static long timeOf(Frame frame) {
        return frame.ptsNanos() == Frame.NO_TIME ? frame.publishNanos() : frame.ptsNanos();
    }
}

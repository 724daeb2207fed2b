package io.github.cuframes.subscriber.cli;

import io.github.cuframes.subscriber.Packet;
import io.github.cuframes.subscriber.PacketSubscriber;
import io.github.cuframes.subscriber.PacketSubscriberBuilder;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes encoded packets to stdout. */
@Command(
        name = "packets",
        description =
                "Writes the encoded packets of a camera to stdout, from the last keyframe on, until the stream's end,"
                        + " SIGINT, or the reader's end.",
        mixinStandardHelpOptions = true)
final class PacketsCommand extends StoppableCommand {

    private static final Logger LOG = LoggerFactory.getLogger(PacketsCommand.class);

    @Parameters(paramLabel = "KEY", description = "The stream's name.")
    private String key;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            defaultValue = "mpegts",
            description =
                    "mpegts, or annexb (H.264 or HEVC with start codes, without times); default ${DEFAULT-VALUE}.")
    private PacketFormat format;

    @Option(names = "--frames", paramLabel = "N", description = "End after so many packets.")
    private Long frames;

    @Option(names = "--seconds", paramLabel = "S", description = "End after so many seconds.")
    private Double seconds;

    @Option(
            names = "--wait",
            paramLabel = "S",
            defaultValue = "5",
            description = "Seconds to wait for the producer; default ${DEFAULT-VALUE}.")
    private double wait;

    @Override
    public Integer call() throws Exception {
        if (frames != null && frames < 1
                || seconds != null && !(seconds > 0 && seconds < 1e9)
                || !(wait >= 0 && wait < 1e9)) {
            throw new IllegalArgumentException("--frames, --seconds and --wait take positive numbers");
        }
        // never closed: it is the process's
        FileChannel stdout = new FileOutputStream(FileDescriptor.out).getChannel();
        return stop.interruptibly(() -> {
            copy(new PacketWriter(stdout, format));
            return Main.DONE;
        });
    }

    private void copy(PacketWriter writer) throws IOException {
        PacketSubscriberBuilder builder =
                PacketSubscriber.builder(key).name("packets").connectTimeout(Duration.ofNanos((long) (wait * 1e9)));
        if (runDirectory != null) {
            builder.runDirectory(runDirectory);
        }
        long written = 0;
        try (PacketSubscriber subscriber = builder.connect()) {
            long begin = System.nanoTime();
            while (!stop.isRequested()
                    && !subscriber.isAtEnd()
                    && (frames == null || written < frames)
                    && (seconds == null || System.nanoTime() - begin < seconds * 1e9)) {
                try (Packet packet = subscriber.next(STEP_NANOS)) {
                    if (packet != null) {
                        writer.write(packet);
                        written++;
                    }
                }
            }
            long dropped = subscriber.statistics().dropped();
            if (dropped > 0) {
                LOG.warn(
                        "{} packets of {} were left out, since the reader of stdout was too slow for them",
                        dropped,
                        key);
            }
        } catch (IOException e) {
            if (!isBrokenPipe(e)) {
                throw new IOException("the packets cannot be written to stdout: " + sentence(e), e);
            }
            // the reader has had enough, as `head` does: an orderly end
        }
    }
}

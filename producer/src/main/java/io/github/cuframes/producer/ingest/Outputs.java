package io.github.cuframes.producer.ingest;

import io.github.cuframes.producer.decode.FrameFacts;
import io.github.cuframes.producer.decode.FrameWriter;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.protocol.frame.Rational;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.bytedeco.ffmpeg.avutil.AVFrame;

/**
 * All streams that a camera's frames are published as: the main one, whose failures are the camera's, and its renditions.
 * Belongs to the decoding thread.
 */
final class Outputs implements AutoCloseable {

    /** A rendition to be. */
    record Rendition(RenditionOptions options, SlotSource slots, IngestCounters counters) {}

    private final IngestOptions options;
    private final WatchedCalls calls;
    private final Output main;
    private SideOutput[] sides = {};

    /**
     * Makes the main stream's.
     *
     * @param writer closed with this, also if this fails
     * @param held how many decoded frames renditions may keep for later ones
     */
    Outputs(IngestOptions options, FrameWriter writer, int held, WatchedCalls calls, IngestCounters counters)
            throws IOException {
        this.options = options;
        this.calls = calls;
        writer.reserve(held);
        main = new Output(writer, options.filter(), options.rate(), calls, counters);
    }

    /**
     * Makes a rendition's.
     *
     * @param proven whether its filter was used before, so that no failure is a mistake in the command
     */
    void add(Rendition rendition, CallWatch watch, boolean proven, Clock clock) throws IOException {
        RenditionOptions its = rendition.options();
        try {
            FrameWriter own = main.writer().another(rendition.slots());
            own.watch(watch);
            Output output = new Output(own, its.filter(), its.rate(), calls, rendition.counters());
            Backoff patience = new Backoff(options.firstRetry(), options.longestRetry(), new SplittableRandom());
            sides = Arrays.copyOf(sides, sides.length + 1);
            // a filter that keeps frames is to see each of them
            BooleanSupplier unwanted = its.held() == 0 ? rendition.slots()::leaveOut : () -> false;
            sides[sides.length - 1] =
                    new SideOutput(its.key(), output, rendition.counters(), unwanted, proven, clock, patience);
        } catch (IOException e) {
            throw SideOutput.named(its.key(), e);
        }
    }

    static int mostHeld(List<Rendition> renditions) {
        return renditions.stream()
                .mapToInt(rendition -> rendition.options().held())
                .max()
                .orElse(0);
    }

    /** The writer into which the decoder decodes. */
    FrameWriter writer() {
        return main.writer();
    }

    /** A decoder is about to be made: what its frames will be stamped with, and how many there are a second. */
    void begin(Rational base, Rational rate) {
        main.begin(base, rate);
        for (SideOutput side : sides) {
            side.output().begin(base, rate);
        }
    }

    /** The next frame does not go on from the one before. */
    void breakOff() {
        main.breakOff();
        for (SideOutput side : sides) {
            side.output().breakOff();
        }
    }

    /** A frame that would have come is lost. */
    void lose() {
        main.lose();
        for (SideOutput side : sides) {
            side.output().lose();
        }
    }

    /** Publishes a frame wherever it is due; in the main stream first. The frame stays the caller's. */
    void offer(AVFrame frame, Rational timeBase) throws IOException {
        if (main.takes(FrameFacts.ptsNanos(frame, timeBase))) {
            main.offer(frame, timeBase);
        }
        for (SideOutput side : sides) {
            side.offer(frame, timeBase); // subscribers may read the frame already: it is only read here, too
        }
    }

    /** Whether the frame due at a time would be left out everywhere; it is counted as left out then. */
    boolean leavesOut(long ptsNanos) {
        boolean wanted = ptsNanos == FrameInfo.NO_TIME || main.wants(ptsNanos);
        for (int i = 0; i < sides.length && !wanted; i++) {
            wanted = sides[i].output().wants(ptsNanos);
        }
        if (!wanted) {
            main.leaveOut();
            for (SideOutput side : sides) {
                side.output().leaveOut();
            }
        }
        return !wanted;
    }

    /** Publishes what the filters still hold. */
    void drain() throws IOException {
        main.drain();
        for (SideOutput side : sides) {
            side.drain();
        }
    }

    /** Frees all, the main stream's writer last: the others work on its GPU stream. */
    @Override
    public void close() {
        for (SideOutput side : sides) {
            side.close();
        }
        main.close();
    }
}

package io.github.cuframes.tests.gpu;

import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaEvent;
import io.github.cuframes.memory.cuda.CudaStream;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Report;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A subscriber process that holds frames and has the GPU work on them. Arguments as those of {@link ChecksumSubscriber},
 * and {@code take} (frames to hold), {@code work} (MiB that each copy copies) and {@code copies}.
 *
 * <p>At the start it takes its frames, queues two streams, and writes {@code busy frames=… epoch=… sequence=… pending=…}: one
 * stream has copies and then those of the frames to do, the other the same, but held back. Then it does what lines on its stdin
 * say:
 *
 * <ul>
 *   <li>{@code check}: downloads the frames that it holds, and writes {@code checked frames=… equal=…}
 *   <li>{@code finish}: lets all work go on, waits for it, compares what it copied and writes {@code finished pending=… equal=…}, with
 *       what was still to do before; gives the frames back
 *   <li>{@code next}: takes one more frame, and writes {@code next epoch=… sequence=… reconnects=…}
 * </ul>
 */
public final class BusySubscriber {

    private static final PrintStream OUT = System.out;
    private static final Duration POLL = Duration.ofMillis(100);

    /** A stream, where it puts its copies of frames, and what is complete at its end. */
    private record Lane(CudaStream stream, CudaEvent end, List<GpuMemory> copies) {}

    private final Report options;
    private final FrameSum sum = new FrameSum();
    private final List<Frame> frames = new ArrayList<>();
    private final List<Integer> sums = new ArrayList<>();
    private final List<Lane> lanes = new ArrayList<>();
    private final RawCuda.Gate gate = new RawCuda.Gate();

    private BusySubscriber(Report options) {
        this.options = options;
    }

    /** Runs until stdin ends. */
    public static void main(String[] arguments) throws IOException {
        new BusySubscriber(Report.parse("options " + String.join(" ", arguments))).run();
        System.exit(0); // memory and contexts go with the process
    }

    private void run() throws IOException {
        try (Subscriber subscriber = ChecksumSubscriber.builder(options).connect();
                BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            while (frames.size() < options.number("take")) {
                Frame frame = take(subscriber);
                frames.add(frame);
                sums.add(sum.of(frame));
            }
            queue();
            Frame last = frames.get(frames.size() - 1);
            OUT.println("busy frames=" + frames.size() + " epoch=" + last.epoch() + " sequence=" + last.sequence()
                    + " pending=" + pending());
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                switch (line) {
                    case "check" -> check();
                    case "finish" -> finish();
                    case "next" -> next(subscriber);
                    default -> throw new IOException("no such command: " + line);
                }
            }
        }
    }

    private static Frame take(Subscriber subscriber) throws IOException {
        for (long end = System.nanoTime() + Await.DEADLINE.toNanos(); System.nanoTime() < end; ) {
            Frame frame = subscriber.next(POLL);
            if (frame != null) {
                return frame;
            }
        }
        throw new IOException("no frame comes");
    }

    private void queue() throws IOException {
        CudaContext context = CudaContext.retain(
                Cuda.device(frames.get(0).gpu().orElseThrow()).orElseThrow());
        RawCuda.call("cuCtxSetCurrent", context.handle());
        GpuMemory ballast = new GpuMemory(context, (int) options.number("work") << 21);
        for (boolean heldBack : new boolean[] {false, true}) {
            Lane lane = new Lane(CudaStream.create(context), CudaEvent.create(context), new ArrayList<>());
            lanes.add(lane);
            for (int i = 0; i < frames.size(); i++) {
                lane.copies().add(new GpuMemory(context, FrameSum.size(frames.get(i))));
            }
            long stream = lane.stream().handle();
            if (heldBack) {
                gate.close(stream);
            }
            ballast.work((int) options.number("copies"), stream);
            for (int i = 0; i < frames.size(); i++) {
                frames.get(i).awaitOn(stream);
                lane.copies().get(i).copyFrom(frames.get(i), stream);
            }
            lane.end().record(stream);
        }
    }

    private int pending() throws IOException {
        int pending = 0;
        for (Lane lane : lanes) {
            pending += lane.end().isComplete() ? 0 : 1;
        }
        return pending;
    }

    private void check() {
        boolean equal = true;
        for (int i = 0; i < frames.size(); i++) {
            int now = sum.of(frames.get(i));
            if (now != sums.get(i)) {
                equal = false;
                OUT.println("changed sequence=" + frames.get(i).sequence() + " was=" + Integer.toHexString(sums.get(i))
                        + " is=" + Integer.toHexString(now));
            }
        }
        OUT.println("checked frames=" + frames.size() + " equal=" + equal);
    }

    private void finish() throws IOException {
        int pending = pending();
        gate.open();
        boolean equal = true;
        for (Lane lane : lanes) {
            lane.end().synchronize();
            for (int i = 0; i < frames.size(); i++) {
                equal &= lane.copies().get(i).sum(sum, lane.stream().handle()) == sums.get(i);
            }
        }
        frames.forEach(Frame::close);
        frames.clear();
        OUT.println("finished pending=" + pending + " equal=" + equal);
    }

    private void next(Subscriber subscriber) throws IOException {
        try (Frame frame = take(subscriber)) {
            OUT.println("next epoch=" + frame.epoch() + " sequence=" + frame.sequence() + " reconnects="
                    + subscriber.statistics().reconnects());
        }
    }
}

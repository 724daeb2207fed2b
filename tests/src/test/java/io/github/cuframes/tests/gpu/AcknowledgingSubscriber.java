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
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A subscriber process that has the GPU copy frames in two streams, gives each back before its copy is made, and writes down the
 * checksums of the copies as lines of {@link Received}. Arguments as those of {@link ChecksumSubscriber}, and {@code through},
 * {@code long} (numbers of frames), {@code work} (MiB that each copy of long work copies), {@code copies}.
 *
 * <p>Two frames go to a stream that is held back; then {@code through} frames one by one through the other stream, after
 * which it writes {@code through pending=…}, whether the first stream still has to copy its frames, and waits for a line on stdin. Then
 * the first stream goes on; and {@code long} frames are given to both in turn, each behind long work. It ends with {@code summary
 * received=… dropped=…}.
 */
public final class AcknowledgingSubscriber {

    private static final PrintStream OUT = System.out;
    private static final Duration POLL = Duration.ofMillis(100);
    private static final int HELD_BACK = 2;

    /** A frame that was given back, and what was copied of it. */
    private record Copied(long epoch, long sequence, long ptsNanos, GpuMemory copy) {
        void write(FrameSum sum, long stream, PrintWriter file) throws IOException {
            file.println(new Received(epoch, sequence, ptsNanos, false, copy.sum(sum, stream)).line());
        }
    }

    private final Report options;
    private final Subscriber subscriber;
    private final CudaContext context;
    private final FrameSum sum = new FrameSum();
    private final List<CudaStream> streams = new ArrayList<>();
    private Frame first;

    private AcknowledgingSubscriber(Report options, Subscriber subscriber) throws IOException {
        this.options = options;
        this.subscriber = subscriber;
        this.first = take();
        this.context = CudaContext.retain(Cuda.device(first.gpu().orElseThrow()).orElseThrow());
        RawCuda.call("cuCtxSetCurrent", context.handle());
        streams.add(CudaStream.create(context));
        streams.add(CudaStream.create(context));
    }

    /** Runs once. */
    public static void main(String[] arguments) throws IOException {
        Report options = Report.parse("options " + String.join(" ", arguments));
        try (Subscriber subscriber = ChecksumSubscriber.builder(options).connect();
                PrintWriter file = new PrintWriter(options.text("file"))) {
            new AcknowledgingSubscriber(options, subscriber).run(file);
            OUT.println("summary received=" + subscriber.statistics().received() + " dropped="
                    + subscriber.statistics().dropped());
        }
        System.exit(0); // memory and contexts go with the process
    }

    private Frame take() throws IOException {
        if (first != null) {
            Frame taken = first;
            first = null;
            return taken;
        }
        for (long end = System.nanoTime() + Await.DEADLINE.toNanos(); System.nanoTime() < end; ) {
            Frame frame = subscriber.next(POLL);
            if (frame != null) {
                return frame;
            }
        }
        throw new IOException("no frame comes");
    }

    private Copied copy(GpuMemory to, long stream) throws IOException {
        Frame frame = take();
        Copied copied = new Copied(frame.epoch(), frame.sequence(), frame.ptsNanos(), to);
        frame.awaitOn(stream);
        to.copyFrom(frame, stream);
        frame.releaseAfter(stream);
        return copied;
    }

    private void run(PrintWriter file) throws IOException {
        long heldBack = streams.get(0).handle();
        long free = streams.get(1).handle();
        // all of it now: allocating and freeing may wait for streams
        List<GpuMemory> memory = new ArrayList<>();
        for (long i = 0; i < Math.max(HELD_BACK + 1, options.number("long")); i++) {
            memory.add(new GpuMemory(context, FrameSum.size(first)));
        }
        GpuMemory ballast = new GpuMemory(context, (int) options.number("work") << 21);
        RawCuda.Gate gate = new RawCuda.Gate();
        gate.close(heldBack);
        List<Copied> late = new ArrayList<>();
        for (int i = 0; i < HELD_BACK; i++) {
            late.add(copy(memory.get(i), heldBack));
        }
        CudaEvent end = CudaEvent.create(context);
        end.record(heldBack);
        for (long i = 0; i < options.number("through"); i++) {
            copy(memory.get(HELD_BACK), free).write(sum, free, file);
        }
        OUT.println("through pending=" + !end.isComplete());
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        if (input.readLine() == null) {
            return;
        }
        gate.open();
        end.synchronize();
        for (Copied copied : late) {
            copied.write(sum, heldBack, file);
        }
        late.clear();
        for (int i = 0; i < options.number("long"); i++) {
            long stream = streams.get(i % streams.size()).handle();
            ballast.work((int) options.number("copies"), stream);
            late.add(copy(memory.get(i), stream));
        }
        for (int i = 0; i < late.size(); i++) {
            late.get(i).write(sum, streams.get(i % streams.size()).handle(), file);
        }
    }
}

package io.github.cuframes.benchmarks;

import io.github.cuframes.memory.cuda.CudaContext;
import java.io.IOException;
import java.util.List;

/** A process of {@link BoxBenchmark}: what all of them answer to. */
abstract class BoxMember implements Servant {

    private static final String DONE = "done";

    private final Pauses pauses = new Pauses();

    /** Held from the order {@code context} to the end, so that it can be told from what comes later; null without a GPU. */
    private CudaContext context;

    private Tally baseline = new Tally();
    private long marked = System.nanoTime();

    /** Does what is this process's own. */
    abstract void carryOut(String order, List<String> arguments) throws IOException;

    /** Counting begins: peaks are forgotten. */
    abstract void mark();

    /** What was counted since the process began. */
    abstract Tally counts() throws IOException;

    /** Ends what the process does on the GPU. */
    abstract void stop() throws IOException;

    @Override
    public final String answer(String order, List<String> arguments) throws IOException {
        return switch (order) {
            case "context" -> {
                context = GpuPlace.retain();
                yield DONE;
            }
            case "use" -> Use.ofThisProcess().toLine();
            case "mark" -> {
                pauses.forgetLongest();
                mark();
                marked = System.nanoTime();
                baseline = now();
                yield DONE;
            }
            case "account" -> now().since(baseline).toLine();
            default -> {
                carryOut(order, arguments);
                yield DONE;
            }
        };
    }

    private Tally now() throws IOException {
        Tally tally = counts().add(Tally.Count.NANOS, System.nanoTime() - marked)
                .add(Tally.Count.CPU_NANOS, Machine.cpuNanos());
        pauses.addTo(tally);
        return tally;
    }

    @Override
    public final void close() throws IOException {
        stop();
        if (context != null) {
            context.close();
        }
    }
}

package io.github.cuframes.benchmarks;

import io.github.cuframes.memory.cuda.CudaContext;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * What the driver says of the GPU's memory, and its management library of the decoder, asked in a process of its own, whose context is there from the beginning to
 * the end and so is in no difference.
 */
final class GpuGauge implements AutoCloseable {

    private static final long SETTLED_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long LONGEST_SETTLING_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final ChildJvm process = new ChildJvm(GpuGauge.class, List.of());

    GpuGauge() throws IOException {
        free(); // from here on the context is there
    }

    /** Bytes of the GPU that nobody uses. */
    long free() throws IOException {
        return Long.parseLong(process.ask("free"));
    }

    /** From now on a sample a second of how busy the decoder is. */
    void watchDecoder() throws IOException {
        process.ask("watch");
    }

    /** How busy the decoder was since it is watched; empty where NVIDIA's management library does not say. */
    Optional<DecoderSamples.Busy> decoder() throws IOException {
        return DecoderSamples.Busy.ofLine(process.ask("decoder"));
    }

    /** {@link #free()} once it stays the same for a while; after five seconds as it is. */
    long settled() throws IOException {
        long free = free();
        long deadline = System.nanoTime() + LONGEST_SETTLING_NANOS;
        long same = System.nanoTime();
        while (System.nanoTime() - same < SETTLED_NANOS && System.nanoTime() - deadline < 0) {
            Machine.awaitTime(System.nanoTime() + SETTLED_NANOS / 5);
            long now = free();
            if (now != free) {
                free = now;
                same = System.nanoTime();
            }
        }
        return free;
    }

    /** Bytes that {@code nvidia-smi} says a process uses; empty where it does not say. */
    static OptionalLong ofProcess(long pid) throws IOException {
        Process tool;
        try {
            tool = new ProcessBuilder(
                            "nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits")
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            return OptionalLong.empty(); // there is no such command here
        }
        tool.getOutputStream().close();
        try (BufferedReader lines = tool.inputReader()) {
            return lines.lines()
                    .map(line -> line.split(", *"))
                    .filter(cells -> cells.length == 2
                            && cells[0].equals(String.valueOf(pid))
                            && cells[1].chars().allMatch(Character::isDigit))
                    .mapToLong(cells -> Long.parseLong(cells[1]) << 20)
                    .findFirst();
        }
    }

    @Override
    public void close() throws IOException {
        process.close();
    }

    /** The process. */
    public static void main(String[] arguments) throws IOException {
        CudaContext context = GpuPlace.retain();
        DecoderSamples decoder = new DecoderSamples(context.device().uuid());
        Servant.serve(new Servant() {
            @Override
            public String answer(String order, List<String> words) throws IOException {
                return switch (order) {
                    case "free" -> String.valueOf(context.freeMemory());
                    case "watch" -> {
                        decoder.begin();
                        yield "done";
                    }
                    case "decoder" -> decoder.busy().toLine();
                    default -> throw Servant.unknown(order);
                };
            }

            @Override
            public void close() {
                decoder.close();
                context.close();
            }
        });
    }
}

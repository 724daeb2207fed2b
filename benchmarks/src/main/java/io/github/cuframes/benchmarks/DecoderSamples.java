package io.github.cuframes.benchmarks;

import io.github.cuframes.memory.cuda.Nvml;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How busy a GPU's decoder is, once a second, on a thread of its own. Any thread. */
final class DecoderSamples implements AutoCloseable {

    /**
     * What the samples say.
     *
     * @param samples how many there are; 0 if the GPU does not tell
     * @param mean percent
     * @param most percent
     */
    record Busy(long samples, double mean, int most) {

        String toLine() {
            return samples + " " + mean + " " + most;
        }

        static Optional<Busy> ofLine(String line) {
            String[] parts = line.split(" ");
            Busy busy = new Busy(Long.parseLong(parts[0]), Double.parseDouble(parts[1]), Integer.parseInt(parts[2]));
            return busy.samples > 0 ? Optional.of(busy) : Optional.empty();
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(DecoderSamples.class);

    /** As the management library writes it; its numbers are not those of CUDA. */
    private final String gpu;

    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "decoder-samples");
        thread.setDaemon(true); // the library may hang in a driver that has failed
        return thread;
    });

    private boolean begun;
    private long samples;
    private long sum;
    private int most;

    DecoderSamples(UUID gpu) {
        this.gpu = "GPU-" + gpu;
    }

    /** Samples are taken from now on; those before are forgotten. */
    synchronized void begin() {
        samples = 0;
        sum = 0;
        most = 0;
        if (!begun) {
            begun = true;
            Nvml.unavailable().ifPresent(why -> LOG.warn("how busy the decoder is, nobody says: {}", why));
            clock.scheduleAtFixedRate(this::sample, 1, 1, TimeUnit.SECONDS);
        }
    }

    private void sample() {
        OptionalInt percent = Nvml.read().gpus().stream()
                .filter(one -> one.uuid().equalsIgnoreCase(gpu))
                .findFirst()
                .map(Nvml.Usage::decoderPercent)
                .orElse(OptionalInt.empty());
        percent.ifPresent(this::add);
    }

    private synchronized void add(int percent) {
        samples++;
        sum += percent;
        most = Math.max(most, percent);
    }

    synchronized Busy busy() {
        return new Busy(samples, samples == 0 ? 0 : (double) sum / samples, most);
    }

    @Override
    public void close() {
        clock.shutdownNow();
    }
}

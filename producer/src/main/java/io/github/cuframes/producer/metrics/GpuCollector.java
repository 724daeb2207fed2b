package io.github.cuframes.producer.metrics;

import io.github.cuframes.memory.cuda.Nvml;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The GPUs, where NVIDIA's management library can be used; loads it at the first scrape. A line in the log says once what is not to
 * be had. Any thread; one at a time asks the library, and where that hangs in a failed driver, the others do without.
 */
final class GpuCollector implements MultiCollector {

    private static final Logger LOG = LoggerFactory.getLogger(GpuCollector.class);
    private static final long PATIENCE_MILLIS = 500;
    private static final double PERCENT = 100;

    private final ReentrantLock lock = new ReentrantLock();
    private final Set<String> said = new HashSet<>();

    @Override
    public MetricSnapshots collect() {
        Families families = new Families();
        try {
            if (lock.tryLock(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)) {
                try {
                    read(families);
                } finally {
                    lock.unlock();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the server is being closed
        }
        return families.snapshots();
    }

    private void read(Families families) {
        Optional<String> unavailable = Nvml.unavailable();
        if (unavailable.isPresent()) {
            if (said.add("")) {
                LOG.info("no metrics of GPUs: {}", unavailable.get());
            }
            return;
        }
        Nvml.Reading reading = Nvml.read();
        for (String problem : reading.problems()) {
            if (said.add(problem)) {
                LOG.warn("metrics of a GPU are missing: {}", problem);
            }
        }
        for (Nvml.Usage gpu : reading.gpus()) {
            gpu.decoderPercent().ifPresent(busy -> families.add(Metric.GPU_DECODER, busy / PERCENT, gpu.uuid()));
            gpu.memoryUsed().ifPresent(bytes -> families.add(Metric.GPU_MEMORY_USED, bytes, gpu.uuid()));
            gpu.memoryTotal().ifPresent(bytes -> families.add(Metric.GPU_MEMORY_TOTAL, bytes, gpu.uuid()));
        }
    }
}

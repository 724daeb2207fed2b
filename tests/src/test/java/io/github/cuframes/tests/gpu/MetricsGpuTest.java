package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaDevice;
import io.github.cuframes.memory.cuda.Nvml;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;

/** What metrics say of the GPUs. */
@GpuTest
@Timeout(60)
class MetricsGpuTest {

    private static final int PERCENT = 100;

    @Test
    void theManagementLibraryShowsTheDriversGpus(TestReporter reporter) throws Exception {
        assertEquals(Optional.empty(), Nvml.unavailable());
        Nvml.Reading reading = Nvml.read();
        reporter.publishEntry("NVML", reading.toString());
        assertEquals(List.of(), reading.problems());
        List<CudaDevice> devices = Cuda.devices();
        assertTrue(!devices.isEmpty() && reading.gpus().size() >= devices.size(), reading.toString());
        for (CudaDevice device : devices) {
            Nvml.Usage gpu = reading.gpus().stream()
                    .filter(one -> one.uuid().equalsIgnoreCase("GPU-" + device.uuid()))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError(device + " is not in " + reading));
            assertTrue(gpu.memoryUsed().orElseThrow() <= gpu.memoryTotal().orElseThrow(), gpu.toString());
            int busy = gpu.decoderPercent().orElseThrow();
            assertTrue(busy >= 0 && busy <= PERCENT, gpu.toString());
        }
    }
}

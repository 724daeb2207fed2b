package io.github.cuframes.tests.gpu;

import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaDevice;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A process beside all others that says what the driver tells of the GPUs' memory: {@code ready gpus=…}, then for each line on
 * its stdin {@code level free0=… free1=…}, in bytes. The end of stdin ends it.
 */
public final class GpuMemoryProbe {

    private static final PrintStream OUT = System.out;

    private GpuMemoryProbe() {}

    /** Runs until stdin ends. */
    public static void main(String[] arguments) throws IOException {
        List<CudaContext> contexts = new ArrayList<>();
        for (CudaDevice device : Cuda.devices()) {
            contexts.add(CudaContext.retain(device));
        }
        OUT.println("ready gpus=" + contexts.size());
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            while (input.readLine() != null) {
                StringBuilder level = new StringBuilder("level");
                for (int i = 0; i < contexts.size(); i++) {
                    level.append(" free")
                            .append(i)
                            .append('=')
                            .append(contexts.get(i).freeMemory());
                }
                OUT.println(level);
            }
        }
        contexts.forEach(CudaContext::close);
    }
}

package io.github.cuframes.tests.gpu;

import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.Producer;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;

/** Two producers in one process, {@code cam0} on GPU 0 and {@code cam1} on GPU 1. Arguments: a clip, the run directory. */
public final class TwoProducers {

    private static final PrintStream OUT = System.out;

    private TwoProducers() {}

    private static Producer open(int gpu, String[] arguments) throws IOException {
        return Producer.builder("cam" + gpu)
                .input(arguments[0])
                .loop(true)
                .memory(Memory.CUDA)
                .gpu(String.valueOf(gpu))
                .waitForSubscribers(1)
                .publish(publisher -> publisher.runDirectory(Path.of(arguments[1])))
                .open();
    }

    /** Runs until stdin ends. */
    public static void main(String[] arguments) throws IOException {
        try (Producer first = open(0, arguments);
                Producer second = open(1, arguments)) {
            while (System.in.read() >= 0) {
                // nothing is asked
            }
            OUT.println("copied cam0=" + first.counters().copied() + " cam1="
                    + second.counters().copied());
        }
    }
}

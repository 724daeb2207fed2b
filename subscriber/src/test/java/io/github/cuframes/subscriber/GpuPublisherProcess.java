package io.github.cuframes.subscriber;

import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaIpcMemoryAllocator;
import io.github.cuframes.memory.cuda.CudaMemoryAllocator;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@link PublisherProcess} with memory of the stand-in GPU. */
public final class GpuPublisherProcess {

    private GpuPublisherProcess() {}

    /** Starts one. */
    public static Process start(Path directory, String key, MemoryKind kind, int framesForEach) throws IOException {
        ProcessBuilder builder = PublisherProcess.java(
                GpuPublisherProcess.class, directory.toString(), key, kind.name(), Integer.toString(framesForEach));
        List<String> command = new ArrayList<>(builder.command());
        command.add(1, StandIn.option());
        return builder.command(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** Directory, key, kind of memory, frames for each client. */
    public static void main(String[] arguments) throws Exception {
        try (CudaContext context = CudaContext.retain(Cuda.devices().get(0))) {
            FrameMemoryAllocator allocator = MemoryKind.valueOf(arguments[2]) == MemoryKind.CUDA_IPC
                    ? new CudaIpcMemoryAllocator(context)
                    : new CudaMemoryAllocator(context);
            PublisherProcess.run(
                    new ScriptedPublisher(Path.of(arguments[0]), arguments[1], allocator, context),
                    Integer.parseInt(arguments[3]));
        }
    }
}

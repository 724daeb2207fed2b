package io.github.cuframes.memory.cuda;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.TestProcess;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.standin.StandInControl;
import io.github.cuframes.standin.StandInDriver;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assertions;

/** Another process with the stand-in driver, which does what it is told line by line and answers each with a line. */
final class CudaPeer implements AutoCloseable {

    static final String OK = "ok";

    private final TestProcess process;

    CudaPeer(Map<String, String> environment) throws IOException {
        process = new TestProcess(
                environment, List.of("-Dcuframes.cuda.library=" + StandInDriver.build()), CudaPeer.class);
    }

    /** What it answers to a command. */
    String ask(String... words) throws IOException {
        process.say(String.join(" ", words));
        String answer = process.line();
        Assertions.assertNotNull(answer, "the process ended");
        return answer;
    }

    /** Lets it import what this process, or another, shares. */
    String importMemory(MemoryKind kind, String name, long size) throws IOException {
        return ask(kind == MemoryKind.CUDA ? "map" : "open", name, String.valueOf(size));
    }

    /** By what other processes find memory of this process. */
    static String nameOf(FrameMemory memory) throws IOException {
        if (memory.kind() == MemoryKind.CUDA_IPC) {
            return HexFormat.of().formatHex(memory.legacyHandle().orElseThrow());
        }
        return "/proc/" + ProcessHandle.current().pid() + "/fd/"
                + Descriptors.number(memory.descriptor().orElseThrow());
    }

    /** A descriptor of another process, as if it had come through a socket. */
    @SuppressWarnings("resource") // the descriptor is closed by who gets it
    static FileDescriptor received(String path) throws IOException {
        return new RandomAccessFile(path, "rw").getFD();
    }

    void kill() throws InterruptedException {
        process.kill();
    }

    @Override
    public void close() {
        process.close();
    }

    /** The other process's side. */
    private static final class Commands {
        private CudaContext context;
        private FrameMemory memory;
        private ImportedCudaMemory imported;

        private String run(String[] words) throws IOException {
            switch (words[0]) {
                case "devices":
                    return Cuda.devices().toString();
                case "gpu":
                    context = CudaContext.retain(Cuda.device(words[1]));
                    return OK;
                case "allocate":
                    memory = (words[1].equals("CUDA")
                                    ? new CudaMemoryAllocator(context)
                                    : new CudaIpcMemoryAllocator(context))
                            .allocate(Long.parseLong(words[2]));
                    StandInFixture.fill(context, memory.deviceAddress(), Integer.parseInt(words[3]), memory.size());
                    return nameOf(memory);
                case "free":
                    memory.close();
                    return OK;
                case "map":
                    imported = ImportedCudaMemory.map(context, received(words[1]), Long.parseLong(words[2]));
                    return OK;
                case "open":
                    imported = ImportedCudaMemory.open(
                            context, HexFormat.of().parseHex(words[1]), Long.parseLong(words[2]));
                    return OK;
                case "read":
                    return HexFormat.of().formatHex(StandInFixture.read(context, imported.deviceAddress(), 4));
                case "write":
                    try (CudaStream stream = CudaStream.create(context)) {
                        ByteBuffer bytes = ByteBuffer.allocateDirect(1).put(0, (byte) 42);
                        long from = com.sun.jna.Pointer.nativeValue(com.sun.jna.Native.getDirectBufferPointer(bytes));
                        new CudaCopy(context).toDevice(from, 1, imported.deviceAddress(), 1, 1, 1, stream.handle());
                        stream.synchronize();
                    }
                    return OK;
                case "close":
                    imported.close();
                    return StandInControl.load().live().toString();
                default:
                    throw new IllegalArgumentException(words[0]);
            }
        }
    }

    /** Reads commands to the end of the input. */
    public static void main(String[] arguments) throws IOException {
        Commands commands = new Commands();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String answer;
            try {
                answer = commands.run(line.split(" "));
            } catch (IOException | RuntimeException e) {
                answer = e.toString();
            }
            out.println(answer);
        }
    }
}

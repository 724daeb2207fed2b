package io.github.cuframes.tests.gpu;

import com.sun.jna.Memory;
import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/**
 * The two processes of {@link WedgeGpuTest}, which do what cuframes never does. They call the driver by themselves.
 *
 * <p>{@code exporter} makes an interprocess event pending, writes {@code pending query=… handle=…} and waits for its end. {@code importer
 * handle=…} opens the event, or with {@code handle=own} makes a pending one of its own, writes {@code opened} and does what lines on
 * its stdin say, each with a report of that name: {@code query} (of the event), {@code wait} (tells a stream to wait for it, and queries the
 * stream), {@code other} (runs work in another stream to its end), {@code stream} (queries the stream that waits) and {@code
 * free} (frees memory in another thread: {@code freeing}, and {@code freed} if it ever returns).
 */
public final class Wedge {

    private static final PrintStream OUT = System.out;
    private static final int NON_BLOCKING = 1;
    private static final int DISABLE_TIMING = 2;
    private static final int INTERPROCESS = 4;
    private static final long SIZE = 1 << 20;

    /** Never opened: the driver has its address for as long as the process lives. */
    private static final RawCuda.Gate GATE = new RawCuda.Gate();

    private Wedge() {}

    /** Runs until stdin ends. */
    public static void main(String[] arguments) throws IOException {
        CudaContext context = CudaContext.retain(Cuda.device("0"));
        RawCuda.call("cuCtxSetCurrent", context.handle());
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            if (arguments[0].equals("exporter")) {
                export(input);
            } else {
                new Importer(context, arguments[1].substring("handle=".length())).serve(input);
            }
        }
        System.exit(0); // nothing can be closed in an orderly way here
    }

    /** An event behind work that does not end. */
    private static long pendingEvent(int flags) {
        long stream = RawCuda.make("cuStreamCreate", NON_BLOCKING);
        long event = RawCuda.make("cuEventCreate", flags);
        GATE.close(stream);
        RawCuda.call("cuEventRecord", event, stream);
        return event;
    }

    private static void export(BufferedReader input) throws IOException {
        long event = pendingEvent(DISABLE_TIMING | INTERPROCESS);
        try (Memory handle = new Memory(64)) {
            RawCuda.call("cuIpcGetEventHandle", handle, event);
            OUT.println("pending query=" + RawCuda.result("cuEventQuery", event) + " handle="
                    + HexFormat.of().formatHex(handle.getByteArray(0, 64)));
        }
        while (input.readLine() != null) {
            // until it is killed
        }
    }

    private static final class Importer {

        private final CudaContext context;
        private final long event;
        private final long waiting = RawCuda.make("cuStreamCreate", NON_BLOCKING);
        private final long other = RawCuda.make("cuStreamCreate", NON_BLOCKING);
        private final long memory = RawCuda.allocate(SIZE);
        private final long toFree = RawCuda.allocate(SIZE);

        Importer(CudaContext context, String handle) {
            this.context = context;
            event = handle.equals("own") ? pendingEvent(DISABLE_TIMING) : open(handle);
        }

        private static long open(String handle) {
            RawCuda.IpcHandle byValue = new RawCuda.IpcHandle();
            System.arraycopy(HexFormat.of().parseHex(handle), 0, byValue.reserved, 0, byValue.reserved.length);
            return RawCuda.make("cuIpcOpenEventHandle", byValue);
        }

        void serve(BufferedReader input) throws IOException {
            OUT.println("opened");
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                switch (line) {
                    case "query" -> report(line, RawCuda.result("cuEventQuery", event));
                    case "wait" -> {
                        RawCuda.call("cuStreamWaitEvent", waiting, event, 0);
                        RawCuda.call("cuMemsetD8Async", memory, (byte) 1, SIZE, waiting);
                        report(line, RawCuda.result("cuStreamQuery", waiting));
                    }
                    case "other" -> {
                        RawCuda.call("cuMemsetD8Async", memory, (byte) 2, SIZE, other);
                        report(line, RawCuda.result("cuStreamSynchronize", other));
                    }
                    case "stream" -> report(line, RawCuda.result("cuStreamQuery", waiting));
                    case "free" -> free();
                    default -> throw new IOException("no such command: " + line);
                }
            }
        }

        private static void report(String kind, int result) {
            OUT.println(kind + " result=" + result);
        }

        private void free() {
            Thread thread = new Thread(
                    () -> {
                        RawCuda.call("cuCtxSetCurrent", context.handle());
                        OUT.println("freeing");
                        int result = RawCuda.result("cuMemFree_v2", toFree);
                        OUT.println("freed result=" + result);
                    },
                    "free");
            thread.setDaemon(true);
            thread.start();
        }
    }
}

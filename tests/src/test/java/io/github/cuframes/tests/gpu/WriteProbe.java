package io.github.cuframes.tests.gpu;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaDevice;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Report;
import java.io.IOException;
import java.io.PrintStream;

/**
 * A subscriber process that tries to write into a frame. Arguments as those of {@link ChecksumSubscriber}, and {@code
 * kernel=true}. It writes {@code wrote memset=… fromDevice=… fromHost=…}, which are CUresults, {@code before=… after=…}, the frame's
 * checksums, and {@code sequence=…}; or, with a kernel, {@code wrote kernel=…} when the GPU has stopped it.
 */
public final class WriteProbe {

    private static final PrintStream OUT = System.out;
    private static final long SIZE = 4096;

    /** Stores one word at the address that it is given. */
    private static final String KERNEL = ".version 7.0\n"
            + ".target sm_50\n"
            + ".address_size 64\n"
            + ".visible .entry store(.param .u64 target)\n"
            + "{\n"
            + "    .reg .u64 %address;\n"
            + "    .reg .u32 %word;\n"
            + "    ld.param.u64 %address, [target];\n"
            + "    cvta.to.global.u64 %address, %address;\n"
            + "    mov.u32 %word, 305419896;\n"
            + "    st.global.u32 [%address], %word;\n"
            + "    ret;\n"
            + "}\n";

    private WriteProbe() {}

    /** Tries once. */
    public static void main(String[] arguments) throws IOException {
        Report options = Report.parse("options " + String.join(" ", arguments));
        try (Subscriber subscriber = ChecksumSubscriber.builder(options).connect();
                Frame frame = subscriber.next(Await.DEADLINE)) {
            CudaDevice device = Cuda.device(frame.gpu().orElseThrow()).orElseThrow();
            CudaContext context = CudaContext.retain(device);
            RawCuda.call("cuCtxSetCurrent", context.handle());
            if ("true".equals(options.fields().get("kernel"))) {
                OUT.println("wrote kernel=" + runKernel(frame.deviceAddress(0)));
                System.exit(0); // the context is broken by now, and nothing can be closed in it
            }
            copy(frame);
            RawCuda.call("cuCtxSetCurrent", Pointer.NULL);
            context.close();
        }
    }

    private static void copy(Frame frame) {
        FrameSum sum = new FrameSum();
        int before = sum.of(frame);
        long target = frame.deviceAddress(0);
        long own = RawCuda.allocate(SIZE);
        try (Memory host = new Memory(SIZE)) {
            host.clear();
            RawCuda.call("cuMemsetD8_v2", own, (byte) 0x5a, SIZE);
            int set = RawCuda.result("cuMemsetD8_v2", target, (byte) 0x5a, SIZE);
            int fromDevice = RawCuda.result("cuMemcpyDtoD_v2", target, own, SIZE);
            int fromHost = RawCuda.result("cuMemcpyHtoD_v2", target, host, SIZE);
            OUT.println("wrote memset=" + set + " fromDevice=" + fromDevice + " fromHost=" + fromHost + " before="
                    + before + " after=" + sum.of(frame) + " sequence=" + frame.sequence());
        } finally {
            RawCuda.call("cuMemFree_v2", own);
        }
    }

    /** Returns what the driver says when the kernel has ended. */
    private static int runKernel(long target) {
        try (Memory text = new Memory(KERNEL.length() + 1L);
                Memory parameter = new Memory(Long.BYTES);
                Memory parameters = new Memory(Long.BYTES);
                Memory name = new Memory(16)) {
            text.setString(0, KERNEL);
            name.setString(0, "store");
            long module = RawCuda.make("cuModuleLoadData", text);
            long function = RawCuda.make("cuModuleGetFunction", module, name);
            parameter.setLong(0, target);
            parameters.setPointer(0, parameter);
            RawCuda.call("cuLaunchKernel", function, 1, 1, 1, 1, 1, 1, 0, 0L, parameters, Pointer.NULL);
            return RawCuda.result("cuCtxSynchronize");
        }
    }
}

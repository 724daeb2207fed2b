package io.github.cuframes.tests.gpu;

import com.sun.jna.Callback;
import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import io.github.cuframes.memory.cuda.Cuda;
import java.util.concurrent.CountDownLatch;

/**
 * The driver's functions by name, for tests that do what cuframes never does. Pointers and handles are {@code long}.
 */
final class RawCuda {

    static final int SUCCESS = 0;
    static final int INVALID_VALUE = 1;
    static final int NOT_READY = 600;

    private static final NativeLibrary LIBRARY = NativeLibrary.getInstance(Cuda.library());

    private RawCuda() {}

    /** 64 bytes by value: a legacy handle of an event. */
    @Structure.FieldOrder("reserved")
    public static final class IpcHandle extends Structure implements Structure.ByValue {
        // CHECKSTYLE:OFF JNA wants fields that it can write
        /** Opaque. */
        public byte[] reserved = new byte[64];
        // CHECKSTYLE:ON
    }

    /** What the driver calls from a stream. */
    public interface HostFunction extends Callback {
        /** Runs on a thread of the driver's. */
        void run(Pointer data);
    }

    /** Calls a function by its symbol and returns the CUresult. */
    static int result(String symbol, Object... arguments) {
        Function function = LIBRARY.getFunction(symbol);
        return function.invokeInt(arguments);
    }

    /** Calls a function that is to succeed. */
    static void call(String symbol, Object... arguments) {
        int result = result(symbol, arguments);
        if (result != SUCCESS) {
            throw new IllegalStateException(symbol + " returns " + result);
        }
    }

    /** Calls a function that is to succeed and writes a pointer or handle to where its first argument says. */
    static long make(String symbol, Object... arguments) {
        try (Memory out = new Memory(Long.BYTES)) {
            out.setLong(0, 0);
            Object[] all = new Object[arguments.length + 1];
            all[0] = out;
            System.arraycopy(arguments, 0, all, 1, arguments.length);
            call(symbol, all);
            return out.getLong(0);
        }
    }

    /** Memory of the GPU whose context is current. */
    static long allocate(long size) {
        return make("cuMemAlloc_v2", size);
    }

    /** Holds back a stream's work: what is queued behind it waits until it is opened, for ever if it never is. */
    static final class Gate {

        private final CountDownLatch open = new CountDownLatch(1);
        // the driver has its address until it was called
        private final HostFunction function = data -> {
            try {
                open.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // nobody does: the thread is the driver's
            }
        };

        /** Queues itself. */
        void close(long stream) {
            call("cuLaunchHostFunc", stream, function, Pointer.NULL);
        }

        void open() {
            open.countDown();
        }
    }
}

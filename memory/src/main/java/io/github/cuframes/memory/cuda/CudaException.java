package io.github.cuframes.memory.cuda;

import com.sun.jna.Pointer;
import java.io.IOException;

/** A function of the CUDA driver failed. */
public final class CudaException extends IOException {

    private static final long serialVersionUID = 1;

    private final String function;
    private final int code;

    private CudaException(String function, int code, String message) {
        super(message);
        this.function = function;
        this.code = code;
    }

    /** Throws if a result is not success. */
    static void check(int code, String function) throws CudaException {
        if (code != Driver.SUCCESS) {
            throw new CudaException(function, code, function + ": " + describe(code));
        }
    }

    /**
     * Throws if a result is not success.
     *
     * @param purpose what was to be done and what may help, as the end of "cannot …"
     */
    static void check(int code, String function, String purpose) throws CudaException {
        if (code != Driver.SUCCESS) {
            throw new CudaException(
                    function, code, "cannot " + purpose + " (" + function + ": " + describe(code) + ")");
        }
    }

    /** The code's name, number and text, such as "CUDA_ERROR_OUT_OF_MEMORY (2), out of memory". */
    static String describe(int code) {
        Scratch scratch = Scratch.cleared();
        if (Driver.cuGetErrorName(code, scratch.address()) != Driver.SUCCESS) {
            return "error " + code;
        }
        String name = new Pointer(scratch.getLong(0)).getString(0);
        boolean explained = Driver.cuGetErrorString(code, scratch.address()) == Driver.SUCCESS;
        return name + " (" + code + ")" + (explained ? ", " + new Pointer(scratch.getLong(0)).getString(0) : "");
    }

    /** The function's name as in the driver's documentation. */
    public String function() {
        return function;
    }

    /** The {@code CUresult}. */
    public int code() {
        return code;
    }
}

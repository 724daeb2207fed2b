package io.github.cuframes.memory.cuda;

import com.sun.jna.Native;

/**
 * The one function of the decoder's library that cuframes itself calls. A library of its own: a driver without it
 * shares memory all the same. Initializing this class loads it.
 */
final class NvdecLibrary {

    static {
        Native.register(NvdecLibrary.class, Nvdec.library());
    }

    private NvdecLibrary() {}

    /** Initializes this class, and does nothing else. */
    static void load() {}

    static native int cuvidGetDecoderCaps(long capabilities);
}

package io.github.cuframes.producer.decode;

import java.io.IOException;

/** Makes the writer of a source's frames, on the thread that will use it. */
@FunctionalInterface
public interface FrameWriters {

    /**
     * Makes a writer.
     *
     * @param filtered whether a filter changes the frames between decoder and writer
     * @return the caller's to close
     * @throws IOException if the memory or the GPU that it is for cannot be used
     */
    FrameWriter open(boolean filtered) throws IOException;
}

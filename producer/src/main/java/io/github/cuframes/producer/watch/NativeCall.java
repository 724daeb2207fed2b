package io.github.cuframes.producer.watch;

/** What a camera's thread does in native code, as far as it can hang there. */
public enum NativeCall {
    /** Making the GPU's stream, FFmpeg's view of it and the filter, whose kernels may have to be compiled. */
    SET_UP("preparing GPU and filter"),
    /** Resolving, connecting, probing. */
    OPEN("opening the input"),
    /** Waiting for a packet. */
    READ("reading a packet"),
    /** Taking leave of the input. */
    CLOSE_INPUT("closing the input"),
    /** Making a decoder. */
    OPEN_DECODER("opening the decoder"),
    /** Decoding a packet, which may allocate the slots' memory. */
    SEND("giving the decoder a packet"),
    /** Taking a frame out of the decoder. */
    RECEIVE("taking a frame from the decoder"),
    /** Freeing a decoder, with the work it has queued on a GPU. */
    CLOSE_DECODER("closing the decoder"),
    /** Allocating frame memory; as long as it hangs, nobody else can. */
    ALLOCATE("allocating frame memory"),
    /** Filtering a frame. */
    FILTER("filtering a frame"),
    /** Copying, converting or uploading a frame. */
    COPY("copying a frame"),
    /** Waiting until the GPU has written a frame. */
    GPU_WAIT("waiting for the GPU");

    private final String description;

    NativeCall(String description) {
        this.description = description;
    }

    /** For people: what the thread is at. */
    public String description() {
        return description;
    }
}

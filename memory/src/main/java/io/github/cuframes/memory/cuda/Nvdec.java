package io.github.cuframes.memory.cuda;

import java.util.Optional;

/** What the hardware decoder of a GPU can decode. Any thread may ask. */
public final class Nvdec {

    private static final String LIBRARY = System.getProperty("cuframes.nvcuvid.library", "libnvcuvid.so.1");

    // CUVIDDECODECAPS: 24 bytes of question, 64 of answer
    private static final int CODEC = 0;
    private static final int CHROMA = 4;
    private static final int BIT_DEPTH_LESS_8 = 8;
    /** A byte that is 1 if supported, a byte with the number of engines, 16 bits of output formats. */
    private static final int SUPPORT = 24;

    private static final int MAX_WIDTH = 28;
    private static final int MAX_HEIGHT = 32;
    private static final int MAX_MACROBLOCKS = 36;

    /** What is coded; the numbers are the library's. */
    public enum Codec {
        /** MPEG-2 Part 2, H.262. */
        MPEG2(1, "MPEG-2"),
        /** AVC. */
        H264(4, "H.264"),
        /** JPEG, and so MJPEG. */
        JPEG(5, "JPEG"),
        /** H.265. */
        HEVC(8, "HEVC"),
        /** VP8. */
        VP8(9, "VP8"),
        /** VP9. */
        VP9(10, "VP9"),
        /** AV1. */
        AV1(11, "AV1");

        private final int number;
        private final String label;

        Codec(int number, String label) {
            this.number = number;
            this.label = label;
        }

        /** Its usual name. */
        public String label() {
            return label;
        }
    }

    /** How colour is sampled; the numbers are the library's. */
    public enum Chroma {
        /** At half the width and height. */
        YUV420(1, "4:2:0"),
        /** At half the width. */
        YUV422(2, "4:2:2"),
        /** At every pixel. */
        YUV444(3, "4:4:4");

        private final int number;
        private final String label;

        Chroma(int number, String label) {
            this.number = number;
            this.label = label;
        }

        /** Its usual name. */
        public String label() {
            return label;
        }
    }

    /**
     * What a GPU can do with one kind of stream.
     *
     * @param supported whether it decodes it; the rest is 0 if not
     * @param engines decoders that share the work, 0 where the driver is too old to say
     * @param maxWidth pixels
     * @param maxHeight pixels
     * @param maxMacroblocks the most blocks of 16 by 16 pixels in a picture
     */
    public record Capabilities(boolean supported, int engines, int maxWidth, int maxHeight, int maxMacroblocks) {}

    private Nvdec() {}

    /** Loads the library once for the process. */
    private static final class Loaded {
        static final String FAILURE = SharedLibraries.problem(LIBRARY).orElseGet(Loaded::bind);

        private static String bind() {
            try {
                NvdecLibrary.load();
                return null;
            } catch (LinkageError e) {
                return LIBRARY + " has no cuvidGetDecoderCaps (" + e.getMessage() + ")";
            }
        }
    }

    /** The decoder library's name; the system property {@code cuframes.nvcuvid.library} may name another. Loads nothing. */
    public static String library() {
        return LIBRARY;
    }

    /** Why the decoder's library cannot be used; empty if it can. */
    public static Optional<String> unavailable() {
        return Optional.ofNullable(Loaded.FAILURE);
    }

    /**
     * Asks what a GPU can decode.
     *
     * @param context of the GPU
     * @param bitDepth bits of a sample
     * @throws CudaUnavailableException if the library cannot be used
     */
    public static Capabilities capabilities(CudaContext context, Codec codec, Chroma chroma, int bitDepth)
            throws CudaException, CudaUnavailableException {
        if (Loaded.FAILURE != null) {
            throw new CudaUnavailableException("the decoder's library cannot be used: " + Loaded.FAILURE);
        }
        context.enter();
        try {
            Scratch scratch = Scratch.cleared()
                    .putInt(CODEC, codec.number)
                    .putInt(CHROMA, chroma.number)
                    .putInt(BIT_DEPTH_LESS_8, bitDepth - Byte.SIZE);
            CudaException.check(NvdecLibrary.cuvidGetDecoderCaps(scratch.address()), "cuvidGetDecoderCaps");
            byte[] support = scratch.getBytes(SUPPORT, 2);
            if (support[0] == 0) {
                return new Capabilities(false, 0, 0, 0, 0);
            }
            return new Capabilities(
                    true,
                    Byte.toUnsignedInt(support[1]),
                    scratch.getInt(MAX_WIDTH),
                    scratch.getInt(MAX_HEIGHT),
                    scratch.getInt(MAX_MACROBLOCKS));
        } finally {
            context.leave();
        }
    }
}

package io.github.cuframes.producer.decode;

import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.Rational;
import java.io.IOException;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVFrame;

/**
 * Has a decoder write into the slots of a {@link io.github.cuframes.producer.publish.SlotSource}, and publishes what comes
 * out. Serves one decoder after the other, and belongs to their thread.
 */
public interface FrameWriter extends FrameAllocator, AutoCloseable {

    /** How a frame got to the subscribers, or that it did not. */
    enum Outcome {
        /** Published where the decoder put it. */
        IN_PLACE,
        /** Copied into a slot, by the host or by the GPU: where frames are, they stayed. */
        COPIED,
        /** Converted into a slot, perhaps uploaded. */
        CONVERTED,
        /** Decoded in software and uploaded into a slot on the GPU. */
        UPLOADED,
        /** Not published: every slot is in use. */
        NO_SLOT
    }

    /**
     * Another decoder is about to be made, or the filter behind it was made anew.
     *
     * @param base seconds of one tick of the frames' time stamps
     * @param rate frames a second, or unknown
     */
    void begin(Rational base, Rational rate);

    /**
     * Publishes a frame that is due, once it is complete.
     *
     * @param frame as it came out of the decoder or a filter; still the caller's afterwards
     * @param info all that is known of it; {@link FrameFlag#COPIED} is added where it is so
     * @throws IOException if there is no memory for slots of its size, its format cannot be converted, or the GPU failed
     */
    Outcome publish(AVFrame frame, FrameInfo info) throws IOException;

    /** FFmpeg's view of the GPU on which the slots are; null if they are in host memory. To be referenced, not kept. */
    default AVBufferRef device() {
        return null;
    }

    /**
     * A writer of other slots in the same kind of memory, for frames that came out of this one's decoder or were made of them:
     * it never has them decoded in place. On a GPU both work on one stream.
     *
     * @return the caller's to close, before this one; of the same thread
     * @throws IOException if the GPU refuses
     */
    FrameWriter another(SlotSource slots) throws IOException;

    /**
     * Says, before the first {@link #begin}, that so many frames may be referenced by others after they were published. As
     * many slots more are asked for, so that the decoder does not run out of them.
     */
    void reserve(int frames);

    /** Whom to tell of native calls that may hang, before the first {@link #begin}; its thread is the writer's. */
    void watch(CallWatch watch);

    /** Frees what is its own. Slots that a decoder still holds come back when it lets go of them. */
    @Override
    void close();
}

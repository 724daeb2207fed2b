package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.IOException;

/** Memory for a writer of frames: the side of a {@code Publisher} that a decoder sees. */
public interface SlotSource {

    /**
     * Starts a generation: from now on slots have this geometry. Frames of the generation before stay with the
     * subscribers that hold them. Calling it again with an equal configuration starts a generation too.
     *
     * @param config geometry, time base and colour of the frames to come
     * @param writerSlots the most slots that the writer holds at a time: the one it writes, and those that it still
     *     reads after it published them (a decoder's reference pictures)
     * @throws IOException if the memory cannot be had; says how much was asked for and what bounds it
     */
    void configure(StreamConfig config, int writerSlots) throws IOException;

    /**
     * Takes a free slot. Never waits.
     *
     * @return the slot, held by the caller until {@link Slot#release()}; null if every slot is in use
     */
    Slot acquire();

    /**
     * Whether nobody would get a frame that is published now, so that a writer may spare itself the work. If so, the frame before
     * is no longer offered to newcomers, for it is about to grow old: the first of them gets the next frame that is published.
     */
    default boolean leaveOut() {
        return false;
    }
}

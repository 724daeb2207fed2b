package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avutil.AV_BUFFER_FLAG_READONLY;
import static org.bytedeco.ffmpeg.global.avutil.av_buffer_create;

import io.github.cuframes.producer.ffmpeg.Handles;
import io.github.cuframes.producer.publish.Slot;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.Free_Pointer_BytePointer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The slots that FFmpeg writes or reads. A slot is lent as an AVBuffer and comes back when the last reference to it is
 * gone: on whatever thread that happens, also after the decoder was freed.
 */
final class SlotLoans {

    /** One slot in FFmpeg's hands. */
    static final class Loan {
        private final SlotLoans owner;
        private final Slot slot;
        private final SlotMemory memory;
        private final int generation;
        private boolean published;

        private Loan(SlotLoans owner, Slot slot, SlotMemory memory, int generation) {
            this.owner = owner;
            this.slot = slot;
            this.memory = memory;
            this.generation = generation;
        }

        Slot slot() {
            return slot;
        }

        SlotMemory memory() {
            return memory;
        }

        int generation() {
            return generation;
        }

        boolean isPublished() {
            return published;
        }

        void setPublished() {
            published = true;
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(SlotLoans.class);
    private static final Handles<Loan> LENT = new Handles<>();

    private final List<Loan> loans = new ArrayList<>();
    private final Handles.Opaque opaque = new Handles.Opaque(0);

    /**
     * Makes a slot into a buffer. It is read-only for FFmpeg's purposes: a decoder that updates its last picture in
     * place, as those for screen content do, then takes a new buffer instead of changing a frame that is being read.
     *
     * @return the reference, the caller's; null if there is no memory for it, the slot then still being the caller's
     */
    AVBufferRef lend(Slot slot, SlotMemory memory, int generation) {
        Loan loan = new Loan(this, slot, memory, generation);
        long handle = LENT.register(loan);
        AVBufferRef buffer = av_buffer_create(
                memory.base(), slot.layout().size(), Return.INSTANCE, opaque.set(handle), AV_BUFFER_FLAG_READONLY);
        if (buffer == null) {
            LENT.remove(handle);
            return null;
        }
        synchronized (loans) {
            loans.add(loan);
        }
        return buffer;
    }

    /** The loan that a frame's pixels lie in, or null. */
    Loan find(AVFrame frame) {
        long address = frame.data(0).address();
        synchronized (loans) {
            for (int i = 0; i < loans.size(); i++) {
                Loan loan = loans.get(i);
                long offset = address - loan.memory.base().address();
                if (offset >= 0 && offset < loan.slot.layout().size()) {
                    return loan;
                }
            }
        }
        return null;
    }

    /** Slots that are out. */
    int count() {
        synchronized (loans) {
            return loans.size();
        }
    }

    private static void comeBack(long handle) {
        Loan loan = LENT.remove(handle);
        if (loan == null) {
            LOG.error("FFmpeg returned a buffer that was not lent: {}", handle);
            return;
        }
        synchronized (loan.owner.loans) {
            loan.owner.loans.remove(loan);
        }
        loan.slot.release();
    }

    /** One for all buffers: JavaCPP has trampolines for ten. */
    private static final class Return extends Free_Pointer_BytePointer {
        static final Return INSTANCE = new Return();

        @Override
        public void call(Pointer handle, BytePointer data) {
            try {
                comeBack(handle.address());
            } catch (RuntimeException | Error e) {
                LOG.error("a slot could not be released", e); // not through C
            }
        }
    }
}

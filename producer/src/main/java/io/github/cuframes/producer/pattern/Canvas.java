package io.github.cuframes.producer.pattern;

import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaCopy;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.memory.cuda.CudaStream;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PlaneLayout;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where the processor draws a picture that is to lie in a slot. One thread at a time. */
interface Canvas extends AutoCloseable {

    /** What to draw into, laid out as the slot is. */
    ByteBuffer of(Slot slot);

    /**
     * Returns when the picture lies in the slot.
     *
     * @return whether it was copied there
     */
    boolean finish(Slot slot) throws CudaException;

    @Override
    void close();

    /** The slot itself, in host memory. */
    final class InPlace implements Canvas {
        @Override
        public ByteBuffer of(Slot slot) {
            return slot.buffer();
        }

        @Override
        public boolean finish(Slot slot) {
            return false; // it was drawn there
        }

        @Override
        public void close() {
            // nothing is held
        }
    }

    /** Host memory from which the picture is uploaded. */
    final class Uploaded implements Canvas {
        private static final Logger LOG = LoggerFactory.getLogger(Uploaded.class);

        private final CudaStream stream;
        private final CudaCopy copy;
        private final ByteBuffer picture;
        private final long address;

        Uploaded(CudaContext context, FrameLayout layout) throws CudaException {
            picture = ByteBuffer.allocateDirect(Math.toIntExact(layout.size()));
            address = new BytePointer(picture).address();
            copy = new CudaCopy(context);
            stream = CudaStream.create(context);
        }

        @Override
        public ByteBuffer of(Slot slot) {
            return picture;
        }

        @Override
        public boolean finish(Slot slot) throws CudaException {
            try {
                upload(slot);
            } finally {
                stream.synchronize(); // what was queued before a failure, too: the slot goes back
            }
            return true;
        }

        private void upload(Slot slot) throws CudaException {
            FrameLayout layout = slot.layout();
            for (int i = 0; i < layout.planes().size(); i++) {
                PlaneLayout plane = layout.planes().get(i);
                copy.toDevice(
                        address + plane.offset(),
                        plane.pitch(),
                        slot.deviceAddress() + plane.offset(),
                        plane.pitch(),
                        layout.format().rowBytes(i, layout.width()),
                        layout.format().rows(i, layout.height()),
                        stream.handle());
            }
        }

        @Override
        public void close() {
            try {
                stream.close();
            } catch (IllegalStateException e) {
                // a GPU that has failed frees nothing, and how the source ended matters more
                LOG.warn("not freed: {}", e.getMessage());
            }
        }
    }
}

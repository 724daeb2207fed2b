package io.github.cuframes.protocol.message;

import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** What can be said on the control socket. Constructors check nothing that {@link MessageCodec} checks. */
public sealed interface Message {

    /** The number that goes on the wire. */
    MessageType type();

    /**
     * First message of a client.
     *
     * @param version what the client speaks
     * @param library name and version of its implementation
     * @param key the stream it takes this socket to be of
     * @param name what operators see
     * @param role what it wants
     * @param mode how frames are chosen; ignored for all but subscribers of frames
     * @param depth of a fifo, else 0
     * @param credits leases it may have at a time; 0 leaves it to the publisher
     * @param memoryKinds bits of {@link MemoryKind#bit()} that it can reach
     * @param pid its process id as it sees itself; 0 is unsaid, as by a client of protocol 1.0
     * @param gpus those that it can use, at most {@link MessageCodec#MAX_GPUS}; empty is unsaid or none
     */
    record Hello(
            ProtocolVersion version,
            String library,
            String key,
            String name,
            Role role,
            DeliveryMode mode,
            int depth,
            int credits,
            int memoryKinds,
            int pid,
            List<UUID> gpus)
            implements Message {
        /** Keeps its own list. */
        public Hello {
            gpus = List.copyOf(gpus);
        }

        /** The name as it can be logged and shown: at most 48 characters, none of which controls a terminal. */
        public String printableName() {
            return Printable.of(name, 48);
        }

        @Override
        public MessageType type() {
            return MessageType.HELLO;
        }
    }

    /**
     * The publisher's answer; descriptors: the ring, read-only, and for subscribers of frames or packets their page, read and
     * write.
     *
     * @param version what the publisher speaks
     * @param library name and version of its implementation
     * @param epoch the publisher's life
     * @param ringSize bytes of the ring file
     * @param subscriberId number of the connection, from 1; 0 for observers
     * @param subscriberIndex its place in the ring's table; 0 for observers
     * @param credits leases granted; 0 for observers and subscribers of packets
     * @param packetPageSize bytes of the page of a subscriber of packets; 0 for all others
     */
    record Welcome(
            ProtocolVersion version,
            String library,
            long epoch,
            long ringSize,
            long subscriberId,
            int subscriberIndex,
            int credits,
            long packetPageSize)
            implements Message {

        /** The answer to whom gets no packets. */
        public Welcome(
                ProtocolVersion version,
                String library,
                long epoch,
                long ringSize,
                long subscriberId,
                int subscriberIndex,
                int credits) {
            this(version, library, epoch, ringSize, subscriberId, subscriberIndex, credits, 0);
        }

        @Override
        public MessageType type() {
            return MessageType.WELCOME;
        }
    }

    /**
     * One allocation of frame memory.
     *
     * @param id its number in the epoch
     * @param size bytes
     */
    record Slab(int id, long size) {}

    /**
     * A generation's memory; descriptors: one for each slab, in order, but none of kind {@link MemoryKind#CUDA_IPC},
     * whose slabs are named by the handles in the slot descriptors.
     *
     * @param generation from 1, growing
     * @param kind where the frames live
     * @param gpu the GPU that they lie on; empty for host memory
     * @param config what holds for all of the generation's frames
     * @param slabs those that this subscriber does not have yet
     */
    record Memory(int generation, MemoryKind kind, Optional<UUID> gpu, StreamConfig config, List<Slab> slabs)
            implements Message {
        /** Keeps its own list. */
        public Memory {
            slabs = List.copyOf(slabs);
        }

        @Override
        public MessageType type() {
            return MessageType.MEMORY;
        }
    }

    /**
     * What was sent has been mapped.
     *
     * @param generation the one of the MEMORY message, or 0 for the WELCOME
     */
    record Ack(int generation) implements Message {
        @Override
        public MessageType type() {
            return MessageType.ACK;
        }
    }

    /** There is a delivery in the page. */
    record Doorbell() implements Message {
        @Override
        public MessageType type() {
            return MessageType.DOORBELL;
        }
    }

    /** There are ended leases in the page, and a newer frame is wanted if there is one. */
    record Request() implements Message {
        @Override
        public MessageType type() {
            return MessageType.REQUEST;
        }
    }

    /**
     * The connection ends because something is wrong.
     *
     * @param version what the sender speaks, so that a mismatch can be told
     * @param code for programs
     * @param text for people: what is wrong and what to do
     */
    record Failure(ProtocolVersion version, ErrorCode code, String text) implements Message {
        /** The sentence as it can be logged and shown: at most 500 characters, none of which controls a terminal. */
        public String printableText() {
            return Printable.of(text, 500);
        }

        @Override
        public MessageType type() {
            return MessageType.ERROR;
        }
    }

    /**
     * The connection ends because the sender leaves.
     *
     * @param reason why
     */
    record Bye(ByeReason reason) implements Message {
        @Override
        public MessageType type() {
            return MessageType.BYE;
        }
    }
}

package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.memory.transport.ControlServer;
import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SubscriberPage;
import java.time.Duration;

/**
 * What a publisher may use and whom it lets in; see {@link PublisherBuilder} for the meaning of each.
 *
 * @param guests who of those whom the socket's mode lets in
 * @param packetMemory bytes; 0 for no packets
 */
record PublisherOptions(
        String key,
        RunDirectory runDirectory,
        FrameMemoryAllocator allocator,
        int maxSubscribers,
        int maxCredits,
        long maxMemory,
        boolean losslessAllowed,
        Duration losslessTimeout,
        ControlServer.Access access,
        Guests guests,
        long packetMemory) {

    /** Slots beside the subscribers' that the ring's tables have room for: a decoder's pictures and the newest. */
    private static final int WRITER_SLOTS = 64;

    /** The most observers at a time; they cost a descriptor each and nothing else. */
    static final int MAX_OBSERVERS = 64;

    /** From connecting to HELLO, and from WELCOME to ACK. */
    static final Duration HANDSHAKE_TIMEOUT = Duration.ofSeconds(5);

    PublisherOptions {
        check(maxSubscribers >= 1 && maxSubscribers <= 1024, "1 to 1024 subscribers", maxSubscribers);
        check(maxCredits >= 1 && maxCredits <= SubscriberPage.CAPACITY, "1 to 64 credits", maxCredits);
        check(maxMemory > 0, "a positive amount of memory", maxMemory);
        check(!losslessTimeout.isNegative() && !losslessTimeout.isZero(), "a positive lossless timeout", -1);
    }

    private static void check(boolean valid, String wanted, long value) {
        if (!valid) {
            throw new IllegalArgumentException("a publisher needs " + wanted + ", not " + value);
        }
    }

    /** Room in the ring: every lease there can be, twice, because a retired generation keeps its slots until then. */
    int slotCapacity() {
        return Math.min(Ring.MAX_SLOTS, 2 * (maxSubscribers * maxCredits + WRITER_SLOTS));
    }
}

package io.github.cuframes.subscriber;

import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The leases of one connection: what frames need to come back from any thread. Outlives the connection. */
final class Leases {

    private static final Logger LOG = LoggerFactory.getLogger(Leases.class);
    private static final long SEND_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final SubscriberPage page;
    private final ControlConnection connection;
    private final boolean lossless;
    private final int credits;
    private final AtomicInteger held = new AtomicInteger();
    private final ByteBuffer request = direct(new Message.Request());
    private volatile boolean revoked;

    Leases(SubscriberPage page, ControlConnection connection, boolean lossless, int credits) {
        this.page = page;
        this.connection = connection;
        this.lossless = lossless;
        this.credits = credits;
    }

    /** A message as the connection takes it. */
    static ByteBuffer direct(Message message) {
        ByteBuffer encoded = MessageCodec.encode(message, 0);
        return ByteBuffer.allocateDirect(encoded.remaining()).put(encoded).flip();
    }

    /** A frame goes to the application. */
    void hold() {
        held.getAndIncrement();
    }

    /** The application has no credit left for another frame. */
    boolean areUsedUp() {
        return held.get() >= credits;
    }

    int credits() {
        return credits;
    }

    /** The application has closed a frame; its lease may last until the GPU has done with it. */
    void letGo() {
        held.getAndDecrement();
    }

    /** Frames that the application has. */
    int held() {
        return held.get();
    }

    /** Ends a lease. */
    void giveBack(int lease, long delivery) {
        page.release(lease, delivery);
        if (lossless && page.publisherWaits()) {
            try {
                request();
            } catch (IOException e) {
                // the lease has ended all the same, and the reader will find that the connection has too
                LOG.debug("could not wake the publisher", e);
            }
        }
    }

    /** Asks the publisher to look at the page. */
    void request() throws IOException {
        synchronized (request) {
            connection.send(request.rewind(), SEND_NANOS);
        }
    }

    /** The publisher may use the slots again although frames are held. */
    void revoke() {
        revoked = true;
    }

    boolean areRevoked() {
        return revoked;
    }
}

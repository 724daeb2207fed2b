package io.github.cuframes.producer.publish;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.layout.PeerState;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A publisher with room for four subscribers of four credits, and raw clients for it. */
@Timeout(60)
abstract class PublisherFixture {

    static final String KEY = "cam";
    static final int ALL_KINDS = MemoryKind.HOST.bit() | MemoryKind.CUDA.bit() | MemoryKind.CUDA_IPC.bit();

    @TempDir
    Path directory;

    final List<RawClient> clients = new ArrayList<>();
    final FrameInfo info = new FrameInfo();
    Publisher publisher;

    @BeforeEach
    void open() throws IOException {
        publisher = builder().open();
    }

    @AfterEach
    void close() throws IOException {
        for (RawClient client : clients) {
            client.close();
        }
        publisher.close();
    }

    PublisherBuilder builder() {
        return Publisher.builder(KEY)
                .runDirectory(directory)
                .allowLossless(true)
                .maxSubscribers(4)
                .maxCredits(4);
    }

    void reopen(PublisherBuilder builder) throws IOException {
        publisher.close();
        publisher = builder.open();
    }

    static StreamConfig config(int width, int height) {
        return new StreamConfig(
                FrameLayout.of(PixelFormat.GRAY8, width, height, 64),
                new Rational(1, 1000),
                new Rational(25, 1),
                Colour.UNSPECIFIED);
    }

    RawClient subscribe(DeliveryMode mode, int depth, int credits) throws IOException {
        return subscribe(RawClient.hello(KEY, mode, depth, credits, ALL_KINDS, 0));
    }

    RawClient subscribe(Message.Hello hello) throws IOException {
        RawClient client = RawClient.subscribe(directory.resolve("cam.sock"), hello);
        clients.add(client);
        int expected = (int) clients.stream().filter(c -> c.welcome != null).count();
        await(() -> publisher.counters().subscribers() == expected);
        return client;
    }

    static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - deadline < 0, "the condition did not come true");
            Thread.onSpinWait();
        }
    }

    long publish(int value) {
        Slot slot = publisher.acquire();
        assertNotNull(slot, "no free slot");
        for (int i = 0; i < slot.layout().size(); i++) {
            slot.buffer().put(i, (byte) value);
        }
        long sequence = slot.publish(info.reset().pts(value, value * 1_000_000L));
        slot.release();
        return sequence;
    }

    static int value(RawClient client, long delivery) {
        var bytes = client.bytes(delivery);
        for (int i = 1; i < bytes.limit(); i++) {
            assertEquals(bytes.get(0), bytes.get(i), "torn at " + i);
        }
        return bytes.get(0);
    }

    /** Waits until the subscriber's ACK has been read, which is when frames go to it. */
    RawClient active(DeliveryMode mode, int depth, int credits) throws IOException {
        RawClient client = subscribe(mode, depth, credits);
        int index = client.welcome.subscriberIndex();
        await(() -> client.ring.subscriber(index).state().orElseThrow() == PeerState.ACTIVE);
        return client;
    }

    static ErrorCode failureOf(RawClient client) throws IOException {
        return refusalOf(client).code();
    }

    static Message.Failure refusalOf(RawClient client) throws IOException {
        Message message = client.receive();
        while (message != null && !(message instanceof Message.Failure)) {
            message = client.receive();
        }
        Message.Failure failure = assertInstanceOf(Message.Failure.class, message);
        assertNotEquals("", failure.text());
        assertNull(client.receive(), "the connection ends after an error");
        return failure;
    }
}

package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.*;

import com.sun.management.ThreadMXBean;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.SubscriberState;
import io.github.cuframes.subscriber.ScriptedPublisher.Client;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class SubscriberTest {

    private static final Duration LONG = Duration.ofSeconds(20);

    /** What next() allocates when it need not wait; {@link Subscriber} states it. */
    private static final long FRAME_BYTES = 104;

    @TempDir
    Path directory;

    private ScriptedPublisher publisher;

    @BeforeEach
    void open() throws IOException {
        publisher = new ScriptedPublisher(directory, "cam1");
    }

    @AfterEach
    void close() throws IOException {
        publisher.close();
    }

    private SubscriberBuilder builder() {
        return Subscriber.builder("cam1").runDirectory(directory);
    }

    /** Connects while the publisher serves. */
    private Subscriber connect(SubscriberBuilder builder, Client[] client) {
        try (Script<Client> script = Script.start(publisher::serve)) {
            Subscriber subscriber = builder.connect();
            assertNull(subscriber.next(0));
            // the greeting goes on inside next: MEMORY is answered there
            while (!script.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            client[0] = script.join();
            return subscriber;
        }
    }

    @Test
    void tellsEverythingOfAFrame() throws IOException {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder().name("reader").policy(DeliveryPolicy.fifo(2)), client)) {
            assertEquals(SubscriberState.STREAMING, subscriber.state());
            publisher.write(3, FrameFlag.KEY.bit() | FrameFlag.COPIED.bit());
            client[0].deliver(3);
            Frame frame = subscriber.next(LONG);
            assertEquals(1, frame.sequence());
            assertEquals(publisher.epoch, frame.epoch());
            assertEquals(1, frame.generation());
            assertEquals(3600, frame.pts());
            assertEquals(40_000_000, frame.ptsNanos());
            assertEquals(Frame.NO_TIME, frame.captureNanos());
            assertEquals(publisher.ring.metadata(3).publishNanos(), frame.publishNanos());
            assertEquals(0, frame.durationNanos());
            assertTrue(frame.has(FrameFlag.KEY));
            assertFalse(frame.has(FrameFlag.CORRUPT));
            assertFalse(frame.breaksStream());
            assertEquals(0, frame.lostBefore());
            assertEquals(64, frame.width());
            assertEquals(48, frame.height());
            assertEquals(PixelFormat.NV12, frame.format());
            assertEquals(MemoryKind.HOST, frame.memoryKind());
            assertEquals(ScriptedPublisher.CONFIG.colour(), frame.colour());
            assertEquals(new Rational(1, 90_000), frame.timeBase());
            assertEquals(new Rational(25, 1), frame.frameRate());
            assertEquals(2, frame.planeCount());
            assertEquals(64, frame.pitch(1));
            assertEquals(24, frame.rows(1));
            assertEquals(64, frame.rowBytes(1));
            assertEquals(64 * 24, frame.plane(1).remaining());
            assertThrows(IndexOutOfBoundsException.class, () -> frame.plane(2));
            assertThrows(ReadOnlyBufferException.class, () -> frame.plane(0).put(0, (byte) 1));
            frame.close();
        }
        assertEquals(ByeReason.CLOSING, client[0].expect(Message.Bye.class).reason());
        assertNull(client[0].receive());
    }

    @Test
    void answersWelcomeBeforeTheMemoryThatComesWithIt() {
        Script<Void> script = Script.start(() -> {
            publisher.allocate(1, ScriptedPublisher.CONFIG, 0, 4);
            Client client = publisher.accept();
            client.expect(Message.Hello.class);
            client.welcome();
            client.memory(0);
            assertEquals(0, client.expect(Message.Ack.class).generation());
            assertEquals(1, client.expect(Message.Ack.class).generation());
            return null;
        });
        try (Subscriber subscriber = builder().connect()) {
            while (!script.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            script.join();
        }
    }

    @Test
    void readsWhereThePublisherWrote() throws IOException {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder(), client)) {
            publisher.write(0, 0);
            client[0].deliver(0);
            try (Frame frame = subscriber.next(LONG)) {
                ByteBuffer plane = frame.plane(0);
                publisher.slotBytes(0).put(100, (byte) 0x5A);
                assertEquals(0x5A, plane.get(100));
                publisher.slotBytes(0).put(100, (byte) 0x2B);
                assertEquals(0x2B, plane.get(100));
            }
        }
    }

    @Test
    void aLeaseEndsOnceAndPixelsAreGoneThen() throws IOException {
        Client[] client = new Client[1];
        Frame outliving;
        try (Subscriber subscriber = connect(builder(), client)) {
            publisher.write(0, 0);
            client[0].deliver(0);
            Frame frame = subscriber.next(LONG);
            assertFalse(client[0].isFree(0));
            frame.close();
            assertTrue(client[0].isFree(0));
            assertThrows(IllegalStateException.class, () -> frame.plane(0));
            assertThrows(IllegalStateException.class, frame::detach);
            publisher.write(0, 0);
            client[0].deliver(0);
            frame.close();
            assertFalse(client[0].isFree(0), "closing twice must not end the next frame's lease");
            Frame second = subscriber.next(LONG);
            Frame kept = second.detach();
            second.close();
            assertThrows(IllegalStateException.class, () -> second.plane(0));
            assertFalse(client[0].isFree(0));
            assertTrue(ScriptedPublisher.isIntact(kept));
            outliving = kept;
        }
        assertThrows(IllegalStateException.class, () -> outliving.plane(0));
        outliving.close();
    }

    @Test
    void holdsAsManyFramesAsItHasCredits() throws IOException {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder().policy(DeliveryPolicy.fifo(3)), client)) {
            List<Frame> held = new ArrayList<>();
            for (int i = 0; i < client[0].credits; i++) {
                publisher.write(i, 0);
                client[0].deliver(i);
                held.add(subscriber.next(LONG));
            }
            IllegalStateException e = assertThrows(IllegalStateException.class, () -> subscriber.next(0));
            assertTrue(e.getMessage().contains("all 4 frames"), e.getMessage());
            held.forEach(frame -> assertTrue(ScriptedPublisher.isIntact(frame)));
            held.get(2).close();
            assertNull(subscriber.next(0));
            publisher.write(2, 0);
            client[0].deliver(2);
            try (Frame frame = subscriber.next(LONG)) {
                assertEquals(5, frame.sequence());
            }
            held.forEach(Frame::close);
        }
    }

    @Test
    void latestSkipsWhatIsOldAndAsksForTheNewest() throws IOException {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder(), client)) {
            publisher.write(0, 0);
            client[0].deliver(0);
            publisher.write(1, FrameFlag.DISCONTINUITY.bit());
            client[0].deliver(1);
            try (Frame frame = subscriber.next(LONG)) {
                assertEquals(2, frame.sequence(), "the last of the queue is the newest");
            }
            assertTrue(client[0].isFree(0));
            assertTrue(client[0].isFree(1));

            // credits ran out at 3 and 4; 5 to 7 were not delivered
            for (int slot = 0; slot < 2; slot++) {
                publisher.write(slot, 0);
                client[0].deliver(slot);
            }
            publisher.write(2, 0);
            publisher.write(3, FrameFlag.DISCONTINUITY.bit());
            publisher.write(4, 0);
            assertNull(subscriber.next(0), "4 is old: 7 is there");
            assertTrue(client[0].isFree(0));
            assertTrue(client[0].isFree(1));
            client[0].expect(Message.Request.class);
            assertNull(subscriber.next(0));
            client[0].deliver(7, 4, 1, 0);
            publisher.write(5, 0);
            try (Frame frame = subscriber.next(LONG)) {
                assertEquals(7, frame.sequence(), "what was asked for is taken, also when yet another came meanwhile");
                assertTrue(frame.breaksStream(), "6 was skipped and had the flag");
            }
            assertEquals(new SubscriberStatistics(2, 4, 1, 0, 0), subscriber.statistics());
        }
        assertEquals(Message.Bye.class, client[0].receive().getClass(), "one REQUEST was enough");
    }

    @Test
    void latestAsksForAFrameThatFoundNoCredit() throws IOException {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder(), client)) {
            publisher.write(0, 0);
            client[0].deliver(0);
            subscriber.next(LONG).close();
            publisher.write(1, 0);
            publisher.write(2, 0);
            Script<Object> script = Script.start(() -> {
                client[0].expect(Message.Request.class);
                client[0].deliver(2);
                return null;
            });
            try (Frame frame = subscriber.next(LONG)) {
                assertNotNull(frame, "nobody asked for what there is");
                assertEquals(3, frame.sequence());
            }
            script.join();
            assertNull(subscriber.next(0));
        }
        assertEquals(Message.Bye.class, client[0].receive().getClass(), "one REQUEST was enough");
    }

    @Test
    void fifoGoesInOrderAndCountsWhatIsMissing() throws IOException {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder().policy(DeliveryPolicy.fifo(3)), client)) {
            for (int slot = 0; slot < 3; slot++) {
                publisher.write(slot, slot == 1 ? FrameFlag.DISCONTINUITY.bit() : 0);
                client[0].deliver(slot);
            }
            publisher.write(4, 0);
            publisher.write(3, 0);
            client[0].deliver(3);
            for (long wanted : new long[] {1, 2, 3, 5}) {
                try (Frame frame = subscriber.next(LONG)) {
                    assertEquals(wanted, frame.sequence());
                    assertEquals(wanted == 2, frame.breaksStream());
                }
            }
            assertEquals(new SubscriberStatistics(4, 1, 1, 0, 0), subscriber.statistics());
        }
    }

    @Test
    void tenThousandFramesComeInOrderAndWhole() throws IOException {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder().policy(DeliveryPolicy.lossless()), client)) {
            Script<Void> script = Script.start(() -> {
                for (int i = 0; i < 12_000; i++) {
                    client[0].publish(0);
                }
                client[0].bye(ByeReason.END_OF_STREAM);
                return null;
            });
            long last = 0;
            while (!subscriber.isAtEnd()) {
                try (Frame frame = subscriber.next(LONG)) {
                    if (frame != null) {
                        assertEquals(++last, frame.sequence());
                        assertTrue(ScriptedPublisher.isIntact(frame), "frame " + last);
                    }
                }
            }
            script.join();
            assertEquals(12_000, last);
            assertEquals(new SubscriberStatistics(12_000, 0, 0, 0, 0), subscriber.statistics());
            assertNull(subscriber.next(LONG), "the end stays the end");
        }
    }

    @Test
    void aSpinningReaderNeedsNoDoorbell() throws IOException {
        Client[] client = new Client[1];
        SubscriberBuilder spinning = builder().spin(Duration.ofSeconds(30)).policy(DeliveryPolicy.fifo(3));
        try (Subscriber subscriber = connect(spinning, client)) {
            Script<Void> script = Script.start(() -> {
                publisher.write(0, 0);
                client[0].deliver(0);
                return null;
            });
            subscriber.next(LONG).close();
            script.join();
            assertEquals(0, client[0].doorbells);
        }
    }

    /**
     * Frames are there before they are asked for: no wait, so that nothing of the socket's is counted. The JVM makes some
     * garbage of its own while it works on what is called often (several KiB for a method handle, and late on a busy
     * machine), which a round without it tells from what each frame makes.
     */
    @Test
    void aFrameIsTheOnlyGarbage() throws IOException {
        Client[] client = new Client[1];
        int frames = 1_000;
        try (Subscriber subscriber = connect(builder().policy(DeliveryPolicy.fifo(3)), client)) {
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 40; round++) {
                long bytes = 0;
                for (int i = 0; i < frames; i++) {
                    publisher.write(0, 0);
                    client[0].deliver(0);
                    long before = threads.getCurrentThreadAllocatedBytes();
                    Frame frame = subscriber.next(LONG.toNanos());
                    frame.close();
                    bytes += threads.getCurrentThreadAllocatedBytes() - before;
                }
                least = Math.min(least, bytes);
            }
            assertTrue(least <= FRAME_BYTES * frames, (double) least / frames + " bytes a frame");
        }
    }

    /** Most frames are waited for: 120 to 140 bytes were measured, more while the code is not compiled. */
    @Test
    void waitingMakesLittleGarbage() throws IOException {
        Client[] client = new Client[1];
        int frames = 20_000;
        try (Subscriber subscriber = connect(builder().policy(DeliveryPolicy.lossless()), client)) {
            Script<Void> script = Script.start(() -> {
                for (int i = 0; i < 2 * frames; i++) {
                    client[0].publish(0);
                }
                return null;
            });
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long before = 0;
            for (int i = 0; i < 2 * frames; i++) {
                before = i == frames ? threads.getCurrentThreadAllocatedBytes() : before;
                subscriber.next(LONG.toNanos()).close();
            }
            double bytes = (double) (threads.getCurrentThreadAllocatedBytes() - before) / frames;
            script.join();
            assertTrue(bytes <= FRAME_BYTES + 56, bytes + " bytes a frame");
        }
    }

    @Test
    void closingWakesAReader() throws IOException {
        Client[] client = new Client[1];
        Subscriber subscriber = connect(builder(), client);
        Script<String> reader =
                Script.start(() -> assertThrows(IllegalStateException.class, () -> subscriber.next(LONG))
                        .getMessage());
        while (!client[0].page.sleeping()) {
            Thread.onSpinWait();
        }
        assertTrue(assertThrows(IllegalStateException.class, () -> subscriber.next(0))
                .getMessage()
                .contains("another thread"));
        subscriber.close();
        assertTrue(reader.join().contains("is closed"));
        subscriber.close();
        assertEquals(SubscriberState.CLOSED, subscriber.state());
    }

    @Test
    void anInterruptEndsTheWaitAndTheNextCallConnectsAgain() throws Exception {
        Client[] client = new Client[1];
        Subscriber subscriber = connect(builder(), client);
        Thread[] thread = new Thread[1];
        Script<Boolean> reader = Script.start(() -> {
            thread[0] = Thread.currentThread();
            assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
            return Thread.currentThread().isInterrupted();
        });
        while (!client[0].page.sleeping()) {
            Thread.onSpinWait();
        }
        thread[0].interrupt();
        assertTrue(reader.join());
        assertEquals(SubscriberState.DISCONNECTED, subscriber.state());
        try (Script<Client> again = Script.start(publisher::serve)) {
            while (!again.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            assertEquals(1, subscriber.statistics().reconnects());
        }
        subscriber.close();
    }
}

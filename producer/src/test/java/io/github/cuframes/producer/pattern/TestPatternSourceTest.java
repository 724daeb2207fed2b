package io.github.cuframes.producer.pattern;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.PlaneLayout;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.pattern.FrameCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TestPatternSourceTest {

    private static final PatternSpec SPEC = PatternSpec.parse("160x120@25");
    private static final long MILLI = 1_000_000;

    private record Published(long code, long pts, long ptsNanos, long capture, long duration, int lost, int flags) {}

    /** One slot after the other; what a test wants to happen at the n-th acquisition is done first. */
    private static final class FakeSlots implements SlotSource {
        final List<Published> frames = new ArrayList<>();
        final CountDownLatch first = new CountDownLatch(1);
        StreamConfig config;
        int writerSlots;
        int held;
        long acquisitions;
        boolean full;
        LongConsumer onAcquire = n -> {};
        Runnable onPublish = () -> {};

        @Override
        public void configure(StreamConfig streamConfig, int slots) throws IOException {
            config = streamConfig;
            writerSlots = slots;
        }

        @Override
        public Slot acquire() {
            onAcquire.accept(acquisitions++);
            if (full) {
                return null;
            }
            held++;
            ByteBuffer bytes = ByteBuffer.allocate((int) config.layout().size());
            return new Slot() {
                @Override
                public FrameLayout layout() {
                    return config.layout();
                }

                @Override
                public ByteBuffer buffer() {
                    return bytes;
                }

                @Override
                public long publish(FrameInfo info) {
                    onPublish.run();
                    PlaneLayout luma = config.layout().planes().get(0);
                    long code = FrameCode.read(bytes, luma.offset(), luma.pitch(), 160, 120);
                    frames.add(new Published(
                            code,
                            info.pts(),
                            info.ptsNanos(),
                            info.captureNanos(),
                            info.durationNanos(),
                            info.lostBefore(),
                            info.flags()));
                    first.countDown();
                    return frames.size();
                }

                @Override
                public long publishAndKeep(FrameInfo info, Idle idle) {
                    throw new UnsupportedOperationException("a test pattern releases its slots");
                }

                @Override
                public void release() {
                    held--;
                }
            };
        }

        List<Long> numbers() {
            return frames.stream().map(frame -> FrameCode.number(frame.code)).toList();
        }
    }

    /** Time that passes only when the source waits, or when a test says so. */
    private static final class FakePacer implements Pacer {
        long now = Long.MAX_VALUE - 50 * MILLI; // nanoTime may overflow
        int parks;

        @Override
        public long nanoTime() {
            return now;
        }

        @Override
        public long epochNanos() {
            return 1_000_000 * MILLI;
        }

        @Override
        public void park(long nanos) {
            parks++;
            now += nanos;
        }
    }

    private final FakeSlots slots = new FakeSlots();
    private final FakePacer pacer = new FakePacer();

    private TestPatternSource.Builder paced(long frames) {
        return TestPatternSource.builder(slots, SPEC).frames(frames).pacer(pacer);
    }

    private static List<Long> numbers(long from, long to) {
        return LongStream.range(from, to).boxed().toList();
    }

    @Test
    void publishesAtTheRateOfTheSpecification() throws Exception {
        long start = pacer.now;
        slots.onAcquire = n -> {
            assertEquals(n * 40 * MILLI, pacer.now - start, "time of acquisition " + n);
            pacer.now += 7 * MILLI; // what a frame takes must not add up
        };
        try (TestPatternSource source = paced(100).tag(9).start()) {
            source.done().get();
            assertEquals(100, source.published());
            assertEquals(0, source.unplaced());
            assertEquals(0, source.late());
        }
        assertEquals(numbers(0, 100), slots.numbers());
        Published third = slots.frames.get(3);
        assertEquals(9, FrameCode.tag(third.code));
        assertEquals(3 * 3600, third.pts);
        assertEquals(120 * MILLI, third.ptsNanos);
        assertEquals(40 * MILLI, third.duration);
        assertEquals(1_000_000 * MILLI + 127 * MILLI, third.capture);
        assertEquals(FrameFlag.KEY.bit(), third.flags);
        assertEquals(0, slots.held);
    }

    @Test
    void configuresTheSlots() throws Exception {
        try (TestPatternSource source = paced(1).format(PixelFormat.NV12).start()) {
            source.done().get();
        }
        assertEquals(1, slots.writerSlots);
        assertEquals(PixelFormat.NV12, slots.config.layout().format());
        assertEquals(160, slots.config.layout().width());
        assertEquals(120, slots.config.layout().height());
        assertEquals(new Rational(1, 90_000), slots.config.timeBase());
        assertEquals(new Rational(25, 1), slots.config.frameRate());
    }

    @Test
    void theFirstFrameComesAtOnce() throws Exception {
        try (TestPatternSource source = paced(1).start()) {
            source.done().get();
        }
        assertEquals(1, slots.frames.size());
        assertEquals(0, pacer.parks);
    }

    @Test
    void framesWithoutASlotAreCountedAndLeaveAHole() throws Exception {
        slots.onAcquire = n -> slots.full = n == 0 || n >= 10 && n < 13;
        try (TestPatternSource source = paced(20).start()) {
            source.done().get();
            assertEquals(4, source.unplaced());
            assertEquals(16, source.published());
        }
        assertEquals(numbers(1, 10), slots.numbers().subList(0, 9));
        assertEquals(numbers(13, 20), slots.numbers().subList(9, 16));
        assertEquals(1, slots.frames.get(0).lost);
        assertEquals(0, slots.frames.get(1).lost);
        assertEquals(3, slots.frames.get(9).lost);
        assertTrue(FrameFlag.DISCONTINUITY.in(slots.frames.get(9).flags));
        assertFalse(FrameFlag.DISCONTINUITY.in(slots.frames.get(10).flags));
        assertEquals(13 * 3600, slots.frames.get(9).pts);
    }

    @Test
    void aShortDelayIsCaughtUpWith() throws Exception {
        slots.onAcquire = n -> pacer.now += n == 5 ? 900 * MILLI : 0;
        long start = pacer.now;
        try (TestPatternSource source = paced(50).start()) {
            source.done().get();
            assertEquals(0, source.late());
        }
        assertEquals(numbers(0, 50), slots.numbers());
        assertEquals(49 * 40 * MILLI, pacer.now - start);
    }

    @Test
    void aLongDelayIsNot() throws Exception {
        slots.onAcquire = n -> pacer.now += n == 5 ? 3_010 * MILLI : 0;
        try (TestPatternSource source = paced(100).start()) {
            source.done().get();
            assertEquals(74, source.late());
            assertEquals(26, source.published());
        }
        // frame 5 was written late; 6 was due at 240 ms, it is 3210 ms now, so 80 is the last one due
        assertEquals(numbers(0, 6), slots.numbers().subList(0, 6));
        assertEquals(numbers(80, 100), slots.numbers().subList(6, 26));
        assertEquals(74, slots.frames.get(6).lost);
    }

    @Test
    void aDelayPastTheLastFrameEndsIt() throws Exception {
        slots.onAcquire = n -> pacer.now += 60_000 * MILLI;
        try (TestPatternSource source = paced(10).start()) {
            source.done().get();
            assertEquals(9, source.late());
            assertEquals(1, source.published());
        }
    }

    @Test
    void withoutPacingNoFrameIsLeftOut() throws Exception {
        slots.onAcquire = n -> slots.full = n % 3 != 0;
        try (TestPatternSource source = paced(50).paced(false).start()) {
            source.done().get();
            assertEquals(0, source.unplaced());
        }
        assertEquals(numbers(0, 50), slots.numbers());
        assertEquals(49 * 3600, slots.frames.get(49).pts);
        assertEquals(98, pacer.parks, "it waits when there is no slot");
    }

    @Test
    void closeEndsAWaitingSource() throws Exception {
        TestPatternSource source = TestPatternSource.builder(slots, PatternSpec.parse("160x120@0.001"))
                .start();
        slots.first.await();
        assertFalse(source.done().isDone());
        source.close();
        assertTrue(source.done().isDone());
        source.done().get();
        assertEquals(1, slots.frames.size());
        assertEquals(0, slots.held);
        source.close();
    }

    @Test
    void closeEndsASourceThatFindsNoSlot() throws Exception {
        slots.full = true;
        CountDownLatch asked = new CountDownLatch(3);
        slots.onAcquire = n -> asked.countDown();
        TestPatternSource source =
                TestPatternSource.builder(slots, SPEC).paced(false).start();
        asked.await();
        source.close();
        assertTrue(source.done().isDone());
    }

    @Test
    void mayBeClosedByItsOwnThread() throws Exception {
        CountDownLatch closed = new CountDownLatch(1);
        TestPatternSource[] source = new TestPatternSource[1];
        CountDownLatch known = new CountDownLatch(1);
        slots.onPublish = () -> {
            try {
                known.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            source[0].close();
            closed.countDown();
        };
        source[0] = paced(Long.MAX_VALUE).start();
        known.countDown();
        assertTrue(closed.await(30, TimeUnit.SECONDS));
        source[0].done().get();
        assertEquals(1, slots.frames.size());
    }

    @Test
    void aFailureIsReportedAndTheSlotGivenBack() throws Exception {
        IllegalStateException failure = new IllegalStateException("the publisher is closed");
        slots.onPublish = () -> {
            throw failure;
        };
        try (TestPatternSource source = paced(5).start()) {
            ExecutionException e =
                    assertThrows(ExecutionException.class, () -> source.done().get());
            assertSame(failure, e.getCause());
            assertEquals(0, source.published());
        }
        assertEquals(0, slots.held);
    }

    @Test
    void noMemoryIsTheCallersToKnow() {
        SlotSource none = new SlotSource() {
            @Override
            public void configure(StreamConfig config, int writerSlots) throws IOException {
                throw new IOException("no room");
            }

            @Override
            public Slot acquire() {
                throw new AssertionError("not configured");
            }
        };
        IOException e = assertThrows(
                IOException.class, () -> TestPatternSource.builder(none, SPEC).start());
        assertEquals("no room", e.getMessage());
    }
}

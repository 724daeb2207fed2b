package io.github.cuframes.memory.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import io.github.cuframes.memory.FrameMemory;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Work in streams, marks in them, and copies of rectangles. */
@Timeout(60)
@SuppressWarnings("try") // closing early is what is tested
class StreamsAndCopiesTest extends StandInFixture {

    private static final int ROW = 80;
    private static final int ROWS = 5;

    private FrameMemory memory;
    private CudaStream stream;
    private CudaCopy copy;

    @BeforeEach
    void make() throws IOException {
        memory = new CudaMemoryAllocator(context).allocate(PIECE);
        stream = CudaStream.create(context);
        copy = new CudaCopy(context);
    }

    @AfterEach
    void close() {
        if (memory != null) {
            stream.close();
            memory.close();
        }
    }

    private long at(int offset) {
        return memory.deviceAddress() + offset;
    }

    private void queueBytes(CudaStream queue, int from, int to) throws IOException {
        copy.onDevice(at(from), 1, at(to), 1, 1, 1, queue.handle());
    }

    @Test
    void anEventIsCompleteOnceTheWorkBeforeItIs() throws IOException {
        assertSame(context, stream.context());
        try (CudaEvent event = CudaEvent.create(context)) {
            assertTrue(event.isComplete(), "nothing is recorded");
            fill(context, at(0), 3, 1);
            driver.block(stream.handle());
            queueBytes(stream, 0, 100);
            event.record(stream.handle());
            assertFalse(event.isComplete());
            driver.step(stream.handle(), 1);
            assertFalse(event.isComplete(), "the copy may be done, its mark is not");
            driver.unblock(stream.handle());
            event.synchronize();
            assertTrue(event.isComplete());
            assertEquals(3, driver.peek(at(100), 1)[0]);
        }
    }

    @Test
    void aStreamWaitsForWhatAnEventOfThisProcessMarks() throws IOException {
        try (CudaStream second = CudaStream.create(context);
                CudaEvent event = CudaEvent.create(context)) {
            fill(context, at(0), 4, 1);
            driver.block(stream.handle());
            queueBytes(stream, 0, 100);
            event.record(stream.handle());
            second.await(event);
            queueBytes(second, 100, 200);
            assertEquals(2, driver.pending(second.handle()));
            assertEquals(0, driver.peek(at(200), 1)[0]);
            driver.unblock(stream.handle());
            second.synchronize();
            assertEquals(4, driver.peek(at(200), 1)[0]);
            assertEquals(0, driver.pending(second.handle()));
        }
    }

    @Test
    void aStreamThatIsClosedFinishesItsWork() throws IOException {
        try (CudaStream second = CudaStream.create(context);
                CudaEvent event = CudaEvent.create(context)) {
            fill(context, at(0), 4, 1);
            driver.block(second.handle());
            queueBytes(second, 0, 100);
            event.record(second.handle());
            second.close();
            assertFalse(event.isComplete());
            driver.reset();
            event.synchronize();
            assertEquals(4, driver.peek(at(100), 1)[0]);
        }
    }

    @Test
    void whatIsClosedIsSaidToBeClosed() throws IOException {
        CudaEvent event = CudaEvent.create(context);
        CudaStream second = CudaStream.create(context);
        event.close();
        event.close();
        second.close();
        second.close();
        assertThrows(IllegalStateException.class, event::isComplete);
        assertThrows(IllegalStateException.class, event::synchronize);
        assertThrows(IllegalStateException.class, () -> event.record(stream.handle()));
        assertThrows(IllegalStateException.class, () -> stream.await(event));
        assertThrows(IllegalStateException.class, second::handle);
        assertThrows(IllegalStateException.class, second::synchronize);
        assertEquals(0, driver.called().getOrDefault("cuEventQuery", 0L), "the driver is not asked");
    }

    @Test
    void rectanglesGoInAllDirectionsAndLeaveTheRestAlone() throws IOException {
        ByteBuffer source = ByteBuffer.allocateDirect(100 * ROWS);
        for (int i = 0; i < source.capacity(); i++) {
            source.put(i, (byte) (i % 127));
        }
        long host = Pointer.nativeValue(Native.getDirectBufferPointer(source));
        copy.toDevice(host, 100, at(0), 128, ROW, ROWS, stream.handle());
        copy.onDevice(at(0), 128, at(4096), 160, ROW, ROWS, stream.handle());
        ByteBuffer target = ByteBuffer.allocateDirect(7 + 90 * ROWS);
        for (int i = 0; i < target.capacity(); i++) {
            target.put(i, (byte) -1);
        }
        target.position(7).limit(7 + 90 * (ROWS - 1) + ROW);
        copy.toHost(at(4096), 160, target, 90, ROW, ROWS, stream.handle());
        assertEquals(7, target.position());
        target.clear();
        byte[] first = driver.peek(at(0), 128 * ROWS);
        byte[] second = driver.peek(at(4096), 160 * ROWS);
        for (int i = 0; i < target.capacity(); i++) {
            int row = Math.floorDiv(i - 7, 90);
            int column = Math.floorMod(i - 7, 90);
            boolean inside = row >= 0 && column < ROW;
            assertEquals(inside ? source.get(100 * row + column) : -1, target.get(i), "byte " + i);
        }
        for (int row = 0; row < ROWS; row++) {
            for (int column = 0; column < 160; column++) {
                int expected = column < ROW ? source.get(100 * row + column) : 0;
                assertEquals(expected, second[160 * row + column]);
                if (column < 128) {
                    assertEquals(expected, first[128 * row + column]);
                }
            }
        }
    }

    @Test
    void aCopyToTheHostIsGivenRoomForIt() throws IOException {
        ByteBuffer room = ByteBuffer.allocateDirect(100);
        refused(ByteBuffer.allocate(100), 10, 10, 1, "direct buffer that can be written");
        refused(room.asReadOnlyBuffer(), 10, 10, 1, "direct buffer that can be written");
        refused(room, 30, 10, 5, "needs 130 bytes; the buffer has 100 left");
        refused(room.duplicate().position(91), 10, 10, 1, "needs 10 bytes; the buffer has 9 left");
        refused(room, 9, 10, 2, "no rectangle");
        refused(room, 0, 10, 2, "no rectangle");
        refused(room, 10, -1, 2, "no rectangle");
        refused(room, 10, 10, -1, "no rectangle");
        assertThrows(
                ArithmeticException.class,
                () -> copy.toHost(at(0), 10, room, Long.MAX_VALUE / 2, 10, 4, stream.handle()));
        assertEquals(0, driver.calls("cuMemcpy2DAsync"));
        fill(context, at(0), 1, 200);
        copy.toHost(at(0), 30, room, 30, 10, 4, stream.handle());
        copy.toHost(at(0), 10, room.duplicate().position(90), 10, 10, 1, stream.handle());
        copy.toHost(at(0), 10, room.duplicate().position(100), 10, 10, 0, stream.handle());
        byte[] bytes = new byte[100];
        room.get(bytes);
        assertArrayEquals(repeated(1, 10), java.util.Arrays.copyOfRange(bytes, 90, 100));
        assertEquals(0, bytes[89]);
    }

    private void refused(ByteBuffer buffer, long pitch, long rowBytes, long rows, String why) {
        IllegalArgumentException e = assertThrows(
                IllegalArgumentException.class,
                () -> copy.toHost(at(0), 128, buffer, pitch, rowBytes, rows, stream.handle()));
        assertTrue(e.getMessage().contains(why), e.getMessage());
    }
}

package io.github.cuframes.protocol.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.ProtocolDocument;
import io.github.cuframes.protocol.frame.Codec;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.frame.Rational;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The page of packets, its golden bytes, and what a reader refuses. */
class PacketPageTest {

    private static final long EPOCH = 0x1122334455667788L;
    private static final int CAPACITY = 65_536;
    private static final int SHOWN = PacketPage.SIZE + 320;

    private static final PacketConfig CONFIG = new PacketConfig(
            Codec.H264, 1918, 1078, new Rational(1, 90_000), new Rational(30_000, 1001), ByteBuffer.wrap(new byte[] {
                0, 0, 0, 1, 0x67
            }));

    private static ByteBuffer written() {
        ByteBuffer bytes = GoldenLayoutTest.direct(PacketPage.SIZE + CAPACITY);
        PacketPage page = PacketPage.create(bytes, EPOCH, 17);
        PacketRecord.write(bytes, page.at(0), PacketRecord.STREAM, PacketStream.bytes(CONFIG));
        PacketStream.write(bytes, page.at(0) + PacketRecord.SIZE, CONFIG);
        long packet = PacketRecord.length(PacketStream.bytes(CONFIG));
        int flags = FrameFlag.KEY.bit() | FrameFlag.DISCONTINUITY.bit();
        int at = page.at(packet);
        PacketRecord.write(
                bytes, at, 5, 1001, 90_090, 87_087, 3003, 1_700_000_001_000_000_000L, 5_040_000_000L, flags, 7);
        bytes.put(at + PacketRecord.SIZE, new byte[] {0, 0, 0, 1, 0x65});
        page.show(packet + PacketRecord.length(5));
        page.release(packet);
        page.sleeping(true);
        return bytes;
    }

    @Test
    void viewsWriteGoldenBytes() {
        byte[] golden = ProtocolDocument.INSTANCE.goldenStructure("PacketPage", SHOWN);
        assertEquals(
                GoldenLayoutTest.dump(ByteBuffer.wrap(golden), 0, SHOWN), GoldenLayoutTest.dump(written(), 0, SHOWN));
    }

    @Test
    void viewsReadTheGoldenPage() {
        ByteBuffer bytes = GoldenLayoutTest.direct(PacketPage.SIZE + CAPACITY);
        bytes.put(0, ProtocolDocument.INSTANCE.goldenStructure("PacketPage", SHOWN));
        PacketPage page = PacketPage.open(bytes, EPOCH, 17);
        assertEquals(CAPACITY, page.capacity());
        assertEquals(320, page.written());
        assertEquals(192, page.released());
        assertTrue(page.sleeping());
        assertEquals(PacketRecord.STREAM, PacketRecord.kind(bytes, page.at(0)));
        PacketConfig read =
                PacketStream.read(bytes, page.at(0) + PacketRecord.SIZE, PacketRecord.bytes(bytes, page.at(0)));
        assertEquals(CONFIG, read);
        int at = page.at(192);
        assertEquals(PacketRecord.PACKET, PacketRecord.kind(bytes, at));
        assertEquals(5, PacketRecord.bytes(bytes, at));
        assertEquals(1001, PacketRecord.sequence(bytes, at));
        assertEquals(90_090, PacketRecord.pts(bytes, at));
        assertEquals(87_087, PacketRecord.dts(bytes, at));
        assertEquals(3003, PacketRecord.duration(bytes, at));
        assertEquals(1_700_000_001_000_000_000L, PacketRecord.captureNanos(bytes, at));
        assertEquals(5_040_000_000L, PacketRecord.publishNanos(bytes, at));
        assertEquals(3, PacketRecord.flags(bytes, at));
        assertEquals(7, PacketRecord.lostBefore(bytes, at));
    }

    @Test
    void positionsWrapInTheDataOnly() {
        PacketPage page = PacketPage.open(written(), EPOCH, 17);
        assertEquals(PacketPage.SIZE, page.at(0));
        assertEquals(PacketPage.SIZE + 64, page.at(3L * CAPACITY + 64));
        assertEquals(CAPACITY - 64, page.untilEnd((1L << 40) + 64));
        assertEquals(64, PacketRecord.length(0));
        assertEquals(128, PacketRecord.length(1));
        assertEquals(128, PacketRecord.length(64));
        assertEquals(Integer.MAX_VALUE + 65L, PacketRecord.length(Integer.MAX_VALUE));
    }

    private static void assertRefused(Consumer<ByteBuffer> change) {
        ByteBuffer bytes = written();
        change.accept(bytes);
        assertThrows(IllegalArgumentException.class, () -> PacketPage.open(bytes, EPOCH, 17));
    }

    @Test
    void aPageThatIsNotOurOwnIsRefused() {
        assertRefused(bytes -> bytes.put(0, (byte) 'X'));
        assertRefused(bytes -> bytes.put(4, (byte) 2));
        assertRefused(bytes -> bytes.put(8, (byte) 0));
        assertRefused(bytes -> bytes.put(16, (byte) 18));
        for (long capacity : new long[] {0, -1, Long.MIN_VALUE, 32_768, 65_537, 131_072, 1L << 31, 1L << 40}) {
            assertRefused(bytes -> bytes.putLong(24, capacity));
        }
        assertThrows(
                IllegalArgumentException.class,
                () -> PacketPage.open(GoldenLayoutTest.direct(PacketPage.SIZE), EPOCH, 17));
        assertThrows(
                IllegalArgumentException.class,
                () -> PacketPage.create(GoldenLayoutTest.direct(PacketPage.SIZE + 65_600), EPOCH, 17));
        assertFalse(PacketPage.isCapacity(1L << 31));
    }

    @Test
    void aStreamThatMakesNoSenseIsRefused() {
        ByteBuffer bytes = written();
        int base = PacketPage.SIZE + PacketRecord.SIZE;
        assertThrows(IllegalArgumentException.class, () -> PacketStream.read(bytes, base, 63));
        assertThrows(IllegalArgumentException.class, () -> PacketStream.read(bytes, base, 64 + 16_385));
        for (int field : new int[] {4, 8, 12, 16, 20, 24}) {
            ByteBuffer wrong = written();
            wrong.putInt(base + field, -1);
            assertThrows(IllegalArgumentException.class, () -> PacketStream.read(wrong, base, 69), "field at " + field);
        }
        ByteBuffer later = written();
        later.putInt(base, 77);
        assertEquals(Codec.UNKNOWN, PacketStream.read(later, base, 69).codec());
    }
}

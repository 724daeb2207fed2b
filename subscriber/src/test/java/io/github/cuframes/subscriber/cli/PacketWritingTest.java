package io.github.cuframes.subscriber.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.frame.Codec;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.frame.Rational;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Access units and transport streams, byte by byte; that they play is seen where there is a player. */
class PacketWritingTest {

    private static final String AVCC = "0142001eff e1 0003 674200 01 0002 68ce";
    private static final String HVCC = "01" + "00".repeat(20) + "fb 02 a0 0001 0002 4001 a1 0001 0003 420101";

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }

    private static PacketConfig config(Codec codec, String extradata) {
        return new PacketConfig(
                codec, 0, 0, new Rational(1, 90_000), Rational.UNKNOWN, ByteBuffer.wrap(hex(extradata)));
    }

    private static void assertUnit(AccessUnit unit, boolean key, String packet, String expected) {
        assertTrue(unit.take(ByteBuffer.wrap(hex(packet)), key));
        assertEquals(expected.replace(" ", ""), HexFormat.of().formatHex(unit.bytes(), 0, unit.length()));
    }

    @Test
    void lengthsBecomeStartCodesAndKeyframesHaveTheirParameterSets() {
        AccessUnit unit = new AccessUnit(config(Codec.H264, AVCC), false);
        String sets = "00000001 674200 00000001 68ce ";
        assertUnit(unit, true, "00000002 6588", sets + "00000001 6588");
        assertUnit(unit, false, "00000002 4188 00000001 06", "00000001 4188 00000001 06");
        assertUnit(unit, true, "00000002 09f0 00000002 6588", "00000001 09f0" + sets + "00000001 6588");
        assertUnit(unit, true, "00000003 674299 00000002 6588", "00000001 674299 00000001 6588");
        assertUnit(unit, false, "00000000 00000002 4188", "00000001 4188");
        AccessUnit hevc = new AccessUnit(config(Codec.HEVC, HVCC), true);
        assertUnit(
                hevc,
                true,
                "00000003 260188 00000003 020199",
                "00000001 460150 00000001 4001 00000001 420101 00000001 260188 00000001 020199");
    }

    @Test
    void startCodesOfEitherLengthAreUnderstood() {
        AccessUnit unit = new AccessUnit(config(Codec.H264, "00000001 674200 000001 68ce"), true);
        assertUnit(
                unit,
                true,
                "000001 09 10 00000001 6588 0000 000001 6599 00",
                "00000001 09f0 00000001 674200 000001 68ce 00000001 6588 00000001 6599");
        assertUnit(unit, false, "", "00000001 09f0");
    }

    @Test
    void whatIsDamagedIsCutOff() {
        AccessUnit unit = new AccessUnit(config(Codec.H264, AVCC), false);
        assertFalse(unit.take(ByteBuffer.wrap(hex("00000002 4188 00000009 41")), false));
        assertArrayEquals(hex("00000001 4188"), Arrays.copyOf(unit.bytes(), unit.length()));
        assertFalse(unit.take(ByteBuffer.wrap(hex("ffffffff 41")), true));
        assertFalse(unit.take(ByteBuffer.wrap(hex("00000001 41 0000")), false));
        for (String extradata :
                new String[] {"01", "0142001eff e1", "0142001eff e1 0009 67", "0142001eff e1 0001 67"}) {
            PacketConfig damaged = config(Codec.H264, extradata);
            assertThrows(IllegalArgumentException.class, () -> new AccessUnit(damaged, false), extradata);
        }
        assertThrows(
                IllegalArgumentException.class, () -> new AccessUnit(config(Codec.HEVC, HVCC.substring(0, 50)), false));
    }

    @Test
    void aTransportStreamHasTablesClockAndEveryByte() {
        TransportStream stream = new TransportStream();
        byte[] unit = new byte[1000];
        for (int i = 0; i < unit.length; i++) {
            unit[i] = (byte) i;
        }
        int[] counters = {15, 15, 15};
        for (int size = 1; size <= unit.length; size++) {
            stream.clear();
            boolean key = size % 100 == 1;
            stream.write(Codec.H264, unit, size, 90_000L + 3600L * size, 90_000L + 3600L * size - 1800, key, false);
            assertEquals(0, stream.length() % 188);
            ByteBuffer ts = ByteBuffer.wrap(stream.bytes(), 0, stream.length());
            ByteBuffer pes = ByteBuffer.allocate(2000);
            int tables = 0;
            for (int at = 0; at < stream.length(); at += 188) {
                assertEquals(0x47, ts.get(at));
                int pid = ts.getShort(at + 1) & 0x1FFF;
                int which = pid == 0 ? 0 : pid == 0x1000 ? 1 : 2;
                counters[which] = counters[which] + 1 & 15;
                assertEquals(counters[which], ts.get(at + 3) & 15, "continuity of " + pid);
                int begin = 4 + ((ts.get(at + 3) & 0x20) != 0 ? 1 + (ts.get(at + 4) & 0xFF) : 0);
                if (which < 2) {
                    tables++;
                } else {
                    boolean first = pes.position() == 0;
                    assertEquals(first, (ts.get(at + 1) & 0x40) != 0);
                    if (first) {
                        assertEquals(key ? 0x50 : 0x10, ts.get(at + 5), "clock, and random access");
                        long clock = Integer.toUnsignedLong(ts.getInt(at + 6)) << 1 | (ts.get(at + 10) & 0xFF) >> 7;
                        assertEquals(90_000L + 3600L * size - 1800 - 45_000, clock);
                    }
                    pes.put(stream.bytes(), at + begin, 188 - begin);
                }
            }
            assertEquals(key ? 2 : 0, tables);
            pes.flip();
            assertEquals(19 + size, pes.limit());
            assertArrayEquals(
                    Arrays.copyOf(unit, size), Arrays.copyOfRange(pes.array(), 19, pes.limit()), "size " + size);
        }
    }

    @Test
    void timesThatAreNotKnownAreLeftOut() {
        TransportStream stream = new TransportStream();
        stream.write(Codec.HEVC, new byte[10], 10, TransportStream.NO_TIME, TransportStream.NO_TIME, true, false);
        assertEquals(3 * 188, stream.length());
        assertEquals(0x24, stream.bytes()[188 + 4 + 1 + 12], "the stream's type");
        int pes = 3 * 188 - 10 - 9;
        assertEquals(0, stream.bytes()[pes + 7], "no times");
        assertEquals(0, stream.bytes()[pes + 8]);
        stream.clear();
        stream.write(Codec.HEVC, new byte[10], 10, 90_000, 90_000, false, true);
        assertEquals((byte) 0x90, stream.bytes()[5], "a break, with a clock");
        assertEquals((byte) 0x80, stream.bytes()[188 - 10 - 14 + 7], "one time where both are the same");
    }
}

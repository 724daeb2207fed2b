package io.github.cuframes.conformance.publisher;

import io.github.cuframes.conformance.Failed;
import java.nio.ByteBuffer;
import java.util.Map;

/** Bytes that planes need, by the table of pixel formats. */
final class Formats {

    /** Planes, chroma shifts x and y, bytes of a sample, samples of a pixel in the first plane and in the chroma planes. */
    private record Format(int planes, int x, int y, int sample, int first, int chroma) {}

    private static final Map<Integer, Format> FORMATS = Map.ofEntries(
            Map.entry(1, new Format(2, 1, 1, 1, 1, 2)),
            Map.entry(2, new Format(3, 1, 1, 1, 1, 1)),
            Map.entry(3, new Format(3, 1, 0, 1, 1, 1)),
            Map.entry(4, new Format(3, 0, 0, 1, 1, 1)),
            Map.entry(5, new Format(1, 0, 0, 1, 1, 0)),
            Map.entry(6, new Format(2, 1, 1, 2, 1, 2)),
            Map.entry(7, new Format(3, 1, 1, 2, 1, 1)),
            Map.entry(8, new Format(1, 0, 0, 1, 3, 0)),
            Map.entry(9, new Format(1, 0, 0, 1, 3, 0)),
            Map.entry(10, new Format(1, 0, 0, 1, 4, 0)),
            Map.entry(11, new Format(1, 0, 0, 1, 4, 0)),
            Map.entry(12, new Format(3, 1, 0, 2, 1, 1)),
            Map.entry(13, new Format(3, 0, 0, 2, 1, 1)));

    private Formats() {}

    /** Checks the planes of a STREAM field. */
    static void requirePlanesInside(ByteBuffer stream) throws Failed {
        long width = stream.getInt(0);
        long height = stream.getInt(4);
        Format format = FORMATS.get(stream.getInt(8));
        Failed.unless(format != null, "a format of table 2.6", "number " + stream.getInt(8));
        long slotSize = stream.getLong(40);
        for (int plane = 0; plane < 4; plane++) {
            long offset = Integer.toUnsignedLong(stream.getInt(48 + 8 * plane));
            long pitch = Integer.toUnsignedLong(stream.getInt(52 + 8 * plane));
            if (plane >= format.planes()) {
                Failed.unless(offset == 0 && pitch == 0, "zeros beyond the format's planes", offset + ", " + pitch);
                continue;
            }
            long columns = plane == 0 ? width : (width + (1 << format.x()) - 1) >> format.x();
            long rows = plane == 0 ? height : (height + (1 << format.y()) - 1) >> format.y();
            long rowBytes = columns * format.sample() * (plane == 0 ? format.first() : format.chroma());
            Failed.unless(pitch >= rowBytes, "a pitch of at least " + rowBytes + " bytes in plane " + plane, pitch);
            long end = offset + pitch * (rows - 1) + rowBytes;
            Failed.unless(
                    end <= slotSize,
                    "plane " + plane + " inside the slot of " + slotSize + " bytes",
                    "an end at " + end);
        }
    }
}

package io.github.cuframes.producer.ingest;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** What an {@link Ingest} counts, since it was made; of a rendition, {@link #OF_RENDITIONS}. */
public enum IngestCounter {
    /** Packets of the video stream that came in. */
    PACKETS("Packets received"),
    /** Bytes in those packets. */
    BYTES("Bytes received"),
    /** Frames that came out of the decoder. */
    DECODED("Frames decoded"),
    /** Nanoseconds in the decoder's calls. On a GPU that is the CPU's side: handing in, and waiting for a picture. */
    DECODE_NANOS("Nanoseconds in decoder calls"),
    /** Frames that were offered to subscribers. */
    PUBLISHED("Frames published"),
    /** Published frames that were copied on the way, converted ones included. */
    COPIED("Frames copied"),
    /** Published frames whose pixel format had to be converted. */
    CONVERTED("Frames converted"),
    /** Published frames that were decoded in software and uploaded to a GPU. */
    UPLOADED("Frames uploaded"),
    /** Frames that were decoded and not published, because every slot was in use. */
    DROPPED_NO_SLOT("Frames dropped for want of a slot"),
    /** Frames that were left out because the stream has a rate of its own; perhaps not even decoded. */
    THINNED("Frames left out for the rate"),
    /** Frames of a rendition that were not made, because nobody subscribed to it. */
    UNWANTED("Frames left out for want of a subscriber"),
    /** Frames of a rendition that were not published, because its filter or its memory failed. */
    DROPPED_FAILED("Frames dropped because a rendition failed"),
    /** Published frames in which the decoder concealed errors. */
    CORRUPT("Frames with concealed errors"),
    /** Packets that could not be decoded. */
    DECODE_ERRORS("Decoding errors"),
    /** Connections made after the first. */
    RECONNECTS("Reconnections"),
    /** Native calls that did not return in time and were given up; each cost a start of reader and decoder. */
    HANGS("Calls given up"),
    /** Times at which frames are missing or time jumps: reconnections, loops, jumps of the time stamps. */
    GAPS("Gaps");

    /** What each rendition counts for itself; the main stream's counts are the camera's. */
    public static final Set<IngestCounter> OF_RENDITIONS = Collections.unmodifiableSet(EnumSet.of(
            PUBLISHED, COPIED, CONVERTED, UPLOADED, DROPPED_NO_SLOT, THINNED, UNWANTED, DROPPED_FAILED, CORRUPT, GAPS));

    private final String description;

    IngestCounter(String description) {
        this.description = description;
    }

    /** For people. */
    public String description() {
        return description;
    }

    /** For machines: lower case, with underscores. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}

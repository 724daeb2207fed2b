package io.github.cuframes.protocol.layout;

import io.github.cuframes.protocol.ProtocolVersion;

/**
 * The first 512 bytes of a ring: who publishes, where the tables are, and counters.
 *
 * <pre>
 *      0  magic, version, sizes, epoch, state, library, key      written once, the state last
 *    256  newest frame, source, counters, stream                 written as frames are published
 * </pre>
 */
final class RingHeader {

    static final int MAGIC = ProtocolVersion.MAGIC;

    static final int MAGIC_OFFSET = 0;
    static final int MAJOR_OFFSET = MAGIC_OFFSET + Integer.BYTES;
    static final int MINOR_OFFSET = MAJOR_OFFSET + Short.BYTES;
    static final int STATE_OFFSET = MINOR_OFFSET + Short.BYTES;
    static final int PUBLISHER_PID_OFFSET = STATE_OFFSET + Integer.BYTES;
    static final int EPOCH_OFFSET = PUBLISHER_PID_OFFSET + Integer.BYTES;
    static final int RING_SIZE_OFFSET = EPOCH_OFFSET + Long.BYTES;
    static final int SLOT_CAPACITY_OFFSET = RING_SIZE_OFFSET + Long.BYTES;
    static final int SUBSCRIBER_CAPACITY_OFFSET = SLOT_CAPACITY_OFFSET + Integer.BYTES;
    static final int SLOT_DESCRIPTORS_AT_OFFSET = SUBSCRIBER_CAPACITY_OFFSET + Integer.BYTES;
    static final int FRAME_METADATA_AT_OFFSET = SLOT_DESCRIPTORS_AT_OFFSET + Integer.BYTES;
    static final int SUBSCRIBER_SLOTS_AT_OFFSET = FRAME_METADATA_AT_OFFSET + Integer.BYTES;
    static final int RESERVED_1_OFFSET = SUBSCRIBER_SLOTS_AT_OFFSET + Integer.BYTES;
    static final int STARTED_NANOS_OFFSET = RESERVED_1_OFFSET + Integer.BYTES;
    static final int LIBRARY_OFFSET = STARTED_NANOS_OFFSET + Long.BYTES;
    static final int LIBRARY_SIZE = 32;
    static final int KEY_OFFSET = LIBRARY_OFFSET + LIBRARY_SIZE;
    static final int KEY_SIZE = 64;
    static final int RESERVED_2_OFFSET = KEY_OFFSET + KEY_SIZE;

    static final int NEWEST_SEQUENCE_OFFSET = 256;
    static final int NEWEST_PUBLISH_NANOS_OFFSET = NEWEST_SEQUENCE_OFFSET + Long.BYTES;
    static final int HEARTBEAT_NANOS_OFFSET = NEWEST_PUBLISH_NANOS_OFFSET + Long.BYTES;
    static final int GENERATION_OFFSET = HEARTBEAT_NANOS_OFFSET + Long.BYTES;
    static final int SOURCE_STATE_OFFSET = GENERATION_OFFSET + Integer.BYTES;
    static final int LOST_NO_SLOT_OFFSET = SOURCE_STATE_OFFSET + Integer.BYTES;
    static final int COPIED_OFFSET = LOST_NO_SLOT_OFFSET + Long.BYTES;
    static final int DISCONTINUITIES_OFFSET = COPIED_OFFSET + Long.BYTES;
    static final int MEMORY_BYTES_OFFSET = DISCONTINUITIES_OFFSET + Long.BYTES;
    static final int SLOTS_OFFSET = MEMORY_BYTES_OFFSET + Long.BYTES;
    static final int SLOTS_IN_USE_OFFSET = SLOTS_OFFSET + Integer.BYTES;
    static final int SUBSCRIBERS_OFFSET = SLOTS_IN_USE_OFFSET + Integer.BYTES;
    static final int MEMORY_KIND_OFFSET = SUBSCRIBERS_OFFSET + Integer.BYTES;
    static final int WIDTH_OFFSET = MEMORY_KIND_OFFSET + Integer.BYTES;
    static final int HEIGHT_OFFSET = WIDTH_OFFSET + Integer.BYTES;
    static final int FORMAT_OFFSET = HEIGHT_OFFSET + Integer.BYTES;
    static final int FRAME_RATE_NUMERATOR_OFFSET = FORMAT_OFFSET + Integer.BYTES;
    static final int FRAME_RATE_DENOMINATOR_OFFSET = FRAME_RATE_NUMERATOR_OFFSET + Integer.BYTES;
    static final int RESERVED_3_OFFSET = FRAME_RATE_DENOMINATOR_OFFSET + Integer.BYTES;

    static final int SIZE = 512;

    private RingHeader() {}
}

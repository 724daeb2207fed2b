package io.github.cuframes.protocol.layout;

import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A ring file: the header, then a {@link SlotDescriptor} and a {@link FrameMetadata} for each slot and a
 * {@link SubscriberSlot} for each subscriber. The publisher is the only writer; everybody else has a read-only mapping.
 *
 * <p>The publisher calls the writing methods from one thread at a time. Readers may be anywhere: what they find through
 * a delivery is complete and stays; counters are each correct but not of one moment.
 */
public final class Ring {

    /** The most slots that a ring may have. */
    public static final int MAX_SLOTS = 4096;

    /** The most subscribers that a ring may have. */
    public static final int MAX_SUBSCRIBERS = 1024;

    private static final int LIVE = 1;
    private static final int CLOSED = 2;

    private final ByteBuffer ring;
    private final SlotDescriptor[] descriptors;
    private final FrameMetadata[] metadata;
    private final SubscriberSlot[] subscribers;

    private Ring(ByteBuffer ring, int slots, int subscribers, int descriptorsAt, int metadataAt, int subscribersAt) {
        this.ring = ring;
        this.descriptors = new SlotDescriptor[slots];
        this.metadata = new FrameMetadata[slots];
        this.subscribers = new SubscriberSlot[subscribers];
        for (int i = 0; i < slots; i++) {
            descriptors[i] = new SlotDescriptor(ring, descriptorsAt + i * SlotDescriptor.SIZE);
            metadata[i] = new FrameMetadata(ring, metadataAt + i * FrameMetadata.SIZE);
        }
        for (int i = 0; i < subscribers; i++) {
            this.subscribers[i] = new SubscriberSlot(ring, subscribersAt + i * SubscriberSlot.SIZE);
        }
    }

    /** Bytes of a ring with room for so many slots and subscribers. */
    public static int size(int slots, int subscribers) {
        return RingHeader.SIZE + slots * (SlotDescriptor.SIZE + FrameMetadata.SIZE) + subscribers * SubscriberSlot.SIZE;
    }

    /**
     * Makes a ring out of zeros; the publisher's side.
     *
     * @param zeros at least {@link #size} bytes
     * @param epoch tells this publisher's life from every other; not 0
     * @param pid of the publisher
     * @param startedNanos wall clock in nanoseconds since 1970
     */
    public static Ring create(
            ByteBuffer zeros,
            int slots,
            int subscribers,
            long epoch,
            long pid,
            long startedNanos,
            String library,
            String key) {
        checkCapacity("slots", slots, MAX_SLOTS);
        checkCapacity("subscribers", subscribers, MAX_SUBSCRIBERS);
        ByteBuffer ring = Fields.checked(zeros, "a ring", size(slots, subscribers));
        int descriptorsAt = RingHeader.SIZE;
        int metadataAt = descriptorsAt + slots * SlotDescriptor.SIZE;
        int subscribersAt = metadataAt + slots * FrameMetadata.SIZE;
        Fields.putInt(ring, RingHeader.MAGIC_OFFSET, RingHeader.MAGIC);
        Fields.putShort(ring, RingHeader.MAJOR_OFFSET, ProtocolVersion.CURRENT.major());
        Fields.putShort(ring, RingHeader.MINOR_OFFSET, ProtocolVersion.CURRENT.minor());
        Fields.putInt(ring, RingHeader.PUBLISHER_PID_OFFSET, (int) pid);
        Fields.putLong(ring, RingHeader.EPOCH_OFFSET, epoch);
        Fields.putLong(ring, RingHeader.RING_SIZE_OFFSET, size(slots, subscribers));
        Fields.putInt(ring, RingHeader.SLOT_CAPACITY_OFFSET, slots);
        Fields.putInt(ring, RingHeader.SUBSCRIBER_CAPACITY_OFFSET, subscribers);
        Fields.putInt(ring, RingHeader.SLOT_DESCRIPTORS_AT_OFFSET, descriptorsAt);
        Fields.putInt(ring, RingHeader.FRAME_METADATA_AT_OFFSET, metadataAt);
        Fields.putInt(ring, RingHeader.SUBSCRIBER_SLOTS_AT_OFFSET, subscribersAt);
        Fields.putLong(ring, RingHeader.STARTED_NANOS_OFFSET, startedNanos);
        Fields.putText(ring, RingHeader.LIBRARY_OFFSET, RingHeader.LIBRARY_SIZE, library);
        Fields.putText(ring, RingHeader.KEY_OFFSET, RingHeader.KEY_SIZE, key);
        Fields.putInt(ring, RingHeader.FRAME_RATE_DENOMINATOR_OFFSET, 1);
        // Pairs with the acquire in open() and isClosed(): whoever sees it live sees the rest.
        Fields.putIntRelease(ring, RingHeader.STATE_OFFSET, LIVE);
        return new Ring(ring, slots, subscribers, descriptorsAt, metadataAt, subscribersAt);
    }

    private static void checkCapacity(String what, int value, int limit) {
        if (value < 1 || value > limit) {
            throw new IllegalArgumentException("a ring has 1 to " + limit + " " + what + ", not " + value);
        }
    }

    /**
     * Checks a ring that another process made.
     *
     * @param mapped the whole file
     * @param epoch the one that the publisher announced
     * @throws IllegalArgumentException if this is no ring, is another version's or another publisher's, or its tables
     *     do not lie inside the file
     */
    public static Ring open(ByteBuffer mapped, long epoch) {
        ByteBuffer ring = Fields.checked(mapped, "a ring", RingHeader.SIZE);
        // Pairs with the release in create().
        int state = Fields.getIntAcquire(ring, RingHeader.STATE_OFFSET);
        check(Fields.getInt(ring, RingHeader.MAGIC_OFFSET) == RingHeader.MAGIC, "it does not begin with CUFR");
        ProtocolVersion version = new ProtocolVersion(
                Fields.getShort(ring, RingHeader.MAJOR_OFFSET), Fields.getShort(ring, RingHeader.MINOR_OFFSET));
        check(ProtocolVersion.CURRENT.isCompatibleWith(version), "it is of version " + version);
        check(state == LIVE || state == CLOSED, "its publisher has not finished it");
        check(Fields.getLong(ring, RingHeader.EPOCH_OFFSET) == epoch, "it is another publisher's");
        long size = Fields.getLong(ring, RingHeader.RING_SIZE_OFFSET);
        check(
                size >= RingHeader.SIZE && size <= ring.capacity(),
                "it is said to have " + Long.toUnsignedString(size) + " bytes, the file has " + ring.capacity());
        int slots = Fields.getInt(ring, RingHeader.SLOT_CAPACITY_OFFSET);
        int subscribers = Fields.getInt(ring, RingHeader.SUBSCRIBER_CAPACITY_OFFSET);
        check(slots >= 1 && slots <= MAX_SLOTS, "it has " + slots + " slots");
        check(subscribers >= 1 && subscribers <= MAX_SUBSCRIBERS, "it has " + subscribers + " subscriber slots");
        return new Ring(
                ring,
                slots,
                subscribers,
                table(ring, size, RingHeader.SLOT_DESCRIPTORS_AT_OFFSET, slots * SlotDescriptor.SIZE),
                table(ring, size, RingHeader.FRAME_METADATA_AT_OFFSET, slots * FrameMetadata.SIZE),
                table(ring, size, RingHeader.SUBSCRIBER_SLOTS_AT_OFFSET, subscribers * SubscriberSlot.SIZE));
    }

    private static int table(ByteBuffer ring, long ringSize, int field, int size) {
        int at = Fields.getInt(ring, field);
        check(
                at >= RingHeader.SIZE && at % Long.BYTES == 0 && at <= ringSize - size,
                "a table at " + Integer.toUnsignedString(at) + " with " + size + " bytes does not fit into "
                        + ringSize);
        return at;
    }

    private static void check(boolean valid, String why) {
        if (!valid) {
            throw new IllegalArgumentException("the ring cannot be used: " + why);
        }
    }

    /** Slots that the tables have room for. */
    public int slotCapacity() {
        return descriptors.length;
    }

    /** Subscribers that the table has room for. */
    public int subscriberCapacity() {
        return subscribers.length;
    }

    /** The descriptor of a slot. */
    public SlotDescriptor descriptor(int slot) {
        return descriptors[slot];
    }

    /** The metadata of a slot's frame. */
    public FrameMetadata metadata(int slot) {
        return metadata[slot];
    }

    /** The account of a subscriber. */
    public SubscriberSlot subscriber(int index) {
        return subscribers[index];
    }

    /** Whether the publisher has closed the ring in an orderly way. */
    public boolean isClosed() {
        // Pairs with the releases in create() and close().
        return Fields.getIntAcquire(ring, RingHeader.STATE_OFFSET) == CLOSED;
    }

    /** Tells this publisher's life from every other. */
    public long epoch() {
        return Fields.getLong(ring, RingHeader.EPOCH_OFFSET);
    }

    /** Process id of the publisher in its own pid namespace. */
    public int publisherPid() {
        return Fields.getInt(ring, RingHeader.PUBLISHER_PID_OFFSET);
    }

    /** The publisher's start, wall clock in nanoseconds since 1970. */
    public long startedNanos() {
        return Fields.getLong(ring, RingHeader.STARTED_NANOS_OFFSET);
    }

    /** Name and version of the publisher's implementation. */
    public String library() {
        return Fields.getText(ring, RingHeader.LIBRARY_OFFSET, RingHeader.LIBRARY_SIZE);
    }

    /** The stream's name. */
    public String key() {
        return Fields.getText(ring, RingHeader.KEY_OFFSET, RingHeader.KEY_SIZE);
    }

    /** Sequence number of the newest frame; 0 before the first. */
    public long newestSequence() {
        // Pairs with the release in published(); a subscriber asks for a newer frame by it.
        return Fields.getLongAcquire(ring, RingHeader.NEWEST_SEQUENCE_OFFSET);
    }

    /** CLOCK_MONOTONIC in nanoseconds when the newest frame was published; 0 before the first. */
    public long newestPublishNanos() {
        return Fields.getLong(ring, RingHeader.NEWEST_PUBLISH_NANOS_OFFSET);
    }

    /** CLOCK_MONOTONIC in nanoseconds when the publisher last showed that it lives: at least every 2 s. */
    public long heartbeatNanos() {
        return Fields.getLong(ring, RingHeader.HEARTBEAT_NANOS_OFFSET);
    }

    /** The current generation; 0 before the first. */
    public int generation() {
        return Fields.getInt(ring, RingHeader.GENERATION_OFFSET);
    }

    /** What the source does, or nothing when unknown. */
    public Optional<SourceState> sourceState() {
        return SourceState.ofCode(Fields.getInt(ring, RingHeader.SOURCE_STATE_OFFSET));
    }

    /** Frames that were lost because no slot was free. */
    public long lostNoSlot() {
        return Fields.getLong(ring, RingHeader.LOST_NO_SLOT_OFFSET);
    }

    /** Frames that were copied into their slot. */
    public long copied() {
        return Fields.getLong(ring, RingHeader.COPIED_OFFSET);
    }

    /** Frames with {@link FrameFlag#DISCONTINUITY}. */
    public long discontinuities() {
        return Fields.getLong(ring, RingHeader.DISCONTINUITIES_OFFSET);
    }

    /** Bytes of frame memory. */
    public long memoryBytes() {
        return Fields.getLong(ring, RingHeader.MEMORY_BYTES_OFFSET);
    }

    /** Slots that have memory. */
    public int slots() {
        return Fields.getInt(ring, RingHeader.SLOTS_OFFSET);
    }

    /** Slots that are not free. */
    public int slotsInUse() {
        return Fields.getInt(ring, RingHeader.SLOTS_IN_USE_OFFSET);
    }

    /** Subscribers connected. */
    public int subscribers() {
        return Fields.getInt(ring, RingHeader.SUBSCRIBERS_OFFSET);
    }

    /** Where the frames live, or nothing before the first generation. */
    public Optional<MemoryKind> memoryKind() {
        return MemoryKind.ofCode(Fields.getInt(ring, RingHeader.MEMORY_KIND_OFFSET));
    }

    /** Width of the current generation's frames in pixels, 0 before the first. */
    public int width() {
        return Fields.getInt(ring, RingHeader.WIDTH_OFFSET);
    }

    /** Height of the current generation's frames in pixels, 0 before the first. */
    public int height() {
        return Fields.getInt(ring, RingHeader.HEIGHT_OFFSET);
    }

    /** Format of the current generation's frames, or nothing before the first. */
    public Optional<PixelFormat> format() {
        return PixelFormat.ofCode(Fields.getInt(ring, RingHeader.FORMAT_OFFSET));
    }

    /** Frames a second as the source announces them, or unknown. */
    public Rational frameRate() {
        int numerator = Fields.getInt(ring, RingHeader.FRAME_RATE_NUMERATOR_OFFSET);
        int denominator = Fields.getInt(ring, RingHeader.FRAME_RATE_DENOMINATOR_OFFSET);
        return numerator > 0 && denominator > 0 ? new Rational(numerator, denominator) : Rational.UNKNOWN;
    }

    /** Announces a frame whose metadata is written; the publisher's side. */
    public void published(long sequence, long publishNanos, int flags) {
        if (FrameFlag.DISCONTINUITY.in(flags)) {
            Fields.putLong(ring, RingHeader.DISCONTINUITIES_OFFSET, discontinuities() + 1);
        }
        if (FrameFlag.COPIED.in(flags)) {
            Fields.putLong(ring, RingHeader.COPIED_OFFSET, copied() + 1);
        }
        Fields.putLong(ring, RingHeader.NEWEST_PUBLISH_NANOS_OFFSET, publishNanos);
        // Pairs with the acquire in newestSequence().
        Fields.putLongRelease(ring, RingHeader.NEWEST_SEQUENCE_OFFSET, sequence);
    }

    /** Counts a frame that no slot was free for; the publisher's side. */
    public void countLostNoSlot() {
        Fields.putLong(ring, RingHeader.LOST_NO_SLOT_OFFSET, lostNoSlot() + 1);
    }

    /** Announces a generation; the publisher's side. */
    public void configured(int generation, MemoryKind kind, StreamConfig config) {
        Fields.putInt(ring, RingHeader.MEMORY_KIND_OFFSET, kind.code());
        Fields.putInt(ring, RingHeader.WIDTH_OFFSET, config.layout().width());
        Fields.putInt(ring, RingHeader.HEIGHT_OFFSET, config.layout().height());
        Fields.putInt(ring, RingHeader.FORMAT_OFFSET, config.layout().format().code());
        Fields.putInt(
                ring, RingHeader.FRAME_RATE_NUMERATOR_OFFSET, config.frameRate().numerator());
        Fields.putInt(
                ring,
                RingHeader.FRAME_RATE_DENOMINATOR_OFFSET,
                config.frameRate().denominator());
        Fields.putInt(ring, RingHeader.GENERATION_OFFSET, generation);
    }

    /** Shows what the frames' memory is used for; the publisher's side. */
    public void memory(long bytes, int slots, int slotsInUse, int subscriberCount) {
        Fields.putLong(ring, RingHeader.MEMORY_BYTES_OFFSET, bytes);
        Fields.putInt(ring, RingHeader.SLOTS_OFFSET, slots);
        Fields.putInt(ring, RingHeader.SLOTS_IN_USE_OFFSET, slotsInUse);
        Fields.putInt(ring, RingHeader.SUBSCRIBERS_OFFSET, subscriberCount);
    }

    /** Shows what the source does; the publisher's side. */
    public void sourceState(SourceState state) {
        Fields.putInt(ring, RingHeader.SOURCE_STATE_OFFSET, state.code());
    }

    /** Shows that the publisher lives; the publisher's side. */
    public void heartbeat(long nanos) {
        Fields.putLong(ring, RingHeader.HEARTBEAT_NANOS_OFFSET, nanos);
    }

    /** Says that nothing will come any more; the publisher's side. */
    public void close() {
        // Pairs with the acquire in isClosed().
        Fields.putIntRelease(ring, RingHeader.STATE_OFFSET, CLOSED);
    }
}

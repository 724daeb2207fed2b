package io.github.cuframes.subscriber;

import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.layout.FrameMetadata;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PacketRecord;
import java.nio.ByteBuffer;

/**
 * An encoded packet: until {@link #close()} its bytes stand still, in memory that is shared with the publisher. Close it as
 * soon as it is done with: what is not closed takes room from the packets to come. Any thread may call any method.
 *
 * <p>What describes the packet can be asked for also after closing. A {@link ByteBuffer} that was got before stays safe to
 * read after closing, but other packets may be written into it.
 */
public final class Packet implements AutoCloseable {

    /** Stands for a time that is not known. */
    public static final long NO_TIME = FrameMetadata.NO_TIME;

    private final PacketSession session;
    private final PacketConfig config;
    private final long epoch;
    private final ByteBuffer page;
    private final int at;
    private final int bytes;

    private final long sequence;
    private final long pts;
    private final long dts;
    private final long duration;
    private final long captureNanos;
    private final long publishNanos;
    private final int flags;
    private final int lostBefore;

    /** The position behind it. */
    final long end;

    /** Guarded by the session's lock. */
    boolean closed;

    Packet(
            PacketSession session,
            PacketPage page,
            long position,
            int bytes,
            long end,
            PacketConfig config,
            long epoch) {
        this.session = session;
        this.config = config;
        this.epoch = epoch;
        this.page = page.buffer();
        this.at = page.at(position);
        this.bytes = bytes;
        this.end = end;
        this.sequence = PacketRecord.sequence(this.page, at);
        this.pts = PacketRecord.pts(this.page, at);
        this.dts = PacketRecord.dts(this.page, at);
        this.duration = PacketRecord.duration(this.page, at);
        this.captureNanos = PacketRecord.captureNanos(this.page, at);
        this.publishNanos = PacketRecord.publishNanos(this.page, at);
        this.flags = PacketRecord.flags(this.page, at);
        this.lostBefore = PacketRecord.lostBefore(this.page, at);
    }

    /**
     * The packet as the source gave it, read-only; see {@link PacketConfig#extradata} for its form.
     *
     * @throws IllegalStateException if this is closed
     */
    public ByteBuffer data() {
        if (session.isClosed(this)) {
            throw new IllegalStateException("packet " + sequence + " is closed");
        }
        return page.slice(at + PacketRecord.SIZE, bytes).asReadOnlyBuffer();
    }

    /** Bytes of {@link #data()}. */
    public int size() {
        return bytes;
    }

    /** What holds for this packet; the same object for packets for which the same holds. */
    public PacketConfig config() {
        return config;
    }

    /** Number of the packet in its epoch: 1, 2, 3 … */
    public long sequence() {
        return sequence;
    }

    /** The publisher's life that the packet is of. */
    public long epoch() {
        return epoch;
    }

    /** Presentation time in ticks of {@link PacketConfig#timeBase()}, or {@link #NO_TIME}. */
    public long pts() {
        return pts;
    }

    /** Decoding time in ticks, or {@link #NO_TIME}. */
    public long dts() {
        return dts;
    }

    /** For how long to show it, in ticks; 0 when unknown. */
    public long duration() {
        return duration;
    }

    /** {@link #pts()} in nanoseconds, or {@link #NO_TIME}. */
    public long ptsNanos() {
        return nanos(pts);
    }

    /** {@link #dts()} in nanoseconds, or {@link #NO_TIME}. */
    public long dtsNanos() {
        return nanos(dts);
    }

    /** {@link #duration()} in nanoseconds. */
    public long durationNanos() {
        return nanos(duration);
    }

    private long nanos(long ticks) {
        return ticks == NO_TIME ? NO_TIME : config.timeBase().scale(ticks, 1_000_000_000);
    }

    /** Wall clock of the camera in nanoseconds since 1970, or {@link #NO_TIME}. */
    public long captureNanos() {
        return captureNanos;
    }

    /** When the publisher had it, in nanoseconds of {@link System#nanoTime} on the same machine. */
    public long publishNanos() {
        return publishNanos;
    }

    /** Whether decoding can begin here. */
    public boolean isKey() {
        return FrameFlag.KEY.in(flags);
    }

    /** Whether packets are missing before it, or time does not go on: what was read before is no help to decode it. */
    public boolean breaksStream() {
        return FrameFlag.DISCONTINUITY.in(flags);
    }

    /** Whether the source says that it is damaged. */
    public boolean isCorrupt() {
        return FrameFlag.CORRUPT.in(flags);
    }

    /** Packets that this subscriber was not given since the one before. */
    public int lostBefore() {
        return lostBefore;
    }

    /** Says that it has been read. A second call does nothing. */
    @Override
    public void close() {
        session.close(this);
    }

    @Override
    public String toString() {
        return "packet " + sequence + " of " + bytes + " bytes" + (isKey() ? ", key" : "");
    }
}

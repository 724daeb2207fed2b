package io.github.cuframes.subscriber.cli;

import io.github.cuframes.protocol.frame.Codec;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.subscriber.Packet;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes packets of H.264 and HEVC to a channel. Not thread-safe. */
final class PacketWriter {

    private static final Logger LOG = LoggerFactory.getLogger(PacketWriter.class);

    private static final int CLOCK = 90_000;

    /** What is added to times, since a transport stream has none below 0 and its clock is ahead. */
    private static final long SHIFT = CLOCK;

    private final WritableByteChannel channel;
    private final PacketFormat format;
    private final TransportStream stream = new TransportStream();

    private PacketConfig config;
    private AccessUnit unit;
    private long epoch;
    private boolean damaged;

    PacketWriter(WritableByteChannel channel, PacketFormat format) {
        this.channel = channel;
        this.format = format;
    }

    /**
     * Writes a packet and waits until the channel has taken all of it.
     *
     * @throws UnsupportedOperationException if a packet of this codec cannot be written
     */
    void write(Packet packet) throws IOException {
        if (packet.config() != config) {
            begin(packet.config());
        }
        if (!unit.take(packet.data(), packet.isKey()) && !damaged) {
            damaged = true;
            LOG.warn("{} is damaged: a NAL unit reaches beyond it; what comes before it is written", packet);
        }
        if (format == PacketFormat.ANNEXB) {
            writeFully(unit.bytes(), unit.length());
            return;
        }
        stream.clear();
        stream.write(
                config.codec(),
                unit.bytes(),
                unit.length(),
                time(packet.pts()),
                time(packet.dts()),
                packet.isKey(),
                packet.breaksStream() || packet.epoch() != epoch);
        epoch = packet.epoch();
        writeFully(stream.bytes(), stream.length());
    }

    private void begin(PacketConfig next) throws IOException {
        if (next.codec() != Codec.H264 && next.codec() != Codec.HEVC) {
            throw new UnsupportedOperationException(
                    "packets of codec " + next.codec().label() + " cannot be written as "
                            + format.name().toLowerCase(Locale.ROOT) + "; H.264 and HEVC can");
        }
        try {
            unit = new AccessUnit(next, format == PacketFormat.MPEGTS);
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        }
        config = next;
    }

    private long time(long ticks) {
        return ticks == Packet.NO_TIME
                ? TransportStream.NO_TIME
                : config.timeBase().scale(ticks, CLOCK) + SHIFT;
    }

    private void writeFully(byte[] bytes, int length) throws IOException {
        ByteBuffer rest = ByteBuffer.wrap(bytes, 0, length);
        while (rest.hasRemaining()) {
            channel.write(rest);
        }
    }
}

package io.github.cuframes.producer.ingest;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The taps of one reader. The reader's thread calls, and {@link #revoke()} any thread: after it returned, no tap is called by
 * this reader any more. Costs a look at an empty list where there are none.
 */
final class PacketTaps {

    private static final Logger LOG = LoggerFactory.getLogger(PacketTaps.class);

    private final List<PacketTap> taps;
    private final SafeUrl url;

    // guarded by this: a call that is under way ends before a reader's packets are another reader's
    private final List<PacketTap> connected = new ArrayList<>();
    private boolean revoked;

    PacketTaps(List<PacketTap> taps, SafeUrl url) {
        this.taps = taps;
        this.url = url;
    }

    boolean wantAudio() {
        return taps.stream().anyMatch(PacketTap::wantsAudio);
    }

    /** Says what follows, to those who were told that the last is over. */
    void connected(Source source) throws InputException {
        if (taps.isEmpty()) {
            return;
        }
        PacketStreams streams = source.streams();
        synchronized (this) {
            if (!revoked) {
                connected.addAll(taps);
                tell(tap -> tap.connected(streams));
            }
        }
    }

    void packet(AVPacket packet, long captureNanos) {
        if (!taps.isEmpty()) {
            synchronized (this) {
                tell(tap -> tap.packet(packet, captureNanos));
            }
        }
    }

    void disconnected() {
        if (!taps.isEmpty()) {
            synchronized (this) {
                tell(PacketTap::disconnected);
                connected.clear();
            }
        }
    }

    /** The reader was given up, and may go on at any time. */
    void revoke() {
        synchronized (this) {
            disconnected();
            revoked = true;
        }
    }

    private void tell(Consumer<PacketTap> call) {
        for (int i = connected.size() - 1; i >= 0; i--) {
            PacketTap tap = connected.get(i);
            try {
                call.accept(tap);
            } catch (RuntimeException | LinkageError e) {
                connected.remove(i);
                LOG.error("{}: a tap of its packets failed and gets no more of this connection", url, e);
            }
        }
    }
}

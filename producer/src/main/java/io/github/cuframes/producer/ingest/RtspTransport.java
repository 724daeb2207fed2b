package io.github.cuframes.producer.ingest;

import java.util.Locale;

/** How RTSP carries its media. */
public enum RtspTransport {
    /** Interleaved in the RTSP connection: passes firewalls, loses nothing. */
    TCP,
    /** RTP over UDP: no head-of-line blocking; what is lost is lost. */
    UDP;

    /** FFmpeg's word for it, and the command's. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}

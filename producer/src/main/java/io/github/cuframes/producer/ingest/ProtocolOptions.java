package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avutil.av_dict_set;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_set_int;

import org.bytedeco.ffmpeg.avutil.AVDictionary;

/** What FFmpeg's protocols are told about an input. */
final class ProtocolOptions {

    private ProtocolOptions() {}

    /**
     * The options, which the caller frees.
     *
     * @param media the kinds of media to ask an RTSP server for, in FFmpeg's words; null for all
     */
    static AVDictionary of(SourceOptions options, String media) {
        AVDictionary dictionary = new AVDictionary(null);
        SafeUrl url = options.url();
        long readMicros = Math.max(1, options.readTimeout().toNanos() / 1000);
        if (url.isRtsp()) {
            av_dict_set(dictionary, "rtsp_transport", options.transport().label(), 0);
            if (media != null) {
                av_dict_set(dictionary, "allowed_media_types", media, 0);
            }
            av_dict_set_int(dictionary, "timeout", readMicros, 0);
            if (options.transport() == RtspTransport.UDP) {
                av_dict_set_int(dictionary, "buffer_size", 2 << 20, 0); // a key frame arrives as a burst
            }
        } else if (!url.isFile()) {
            av_dict_set_int(dictionary, "rw_timeout", readMicros, 0);
            if ("udp".equals(url.scheme())) {
                av_dict_set(dictionary, "overrun_nonfatal", "1", 0);
            }
        }
        return dictionary;
    }
}

package io.github.cuframes.producer.ffmpeg;

import static org.bytedeco.ffmpeg.global.avutil.av_strerror;

import java.nio.charset.StandardCharsets;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avfilter;
import org.bytedeco.ffmpeg.global.avformat;
import org.bytedeco.ffmpeg.global.avutil;
import org.bytedeco.ffmpeg.global.swscale;
import org.bytedeco.javacpp.Loader;

/**
 * FFmpeg's libraries: avutil, swresample, avcodec, avformat and swscale. Never libavdevice, which needs libpulse and
 * others that a bare system lacks.
 */
public final class Ffmpeg {

    private Ffmpeg() {}

    /**
     * Loads the libraries if they are not loaded yet, and directs FFmpeg's log. Every class here that calls FFmpeg
     * calls this first. JavaCPP unpacks the libraries below {@code org.bytedeco.javacpp.cachedir} at the first use on
     * a machine, which takes seconds.
     *
     * @throws IllegalStateException if they cannot be loaded; says why and what to do
     */
    public static void load() {
        try {
            Libraries.touch();
        } catch (LinkageError e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IllegalStateException(
                    "FFmpeg's libraries cannot be loaded for " + Loader.getPlatform() + ": " + cause.getMessage()
                            + "; check that the ffmpeg natives of this platform are on the class path and that"
                            + " -Dorg.bytedeco.javacpp.cachedir names a writable directory",
                    e);
        }
    }

    /** Loads libavfilter too, which only those need who filter. */
    public static void loadFilters() {
        load();
        Loader.load(avfilter.class);
    }

    /** What a function of FFmpeg allocated; throws {@link OutOfMemoryError} if that is nothing. */
    public static <T> T require(T allocated, String function) {
        if (allocated == null) {
            throw new OutOfMemoryError(function);
        }
        return allocated;
    }

    /** FFmpeg's text for an error code, such as "Connection refused". */
    public static String errorText(int code) {
        byte[] text = new byte[128];
        av_strerror(code, text, text.length);
        int length = 0;
        while (length < text.length && text[length] != 0) {
            length++;
        }
        return new String(text, 0, length, StandardCharsets.UTF_8);
    }

    private static final class Libraries {
        static {
            // JavaCPP would count FFmpeg's memory against a limit made from -Xmx, and throw OutOfMemoryError past it.
            if (System.getProperty("org.bytedeco.javacpp.maxPhysicalBytes") == null) {
                System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
            }
            Loader.load(avutil.class);
            Loader.load(avcodec.class);
            Loader.load(avformat.class);
            Loader.load(swscale.class);
            FfmpegLog.install();
            avformat.avformat_network_init();
        }

        static void touch() {
            // the initializer did it
        }
    }
}

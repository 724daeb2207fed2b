package io.github.cuframes.producer.ffmpeg;

import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_ERROR;
import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_FATAL;
import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_VERBOSE;
import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_WARNING;
import static org.bytedeco.ffmpeg.global.avutil.av_log_set_level;
import static org.bytedeco.ffmpeg.global.avutil.setLogCallback;

import java.util.regex.Pattern;
import org.bytedeco.ffmpeg.avutil.LogCallback;
import org.bytedeco.javacpp.BytePointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings FFmpeg's messages to the logger {@code io.github.cuframes.ffmpeg}, without credentials; FFmpeg itself then
 * writes nothing to stderr. Its errors are logged at debug only: a damaged stream makes it repeat them for every
 * packet, and what matters of them is counted and said by whoever called FFmpeg. The exceptions are messages that
 * announce the end of the process.
 *
 * <p>The callback is the process's: an application that installs one of its own afterwards replaces this one.
 */
public final class FfmpegLog {

    private static final Logger LOG = LoggerFactory.getLogger("io.github.cuframes.ffmpeg");
    private static final int LONGEST_CAPTURE = 500;
    private static final Pattern ADDRESS = Pattern.compile(" @ 0x[0-9a-f]+");
    private static final ThreadLocal<StringBuilder> CAPTURE = new ThreadLocal<>();
    private static final LogCallback CALLBACK = new Receiver();

    private FfmpegLog() {}

    static void install() {
        av_log_set_level(LOG.isTraceEnabled() ? AV_LOG_VERBOSE : LOG.isDebugEnabled() ? AV_LOG_WARNING : AV_LOG_ERROR);
        setLogCallback(CALLBACK);
    }

    /** From now on the errors that FFmpeg reports on this thread are collected. */
    public static void capture() {
        CAPTURE.set(new StringBuilder());
    }

    /** Ends {@link #capture()} and returns what was collected: redacted, in one line, empty if there was none. */
    public static String captured() {
        StringBuilder lines = CAPTURE.get();
        CAPTURE.remove();
        return lines == null ? "" : lines.toString();
    }

    private static void receive(int level, String message) {
        String text = Redaction.of(message).strip();
        StringBuilder lines = CAPTURE.get();
        if (lines != null && level <= AV_LOG_ERROR && !text.isEmpty() && lines.length() < LONGEST_CAPTURE) {
            String line = ADDRESS.matcher(text).replaceAll("");
            lines.append(lines.isEmpty() ? "" : "; ").append(line, 0, Math.min(line.length(), LONGEST_CAPTURE));
        }
        if (level <= AV_LOG_FATAL) {
            LOG.error("{}", text);
        } else if (level <= AV_LOG_WARNING) {
            LOG.debug("{}", text);
        } else {
            LOG.trace("{}", text);
        }
    }

    private static final class Receiver extends LogCallback {
        @Override
        public void call(int level, BytePointer message) {
            try {
                receive(level, message.getString());
            } catch (RuntimeException | Error e) {
                // nothing may be thrown through C, and the log is what failed
                CAPTURE.remove();
            }
        }
    }
}

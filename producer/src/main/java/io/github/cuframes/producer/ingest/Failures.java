package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.ingest.InputException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;

/** Makes FFmpeg's error codes into sentences. */
final class Failures {

    private record Reason(Kind kind, String problem, String remedy) {}

    // errno of Linux on x86-64 and arm64, negated as FFmpeg does
    private static final int EPERM = -1;
    private static final int ENOENT = -2;
    private static final int EACCES = -13;
    private static final int EADDRNOTAVAIL = -99;
    private static final int ENETUNREACH = -101;
    private static final int ECONNABORTED = -103;
    private static final int ECONNRESET = -104;
    private static final int ETIMEDOUT = -110;
    private static final int ECONNREFUSED = -111;
    private static final int EHOSTUNREACH = -113;
    private static final int EPIPE = -32;

    private static final Reason WRONG_CREDENTIALS = new Reason(
            Kind.UNAUTHORIZED,
            "the server wants credentials, or other ones (401)",
            "give them as rtsp://USER:PASSWORD@host/, with @ : / in them written %40 %3A %2F");
    private static final Reason NO_SUCH_STREAM =
            new Reason(Kind.NOT_FOUND, "the server has no such stream (404)", "check the path of the URL");
    private static final Reason NO_SUCH_FILE = new Reason(Kind.NOT_FOUND, "no such file", "check the path");
    private static final Reason NO_WAY =
            new Reason(Kind.UNREACHABLE, "the host cannot be reached", "check the address, the network and its routes");
    private static final Reason GONE = new Reason(
            Kind.END_OF_INPUT, "the other side closed the connection", "check that the camera or server still runs");
    private static final Reason NO_PERMISSION =
            new Reason(Kind.PERMISSION_DENIED, "permission denied", "give this user the right to read it");
    private static final Reason SERVER_TROUBLE =
            new Reason(Kind.SERVER_ERROR, "the server answered with an error", "look into the server's log");

    private static final Map<Integer, Reason> REASONS = Map.ofEntries(
            Map.entry(AVERROR_HTTP_UNAUTHORIZED(), WRONG_CREDENTIALS),
            Map.entry(
                    AVERROR_HTTP_FORBIDDEN(),
                    new Reason(
                            Kind.UNAUTHORIZED,
                            "the server refuses access (403)",
                            "check the rights of the user in the URL")),
            Map.entry(AVERROR_HTTP_NOT_FOUND(), NO_SUCH_STREAM),
            Map.entry(AVERROR_HTTP_BAD_REQUEST(), SERVER_TROUBLE),
            Map.entry(AVERROR_HTTP_TOO_MANY_REQUESTS(), SERVER_TROUBLE),
            Map.entry(AVERROR_HTTP_OTHER_4XX(), SERVER_TROUBLE),
            Map.entry(AVERROR_HTTP_SERVER_ERROR(), SERVER_TROUBLE),
            Map.entry(AVERROR_EOF(), GONE),
            Map.entry(ECONNRESET, GONE),
            Map.entry(ECONNABORTED, GONE),
            Map.entry(EPIPE, GONE),
            Map.entry(
                    ECONNREFUSED,
                    new Reason(
                            Kind.REFUSED,
                            "the host refuses the connection",
                            "check the port, and that the server runs")),
            Map.entry(EHOSTUNREACH, NO_WAY),
            Map.entry(ENETUNREACH, NO_WAY),
            Map.entry(EADDRNOTAVAIL, NO_WAY),
            Map.entry(EACCES, NO_PERMISSION),
            Map.entry(EPERM, NO_PERMISSION),
            Map.entry(ENOENT, NO_SUCH_FILE),
            Map.entry(
                    AVERROR_PROTOCOL_NOT_FOUND(),
                    new Reason(
                            Kind.UNSUPPORTED_PROTOCOL,
                            "this FFmpeg does not know the URL's scheme",
                            "use rtsp://, http://, another one that it knows, or a file")));

    private static final Set<String> FIRST_BOXES = Set.of("ftyp", "moov", "mdat", "free", "skip", "wide", "styp");

    private Failures() {}

    /** What a code means for an input that was to be opened or read. */
    static InputException of(SafeUrl url, int code, boolean opened, String log) {
        if (code == ETIMEDOUT) {
            return timedOut(url, code, opened ? "no packet came" : "no answer came", "before FFmpeg gave up");
        }
        if (code == AVERROR_INVALIDDATA()) {
            return invalid(url, opened, log);
        }
        if (code == AVERROR_EOF() && url.isFile()) {
            return truncated(url, "the file ends before its first frame");
        }
        Reason reason = REASONS.get(code);
        if (reason == null) {
            return new InputException(
                    Kind.OTHER,
                    url,
                    code,
                    "cannot be " + (opened ? "read: " : "opened: ") + Ffmpeg.errorText(code) + detail(log),
                    "check that the input is what you think it is");
        }
        String detail = reason.kind == Kind.SERVER_ERROR ? detail(log) : "";
        return new InputException(reason.kind, url, code, reason.problem + detail, reason.remedy);
    }

    static InputException timedOut(SafeUrl url, int code, String problem, String when) {
        return new InputException(
                Kind.TIMED_OUT,
                url,
                code,
                problem + " " + when,
                "check that the camera sends, that no firewall is in between, or allow more time");
    }

    static String within(Duration timeout) {
        return "within " + timeout.toMillis() + " ms";
    }

    static InputException interrupted(SafeUrl url) {
        return new InputException(
                Kind.INTERRUPTED, url, AVERROR_EXIT(), "reading was stopped", "open it again to go on");
    }

    private static InputException invalid(SafeUrl url, boolean opened, String log) {
        if (opened) {
            return new InputException(
                    Kind.INVALID,
                    url,
                    AVERROR_INVALIDDATA(),
                    "the data is damaged" + detail(log),
                    "check the network or the file");
        }
        if (log.contains("moov atom not found") && url.isFile() && startsLikeMp4(Path.of(url.path()))) {
            return truncated(url, "the file ends before its index (an MP4 that was not finished)");
        }
        return new InputException(
                Kind.NOT_MEDIA,
                url,
                AVERROR_INVALIDDATA(),
                "this is no video that FFmpeg knows" + detail(log),
                "give the URL of a stream or a video file");
    }

    /** FFmpeg believes the name of a file; its first box tells whether it is right. */
    private static boolean startsLikeMp4(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] start = in.readNBytes(8);
            return start.length == 8 && FIRST_BOXES.contains(new String(start, 4, 4, StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            return false; // it was readable a moment ago; what FFmpeg said of it stands
        }
    }

    static InputException truncated(SafeUrl url, String problem) {
        return new InputException(
                Kind.TRUNCATED, url, AVERROR_INVALIDDATA(), problem, "copy it again or have it repaired");
    }

    private static String detail(String log) {
        return log.isEmpty() ? "" : " (FFmpeg: " + log + ")";
    }
}

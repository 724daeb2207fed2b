package io.github.cuframes.producer.ingest;

import java.io.IOException;

/**
 * Why an input cannot be opened or read. The message is one sentence with what to do; it names the input without
 * credentials.
 */
public final class InputException extends IOException {

    private static final long serialVersionUID = 1L;

    /** What went wrong. */
    public enum Kind {
        /** The host's name has no address. */
        UNKNOWN_HOST(true),
        /** No way to the host. */
        UNREACHABLE(true),
        /** Nobody listens on the port. */
        REFUSED(true),
        /** Credentials are missing or wrong, or not enough. */
        UNAUTHORIZED(false),
        /** The host is there but has no such stream; or there is no such file. */
        NOT_FOUND(true),
        /** A file that must not be read. */
        PERMISSION_DENIED(false),
        /** The server answered with an error. */
        SERVER_ERROR(true),
        /** Nothing came before the deadline. */
        TIMED_OUT(true),
        /** Media, but no pictures. */
        NO_VIDEO(false),
        /** Nothing that FFmpeg knows. */
        NOT_MEDIA(false),
        /** The stream or the connection ended. */
        END_OF_INPUT(true),
        /** A file that ends before its time. */
        TRUNCATED(false),
        /** Media that is damaged beyond reading. */
        INVALID(true),
        /** FFmpeg was built without what it needs for this URL. */
        UNSUPPORTED_PROTOCOL(false),
        /** FFmpeg was built without what it needs for these pictures. */
        UNSUPPORTED_CODEC(false),
        /** {@link Source#interrupt()} or {@link Source#close()} was called. */
        INTERRUPTED(false),
        /** Anything else. */
        OTHER(true);

        private final boolean passing;

        Kind(boolean passing) {
            this.passing = passing;
        }

        /** Whether it may pass by itself, where the input is on a network. */
        public boolean mayPass() {
            return passing;
        }
    }

    private final Kind kind;
    private final transient SafeUrl url;
    private final int code;

    /**
     * An exception.
     *
     * @param kind what went wrong
     * @param url the input
     * @param code FFmpeg's error code, 0 if there is none
     * @param problem what is wrong, without the name of the input and without a full stop
     * @param remedy what the user can do, likewise
     */
    public InputException(Kind kind, SafeUrl url, int code, String problem, String remedy) {
        super(url + ": " + problem + "; " + remedy);
        this.kind = kind;
        this.url = url;
        this.code = code;
    }

    /** What went wrong. */
    public Kind kind() {
        return kind;
    }

    /** The input; null after deserialization. */
    public SafeUrl url() {
        return url;
    }

    /** FFmpeg's error code, 0 if FFmpeg was not involved. */
    public int code() {
        return code;
    }

    /** Whether the same may succeed later without anybody doing something about it. */
    public boolean isRetryable() {
        return kind.mayPass() && url != null && !url.isFile();
    }

    /**
     * Whether the same may succeed later where pictures have come before. There garbage, or media without pictures, is a camera
     * that starts or a connection that went wrong, and not a wrong address.
     */
    public boolean isRetryableOnceStreamed() {
        boolean unlikely = kind == Kind.NOT_MEDIA || kind == Kind.NO_VIDEO;
        return isRetryable() || unlikely && url != null && !url.isFile();
    }
}

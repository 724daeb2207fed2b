package io.github.cuframes.producer.decode;

import java.io.IOException;

/** Why a decoder cannot be opened or cannot go on. Damaged input is not a reason: that is counted and survived. */
public final class DecodeException extends IOException {

    private static final long serialVersionUID = 1L;

    private final int code;

    /** An exception; {@code code} is FFmpeg's, 0 if there is none. */
    public DecodeException(String message, int code, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    /** FFmpeg's error code, 0 if there is none. */
    public int code() {
        return code;
    }
}

package io.github.cuframes.protocol.message;

import java.io.IOException;

/** The peer broke the protocol, or said that we did. */
public final class ProtocolException extends IOException {

    private static final long serialVersionUID = 1L;

    /** What to tell the peer, or what the peer told. */
    private final ErrorCode code;

    /** A breach, in a code for programs and a sentence for people. */
    public ProtocolException(ErrorCode code, String message) {
        super(message);
        this.code = code;
    }

    /** What to tell the peer, or what the peer told. */
    public ErrorCode code() {
        return code;
    }
}

package io.github.cuframes.protocol.message;

import java.util.Optional;

/** The kinds of message. The numbers are those of the wire and are never reused; 0 is not a message. */
public enum MessageType {
    /** Subscriber to publisher, first: who I am and what I want. */
    HELLO(1),
    /** Publisher to subscriber, the answer: who I am; brings ring and page. */
    WELCOME(2),
    /** Publisher to subscriber: a generation, or more memory of the same one; brings slabs. */
    MEMORY(3),
    /** Subscriber to publisher: I have mapped what you sent. */
    ACK(4),
    /** Publisher to subscriber: look at your page. */
    DOORBELL(5),
    /** Subscriber to publisher: look at my page. */
    REQUEST(6),
    /** Either way, last: you broke a rule or I cannot serve you. */
    ERROR(7),
    /** Either way, last: I am leaving. */
    BYE(8);

    private final int code;

    MessageType(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The type with a wire number, or nothing for a number that this version does not know. */
    public static Optional<MessageType> ofCode(int code) {
        return code > 0 && code <= values().length ? Optional.of(values()[code - 1]) : Optional.empty();
    }
}

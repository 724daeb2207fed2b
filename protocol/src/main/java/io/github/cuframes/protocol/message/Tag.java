package io.github.cuframes.protocol.message;

/** The fields of messages. The numbers are those of the wire and are never reused; receivers skip unknown ones. */
enum Tag {
    PROTOCOL(1, 8),
    LIBRARY(2, 0),
    KEY(3, 0),
    NAME(4, 0),
    ROLE(5, 4),
    DELIVERY(6, 12),
    MEMORY_KINDS(7, 4),
    EPOCH(8, 8),
    RING(9, 8),
    SUBSCRIBER(10, 16),
    GENERATION(11, 4),
    STREAM(12, 80),
    SLAB(13, 16),
    ERROR(14, 4),
    TEXT(15, 0),
    REASON(16, 4),
    GPU(17, 16),
    PID(18, 4),
    PACKET_PAGE(19, 8);

    // values() makes a copy each time, and a hostile body may have thousands of fields.
    private static final Tag[] BY_CODE = values();

    private final int code;
    private final int size;

    Tag(int code, int size) {
        this.code = code;
        this.size = size;
    }

    /** The number on the wire. */
    int code() {
        return code;
    }

    /** Bytes that a value has at least; 0 stands for text. More are allowed and skipped, for later versions. */
    int size() {
        return size;
    }

    static Tag ofCode(int code) {
        return code > 0 && code <= BY_CODE.length ? BY_CODE[code - 1] : null;
    }
}

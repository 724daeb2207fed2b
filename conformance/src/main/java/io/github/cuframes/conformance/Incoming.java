package io.github.cuframes.conformance;

import java.io.FileDescriptor;
import java.util.List;

/**
 * What came through a control socket.
 *
 * @param type number of the message's type; -1 is the end of the connection
 * @param bytes of the body
 * @param files descriptors that came with it, the receiver's to close
 */
public record Incoming(int type, byte[] bytes, List<FileDescriptor> files) {

    /** The end of the connection. */
    public static final Incoming END = new Incoming(-1, new byte[0], List.of());

    /** Keeps its own list. */
    public Incoming {
        files = List.copyOf(files);
    }

    /** Whether it is the end. */
    public boolean isEnd() {
        return type < 0;
    }

    /** Whether it is a message of a type. */
    public boolean is(String name) {
        return type == Document.type(name);
    }

    /** The fields. */
    public Body body() throws Failed {
        return Body.parse(bytes);
    }

    @Override
    public String toString() {
        if (isEnd()) {
            return "the end of the connection";
        }
        String what = Document.typeName(type);
        if (is("ERROR")) {
            try {
                return "ERROR " + body().intAt("ERROR", 0) + " \"" + body().textOf("TEXT") + "\"";
            } catch (Failed e) {
                return "a malformed ERROR (" + e.getMessage() + ")";
            }
        }
        return what;
    }
}

package io.github.cuframes.protocol;

/**
 * A version of the protocol. Equal major numbers understand each other; a minor number adds fields and messages that
 * others skip.
 *
 * @param major 0 to 65535
 * @param minor 0 to 65535
 */
public record ProtocolVersion(int major, int minor) {

    /** The version that this code speaks. */
    public static final ProtocolVersion CURRENT = new ProtocolVersion(1, 2);

    /** The bytes "CUFR", with which ring files and greetings begin. */
    public static final int MAGIC = 0x52465543;

    /** Checks the range. */
    public ProtocolVersion {
        if (((major | minor) & ~0xFFFF) != 0) {
            throw new IllegalArgumentException("no protocol version: " + major + "." + minor);
        }
    }

    /** Whether both can talk. */
    public boolean isCompatibleWith(ProtocolVersion other) {
        return major == other.major;
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}

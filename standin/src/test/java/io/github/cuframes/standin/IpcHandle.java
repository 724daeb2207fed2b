package io.github.cuframes.standin;

import com.sun.jna.Structure;

/** A legacy handle, which {@code cuIpcOpenMemHandle} takes by value. */
@Structure.FieldOrder("reserved")
public final class IpcHandle extends Structure implements Structure.ByValue {
    /** Says how long it is. JNA does not write final fields: the bytes are in native memory only. */
    public final byte[] reserved = new byte[64];

    /** JNA makes instances. */
    public IpcHandle() {}

    IpcHandle(byte[] bytes) {
        getPointer().write(0, bytes, 0, reserved.length);
    }
}

package io.github.cuframes.standin;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.util.Map;
import java.util.TreeMap;

/**
 * Test code: what a test tells the {@linkplain StandInDriver stand-in CUDA driver} of its own process, and asks it.
 *
 * <p>Functions are named as in {@code cuda.h}; a suffix such as {@code _v2} may be given or left out. Streams are native
 * handles; 0 is the default stream. Thread-safe; what is set holds for the whole process until {@link #reset}.
 */
public final class StandInControl {

    /** Kinds of objects that {@link #live} counts. */
    public enum Kind {
        /** Contexts; a primary one counts as often as it is retained. */
        CONTEXTS,
        /** Streams but the default ones. */
        STREAMS,
        /** Events. */
        EVENTS,
        /** Handles of physical memory: {@code cuMemCreate}, import or retain without a release. */
        HANDLES,
        /** {@code cuMemMap} without {@code cuMemUnmap}. */
        MAPPINGS,
        /** Reserved address ranges. */
        RESERVATIONS,
        /** {@code cuMemAlloc} without {@code cuMemFree}. */
        ALLOCATIONS,
        /** Legacy IPC memory that is open. */
        IMPORTS,
        /** Pinned host memory, allocated or registered. */
        HOST
    }

    private final NativeLibrary library;

    private StandInControl(NativeLibrary library) {
        this.library = library;
    }

    /** Builds the library if need be and loads it into this process, where it stays. */
    public static StandInControl load() {
        return new StandInControl(
                NativeLibrary.getInstance(StandInDriver.build().toString()));
    }

    /** The library, for tests that call the driver's functions themselves. */
    public NativeLibrary library() {
        return library;
    }

    /**
     * Forgets injected failures and counts, unblocks streams, mends contexts and takes the settings of the environment
     * again. Objects stay.
     */
    public void reset() {
        library.getFunction("standin_reset").invokeVoid(new Object[] {});
    }

    /**
     * Lets one call of a function fail, without effect.
     *
     * @param nth the call from now on, 1 for the next; 0 for every one until {@link #reset}
     * @param code the CUresult that it returns
     */
    public void fail(String function, int nth, int code) {
        int result = library.getFunction("standin_fail").invokeInt(new Object[] {function, nth, code});
        if (result != 0) throw new IllegalArgumentException("cannot fail call " + nth + " of " + function);
    }

    /** Injected failures that have not happened yet; those of every call are not counted. */
    public int failuresLeft() {
        return library.getFunction("standin_failures_left").invokeInt(new Object[] {});
    }

    /** Calls of a function since {@link #reset}. */
    public long calls(String function) {
        return library.getFunction("standin_calls").invokeLong(new Object[] {function});
    }

    /** All functions that were called since {@link #reset}, by the names under which the library exports them. */
    public Map<String, Long> called() {
        var function = library.getFunction("standin_called");
        // between asking for the length and reading, other threads may call more functions
        long size = function.invokeLong(new Object[] {Pointer.NULL, 0L}) + 4096;
        Map<String, Long> called = new TreeMap<>();
        try (Memory buffer = new Memory(size)) {
            function.invokeLong(new Object[] {buffer, size});
            buffer.getString(0, "US-ASCII").lines().forEach(line -> {
                String[] words = line.split(" ");
                called.put(words[0], Long.parseLong(words[1]));
            });
        }
        return called;
    }

    /**
     * Changes a setting.
     *
     * @param variable one of the constants of {@link StandInDriver} but {@link StandInDriver#FAIL}
     */
    public void set(String variable, long value) {
        String name = variable.replaceFirst("^CUFRAMES_STANDIN_", "");
        if (library.getFunction("standin_set").invokeInt(new Object[] {name, value}) != 0)
            throw new IllegalArgumentException("no setting " + variable + "=" + value);
    }

    /** Bytes of a device that this process has allocated; imported memory is its owner's. */
    public long allocated(int device) {
        return library.getFunction("standin_allocated").invokeLong(new Object[] {device});
    }

    /** Live objects of one kind. */
    public long live(Kind kind) {
        String name = kind.name().toLowerCase(java.util.Locale.ROOT);
        return library.getFunction("standin_live").invokeLong(new Object[] {name});
    }

    /** Live objects of all kinds that have any: empty when nothing leaked. */
    public Map<Kind, Long> live() {
        Map<Kind, Long> live = new TreeMap<>();
        for (Kind kind : Kind.values()) {
            long count = live(kind);
            if (count != 0) live.put(kind, count);
        }
        return live;
    }

    /** Holds a stream before its next operation. */
    public void block(long stream) {
        on("standin_block", stream, new Object[] {new Pointer(stream)});
    }

    /** Lets a stream go on. */
    public void unblock(long stream) {
        on("standin_unblock", stream, new Object[] {new Pointer(stream)});
    }

    /** Blocks a stream after so many more operations. */
    public void step(long stream, int operations) {
        on("standin_step", stream, new Object[] {new Pointer(stream), operations});
    }

    private void on(String function, long stream, Object[] arguments) {
        if (library.getFunction(function).invokeInt(arguments) != 0)
            throw new IllegalArgumentException("no stream 0x" + Long.toHexString(stream));
    }

    /** Holds every stream, also those that are made later, or lets them go again. */
    public void blockAll(boolean blocked) {
        library.getFunction("standin_block_all").invokeVoid(new Object[] {blocked ? 1 : 0});
    }

    /** Operations queued or running in a stream; 0: in all streams. */
    public long pending(long stream) {
        return library.getFunction("standin_pending").invokeLong(new Object[] {new Pointer(stream)});
    }

    /** Breaks the contexts of a device: whatever uses them fails with the code from now on. */
    public void breakDevice(int device, int code) {
        library.getFunction("standin_break").invokeVoid(new Object[] {device, code});
    }

    /** Device memory as it is at this moment, past streams, contexts and access rights. */
    public byte[] peek(long address, int size) {
        try (Memory buffer = new Memory(Math.max(size, 1))) {
            Object[] arguments = {address, buffer, (long) size};
            if (library.getFunction("standin_peek").invokeInt(arguments) != 0)
                throw new IllegalArgumentException("nothing is mapped at 0x" + Long.toHexString(address));
            return buffer.getByteArray(0, size);
        }
    }
}

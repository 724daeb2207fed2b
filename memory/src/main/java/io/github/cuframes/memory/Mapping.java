package io.github.cuframes.memory;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;

/**
 * A writable mapping that its owner ends at a time of its choosing. The garbage collector is no substitute: a publisher
 * makes no garbage while frames flow, so that a retired ring of 100 MB could stay for hours.
 *
 * <p>From Java 22 on the mapping belongs to a shared {@code Arena}, and a late access is an IllegalStateException. Before,
 * {@code sun.misc.Unsafe.invokeCleaner} is the only means (and from Java 24 on it prints a warning); a late access ends
 * the JVM there. Both are reached by reflection, since the code is compiled for Java 17.
 */
final class Mapping {

    private static final int FIRST_WITH_ARENA = 22;
    private static final Unmapper UNMAPPER =
            Runtime.version().feature() >= FIRST_WITH_ARENA ? new ArenaUnmapper() : new CleanerUnmapper();

    private final ByteBuffer buffer;
    private final AutoCloseable owner;

    private Mapping(ByteBuffer buffer, AutoCloseable owner) {
        this.buffer = buffer;
        this.owner = owner;
    }

    /** Maps the first {@code size} bytes of a file that is open for reading and writing. */
    static Mapping map(FileChannel channel, long size) throws IOException {
        return UNMAPPER.map(channel, size);
    }

    ByteBuffer buffer() {
        return buffer;
    }

    /** Unmaps. Once, and only when nobody uses the buffer or a slice of it. */
    void unmap() {
        try {
            owner.close();
        } catch (Exception e) {
            throw new IllegalStateException("cannot unmap " + buffer.capacity() + " bytes", e);
        }
    }

    private interface Unmapper {
        Mapping map(FileChannel channel, long size) throws IOException;
    }

    private static Object call(Method method, Object target, Object... arguments) throws IOException {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private static final class ArenaUnmapper implements Unmapper {
        private final Method ofShared;
        private final Method map;
        private final Method asByteBuffer;

        ArenaUnmapper() {
            try {
                Class<?> arena = Class.forName("java.lang.foreign.Arena");
                ofShared = arena.getMethod("ofShared");
                map = FileChannel.class.getMethod("map", MapMode.class, long.class, long.class, arena);
                asByteBuffer = Class.forName("java.lang.foreign.MemorySegment").getMethod("asByteBuffer");
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        @Override
        public Mapping map(FileChannel channel, long size) throws IOException {
            AutoCloseable arena = (AutoCloseable) call(ofShared, null);
            Object segment = call(map, channel, MapMode.READ_WRITE, 0L, size, arena);
            return new Mapping((ByteBuffer) call(asByteBuffer, segment), arena);
        }
    }

    private static final class CleanerUnmapper implements Unmapper {
        private final Object unsafe;
        private final Method invokeCleaner;

        CleanerUnmapper() {
            try {
                Class<?> type = Class.forName("sun.misc.Unsafe");
                Field instance = type.getDeclaredField("theUnsafe");
                instance.setAccessible(true);
                unsafe = instance.get(null);
                invokeCleaner = type.getMethod("invokeCleaner", ByteBuffer.class);
            } catch (ReflectiveOperationException e) {
                throw new ExceptionInInitializerError(e);
            }
        }

        @Override
        public Mapping map(FileChannel channel, long size) throws IOException {
            MappedByteBuffer buffer = channel.map(MapMode.READ_WRITE, 0, size);
            return new Mapping(buffer, () -> call(invokeCleaner, unsafe, buffer));
        }
    }
}

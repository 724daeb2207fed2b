package io.github.cuframes.benchmarks;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The yardstick of spinning: the time and a count, stored into memory that the receivers watch. */
final class StoreTransmitter implements Transmitter {

    private static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final int TIME_OFFSET = 0;
    private static final int COUNT_OFFSET = Long.BYTES;
    private static final int SIZE = 4096;

    private final Path file;
    private final ByteBuffer memory;
    private long sent;

    StoreTransmitter(Path file) throws IOException {
        this.file = file;
        this.memory = map(file);
    }

    private static ByteBuffer map(Path file) throws IOException {
        try (FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return channel.map(FileChannel.MapMode.READ_WRITE, 0, SIZE);
        }
    }

    /** What a receiver sees of it. */
    static Arrivals arrivals(Path file) throws IOException {
        ByteBuffer seen = map(file);
        return new Arrivals() {
            @Override
            void await() {
                long count;
                // pairs with the release in send()
                while ((count = (long) LONG.getAcquire(seen, COUNT_OFFSET)) == number) {
                    Thread.onSpinWait();
                }
                receivedNanos = System.nanoTime();
                number = count;
                sentNanos = (long) LONG.get(seen, TIME_OFFSET);
            }

            @Override
            public void close() {
                // the mapping goes with the process
            }
        };
    }

    @Override
    public void admit(int receivers) {
        // whoever has mapped the file is there
    }

    @Override
    public void send() {
        sent++;
        LONG.set(memory, TIME_OFFSET, System.nanoTime());
        LONG.setRelease(memory, COUNT_OFFSET, sent);
    }

    @Override
    public long sent() {
        return sent;
    }

    @Override
    public String[] address() {
        return new String[] {"--memory", file.toString()};
    }

    @Override
    public void close() {
        // the mapping goes with the process, the file with its directory
    }
}

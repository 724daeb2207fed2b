package io.github.cuframes.subscriber;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.memory.HostMemoryAllocator;
import io.github.cuframes.memory.SharedFile;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaCopy;
import io.github.cuframes.memory.cuda.CudaStream;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ControlServer;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.layout.FrameMetadata;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A publisher that does what a test tells it, step by step, right or wrong. It serves one connection at a time; slot i has
 * lease i. One thread at a time uses it.
 */
final class ScriptedPublisher implements AutoCloseable {

    static final int SLOTS = 16;
    static final StreamConfig CONFIG = config(64, 48);
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    final String key;
    final long epoch = System.nanoTime();
    final ControlServer server;
    final SharedFile ringFile;
    final Ring ring;
    long sequence;

    private final Selector selector = ControlServer.openSelector();
    private final FrameMemoryAllocator allocator;
    private final List<FrameMemory> slabs = new ArrayList<>();
    private final ByteBuffer[] slots = new ByteBuffer[SLOTS];
    /** Of slots on a GPU; their bytes are written on the host and copied. */
    private final long[] addresses = new long[SLOTS];

    private final CudaContext context;
    private final CudaStream uploads;
    private int generation;
    private StreamConfig config = CONFIG;

    ScriptedPublisher(Path directory, String key) throws IOException {
        this(directory, key, new HostMemoryAllocator(), null);
    }

    /**
     * Publishes from other memory.
     *
     * @param context of a GPU's memory, the caller's to close, or null
     */
    ScriptedPublisher(Path directory, String key, FrameMemoryAllocator allocator, CudaContext context)
            throws IOException {
        this.key = key;
        this.allocator = allocator;
        this.context = context;
        this.uploads = context == null ? null : CudaStream.create(context);
        this.server = ControlServer.bind(
                RunDirectory.resolve(directory, Map.of(), RunDirectory.Role.PRODUCER)
                        .socketOf(key),
                ControlServer.Access.DEFAULT);
        this.ringFile = SharedFile.create(Ring.size(SLOTS, 4), SharedFile.Peer.READS);
        this.ring = Ring.create(
                ringFile.buffer(), SLOTS, 4, epoch, ProcessHandle.current().pid(), 0, "scripted", key);
        server.register(selector, null);
    }

    static StreamConfig config(int width, int height) {
        return new StreamConfig(
                FrameLayout.of(PixelFormat.NV12, width, height, 64),
                new Rational(1, 90_000),
                new Rational(25, 1),
                Colour.UNSPECIFIED);
    }

    /** Allocates slots [from, to) of a generation in a slab of their own; its number. */
    int allocate(int newGeneration, StreamConfig newConfig, int from, int to) throws IOException {
        generation = newGeneration;
        config = newConfig;
        long size = config.layout().size();
        FrameMemory slab = allocator.allocate(size * (to - from));
        slabs.add(slab);
        int number = slabs.size() - 1;
        for (int i = from; i < to; i++) {
            long offset = (i - from) * size;
            if (slab.kind() == MemoryKind.HOST) {
                slots[i] = slab.slice(offset, size);
            } else {
                slots[i] = ByteBuffer.allocateDirect((int) size);
                addresses[i] = slab.deviceAddress() + offset;
            }
            if (slab.kind() == MemoryKind.CUDA_IPC) {
                ring.descriptor(i)
                        .write(slab.legacyHandle().orElseThrow(), number, offset, config.layout(), generation);
            } else {
                ring.descriptor(i).write(number, offset, config.layout(), generation);
            }
        }
        ring.configured(generation, allocator.kind(), config);
        return number;
    }

    FrameMemory slab(int number) {
        return slabs.get(number);
    }

    /** Writes a frame into a slot and announces it. */
    long write(int slot, int flags) {
        long next = ++sequence;
        fill(slots[slot], next);
        upload(slot);
        ring.metadata(slot).write(next, next * 3600, next * 40_000_000, FrameMetadata.NO_TIME, 0, generation, flags, 0);
        ring.metadata(slot).publishNanos(System.nanoTime());
        ring.published(next, System.nanoTime(), flags);
        return next;
    }

    /** Brings what was written into {@link #slotBytes} to where subscribers read it. */
    void upload(int slot) {
        if (uploads == null) {
            return;
        }
        try {
            ByteBuffer bytes = slots[slot].duplicate().clear();
            int size = bytes.capacity();
            long from = Pointer.nativeValue(Native.getDirectBufferPointer(bytes));
            new CudaCopy(context).toDevice(from, size, addresses[slot], size, size, 1, uploads.handle());
            uploads.synchronize();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Where a slot is on its GPU. */
    long address(int slot) {
        return addresses[slot];
    }

    ByteBuffer slotBytes(int slot) {
        return slots[slot];
    }

    static void fill(ByteBuffer bytes, long sequence) {
        for (int i = 0; i + 8 <= bytes.capacity(); i += 8) {
            bytes.putLong(i, sequence * 0x9E3779B97F4A7C15L + i);
        }
    }

    /** Whether a plane of a frame is what {@link #fill} wrote. */
    static boolean isIntact(Frame frame) {
        ByteBuffer luma;
        if (frame.gpu().isEmpty()) {
            luma = frame.plane(0);
        } else {
            luma = ByteBuffer.allocateDirect(frame.rows(0) * frame.rowBytes(0));
            frame.download(0, luma);
        }
        luma.order(java.nio.ByteOrder.BIG_ENDIAN);
        for (int i = 0; i + 8 <= luma.capacity(); i += 8) {
            if (luma.getLong(i) != frame.sequence() * 0x9E3779B97F4A7C15L + i) {
                return false;
            }
        }
        return true;
    }

    /** Waits for a client's connection. */
    Client accept() throws IOException {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (true) {
            ControlConnection connection = server.accept();
            if (connection != null) {
                return new Client(connection);
            }
            await(deadline);
        }
    }

    /** Greets a client and gives it all slots as generation 1; the usual beginning. */
    Client serve() throws IOException {
        Client client = accept();
        client.expect(Message.Hello.class);
        client.welcome();
        client.expect(Message.Ack.class);
        if (generation == 0) {
            allocate(1, CONFIG, 0, SLOTS);
        }
        int[] all = new int[slabs.size()];
        Arrays.setAll(all, i -> i);
        client.memory(all);
        client.expect(Message.Ack.class);
        return client;
    }

    /** Leaves the processor to others until somebody says something, a millisecond at most. */
    void pause() throws IOException {
        selector.select(1);
        selector.selectedKeys().clear();
    }

    private void await(long deadline) throws IOException {
        long left = deadline - System.nanoTime();
        if (left <= 0) {
            throw new IOException("nothing came in time");
        }
        selector.select(Math.max(1, left / 1_000_000));
        selector.selectedKeys().clear();
    }

    @Override
    public void close() throws IOException {
        selector.close();
        server.close();
        ringFile.close();
        slabs.forEach(FrameMemory::close);
        if (uploads != null) {
            uploads.close();
        }
    }

    /** The publisher's side of one connection. */
    final class Client implements AutoCloseable {

        final ControlConnection connection;
        final SharedFile pageFile;
        final SubscriberPage page;
        final int credits;
        private final SelectionKey selection;
        private final long[] lastDelivery = new long[SubscriberPage.CAPACITY];
        private final ByteBuffer doorbell = direct(new Message.Doorbell(), 0);
        long delivered;
        int doorbells;

        Client(ControlConnection connection) throws IOException {
            this.connection = connection;
            this.selection = connection.register(selector, SelectionKey.OP_READ, null);
            this.pageFile = SharedFile.create(SubscriberPage.SIZE, SharedFile.Peer.READS_AND_WRITES);
            this.page = SubscriberPage.create(pageFile.buffer(), epoch, 1);
            this.credits = 4;
        }

        private ByteBuffer direct(Message message, int descriptors) {
            ByteBuffer encoded = MessageCodec.encode(message, descriptors);
            return ByteBuffer.allocateDirect(encoded.remaining()).put(encoded).flip();
        }

        void send(Message message, FileDescriptor... descriptors) throws IOException {
            if (!connection.trySend(direct(message, descriptors.length), descriptors)) {
                throw new IOException("the client does not read");
            }
        }

        void send(ByteBuffer raw, FileDescriptor... descriptors) throws IOException {
            if (!connection.trySend(raw, descriptors)) {
                throw new IOException("the client does not read");
            }
        }

        Message.Welcome welcomeMessage() {
            return welcomeMessage(ProtocolVersion.CURRENT, ringFile.size(), credits);
        }

        Message.Welcome welcomeMessage(ProtocolVersion version, long ringSize, int granted) {
            return new Message.Welcome(version, "scripted", epoch, ringSize, 1, 0, granted);
        }

        void welcome() throws IOException {
            send(welcomeMessage(), ringFile.descriptor(), pageFile.descriptor());
        }

        /** Announces the present generation with some slabs. */
        void memory(int... numbers) throws IOException {
            List<Message.Slab> announced = new ArrayList<>();
            List<FileDescriptor> files = new ArrayList<>();
            for (int i = 0; i < numbers.length; i++) {
                announced.add(new Message.Slab(numbers[i], slab(numbers[i]).size()));
                slab(numbers[i]).descriptor().ifPresent(files::add);
            }
            send(
                    new Message.Memory(generation, allocator.kind(), allocator.gpu(), config, announced),
                    files.toArray(FileDescriptor[]::new));
        }

        void error(ErrorCode code, String text) throws IOException {
            send(new Message.Failure(ProtocolVersion.CURRENT, code, text));
        }

        void bye(ByeReason reason) throws IOException {
            send(new Message.Bye(reason));
        }

        /** The next message, which must be of a type; null stands for the end. */
        <T extends Message> T expect(Class<T> type) throws IOException {
            Message message = receive();
            if (!type.isInstance(message)) {
                throw new IOException("expected " + type.getSimpleName() + " and got " + message);
            }
            return type.cast(message);
        }

        /** The next message, null for the end. */
        Message receive() throws IOException {
            long deadline = System.nanoTime() + PATIENCE_NANOS;
            while (true) {
                ReceiveStatus status = connection.receive(0);
                if (status == ReceiveStatus.MESSAGE) {
                    return MessageCodec.decode(connection.type(), connection.body());
                }
                if (status == ReceiveStatus.END) {
                    return null;
                }
                await(deadline);
            }
        }

        boolean isFree(int lease) {
            return page.released(lease) == lastDelivery[lease];
        }

        /** Puts a written slot into the queue, under the lease of its number. */
        void deliver(int slot) throws IOException {
            deliver(ring.metadata(slot).sequence(), slot, generation, slot);
        }

        void deliver(long frame, int slot, int frameGeneration, int lease) throws IOException {
            delivered++;
            if (lease >= 0 && lease < lastDelivery.length) {
                lastDelivery[lease] = delivered;
            }
            page.deliver(delivered, frame, slot, frameGeneration, lease);
            if (page.sleeping()) {
                doorbells++;
                if (!connection.trySend(doorbell.rewind())) {
                    throw new IOException("the client does not read");
                }
            }
        }

        /** Writes and delivers a frame as a lossless publisher does: waits until one of its leases is free. */
        long publish(int flags) throws IOException {
            int slot = awaitFreeLease();
            long frame = write(slot, flags);
            deliver(slot);
            return frame;
        }

        private int awaitFreeLease() throws IOException {
            int free = freeLease();
            if (free < 0) {
                page.publisherWaits(true);
                while ((free = freeLease()) < 0) {
                    expect(Message.Request.class);
                }
                page.publisherWaits(false);
            }
            // wakes that came while it looked
            while (connection.receive(0) == ReceiveStatus.MESSAGE) {
                if (!(MessageCodec.decode(connection.type(), connection.body()) instanceof Message.Request)) {
                    throw new IOException("the client said something else than REQUEST");
                }
            }
            return free;
        }

        private int freeLease() {
            for (int i = 0; i < credits; i++) {
                if (isFree(i)) {
                    return i;
                }
            }
            return -1;
        }

        @Override
        public void close() throws IOException {
            selection.cancel();
            connection.close();
            selector.selectNow();
            Descriptors.close(pageFile.descriptor()); // the page itself stays mapped: tests look at it afterwards
        }
    }
}

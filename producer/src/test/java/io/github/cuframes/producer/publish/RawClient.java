package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import io.github.cuframes.memory.ImportedMemory;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.protocol.message.Role;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A subscriber that says and does exactly what a test tells it, right or wrong. */
final class RawClient implements AutoCloseable {

    private static final long TIMEOUT_NANOS = Duration.ofSeconds(10).toNanos();

    final ControlConnection connection;
    Message.Welcome welcome;
    ImportedMemory ringFile;
    Ring ring;
    SubscriberPage page;
    PacketReader packets;
    FileDescriptor pageDescriptor;
    private ImportedFile pageFile;
    final Map<Integer, ImportedMemory> slabs = new HashMap<>();
    Message.Memory memory;
    int memoryDescriptors;
    long taken;

    RawClient(Path socket) throws IOException {
        connection = ControlConnection.connect(socket, Duration.ofSeconds(10));
    }

    static Message.Hello hello(String key, DeliveryMode mode, int depth, int credits) {
        return hello(key, mode, depth, credits, MemoryKind.HOST.bit(), 0);
    }

    static Message.Hello hello(String key, DeliveryMode mode, int depth, int credits, int kinds, int pid) {
        return new Message.Hello(
                ProtocolVersion.CURRENT,
                "raw/1",
                key,
                "raw",
                Role.SUBSCRIBER,
                mode,
                depth,
                credits,
                kinds,
                pid,
                List.of());
    }

    static Message.Hello packetsHello(String key) {
        return new Message.Hello(
                ProtocolVersion.CURRENT,
                "raw/1",
                key,
                "raw",
                Role.PACKETS,
                DeliveryMode.LATEST,
                0,
                0,
                MemoryKind.HOST.bit(),
                0,
                List.of());
    }

    /** Connects, introduces itself, maps what it is sent and becomes active. */
    static RawClient subscribe(Path socket, Message.Hello hello) throws IOException {
        RawClient client = new RawClient(socket);
        client.send(hello);
        client.welcome = (Message.Welcome) client.receive();
        client.send(new Message.Ack(0));
        return client;
    }

    void send(Message message, FileDescriptor... descriptors) throws IOException {
        ByteBuffer encoded = MessageCodec.encode(message, descriptors.length);
        connection.send(
                ByteBuffer.allocateDirect(encoded.remaining()).put(encoded).flip(), TIMEOUT_NANOS, descriptors);
    }

    /** The next message, after mapping what came with it; null at the end of the stream. */
    Message receive() throws IOException {
        ReceiveStatus status = connection.receive(TIMEOUT_NANOS);
        if (status == ReceiveStatus.END) {
            return null;
        }
        if (status == ReceiveStatus.NOTHING) {
            throw new IOException("no message came");
        }
        Message message = MessageCodec.decode(connection.type(), connection.body());
        List<FileDescriptor> descriptors = connection.takeDescriptors();
        if (message instanceof Message.Welcome got) {
            ringFile = ImportedMemory.map(MemoryKind.HOST, descriptors.get(0), got.ringSize());
            ring = Ring.open(ringFile.slice(0, got.ringSize()), got.epoch());
            if (descriptors.size() == 2) {
                pageDescriptor = descriptors.get(1);
            }
            if (got.packetPageSize() > 0) {
                pageFile = ImportedFile.readWrite(Descriptors.duplicate(pageDescriptor), got.packetPageSize());
                packets = new PacketReader(PacketPage.open(pageFile.buffer(), got.epoch(), got.subscriberId()));
            } else if (descriptors.size() == 2) {
                pageFile = ImportedFile.readWrite(Descriptors.duplicate(pageDescriptor), SubscriberPage.SIZE);
                page = SubscriberPage.open(pageFile.buffer(), got.epoch(), got.subscriberId());
            }
        } else if (message instanceof Message.Memory got) {
            memory = got;
            memoryDescriptors = descriptors.size();
            for (int i = 0; i < got.slabs().size(); i++) {
                Message.Slab slab = got.slabs().get(i);
                // behind a fake GPU's descriptors are files too; legacy handles come without
                slabs.put(
                        slab.id(),
                        i < descriptors.size()
                                ? ImportedMemory.map(MemoryKind.HOST, descriptors.get(i), slab.size())
                                : null);
            }
        }
        return message;
    }

    /** Waits for the next delivery and takes it; its number. */
    long take() throws IOException {
        while (page.delivered() == taken) {
            page.sleeping(true);
            if (page.delivered() == taken) {
                Message message = receive();
                if (message == null || message instanceof Message.Bye || message instanceof Message.Failure) {
                    throw new IOException("instead of a frame came " + message);
                }
            }
            page.sleeping(false);
        }
        while (!slabs.containsKey(ring.descriptor(page.slot(taken + 1)).slab(kind()))) {
            receive();
        }
        page.taken(++taken);
        return taken;
    }

    private MemoryKind kind() {
        return ring.memoryKind().orElseThrow();
    }

    void release(long delivery) {
        page.release(page.lease(delivery), delivery);
    }

    ByteBuffer bytes(long delivery) {
        var descriptor = ring.descriptor(page.slot(delivery));
        return slabs.get(descriptor.slab(kind()))
                .slice(descriptor.offsetInSlab(kind()), descriptor.layout().size());
    }

    void closeDescriptors() {
        ringFile.close();
        pageFile.close();
        Descriptors.close(pageDescriptor);
    }

    @Override
    public void close() throws IOException {
        connection.close();
    }
}

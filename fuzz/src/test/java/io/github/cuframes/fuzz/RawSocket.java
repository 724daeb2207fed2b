package io.github.cuframes.fuzz;

import io.github.cuframes.memory.Descriptors;
import java.io.FileDescriptor;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.newsclub.net.unix.AFUNIXSocketChannel;

/** A client's socket that knows nothing of messages: sends any bytes and descriptors, and can close one direction. */
final class RawSocket implements AutoCloseable {

    private static final int CONTROL_DATA = 256;
    private static final int PATIENCE_MILLIS = 20_000;

    private final AFUNIXSocketChannel channel = AFUNIXSocketChannel.open();
    private final ByteBuffer out = ByteBuffer.allocateDirect(1 << 16);
    private final ByteBuffer in = ByteBuffer.allocateDirect(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
    private final List<FileDescriptor> received = new ArrayList<>();
    private boolean fresh = true;
    private boolean ended;

    RawSocket(Path socket) throws IOException {
        channel.setAncillaryReceiveBufferSize(CONTROL_DATA);
        channel.socket().setSoTimeout(PATIENCE_MILLIS);
        channel.connect(AFUNIXSocketAddress.of(socket));
    }

    /** Sends bytes; whether the other end still takes them. */
    boolean send(byte[] bytes, FileDescriptor... descriptors) throws IOException {
        if (ended || bytes.length == 0) {
            return !ended;
        }
        fresh = false;
        try {
            if (descriptors.length > 0) {
                channel.setOutboundFileDescriptors(descriptors);
            }
            for (int from = 0; from < bytes.length; ) {
                int length = Math.min(bytes.length - from, out.capacity());
                out.clear().put(bytes, from, length).flip();
                while (out.hasRemaining()) {
                    channel.write(out);
                }
                from += length;
            }
        } catch (SocketException | ClosedChannelException e) {
            ended = true; // the publisher has closed it, as it may
        }
        return !ended;
    }

    /** Waits for more bytes, which are kept from 0 to the position of {@link #in()}; whether there were any. */
    boolean receive() throws IOException {
        if (ended) {
            return false;
        }
        try {
            if (!in.hasRemaining()) {
                in.clear();
            }
            int count = channel.read(in);
            FileDescriptor[] descriptors = channel.getReceivedFileDescriptors();
            for (FileDescriptor descriptor : descriptors) {
                received.add(Descriptors.duplicate(descriptor));
                Descriptors.close(descriptor);
            }
            ended = count < 0;
        } catch (SocketException | ClosedChannelException e) {
            ended = true;
        }
        return !ended;
    }

    ByteBuffer in() {
        return in;
    }

    /** Descriptors that have come, closed with this. */
    List<FileDescriptor> received() {
        return received;
    }

    /** Whether nothing was sent yet: an answer to a whole message is then sure to come. */
    boolean isFresh() {
        return fresh;
    }

    /** Has all of these, some of which may be null, finish at once: that is faster than one after the other. */
    static void finish(RawSocket... sockets) throws IOException {
        for (RawSocket socket : sockets) {
            if (socket != null) {
                socket.sayEnd();
            }
        }
        for (RawSocket socket : sockets) {
            if (socket != null) {
                socket.drain();
            }
        }
    }

    /** Says that nothing more comes, and waits until the other end has read all and closed. */
    void finish() throws IOException {
        sayEnd();
        drain();
    }

    private void sayEnd() throws IOException {
        try {
            channel.shutdownOutput();
        } catch (SocketException | ClosedChannelException e) {
            ended = true;
        }
    }

    private void drain() throws IOException {
        try {
            while (receive()) {
                in.clear();
            }
        } catch (SocketException | ClosedChannelException e) {
            ended = true;
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
        received.forEach(Descriptors::close);
        received.clear();
    }
}

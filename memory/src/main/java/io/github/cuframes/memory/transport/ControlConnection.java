package io.github.cuframes.memory.transport;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.linux.PeerGroups;
import java.io.FileDescriptor;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.newsclub.net.unix.AFUNIXSocketChannel;
import org.newsclub.net.unix.AFUNIXSocketCredentials;

/**
 * A Unix socket that carries messages with file descriptors. A message is a header and a body, little-endian:
 *
 * <pre>
 *    0       4      6      8
 *   +-------+------+------+------------------+
 *   | bytes | type | desc |  body            |
 *   +-------+------+------+------------------+
 *   u32 bytes of the body, u16 type, u16 descriptors attached
 * </pre>
 *
 * <p>One thread receives; any threads may send; any thread may close, which ends a blocked call.
 *
 * <p>The client's side blocks in one {@code recv} with SO_RCVTIMEO: half the wake-up time of poll and read, and 16 bytes
 * of garbage (the socket library's) for each. The server's side never blocks and takes no descriptors: what a client
 * attaches, the kernel drops.
 *
 * <p>Interrupting a thread that is blocked in here closes the connection, as for any channel of the JDK.
 */
public final class ControlConnection implements AutoCloseable {

    /** Bytes of the header. */
    public static final int HEADER_SIZE = 8;

    /** The most bytes of a body. */
    public static final int MAX_BODY = 65_528;

    /** The most bytes of a message. */
    public static final int MAX_MESSAGE = HEADER_SIZE + MAX_BODY;

    /** The most descriptors of a message: what fits the 256 bytes that the socket library has for control data. */
    public static final int MAX_DESCRIPTORS = 60;

    private static final int CONTROL_DATA = 256;
    private static final FileDescriptor[] NONE = {};

    /** A longer wait is made of waits of this length, in milliseconds; it bounds what a send may overrun its time by. */
    private static final int LONGEST_WAIT = 1_000;

    private final AFUNIXSocketChannel channel;
    private final boolean blocking;
    private final MessageReader reader = new MessageReader();
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Held while a thread is in a call of the socket; taken by close, so that no call meets a number used anew. */
    private final Object receiveLock = new Object();

    private final Object sendLock = new Object();
    private ByteBuffer unsent;
    private int waitMillis;

    private ControlConnection(AFUNIXSocketChannel channel, boolean blocking) throws IOException {
        this.channel = channel;
        this.blocking = blocking;
    }

    /**
     * Connects to a producer and returns a connection that blocks.
     *
     * @param timeout how long to wait for a producer that is busy
     * @throws IOException if nobody answers there; says what to do
     */
    public static ControlConnection connect(Path socket, Duration timeout) throws IOException {
        if (!Files.exists(socket)) {
            throw new IOException(
                    "no producer has a socket at " + socket + "; start one, or check the key and --run-dir");
        }
        AFUNIXSocketAddress address = AFUNIXSocketAddress.of(socket);
        AFUNIXSocketChannel channel = AFUNIXSocketChannel.open();
        try {
            ControlConnection connection = new ControlConnection(channel, true);
            connection.setWait((int) Math.max(1, Math.min(timeout.toMillis(), Integer.MAX_VALUE)));
            channel.setAncillaryReceiveBufferSize(CONTROL_DATA);
            if (!channel.connect(address)) {
                throw new SocketException("no answer within " + timeout.toMillis() + " ms");
            }
            connection.setWait(LONGEST_WAIT);
            return connection;
        } catch (IOException e) {
            channel.close();
            throw new IOException(
                    "no producer answers at " + socket + " (" + e.getMessage()
                            + "); start one, or check the key, --run-dir and your permission to write to the socket",
                    e);
        }
    }

    /** The server's side of a connection, non-blocking. */
    static ControlConnection accepted(AFUNIXSocketChannel channel) throws IOException {
        try {
            channel.configureBlocking(false);
            return new ControlConnection(channel, false);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    /** Writes a header at position 0 of a buffer and leaves position and limit around the whole message. */
    public static ByteBuffer putHeader(ByteBuffer message, int type, int bodyLength, int descriptors) {
        message.order(ByteOrder.LITTLE_ENDIAN).clear().limit(HEADER_SIZE + bodyLength);
        return message.putInt(0, bodyLength).putShort(4, (short) type).putShort(6, (short) descriptors);
    }

    /**
     * Has a selector watch a non-blocking connection. When it reports the connection readable, {@link #receive} is to be
     * called until it returns something else than {@link ReceiveStatus#MESSAGE}: the selector forgets a connection whose
     * peer is gone after it reported it once.
     *
     * @param selector made by {@link ControlServer#openSelector()}
     */
    public SelectionKey register(Selector selector, int operations, Object attachment) throws IOException {
        return channel.register(selector, operations, attachment);
    }

    /** Who connected. */
    public PeerCredentials peer() throws IOException {
        AFUNIXSocketCredentials credentials = channel.getPeerCredentials();
        Set<Long> groups = new HashSet<>(PeerGroups.of(Descriptors.number(channel.getFileDescriptor())));
        groups.add(credentials.getGid());
        return new PeerCredentials(credentials.getPid(), credentials.getUid(), credentials.getGid(), groups);
    }

    /** {@link #trySend(ByteBuffer, FileDescriptor...)} without descriptors: allocates nothing of its own. */
    public boolean trySend(ByteBuffer message) throws IOException {
        return trySend(message, NONE);
    }

    /**
     * Sends a message without waiting; for a connection that does not block.
     *
     * @param message whole, with its header, in a direct buffer; on success its position is at its limit
     * @param descriptors as many as the header says; they stay the caller's
     * @return true if the message is on its way: sent, or its beginning sent and its rest kept here, see
     *     {@link #hasUnsent()}. False if the peer does not read and nothing of the message was taken.
     */
    public boolean trySend(ByteBuffer message, FileDescriptor... descriptors) throws IOException {
        synchronized (sendLock) {
            if (!flushLocked()) {
                return false;
            }
            int written = write(message, descriptors);
            if (written > 0 && message.hasRemaining()) {
                unsent = ByteBuffer.allocateDirect(message.remaining())
                        .put(message)
                        .flip();
            }
            return written > 0;
        }
    }

    /** Whether the rest of a message waits for {@link #flush()}. */
    public boolean hasUnsent() {
        synchronized (sendLock) {
            return unsent != null;
        }
    }

    /** Goes on with the rest of a message, for when the selector reports the connection writable. Whether all is sent. */
    public boolean flush() throws IOException {
        synchronized (sendLock) {
            return flushLocked();
        }
    }

    private boolean flushLocked() throws IOException {
        if (unsent != null) {
            write(unsent, NONE);
            if (unsent.hasRemaining()) {
                return false;
            }
            unsent = null;
        }
        return true;
    }

    /**
     * Sends a message, waiting for a peer that does not read; for a connection that blocks.
     *
     * @param message whole, with its header, in a direct buffer
     * @param timeoutNanos how long to wait at most; may be overrun by a second
     * @param descriptors as many as the header says; they stay the caller's
     * @throws IOException if the peer did not read in time; the connection is closed then
     */
    public void send(ByteBuffer message, long timeoutNanos, FileDescriptor... descriptors) throws IOException {
        synchronized (sendLock) {
            long deadline = System.nanoTime() + timeoutNanos;
            boolean attached = false;
            while (message.hasRemaining()) {
                int written = write(message, attached ? NONE : descriptors);
                attached |= written > 0;
                if (written == 0 && deadline - System.nanoTime() <= 0) {
                    close();
                    throw new IOException("the peer did not read for " + TimeUnit.NANOSECONDS.toMillis(timeoutNanos)
                            + " ms; the connection is closed");
                }
            }
        }
    }

    private int write(ByteBuffer message, FileDescriptor[] descriptors) throws IOException {
        if (descriptors.length > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException(
                    descriptors.length + " descriptors in a message, at most " + MAX_DESCRIPTORS);
        }
        if (descriptors.length > 0) {
            channel.setOutboundFileDescriptors(descriptors);
        }
        // the library forgets descriptors with the call, also when the call wrote nothing
        return channel.write(message);
    }

    /**
     * Receives the next message.
     *
     * @param timeoutNanos for a connection that blocks: how long to wait at most, rounded up to a millisecond; 0 or less
     *     does not wait. One that does not block never waits.
     * @throws FramingException if the peer sent what is no message; the caller closes the connection
     * @throws IOException if the connection is closed or fails
     */
    public ReceiveStatus receive(long timeoutNanos) throws IOException {
        synchronized (receiveLock) {
            if (reader.next()) {
                return ReceiveStatus.MESSAGE;
            }
            boolean waits = blocking && timeoutNanos > 0;
            long deadline = System.nanoTime() + timeoutNanos;
            long left = timeoutNanos;
            while (true) {
                int count = read(left);
                if (count < 0) {
                    return end();
                }
                if (count > 0 && reader.next()) {
                    return ReceiveStatus.MESSAGE;
                }
                left = deadline - System.nanoTime();
                if (waits ? left <= 0 : count == 0) {
                    return ReceiveStatus.NOTHING;
                }
            }
        }
    }

    private ReceiveStatus end() throws IOException {
        if (closed.get()) {
            throw new ClosedChannelException();
        }
        if (reader.isWithinMessage()) {
            throw new FramingException("the peer closed the connection in the middle of a message");
        }
        return ReceiveStatus.END;
    }

    /** Reads once: bytes, 0 for none in time, -1 for the end. */
    private int read(long timeoutNanos) throws IOException {
        if (!blocking) {
            return readNow();
        }
        if (timeoutNanos <= 0) {
            return readWithoutBlocking();
        }
        long millis = timeoutNanos / 1_000_000 + (timeoutNanos % 1_000_000 == 0 ? 0 : 1);
        setWait((int) Math.min(millis, LONGEST_WAIT));
        int count = readNow();
        // the library answers -1 for a wait that ended as well as for the end of the stream; a read that does not block
        // tells them apart
        return count < 0 && !closed.get() ? readWithoutBlocking() : count;
    }

    private int readWithoutBlocking() throws IOException {
        channel.configureBlocking(false);
        try {
            return readNow();
        } finally {
            if (channel.isOpen()) {
                channel.configureBlocking(true);
            }
        }
    }

    private int readNow() throws IOException {
        int count = channel.read(reader.space());
        FileDescriptor[] descriptors = channel.getReceivedFileDescriptors();
        if (descriptors.length > 0) {
            reader.add(descriptors);
        }
        return count;
    }

    private void setWait(int millis) throws SocketException {
        if (millis != waitMillis) {
            channel.socket().setSoTimeout(millis);
            waitMillis = millis;
        }
    }

    /** The type of the message received last. */
    public int type() {
        return reader.type();
    }

    /** The body of the message received last, little-endian, position 0; valid until the next {@link #receive}. */
    public ByteBuffer body() {
        return reader.body();
    }

    /** The descriptors of the message received last, the caller's to close. Those not taken are closed by the next receive. */
    public List<FileDescriptor> takeDescriptors() {
        return reader.takeDescriptors();
    }

    /** Whether {@link #close()} was called. */
    public boolean isClosed() {
        return closed.get();
    }

    /** Closes the socket, and every descriptor that came through it and was not taken; a second call does nothing. */
    @Override
    public void close() throws IOException {
        if (closed.compareAndSet(false, true)) {
            shutdown(); // wakes those who are blocked in a call
            synchronized (receiveLock) {
                synchronized (sendLock) {
                    try {
                        channel.close();
                    } finally {
                        reader.close();
                    }
                }
            }
        }
    }

    private void shutdown() throws IOException {
        try {
            channel.shutdownInput();
            channel.shutdownOutput();
        } catch (ClosedChannelException | SocketException e) {
            return; // an interrupt or the peer was quicker
        }
    }
}

package io.github.cuframes.tests.faults;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * Stands between a client and an RTSP server that sends media on the same TCP connection (RFC 2326, 10.12), and hurts what
 * the server sends, a packet at a time. A network that loses packets under TCP only delays it, so that a loss here is one
 * at the camera; without {@code tc netem} it is also what can be had anywhere. Any thread may change what it does.
 */
final class RtspProxy implements AutoCloseable {

    private static final int INTERLEAVED = '$';
    private static final int MOST_TEXT = 1 << 16;
    private static final long STEP_NANOS = 5_000_000;
    private static final int CONNECT_MILLIS = 2_000;

    private final ServerSocket listener = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
    private volatile int upstream;
    private volatile boolean stalled;
    private volatile boolean refusing;
    private volatile byte[] garbage;
    private volatile int lostPercent;
    private volatile int repeatedPercent;
    private volatile Random random = new Random(0);
    private volatile Socket client;

    RtspProxy(int upstream) throws IOException {
        this.upstream = upstream;
        start("rtsp-proxy", this::accept);
    }

    private static void start(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    int port() {
        return listener.getLocalPort();
    }

    /** Which server the next connections go to. */
    void upstream(int port) {
        upstream = port;
    }

    /** Keeps back what comes, or lets it go on. */
    void stall(boolean stall) {
        stalled = stall;
    }

    /** Resets connections as soon as they are made, or serves them again. */
    void refuse(boolean refuse) {
        refusing = refuse;
    }

    /** Puts bytes in front of the server's next packet. */
    void insert(byte[] bytes) {
        garbage = bytes;
    }

    /** Loses and repeats so many packets of a hundred. */
    void disturb(int lost, int repeated, long seed) {
        random = new Random(seed);
        lostPercent = lost;
        repeatedPercent = repeated;
    }

    /** Resets the newest connection. */
    void reset() {
        reset(client);
    }

    private static void reset(Socket socket) {
        if (socket != null && !socket.isClosed()) {
            try {
                socket.setSoLinger(true, 0);
                socket.close();
            } catch (SocketException e) {
                // the thread of the other direction was quicker
            } catch (IOException e) {
                throw new IllegalStateException("a connection of the proxy cannot be reset", e);
            }
        }
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket accepted = listener.accept();
                client = accepted;
                if (refusing) {
                    reset(accepted);
                } else {
                    start("rtsp-proxy-connection", () -> serve(accepted));
                }
            } catch (IOException e) {
                if (!listener.isClosed()) {
                    throw new IllegalStateException("the proxy cannot accept", e);
                }
            }
        }
    }

    private void serve(Socket accepted) {
        try (accepted;
                Socket server = new Socket()) {
            server.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), upstream), CONNECT_MILLIS);
            start("rtsp-proxy-requests", () -> requests(accepted, server));
            answers(new BufferedInputStream(server.getInputStream()), accepted.getOutputStream());
        } catch (IOException e) {
            reset(accepted); // one of both has gone, and so does the other
        }
    }

    private static void requests(Socket from, Socket to) {
        try {
            from.getInputStream().transferTo(to.getOutputStream());
            to.close();
        } catch (IOException e) {
            reset(to);
        }
    }

    private void answers(InputStream from, OutputStream to) throws IOException {
        for (byte[] unit = unit(from); unit != null; unit = unit(from)) {
            while (stalled) {
                LockSupport.parkNanos(STEP_NANOS);
            }
            byte[] inserted = garbage;
            if (inserted != null) {
                garbage = null;
                to.write(inserted);
            }
            boolean media = unit[0] == INTERLEAVED;
            if (media && random.nextInt(100) < lostPercent) {
                continue;
            }
            to.write(unit);
            if (media && random.nextInt(100) < repeatedPercent) {
                to.write(unit);
            }
        }
    }

    /** A packet with its frame of four bytes, or a whole response; null at the end. */
    private static byte[] unit(InputStream from) throws IOException {
        int first = from.read();
        if (first < 0) {
            return null;
        }
        ByteArrayOutputStream unit = new ByteArrayOutputStream();
        unit.write(first);
        if (first == INTERLEAVED) {
            byte[] head = require(from, 3);
            unit.write(head);
            unit.write(require(from, (head[1] & 0xFF) << 8 | head[2] & 0xFF));
            return unit.toByteArray();
        }
        String text = "";
        while (!text.endsWith("\r\n\r\n")) {
            unit.write(require(from, 1));
            text = unit.toString(StandardCharsets.ISO_8859_1);
            if (text.length() > MOST_TEXT) {
                throw new IOException("the server's response has no end");
            }
        }
        for (String line : text.toLowerCase(Locale.ROOT).split("\r\n")) {
            if (line.startsWith("content-length:")) {
                unit.write(require(
                        from,
                        Integer.parseInt(line.substring(line.indexOf(':') + 1).trim())));
            }
        }
        return unit.toByteArray();
    }

    private static byte[] require(InputStream from, int count) throws IOException {
        byte[] bytes = from.readNBytes(count);
        if (bytes.length < count) {
            throw new EOFException("in the middle of a packet");
        }
        return bytes;
    }

    @Override
    public void close() throws IOException {
        listener.close();
        reset(client);
    }
}

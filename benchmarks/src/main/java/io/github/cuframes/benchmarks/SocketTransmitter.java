package io.github.cuframes.benchmarks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The yardstick: eight bytes, the time, written to a Unix socket for each receiver. */
final class SocketTransmitter implements Transmitter {

    private final SocketLibrary library;
    private final Path path;
    private final ServerSocketChannel server;
    private final List<SocketChannel> receivers = new ArrayList<>();
    private final ByteBuffer message = ByteBuffer.allocateDirect(Long.BYTES);
    private long sent;

    SocketTransmitter(SocketLibrary library, Path path) throws IOException {
        this.library = library;
        this.path = path;
        server = library.listen(path);
    }

    @Override
    public void admit(int count) throws IOException {
        while (receivers.size() < count) {
            receivers.add(server.accept());
        }
    }

    /** One time for all, as a frame has one. */
    @Override
    public void send() throws IOException {
        message.putLong(0, System.nanoTime());
        for (int i = 0; i < receivers.size(); i++) {
            message.rewind();
            while (message.hasRemaining()) {
                receivers.get(i).write(message);
            }
        }
        sent++;
    }

    @Override
    public long sent() {
        return sent;
    }

    @Override
    public String[] address() {
        return new String[] {"--socket", path.toString(), "--library", library.name()};
    }

    @Override
    public void close() throws IOException {
        try (server) {
            for (SocketChannel receiver : receivers) {
                receiver.close();
            }
        }
    }
}

package io.github.cuframes.benchmarks;

import java.io.IOException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import org.newsclub.net.unix.AFUNIXServerSocketChannel;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.newsclub.net.unix.AFUNIXSocketChannel;

/** Whose Unix sockets the bare wake-up uses. */
enum SocketLibrary {
    /** The library that cuframes has its sockets from, since the JDK's carry no descriptors. */
    JUNIXSOCKET {
        @Override
        ServerSocketChannel openServer() throws IOException {
            return AFUNIXServerSocketChannel.open();
        }

        @Override
        SocketChannel openClient() throws IOException {
            return AFUNIXSocketChannel.open();
        }

        @Override
        SocketAddress address(Path path) throws IOException {
            return AFUNIXSocketAddress.of(path);
        }
    },
    /** The JDK itself. */
    JDK {
        @Override
        ServerSocketChannel openServer() throws IOException {
            return ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        }

        @Override
        SocketChannel openClient() throws IOException {
            return SocketChannel.open(StandardProtocolFamily.UNIX);
        }

        @Override
        SocketAddress address(Path path) {
            return UnixDomainSocketAddress.of(path);
        }
    };

    abstract ServerSocketChannel openServer() throws IOException;

    abstract SocketChannel openClient() throws IOException;

    abstract SocketAddress address(Path path) throws IOException;

    /** A server that listens. */
    ServerSocketChannel listen(Path path) throws IOException {
        ServerSocketChannel server = openServer();
        try {
            return server.bind(address(path));
        } catch (IOException | RuntimeException e) {
            server.close();
            throw e;
        }
    }

    /** A client that is connected. */
    SocketChannel connect(Path path) throws IOException {
        SocketChannel client = openClient();
        try {
            client.connect(address(path));
            return client;
        } catch (IOException | RuntimeException e) {
            client.close();
            throw e;
        }
    }
}

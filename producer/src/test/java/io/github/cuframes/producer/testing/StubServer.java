package io.github.cuframes.producer.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** A server on the loopback that misbehaves in one way. */
public final class StubServer implements AutoCloseable {

    private interface Behaviour {
        void serve(Socket socket) throws IOException;
    }

    private final ServerSocket listener;
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    private final CountDownLatch connected = new CountDownLatch(1);
    private final CountDownLatch sent = new CountDownLatch(1);

    private StubServer() throws IOException {
        listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    /** Accepts and says nothing. */
    public static StubServer silent() throws IOException {
        StubServer server = new StubServer();
        server.start(socket -> {});
        return server;
    }

    /** Answers each request, which ends with an empty line. */
    public static StubServer answering(UnaryOperator<String> answer) throws IOException {
        StubServer server = new StubServer();
        server.start(socket -> {
            String request = readRequest(socket);
            while (!request.isEmpty()) {
                socket.getOutputStream().write(answer.apply(request).getBytes(StandardCharsets.US_ASCII));
                request = readRequest(socket);
            }
        });
        return server;
    }

    /** Answers the first request by HTTP with these bytes, and then leaves the connection open. */
    public static StubServer serving(byte[] content) throws IOException {
        StubServer server = new StubServer();
        server.start(socket -> {
            readRequest(socket);
            OutputStream out = socket.getOutputStream();
            out.write("HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            out.write(content);
            out.flush();
            server.sent.countDown();
        });
        return server;
    }

    /** Sends these bytes to everybody who connects, at once, and closes the connection. */
    public static StubServer sendingOnce(byte[] content) throws IOException {
        StubServer server = new StubServer();
        server.start(socket -> {
            socket.getOutputStream().write(content);
            server.sent.countDown();
            socket.close();
        });
        return server;
    }

    /** Sends the first bytes to who connects first, the second to the second, and so on, over and over. */
    public static StubServer sendingInTurn(byte[]... contents) throws IOException {
        StubServer server = new StubServer();
        AtomicInteger turn = new AtomicInteger();
        server.start(socket -> {
            socket.getOutputStream().write(contents[turn.getAndIncrement() % contents.length]);
            socket.close();
        });
        return server;
    }

    private static String readRequest(Socket socket) throws IOException {
        BufferedReader reader =
                new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII), 1);
        StringBuilder request = new StringBuilder();
        String line = reader.readLine();
        while (line != null && !line.isEmpty()) {
            request.append(line).append('\n');
            line = reader.readLine();
        }
        return request.toString();
    }

    private void start(Behaviour behaviour) {
        Thread thread = new Thread(
                () -> {
                    try {
                        while (true) {
                            Socket socket = listener.accept();
                            sockets.add(socket);
                            connected.countDown();
                            Thread connection = new Thread(() -> serve(behaviour, socket), "stub-connection");
                            connection.setDaemon(true);
                            connection.start();
                        }
                    } catch (IOException e) {
                        connected.countDown(); // closed by the test
                    }
                },
                "stub-server");
        thread.setDaemon(true);
        thread.start();
    }

    private void serve(Behaviour behaviour, Socket socket) {
        try {
            behaviour.serve(socket);
        } catch (IOException e) {
            sockets.remove(socket); // the client went away, as it may
        }
    }

    /** The port it listens on. */
    public int port() {
        return listener.getLocalPort();
    }

    /** Waits for somebody to connect. */
    public boolean awaitConnection(Duration timeout) throws InterruptedException {
        return connected.await(timeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Waits until the content is out. */
    public boolean awaitSent(Duration timeout) throws InterruptedException {
        return sent.await(timeout.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}

package io.github.cuframes.tests.gpu;

import io.github.cuframes.tests.Await;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.time.Duration;

/** Sends a transport stream to whoever connects, from its first picture on, so many pictures a second, and then keeps still. */
final class LiveSource implements AutoCloseable {

    private final TransportStream stream;
    private final long picturePeriodNanos;
    private final ServerSocket server = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
    private volatile boolean closed;

    LiveSource(TransportStream stream, int picturesPerSecond) throws IOException {
        this.stream = stream;
        this.picturePeriodNanos = Duration.ofSeconds(1).toNanos() / picturesPerSecond;
        start("accept", () -> {
            while (!closed) {
                Socket client = server.accept();
                start("send", () -> send(client));
            }
        });
    }

    /** What a producer takes as {@code --input}. */
    String url() {
        return "tcp://127.0.0.1:" + server.getLocalPort();
    }

    private interface Work {
        void run() throws IOException;
    }

    /** What ends with an error ends so because a side has closed; the test sees what did not come. */
    private static void start(String name, Work work) {
        Thread thread = new Thread(
                () -> {
                    try {
                        work.run();
                    } catch (IOException e) {
                        System.getLogger(LiveSource.class.getName())
                                .log(System.Logger.Level.DEBUG, "{0} ends: {1}", name, e);
                    }
                },
                "live-source-" + name);
        thread.setDaemon(true);
        thread.start();
    }

    private void send(Socket client) throws IOException {
        try (client;
                InputStream file = Files.newInputStream(stream.file())) {
            OutputStream out = client.getOutputStream();
            long begin = System.nanoTime();
            long sent = 0;
            for (int i = 0; i < stream.ends().size() && !closed; i++) {
                Await.elapse(Duration.ofNanos(begin + i * picturePeriodNanos - System.nanoTime()));
                long end = stream.ends().get(i);
                out.write(file.readNBytes((int) (end - sent)));
                sent = end;
            }
            client.getInputStream().read(); // until the other side closes
        }
    }

    @Override
    public void close() throws IOException {
        closed = true;
        server.close();
    }
}

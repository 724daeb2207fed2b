package io.github.cuframes.conformance;

import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ControlServer;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.channels.Selector;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Stands between a subscriber and a publisher and passes on what they say, changed as a test wants it: a good peer behind it
 * becomes a bad one. A thread for each connection.
 */
final class Proxy implements AutoCloseable {

    /** Leaves everything as it is. */
    static final Change AS_IT_IS = (message, out) -> out.send(message);

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final ControlServer server;
    private final Path publisher;
    private final Change toPublisher;
    private final Change toSubscriber;
    private final List<Thread> threads = new CopyOnWriteArrayList<>();
    private final Selector selector = ControlServer.openSelector();
    private volatile boolean closed;

    /** What becomes of a message. */
    interface Change {
        void pass(Incoming message, Out out) throws Exception;
    }

    /** Where a changed message goes. */
    record Out(Line line) {
        void send(Incoming message) throws IOException {
            send(Line.message(message.type(), message.bytes(), message.files().size()), message.files());
        }

        void send(byte[] bytes, List<FileDescriptor> files) throws IOException {
            line.send(bytes, files.toArray(FileDescriptor[]::new));
        }
    }

    Proxy(Path socket, Path publisher, Change toPublisher, Change toSubscriber) throws IOException {
        this.server = ControlServer.bind(socket, ControlServer.Access.DEFAULT);
        this.publisher = publisher;
        this.toPublisher = toPublisher;
        this.toSubscriber = toSubscriber;
        server.register(selector, null);
        start(this::accept);
    }

    /** Where it listens. */
    Path socket() {
        return server.path();
    }

    private void start(Runnable work) {
        Thread thread = new Thread(work, "proxy");
        thread.setDaemon(true);
        threads.add(thread);
        thread.start();
    }

    private void accept() {
        try {
            while (!closed) {
                selector.select();
                selector.selectedKeys().clear();
                ControlConnection connection;
                while ((connection = server.accept()) != null) {
                    ControlConnection accepted = connection;
                    start(() -> serve(accepted));
                }
            }
        } catch (IOException e) {
            closed = true; // which its peers see
        }
    }

    private void serve(ControlConnection connection) {
        try (Line subscriber = Line.accepted(connection, PATIENCE);
                Line behind = Line.connect(publisher, PATIENCE)) {
            while (!closed) {
                if (!pass(subscriber, behind, toPublisher) || !pass(behind, subscriber, toSubscriber)) {
                    return;
                }
            }
        } catch (Exception e) {
            return; // what it was told to do broke the connection, which both sides see
        }
    }

    /** Whether the connection goes on. */
    private static boolean pass(Line from, Line to, Change change) throws Exception {
        for (Incoming message = from.next(1_000_000); message != null; message = from.next(0)) {
            if (message.isEnd()) {
                return false;
            }
            change.pass(message, new Out(to));
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        closed = true;
        selector.wakeup();
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        selector.close();
        server.close();
    }
}

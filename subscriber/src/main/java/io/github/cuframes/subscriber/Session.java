package io.github.cuframes.subscriber;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.ProtocolException;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection to a publisher, from HELLO to its end: what is said on the socket. What the page brings, and how, is for
 * those who extend this.
 *
 * <p>One thread at a time uses it; {@link #isGreeted()}, {@link #leave()} and {@link #close()} are for any. A {@link
 * ProtocolException} from here means that the publisher broke the protocol.
 *
 * @param <T> what is received
 */
abstract class Session<T> implements AutoCloseable {

    /** Messages that are read without looking at anything else. */
    static final int MOST_AT_ONCE = 64;

    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    final ControlConnection connection;
    final String key;
    final Ticker ticker;

    private volatile boolean greeted;
    private volatile ImportedFile page;

    /** The generation that was mapped and not acknowledged yet; 0: none. */
    private int unanswered;

    private boolean ended;
    /** Whether the end was an error of the socket, so that messages may be left unread. */
    private boolean cut;

    private Message.Failure failure;
    private ByeReason bye;

    Session(ControlConnection connection, String key, Ticker ticker) {
        this.connection = connection;
        this.key = key;
        this.ticker = ticker;
    }

    /** What this side says first. */
    abstract Message.Hello hello(String name);

    /**
     * How large a page WELCOME brings.
     *
     * @throws ProtocolException if WELCOME announces what there cannot be
     */
    abstract long pageSize(Message.Welcome welcome) throws ProtocolException;

    /** Begins with what WELCOME brought. */
    abstract void begin(Message.Welcome welcome, Ring ring, ByteBuffer mapped) throws ProtocolException;

    /** Handles a message that comes after the greeting and means neither an end nor a look at the page. */
    abstract void handle(Message message) throws ProtocolException;

    /**
     * The next of what is received.
     *
     * @return null if there is none (now)
     */
    abstract T take() throws ProtocolException;

    /** Whether the page shows what was not taken. Cheap. */
    abstract boolean hasNext();

    /** Tells the publisher whether this side needs a DOORBELL. */
    abstract void sleeping(boolean asleep);

    /** Why the publisher ends the connection, for the user to read. */
    String reason(Message.Failure told) {
        return told.printableText();
    }

    /**
     * How long to wait before another look at what the socket tells nothing of, and what comes also after the connection's
     * end; 0 if there is no such thing.
     */
    long pauseNanos() {
        return 0;
    }

    /** The publisher uses again, or may, what was given to the application. */
    void revoke() {}

    /** Says HELLO. */
    final void greet(String name) throws IOException {
        Incoming.send(connection, hello(name));
    }

    /** Whether WELCOME was mapped. */
    final boolean isGreeted() {
        return greeted;
    }

    /** Whether the socket has nothing more to say. */
    final boolean isEnded() {
        return ended;
    }

    final boolean isCut() {
        return cut;
    }

    /** The publisher's last word, or null. */
    final Message.Failure failure() {
        return failure;
    }

    /** Why the publisher left in good order, or null. */
    final ByeReason bye() {
        return bye;
    }

    /** Waits for something to take, or a message; whether there may be something new. */
    boolean await(long deadline) throws ProtocolException {
        try {
            sleeping(true);
            // looked at once more, since it may have come before the publisher saw that this side sleeps
            return hasNext() || receive(deadline - ticker.nanoTime()) || hasNext();
        } finally {
            sleeping(false);
        }
    }

    /**
     * Reads and handles one message.
     *
     * @param timeoutNanos how long to wait for it at most
     * @return whether there was one, or the end
     */
    final boolean receive(long timeoutNanos) throws ProtocolException {
        if (ended) {
            return true;
        }
        try {
            ReceiveStatus status = connection.receive(timeoutNanos);
            if (status == ReceiveStatus.NOTHING) {
                return false;
            }
            take(status);
            // answered when nothing more is there: the socket library closes a connection whose peer takes no answer
            for (int i = 1; unanswered > 0 && !ended; i++) {
                status = i < MOST_AT_ONCE ? connection.receive(0) : ReceiveStatus.NOTHING;
                if (status == ReceiveStatus.NOTHING) {
                    int generation = unanswered;
                    unanswered = 0;
                    Incoming.send(connection, new Message.Ack(generation));
                } else {
                    take(status);
                }
            }
            return true;
        } catch (ProtocolException e) {
            throw e;
        } catch (IOException e) {
            if (Incoming.isBreach(e)) {
                throw Incoming.violation(e.getMessage());
            }
            LOG.debug("the connection to {} failed", key, e);
            cut = true;
            ended = true;
            return true;
        }
    }

    private void take(ReceiveStatus status) throws IOException {
        if (status == ReceiveStatus.END) {
            ended = true;
        } else if (!Incoming.isDoorbell(connection) || !greeted) {
            take(Incoming.decode(connection));
        }
    }

    private void take(Message message) throws IOException {
        if (message == null) {
            return; // a later version's
        }
        if (message instanceof Message.Failure told) {
            failure = told;
            ended = true;
        } else if (message instanceof Message.Bye left) {
            bye = left.reason();
            ended = true;
        } else if (greeted) {
            handle(message);
        } else if (message instanceof Message.Welcome welcome) {
            map(welcome);
        } else {
            throw Incoming.violation("a " + message.type() + " message came before WELCOME");
        }
    }

    private void map(Message.Welcome welcome) throws IOException {
        List<FileDescriptor> files = Incoming.take(connection);
        Incoming.requireDescriptors(welcome, files, 2);
        long size;
        Ring ring;
        try {
            size = pageSize(welcome);
            ring = Incoming.ring(files.get(0), welcome, key);
        } catch (ProtocolException e) {
            files.forEach(Descriptors::close);
            throw e;
        }
        ImportedFile mapped = Incoming.map(() -> ImportedFile.readWrite(files.get(1), size));
        ByteBuffer buffer = mapped.buffer(); // before a close() by another thread can be the file's
        page = mapped;
        begin(welcome, ring, buffer);
        greeted = true;
        Incoming.send(connection, new Message.Ack(0)); // before what follows WELCOME is looked at
    }

    /** Has the publisher told that a generation is mapped. */
    final void acknowledge(int generation) {
        unanswered = generation;
    }

    /** Says something and nothing after it; whether it arrives does not matter. */
    final void sayLast(Message message) {
        try {
            Incoming.send(connection, message);
        } catch (IOException e) {
            LOG.debug("the connection to {} ended before the last word", key, e);
        }
    }

    /** Says that this side leaves. */
    void leave() {
        sayLast(new Message.Bye(ByeReason.CLOSING));
    }

    /** Ends the connection and lets go of the memory; what the application holds stays readable. A second call does nothing. */
    @Override
    public void close() {
        ImportedFile mapped = page;
        if (mapped != null) {
            mapped.close(); // the mapping ends when nothing refers to it any more
        }
        try {
            connection.close();
        } catch (IOException e) {
            LOG.debug("closing the connection to {} failed", key, e);
        }
    }
}

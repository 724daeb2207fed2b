package io.github.cuframes.tests;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.protocol.message.Role;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Random;

/**
 * A process of clients that do to a publisher what they should not, each kind on a thread of its own until stdin ends:
 * arguments are the socket, the key, a seed and the kinds. Reports {@code busy} when all of them have done something worth
 * the name, and {@code hostile} at the end, for each kind with its connections, those that the publisher ended, and
 * messages (or writes to the page).
 */
public final class HostileClients {

    private static final long SEND_NANOS = Duration.ofMillis(200).toNanos();
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final int HALF_OPEN = 300;
    private static final int WORTH_THE_NAME = 50;
    private static final int DELIVERED_AT = 128;
    private static final int SLEEPING_AT = 264;
    private static final int RELEASED_AT = 384;
    private static final int PATTERN = 128;
    private static final int[] LENGTHS = {Integer.MAX_VALUE, -1, Integer.MIN_VALUE, 0, 1, 65_528, 65_529, 4096};

    /** What a client does wrong. */
    public enum Kind {
        /** Connects and says nothing, hundreds of times. */
        HALF_OPEN,
        /** Says HELLO one byte at a time, and often not to the end. */
        DRIBBLE,
        /** Sends messages that are none, or out of order, with wrong lengths and with descriptors. */
        NONSENSE,
        /** Subscribes, and writes random patterns over its whole page. */
        SCRIBBLE,
        /** Subscribes, says that it sleeps, and never reads its socket. */
        DEAF,
        /** Subscribes, and sends REQUESTs without end. */
        REQUESTS,
        /** Sends messages of an unknown type, as large as they may be, without end. */
        LARGE,
        /** Connects, perhaps says HELLO, and leaves; thousands of times. */
        HASTY
    }

    private final Path socket;
    private final String key;
    private volatile boolean leaving;

    private HostileClients(Path socket, String key) {
        this.socket = socket;
        this.key = key;
    }

    /** Runs until stdin ends. */
    public static void main(String[] arguments) throws Exception {
        PrintStream out = System.out;
        HostileClients clients = new HostileClients(Path.of(arguments[0]), arguments[1]);
        long seed = Long.parseLong(arguments[2]);
        List<Attack> attacks = new ArrayList<>();
        for (int i = 3; i < arguments.length; i++) {
            attacks.add(clients.new Attack(Kind.valueOf(arguments[i]), seed + i));
        }
        attacks.forEach(Thread::start);
        Thread listener = new Thread(clients::listen, "stdin");
        listener.setDaemon(true);
        listener.start();
        while (!clients.leaving && !attacks.stream().allMatch(Attack::isBusy)) {
            Await.elapse(Duration.ofMillis(20));
        }
        out.println("busy kinds=" + attacks.size());
        listener.join();
        for (Attack attack : attacks) {
            attack.join();
            out.println("hostile kind=" + attack.kind + " connections=" + attack.connections + " ended=" + attack.ended
                    + " messages=" + attack.messages + " failed=" + attack.failed);
        }
    }

    private void listen() {
        try {
            while (System.in.read() >= 0) {
                continue;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            leaving = true;
        }
    }

    /** One kind, over and over. */
    private final class Attack extends Thread {

        private final Kind kind;
        private final Random random;
        private volatile long connections;
        private long ended;
        private volatile long messages;
        private String failed = "no";

        Attack(Kind kind, long seed) {
            super(kind.name());
            this.kind = kind;
            this.random = new Random(seed);
        }

        @Override
        public void run() {
            while (!leaving) {
                try {
                    attack();
                } catch (IOException e) {
                    ended++; // by the publisher, as it should
                } catch (RuntimeException e) {
                    failed = e.toString().replace(' ', '_');
                    return;
                }
            }
        }

        boolean isBusy() {
            return !isAlive()
                    || (kind == Kind.HALF_OPEN ? connections > HALF_OPEN : messages + connections > WORTH_THE_NAME);
        }

        private void attack() throws IOException {
            switch (kind) {
                case HALF_OPEN -> holdHalfOpen();
                case DRIBBLE -> dribble();
                case NONSENSE -> talkNonsense();
                case SCRIBBLE -> scribble();
                case DEAF -> neverRead();
                case REQUESTS -> repeat(header(6, 0, 0), true);
                case LARGE -> repeat(header(99, MessageCodec.MAX_BODY, 0).limit(MessageCodec.MAX_BODY + 8), false);
                case HASTY -> comeAndGo();
                default -> throw new IllegalStateException("no such kind: " + kind);
            }
        }

        private ControlConnection connect() throws IOException {
            connections++;
            return ControlConnection.connect(socket, CONNECT);
        }

        private void send(ControlConnection connection, ByteBuffer bytes, FileDescriptor... descriptors)
                throws IOException {
            connection.send(bytes, SEND_NANOS, descriptors);
            messages++;
        }

        private ByteBuffer hello() {
            ByteBuffer encoded = MessageCodec.encode(
                    new Message.Hello(
                            ProtocolVersion.CURRENT,
                            "hostile",
                            key,
                            "hostile\n\u001B[31m" + kind,
                            Role.SUBSCRIBER,
                            random.nextBoolean() ? DeliveryMode.LATEST : DeliveryMode.FIFO,
                            1,
                            1,
                            MemoryKind.HOST.bit(),
                            0,
                            List.of()),
                    0);
            return ByteBuffer.allocateDirect(encoded.remaining()).put(encoded).flip();
        }

        private ByteBuffer header(int type, int length, int descriptors) {
            return ByteBuffer.allocateDirect(MessageCodec.HEADER_SIZE + MessageCodec.MAX_BODY)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putInt(length)
                    .putShort((short) type)
                    .putShort((short) descriptors)
                    .flip();
        }

        /** A handshake as it should be; the page. */
        private ImportedFile subscribe(ControlConnection connection) throws IOException {
            send(connection, hello());
            if (connection.receive(CONNECT.toNanos()) != ReceiveStatus.MESSAGE) {
                throw new IOException("no answer");
            }
            List<FileDescriptor> files = connection.takeDescriptors();
            if (files.size() != 2) {
                files.forEach(Descriptors::close);
                throw new IOException("refused");
            }
            Descriptors.close(files.get(0));
            ImportedFile page = ImportedFile.readWrite(files.get(1), SubscriberPage.SIZE);
            ByteBuffer encoded = MessageCodec.encode(new Message.Ack(0), 0);
            send(
                    connection,
                    ByteBuffer.allocateDirect(encoded.remaining()).put(encoded).flip());
            return page;
        }

        private void holdHalfOpen() throws IOException {
            Deque<ControlConnection> held = new ArrayDeque<>();
            try {
                while (!leaving) {
                    held.add(connect());
                    if (held.size() > HALF_OPEN) {
                        held.remove().close();
                    }
                }
            } finally {
                for (ControlConnection connection : held) {
                    connection.close();
                }
            }
        }

        private void dribble() throws IOException {
            try (ControlConnection connection = connect()) {
                ByteBuffer hello = hello();
                int end = random.nextInt(hello.limit() + 1);
                for (int i = 0; i < end && !leaving; i++) {
                    send(connection, hello.duplicate().position(i).limit(i + 1));
                    Thread.onSpinWait();
                }
                connection.receive(random.nextInt(20) * 1_000_000L);
            }
        }

        private void talkNonsense() throws IOException {
            try (ControlConnection connection = connect();
                    FileInputStream file = new FileInputStream("/dev/null")) {
                if (random.nextInt(3) == 0) {
                    send(connection, hello());
                }
                for (int i = random.nextInt(8); i >= 0 && !leaving; i--) {
                    boolean whole = random.nextInt(3) > 0;
                    int length = whole ? random.nextInt(300) : LENGTHS[random.nextInt(LENGTHS.length)];
                    ByteBuffer message = header(random.nextInt(12), length, random.nextInt(4) == 0 ? 61 : 0);
                    int body = whole ? length : random.nextInt(300);
                    message.limit(MessageCodec.HEADER_SIZE + body);
                    for (int at = MessageCodec.HEADER_SIZE; at < message.limit(); at++) {
                        message.put(at, (byte) random.nextInt(random.nextBoolean() ? 256 : 20));
                    }
                    FileDescriptor[] descriptors = new FileDescriptor[random.nextInt(4) * 20];
                    Arrays.fill(descriptors, file.getFD());
                    send(connection, message, descriptors);
                }
                while (connection.receive(50_000_000) == ReceiveStatus.MESSAGE) {
                    messages++;
                }
            }
        }

        private void scribble() throws IOException {
            try (ControlConnection connection = connect();
                    ImportedFile page = subscribe(connection)) {
                byte[] pattern = new byte[PATTERN];
                while (!leaving) {
                    random.nextBytes(pattern);
                    // now and then what a subscriber may write, else it would be cut off with the first frame
                    int at = random.nextInt(4) > 0
                            ? random.nextInt(RELEASED_AT - PATTERN)
                            : random.nextInt(SubscriberPage.SIZE - PATTERN);
                    page.buffer().put(at, pattern);
                    messages++;
                    while (connection.receive(random.nextInt(2) * 100_000L) == ReceiveStatus.MESSAGE) {
                        Thread.onSpinWait();
                    }
                    if (connection.receive(0) == ReceiveStatus.END) {
                        throw new IOException("cut off");
                    }
                }
            }
        }

        private void neverRead() throws IOException {
            try (ControlConnection connection = connect();
                    ImportedFile page = subscribe(connection)) {
                // a doorbell for each frame that it gives back at once: its socket fills up
                long begin = System.nanoTime();
                while (!leaving && System.nanoTime() - begin < CONNECT.toNanos()) {
                    page.buffer().order(ByteOrder.LITTLE_ENDIAN).putInt(SLEEPING_AT, 1);
                    page.buffer().putLong(RELEASED_AT, page.buffer().getLong(DELIVERED_AT));
                    messages++;
                    Await.elapse(Duration.ofMillis(1));
                }
            }
        }

        private void repeat(ByteBuffer message, boolean subscribed) throws IOException {
            try (ControlConnection connection = connect()) {
                if (subscribed) {
                    subscribe(connection).close();
                }
                ByteBuffer many = subscribed ? ByteBuffer.allocateDirect(512 * message.limit()) : message;
                while (subscribed && many.hasRemaining()) {
                    many.put(message.rewind());
                }
                while (!leaving) {
                    send(connection, many.rewind());
                    messages += many.limit() / Math.max(1, message.limit()) - 1;
                    while (subscribed && connection.receive(0) == ReceiveStatus.MESSAGE) {
                        messages++;
                    }
                }
            }
        }

        private void comeAndGo() throws IOException {
            try (ControlConnection connection = connect()) {
                switch (random.nextInt(3)) {
                    case 0 -> send(connection, hello());
                    case 1 -> subscribe(connection).close();
                    default -> ended++; // by itself
                }
            }
        }
    }
}

package io.github.cuframes.memory.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.HostMemoryAllocator;
import io.github.cuframes.memory.TestProcess;
import io.github.cuframes.standin.OpenDescriptors;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.AFUNIXServerSocketChannel;
import org.newsclub.net.unix.AFUNIXSocketAddress;
import org.newsclub.net.unix.AFUNIXSocketChannel;

@Timeout(120)
@SuppressWarnings("try") // closing early is what is tested
class ControlConnectionTest {

    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final long LONG = TimeUnit.SECONDS.toNanos(20);
    private static final long SHORT = TimeUnit.MILLISECONDS.toNanos(20);

    @TempDir
    Path directory;

    private Path socket;
    private ControlServer server;

    @BeforeEach
    void bind() throws IOException {
        socket = directory.resolve("cam.sock");
        server = ControlServer.bind(socket, ControlServer.Access.DEFAULT);
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    static ByteBuffer message(int type, String text) {
        return message(type, text.getBytes(StandardCharsets.UTF_8), 0);
    }

    private static ByteBuffer message(int type, byte[] body, int descriptors) {
        ByteBuffer message = ByteBuffer.allocateDirect(ControlConnection.MAX_MESSAGE);
        ControlConnection.putHeader(message, type, body.length, descriptors);
        return message.put(ControlConnection.HEADER_SIZE, body);
    }

    private static String text(ControlConnection connection) {
        return StandardCharsets.UTF_8.decode(connection.body()).toString();
    }

    @Test
    void carriesMessagesBothWays() throws IOException {
        try (ControlConnection client = ControlConnection.connect(socket, CONNECT);
                ControlConnection accepted = server.accept()) {
            assertEquals(ReceiveStatus.NOTHING, client.receive(SHORT));
            assertEquals(ReceiveStatus.NOTHING, client.receive(0));
            assertTrue(accepted.trySend(message(1, "one")));
            assertTrue(accepted.trySend(message(0xffff, new byte[ControlConnection.MAX_BODY], 0)));
            assertTrue(accepted.trySend(message(3, "")));
            assertEquals(ReceiveStatus.MESSAGE, client.receive(LONG));
            assertEquals(1, client.type());
            assertEquals("one", text(client));
            assertEquals(ByteOrder.LITTLE_ENDIAN, client.body().order());
            assertEquals(ReceiveStatus.MESSAGE, client.receive(LONG));
            assertEquals(0xffff, client.type());
            assertEquals(ControlConnection.MAX_BODY, client.body().remaining());
            assertEquals(ReceiveStatus.MESSAGE, client.receive(0));
            assertEquals(3, client.type());
            assertEquals(0, client.body().remaining());
            client.send(message(4, "back"), LONG);
            assertEquals(ReceiveStatus.MESSAGE, accepted.receive(0));
            assertEquals("back", text(accepted));
            accepted.close();
            assertEquals(ReceiveStatus.END, client.receive(LONG));
            assertEquals(ReceiveStatus.END, client.receive(0));
        }
    }

    @Test
    void aConnectionThatNobodyAnswersSaysSo() throws IOException {
        IOException missing =
                assertThrows(IOException.class, () -> ControlConnection.connect(directory.resolve("x.sock"), CONNECT));
        assertTrue(missing.getMessage().contains("x.sock; start one"), missing.getMessage());
        server.close();
        try (AFUNIXServerSocketChannel stale = AFUNIXServerSocketChannel.open()) {
            stale.socket().setDeleteOnClose(false);
            stale.bind(AFUNIXSocketAddress.of(socket));
        }
        IOException refused = assertThrows(IOException.class, () -> ControlConnection.connect(socket, CONNECT));
        assertTrue(refused.getMessage().contains("no producer answers"), refused.getMessage());
    }

    @Test
    void joinsWhatComesByteByByte() throws IOException {
        try (AFUNIXSocketChannel raw = AFUNIXSocketChannel.open(AFUNIXSocketAddress.of(socket));
                ControlConnection accepted = server.accept()) {
            for (int round = 0; round < 3; round++) {
                ByteBuffer message = message(9, "piece " + round);
                while (message.hasRemaining()) {
                    assertEquals(ReceiveStatus.NOTHING, accepted.receive(0));
                    raw.write(ByteBuffer.allocateDirect(1).put(message.get()).flip());
                }
                assertEquals(ReceiveStatus.MESSAGE, accepted.receive(0));
                assertEquals("piece " + round, text(accepted));
            }
        }
    }

    @Test
    void keepsOrderWhenManyMessagesComeInOneRead() throws IOException {
        try (AFUNIXSocketChannel raw = AFUNIXSocketChannel.open(AFUNIXSocketAddress.of(socket));
                ControlConnection accepted = server.accept()) {
            ByteBuffer all = ByteBuffer.allocateDirect(1 << 16);
            for (int i = 0; i < 2_000; i++) {
                all.put(message(i, "n" + i));
            }
            all.flip();
            while (all.hasRemaining()) {
                raw.write(all);
            }
            for (int i = 0; i < 2_000; i++) {
                assertEquals(ReceiveStatus.MESSAGE, accepted.receive(0));
                assertEquals(i, accepted.type());
                assertEquals("n" + i, text(accepted));
            }
            assertEquals(ReceiveStatus.NOTHING, accepted.receive(0));
        }
    }

    @Test
    void handsDescriptorsToTheMessagesThatDeclareThem() throws IOException {
        OpenDescriptors before = OpenDescriptors.now();
        try (ControlConnection client = ControlConnection.connect(socket, CONNECT);
                ControlConnection accepted = server.accept();
                FrameMemory memory = new HostMemoryAllocator().allocate(4096)) {
            FileDescriptor descriptor = memory.descriptor().orElseThrow();
            FileDescriptor[] most = new FileDescriptor[ControlConnection.MAX_DESCRIPTORS];
            java.util.Arrays.fill(most, descriptor);
            assertTrue(accepted.trySend(message(1, "none")));
            assertTrue(accepted.trySend(message(2, new byte[1], most.length), most));
            assertTrue(accepted.trySend(message(3, new byte[1], 1), descriptor));
            assertTrue(accepted.trySend(message(4, "none")));
            List<FileDescriptor> taken = new ArrayList<>();
            for (int count : new int[] {0, most.length, 1, 0}) {
                assertEquals(ReceiveStatus.MESSAGE, client.receive(LONG));
                if (client.type() != 3) {
                    List<FileDescriptor> list = client.takeDescriptors();
                    assertEquals(count, list.size());
                    taken.addAll(list);
                }
            }
            client.close();
            for (FileDescriptor mine : taken) {
                assertTrue(mine.valid());
                Descriptors.close(mine);
            }
            assertThrows(
                    IllegalArgumentException.class, () -> accepted.trySend(message(5, "x"), new FileDescriptor[61]));
        }
        before.assertNothingNew("closing the connections");
    }

    @Test
    void refusesWhatIsNoMessage() throws IOException {
        assertRefused(new byte[] {(byte) 0xf9, (byte) 0xff, 0, 0, 1, 0, 0, 0}, "65529 bytes");
        assertRefused(new byte[] {-1, -1, -1, -1, 1, 0, 0, 0}, "4294967295 bytes");
        assertRefused(new byte[] {0, 0, 0, 0, 1, 0, 61, 0}, "61 file descriptors");
        assertRefused(new byte[] {0, 0, 0, 0, 1, 0, 2, 0}, "declares 2 file descriptors and 0 came");
        assertRefused(new byte[] {4, 0, 0, 0, 1, 0, 0, 0, 5}, "in the middle of a message");
    }

    private void assertRefused(byte[] bytes, String reason) throws IOException {
        try (AFUNIXSocketChannel raw = AFUNIXSocketChannel.open(AFUNIXSocketAddress.of(socket));
                ControlConnection accepted = server.accept()) {
            raw.write(ByteBuffer.wrap(bytes));
            raw.shutdownOutput();
            FramingException e = assertThrows(FramingException.class, () -> accepted.receive(0));
            assertTrue(e.getMessage().contains(reason), e.getMessage());
        }
    }

    @Test
    void refusesDescriptorsThatNoMessageDeclares() throws IOException {
        OpenDescriptors before = OpenDescriptors.now();
        server.close();
        try (AFUNIXServerSocketChannel raw = AFUNIXServerSocketChannel.open()) {
            raw.bind(AFUNIXSocketAddress.of(socket));
            try (ControlConnection client = ControlConnection.connect(socket, CONNECT);
                    AFUNIXSocketChannel peer = raw.accept();
                    FileInputStream file = new FileInputStream("/dev/null")) {
                peer.setOutboundFileDescriptors(file.getFD(), file.getFD());
                peer.write(message(1, new byte[0], 1));
                assertEquals(ReceiveStatus.MESSAGE, client.receive(LONG));
                FramingException e = assertThrows(FramingException.class, () -> client.receive(LONG));
                assertTrue(e.getMessage().contains("1 file descriptors came that no message declares"), e.getMessage());
            }
        }
        server = ControlServer.bind(socket, ControlServer.Access.DEFAULT);
        before.assertNothingNew("closing the connections");
    }

    @Test
    void leaksNothingInManyConnections() throws IOException {
        connectAndMisbehave(0);
        OpenDescriptors before = OpenDescriptors.now();
        for (int i = 0; i < 200; i++) {
            connectAndMisbehave(i);
        }
        before.assertNothingNew("closing the connections");
    }

    /** A client that attaches descriptors to half a message, to a false one or to a good one, and goes. */
    private void connectAndMisbehave(int i) throws IOException {
        try (AFUNIXSocketChannel raw = AFUNIXSocketChannel.open(AFUNIXSocketAddress.of(socket));
                ControlConnection accepted = server.accept();
                FileInputStream file = new FileInputStream("/dev/null")) {
            ByteBuffer message = message(1, new byte[16], i % 4 == 0 ? 70 : 3);
            if (i % 4 == 1) {
                message.limit(12);
            }
            raw.setOutboundFileDescriptors(file.getFD(), file.getFD(), file.getFD());
            raw.write(message);
            if (i % 4 == 1) {
                assertEquals(ReceiveStatus.NOTHING, accepted.receive(0));
            } else {
                assertThrows(FramingException.class, () -> accepted.receive(0));
            }
        }
    }

    @Test
    void aPeerThatDoesNotReadIsAValueAndLosesNothing() throws IOException {
        try (ControlConnection client = ControlConnection.connect(socket, CONNECT);
                ControlConnection accepted = server.accept()) {
            byte[] body = new byte[50_000];
            int sent = 0;
            ByteBuffer next = message(0, body, 0);
            while (accepted.trySend(next)) {
                sent++;
                next = message(sent, body, 0);
            }
            assertEquals(0, next.position());
            assertFalse(accepted.trySend(message(1, "doorbell")));
            for (int i = 0; i < sent; i++) {
                assertEquals(ReceiveStatus.MESSAGE, client.receive(LONG));
                assertEquals(i, client.type());
                assertEquals(body.length, client.body().remaining());
                accepted.flush();
            }
            assertFalse(accepted.hasUnsent());
            assertTrue(accepted.trySend(message(77, "again")));
            assertEquals(ReceiveStatus.MESSAGE, client.receive(LONG));
            assertEquals(77, client.type());
        }
    }

    @Test
    void aBlockingSendEndsWhenThePeerDoesNotRead() throws IOException {
        try (ControlConnection client = ControlConnection.connect(socket, CONNECT);
                ControlConnection accepted = server.accept()) {
            assertThrows(IOException.class, () -> {
                while (true) {
                    client.send(message(1, new byte[50_000], 0), SHORT);
                }
            });
            assertTrue(client.isClosed());
            assertFalse(accepted.isClosed());
        }
    }

    @Test
    void closeWakesAReceiver() throws IOException {
        try (ControlConnection client = ControlConnection.connect(socket, CONNECT);
                ControlConnection accepted = server.accept()) {
            CompletableFuture<Thread> started = new CompletableFuture<>();
            CompletableFuture<ReceiveStatus> received = CompletableFuture.supplyAsync(() -> {
                started.complete(Thread.currentThread());
                try {
                    return client.receive(Long.MAX_VALUE);
                } catch (IOException e) {
                    throw new CompletionException(e);
                }
            });
            started.join();
            client.close();
            CompletionException e = assertThrows(CompletionException.class, received::join);
            assertTrue(e.getCause() instanceof ClosedChannelException, e.toString());
            assertEquals(ReceiveStatus.END, accepted.receive(0));
            assertThrows(ClosedChannelException.class, () -> client.receive(0));
        }
    }

    @Test
    void waitsLongerThanOneWaitOfTheSocket() throws Exception {
        try (ControlConnection client = ControlConnection.connect(socket, CONNECT);
                ControlConnection accepted = server.accept()) {
            long start = System.nanoTime();
            assertEquals(ReceiveStatus.NOTHING, client.receive(TimeUnit.MILLISECONDS.toNanos(1_200)));
            assertTrue(System.nanoTime() - start >= TimeUnit.MILLISECONDS.toNanos(1_200));
            assertTrue(accepted.trySend(message(1, "x")));
            assertEquals(ReceiveStatus.MESSAGE, client.receive(LONG));
        }
    }

    @Test
    void anotherProcessReadsMemoryInPlace() throws Exception {
        try (FrameMemory memory = new HostMemoryAllocator().allocate(1 << 20);
                TestProcess process = new TestProcess(PeerMain.class, "map", socket.toString())) {
            ControlConnection[] holder = new ControlConnection[1];
            TestProcess.await("the process connects", () -> {
                try {
                    holder[0] = server.accept();
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
                return holder[0] != null;
            });
            try (ControlConnection accepted = holder[0]) {
                memory.slice(0, 8).putLong(0, 1001);
                ByteBuffer message = ByteBuffer.allocateDirect(64);
                ControlConnection.putHeader(message, 1, 8, 1).putLong(8, 1 << 20);
                assertTrue(accepted.trySend(message, memory.descriptor().orElseThrow()));
                assertEquals("refused", process.line());
                assertEquals("1001", process.line());
                memory.slice(0, 8).putLong(0, 1002);
                assertTrue(accepted.trySend(message(2, "look")));
                assertEquals("1002", process.line());
            }
            assertEquals("end", process.line());
            assertEquals(0, process.status());
        }
    }
}

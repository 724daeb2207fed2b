package io.github.cuframes.subscriber;

import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.Role;
import io.github.cuframes.protocol.pattern.FrameCode;
import java.io.File;
import java.io.IOException;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A scripted publisher as a process: serves one client after the other with frames that carry their number. */
public final class PublisherProcess {

    private static final int WIDTH = 320;
    private static final int HEIGHT = 180;

    /** From this release on the JVM warns of native libraries that nobody has allowed. */
    private static final int FIRST_THAT_WARNS = 22;

    private PublisherProcess() {}

    /** Starts one. */
    public static Process start(Path directory, String key, int framesForEach) throws IOException {
        return java(PublisherProcess.class, directory.toString(), key, Integer.toString(framesForEach))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** A JVM like this one. */
    public static ProcessBuilder java(Class<?> main, String... arguments) {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx128m"));
        if (Runtime.version().feature() >= FIRST_THAT_WARNS) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.addAll(
                List.of("-cp", System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))));
        command.add(main.getName());
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).directory(new File("."));
    }

    /** Runs until it is killed: directory, key, frames for each client before the end of the stream (0: no end). */
    public static void main(String[] arguments) throws IOException {
        run(new ScriptedPublisher(Path.of(arguments[0]), arguments[1]), Integer.parseInt(arguments[2]));
    }

    /** Runs until it is killed. */
    static void run(ScriptedPublisher open, int frames) throws IOException {
        StreamConfig config = ScriptedPublisher.config(WIDTH, HEIGHT);
        try (ScriptedPublisher publisher = open) {
            publisher.allocate(1, config, 0, ScriptedPublisher.SLOTS);
            publisher.write(15, 0);
            while (true) {
                try (ScriptedPublisher.Client client = publisher.accept()) {
                    serve(publisher, client, frames);
                } catch (SocketException e) {
                    continue; // that client has been killed or did not read to the end
                }
            }
        }
    }

    private static void serve(ScriptedPublisher publisher, ScriptedPublisher.Client client, int frames)
            throws IOException {
        Message.Hello hello = client.expect(Message.Hello.class);
        if (hello.role() == Role.OBSERVER) {
            client.send(client.welcomeMessage(), publisher.ringFile.descriptor());
            client.receive();
            return;
        }
        client.welcome();
        client.expect(Message.Ack.class);
        client.memory(0);
        client.expect(Message.Ack.class);
        for (int i = 0; frames == 0 || i < frames; i++) {
            int slot = freeSlot(publisher, client);
            if (slot < 0) {
                return;
            }
            publisher.write(slot, FrameFlag.COPIED.bit());
            FrameCode.write(publisher.slotBytes(slot), 0, WIDTH, WIDTH, HEIGHT, (int) publisher.sequence, 7);
            publisher.upload(slot);
            client.deliver(slot);
        }
        client.bye(ByeReason.END_OF_STREAM);
    }

    /** A slot that the client has not leased, -1 if the client has gone. */
    private static int freeSlot(ScriptedPublisher publisher, ScriptedPublisher.Client client) throws IOException {
        while (true) {
            for (ReceiveStatus status = client.connection.receive(0);
                    status != ReceiveStatus.NOTHING;
                    status = client.connection.receive(0)) {
                if (status == ReceiveStatus.END) {
                    return -1;
                }
            }
            for (int i = 0; i < client.credits; i++) {
                if (client.isFree(i)) {
                    return i;
                }
            }
            publisher.pause();
        }
    }
}

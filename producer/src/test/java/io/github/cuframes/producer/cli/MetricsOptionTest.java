package io.github.cuframes.producer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

@Timeout(60)
class MetricsOptionTest {

    @TempDir
    private Path directory;

    private final StringWriter err = new StringWriter();

    private int run(String address) {
        String[] arguments = {
            "--key=cam", "--test-pattern=160x120@25", "--memory=host", "--run-dir=" + directory, "--metrics=" + address
        };
        CommandLine command = Main.parser(new ProduceCommand(List.of(arguments)));
        return command.setErr(new PrintWriter(err, true)).execute(arguments);
    }

    @Test
    void aPortThatIsTakenEndsTheProducer() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 0, InetAddress.getByName("127.0.0.1"))) {
            assertEquals(1, run(":" + taken.getLocalPort()));
            String expected = "cuframes-producer: metrics cannot be served at 127.0.0.1:" + taken.getLocalPort()
                    + ": Address already in use; see who listens there";
            assertTrue(err.toString().startsWith(expected), err::toString);
            assertEquals(1, err.toString().lines().count(), err::toString);
        }
        assertTrue(Files.notExists(directory.resolve("cam.sock")), "it is closed");
    }

    @Test
    void whatIsNoAddressIsAWrongArgument() {
        assertEquals(2, run("here:there"));
        assertTrue(err.toString().contains("'here:there' is no address; write for example 9400"), err::toString);
    }
}

package io.github.cuframes.producer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class GroupCommandTest {

    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private Path file;

    @BeforeEach
    void name() {
        file = directory.resolve("cameras.yaml");
    }

    private int execute(String... arguments) {
        CommandLine command = GroupCommand.parser()
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .setParameterExceptionHandler((e, all) -> {
                    err.write(e.getMessage());
                    return 2;
                });
        return command.execute(arguments);
    }

    private void write(String... lines) throws IOException {
        Files.write(file, List.of(lines));
    }

    @Test
    void checkSaysWhatWouldRun() throws Exception {
        write(
                "defaults: {max-memory: 256MB}",
                "cameras:",
                "  cam1: {rtsp: rtsp://u:hunter2@camera/s, memory: cuda}",
                "  test: {test-pattern: 640x360@10, memory: host, max-memory: 1000}");
        assertEquals(0, execute("--config", file.toString(), "--check"), err::toString);
        assertEquals(
                List.of(
                        "KEY   SOURCE                   MEMORY    AT MOST",
                        "cam1  rtsp://***@camera/s      cuda      256 MiB",
                        "test  test pattern 640x360@10  host      1000 bytes"),
                out.toString().lines().toList());
        assertEquals("", err.toString());
    }

    @Test
    void checkSaysAllThatIsWrong() throws Exception {
        write("cameras:", "  cam1: {rtsp: 1}", "  cam2: {credits: 0, input: x}", "  cam2: {}");
        assertEquals(2, execute("--config=" + file, "--check"));
        List<String> lines = err.toString().lines().toList();
        assertEquals(3, lines.size(), err::toString);
        assertTrue(lines.get(0).startsWith(file + ":2:16: cameras.cam1.rtsp: the value is not an RTSP URL"));
        assertTrue(lines.get(1).startsWith(file + ":3:19: cameras.cam2.credits: \"0\" is not"));
        assertTrue(lines.get(2).startsWith(file + ":4:3: cameras.cam2: stands there twice"));
        assertEquals("", out.toString());
    }

    @Test
    void checkRefusesTwoStreamsOfOneKey() throws Exception {
        write("cameras:", "  a: {input: x, rendition: [\"b:fps=5\"]}", "  b: {input: y}");
        assertEquals(2, execute("--config=" + file, "--check"));
        assertTrue(
                err.toString()
                        .startsWith(
                                file + ":3:3: cameras.b: camera b has the key of a rendition of camera a, in line 2;"),
                err::toString);
        assertEquals("", out.toString());
    }

    @Test
    void aWrongFileAtTheStartIsAWrongArgument() {
        assertEquals(2, execute("--config", file.toString()));
        assertEquals(
                file + ": there is no such file; check the path", err.toString().strip());
    }

    @Test
    void whatACameraIsToldStandsInTheFile() {
        assertEquals(2, execute("--config", file.toString(), "--rtsp", "rtsp://camera/s"));
        assertTrue(err.toString().contains("--config does not go with --rtsp"), err::toString);
    }

    @Test
    void theOptionIsFoundWhereverItStands() throws Exception {
        assertTrue(GroupCommand.Probe.isWanted(List.of("-v", "--config", "x")));
        assertTrue(GroupCommand.Probe.isWanted(List.of("--check", "--config=x")));
        assertTrue(GroupCommand.Probe.isWanted(List.of("--config")));
        Path arguments = Files.writeString(directory.resolve("args"), "-v\n--config x\n");
        assertTrue(GroupCommand.Probe.isWanted(List.of("@" + arguments)));
        assertFalse(GroupCommand.Probe.isWanted(List.of("--key", "cam", "--rtsp", "rtsp://camera/s")));
        assertFalse(GroupCommand.Probe.isWanted(List.of()));
    }
}

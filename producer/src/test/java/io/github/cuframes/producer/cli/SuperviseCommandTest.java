package io.github.cuframes.producer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the supervisor refuses before it starts anything. */
class SuperviseCommandTest {

    @TempDir
    Path directory;

    private String file(String name, String arguments) throws IOException {
        return Files.writeString(directory.resolve(name), arguments + "\n").toString();
    }

    /** The one sentence that it says. */
    private static String refusal(String... arguments) {
        PrintStream before = System.err;
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            assertEquals(2, Main.run(arguments), () -> err.toString(StandardCharsets.UTF_8));
        } finally {
            System.setErr(before);
        }
        String said = err.toString(StandardCharsets.UTF_8).strip();
        assertTrue(said.startsWith("cuframes-producer: "), said);
        return said;
    }

    @Test
    void wrongArgumentsOfOneCameraAreSaidWithItsFile() throws IOException {
        String right = file("cam1.args", "--key cam1 --test-pattern 320x180@20");
        String wrong = file("cam2.args", "--key cam2 --test-pattern 320");
        String said = refusal("supervise", right, wrong);
        assertTrue(said.contains("cam2.args: "), said);
    }

    @Test
    void aKeyIsOneCameras() throws IOException {
        String one = file("one.args", "--key cam1 --test-pattern 320x180@20");
        String two = file("two.args", "--key cam1 --test-pattern 640x360@20");
        String said = refusal("supervise", one, two);
        assertTrue(said.contains("two workers with the key \"cam1\""), said);
    }

    @Test
    void aMissingFileIsSaidSo() {
        String said = refusal("supervise", directory.resolve("none.args").toString());
        assertTrue(said.contains("none.args"), said);
    }

    @Test
    void aPasswordIsNotRepeated() throws IOException {
        String file = file("cam.args", "--key cam1 --rtsp rtsp://user:secret@camera/ rtsp://user:secret@camera/");
        assertFalse(refusal("supervise", file).contains("secret"));
    }

    @Test
    void timesThatMakeNoSenseAreWrongArguments() {
        String said = refusal("--key", "cam", "--test-pattern", "320x180@20", "--isolate", "--hang-timeout", "100ms");
        assertTrue(said.contains("heartbeat"), said);
        refusal("--key", "cam", "--test-pattern", "320x180@20", "--max-hung", "-1");
        refusal("supervise");
    }
}

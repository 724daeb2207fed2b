package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import javax.sound.sampled.AudioFileFormat;
import javax.sound.sampled.AudioFormat;
import javax.sound.sampled.AudioInputStream;
import javax.sound.sampled.AudioSystem;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the command says when it can't do its job: one sentence that names the thing and what to do about it. */
class BadInputTest {

    private static final int CANNOT = 1;
    private static final int WRONG_ARGUMENTS = 2;
    private static final String SECRET = "hunter2-secret";
    private static final Pattern LOG_LINE = Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\S+ (INFO|WARN) .*");

    @TempDir
    private Path files;

    private Stage stage;

    @BeforeEach
    void open() throws IOException {
        stage = new Stage();
    }

    @AfterEach
    void close() throws IOException {
        stage.close();
    }

    /** Runs a producer to its end and returns the one sentence that is no log line. */
    private String refused(int status, String key, String... options) throws Exception {
        return refused(stage.producer(key, options), status);
    }

    private static String refused(Child producer, int status) throws Exception {
        List<String> strangers = new ArrayList<>();
        Await.until(() -> "the producer gives up; " + producer, () -> {
            String own = commandLine(producer.pid());
            // a child that was forked and has not executed its program yet still has its parent's line
            producer.descendants().stream()
                    .map(child -> commandLine(child.pid()))
                    .filter(line -> !line.equals(own))
                    .forEach(strangers::add);
            return !producer.isAlive();
        });
        assertEquals(status, producer.awaitExit(), producer::toString);
        assertTrue(producer.output().isEmpty(), producer::toString);
        List<String> sentences = producer.errors().stream()
                .filter(line -> !LOG_LINE.matcher(line).matches())
                .toList();
        assertEquals(1, sentences.size(), producer::toString);
        assertTrue(sentences.get(0).startsWith("cuframes-producer: "), producer::toString);
        for (String line : producer.errors()) {
            assertFalse(line.contains(SECRET), producer::toString);
        }
        assertTrue(strangers.stream().noneMatch(line -> line.contains(SECRET)), strangers::toString);
        return sentences.get(0);
    }

    private static String commandLine(long pid) {
        try {
            return Proc.commandLineOf(pid);
        } catch (IOException e) {
            return "unreadable: " + e;
        }
    }

    private static void says(String sentence, String... parts) {
        for (String part : parts) {
            assertTrue(sentence.contains(part), () -> "\"" + part + "\" is not in: " + sentence);
        }
    }

    private static String login(String hostAndPath) {
        return "rtsp://viewer:" + SECRET + "@" + hostAndPath;
    }

    @Test
    void unknownHost() throws Exception {
        says(refused(CANNOT, "cam", "--rtsp", login("camera.invalid/stream")), "camera.invalid", "check");
    }

    @Test
    void refusedPort() throws Exception {
        says(refused(CANNOT, "cam", "--rtsp", login("127.0.0.1:1/stream")), "127.0.0.1:1", "refuses", "check the port");
    }

    @Test
    void wrongLogin() throws Exception {
        try (RtspServer camera = RtspServer.builder()
                .mount("/cam", Checkout.clip("pattern-h264"))
                .login("viewer", "right")
                .start()) {
            String address = "127.0.0.1:" + camera.port() + "/cam";
            says(refused(CANNOT, "cam", "--rtsp", login(address)), address, "401", "USER:PASSWORD");
        }
    }

    @Test
    void credentialsFromAFileAreNotInTheProcessList() throws Exception {
        try (RtspServer camera = RtspServer.builder()
                .mount("/cam", Checkout.clip("pattern-h264"))
                .login("viewer", SECRET)
                .start()) {
            Path arguments = Files.writeString(files.resolve("camera.args"), "--rtsp " + camera.urlWithLogin("/cam"));
            Child producer = stage.producer("cam", "@" + arguments, "--verbose");
            stage.subscriber("cam", "latest", "tag=1").await("progress", report -> true);
            assertFalse(Proc.commandLineOf(producer.pid()).contains(SECRET));
            producer.signal("TERM");
            assertEquals(0, producer.awaitExit(), producer::toString);
            assertFalse(producer.errors().isEmpty());
            for (String line : producer.errors()) {
                assertFalse(line.contains(SECRET), producer::toString);
            }
        }
    }

    @Test
    void noVideo() throws Exception {
        Path text = Files.writeString(files.resolve("letter.txt"), "Dear camera,\nwhere are you?\n".repeat(200));
        says(refused(CANNOT, "cam", "--input", text.toString()), text.toString(), "no video", "give the URL");
    }

    @Test
    void fileCutOffBeforeItsEnd() throws Exception {
        byte[] whole = Files.readAllBytes(Checkout.clip("pattern-1080p-h264"));
        Path half = Files.write(files.resolve("half.mp4"), Arrays.copyOf(whole, whole.length / 2));
        says(refused(CANNOT, "cam", "--input", half.toString()), half.toString(), "copy it again");
    }

    @Test
    void fileCutOffBeforeItsIndex() throws Exception {
        byte[] whole = Files.readAllBytes(Checkout.clip("pattern-1080p-h264"));
        Path begun = Files.write(files.resolve("begun.mp4"), Arrays.copyOf(whole, 1000));
        says(refused(CANNOT, "cam", "--input", begun.toString()), begun.toString(), "copy it again");
    }

    @Test
    void audioOnly() throws Exception {
        Path wave = files.resolve("speech.wav");
        AudioFormat format = new AudioFormat(8000, 16, 1, true, false);
        byte[] samples = new byte[2 * 8000];
        try (AudioInputStream audio =
                        new AudioInputStream(new java.io.ByteArrayInputStream(samples), format, samples.length / 2);
                OutputStream out = Files.newOutputStream(wave)) {
            AudioSystem.write(audio, AudioFileFormat.Type.WAVE, out);
        }
        says(refused(CANNOT, "cam", "--input", wave.toString()), wave.toString(), "no video", "; ");
    }

    @Test
    void missingFile() throws Exception {
        says(refused(CANNOT, "cam", "--input", "/no/such.mp4"), "/no/such.mp4", "no such file", "check the path");
    }

    @Test
    void keyInUse() throws Exception {
        Child first = stage.producer("cam", "--test-pattern", "320x180@25");
        Child subscriber = stage.subscriber("cam", "latest", "progress=5");
        subscriber.await("progress", report -> true);
        says(refused(CANNOT, "cam", "--test-pattern", "320x180@25"), "cam", "; ");
        subscriber.await(subscriber.output().size(), "progress", report -> true);
        assertTrue(first.isAlive(), first::toString);
        assertEquals(0, subscriber.summary().number("breaks"), "the first one was not disturbed");
    }

    @Test
    void badKey() throws Exception {
        says(
                refused(WRONG_ARGUMENTS, "no/slashes", "--test-pattern", "320x180@25"),
                "no/slashes",
                "use 1 to 64 letters");
    }

    @Test
    void runDirectoryThatCannotBeWritten() throws Exception {
        // for root too
        Path file = Files.createFile(files.resolve("regular-file"));
        for (Path directory : List.of(file, file.resolve("below"), Path.of("/proc/cuframes"))) {
            Child producer = stage.start(
                    "producer",
                    io.github.cuframes.producer.cli.Main.class,
                    List.of("--key", "cam", "--test-pattern", "320x180@25", "--run-dir", directory.toString()));
            says(refused(producer, CANNOT), directory.toString(), "--run-dir", "; ");
        }
    }

    @Test
    void unknownOption() throws Exception {
        says(refused(WRONG_ARGUMENTS, "cam", "--rtps", login("camera/stream")), "--rtps", "--help");
    }

    @Test
    void badValues() throws Exception {
        says(refused(WRONG_ARGUMENTS, "cam", "--test-pattern", "big"), "big", "640x360@25");
        says(refused(WRONG_ARGUMENTS, "cam", "--rtsp", "http://viewer:" + SECRET + "@camera/"), "--rtsp", "--input");
    }
}

package io.github.cuframes.producer.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.CameraSettings;
import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.ingest.RtspTransport;
import io.github.cuframes.producer.ingest.SafeUrl;
import io.github.cuframes.producer.pattern.PatternSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a configuration file means, and what is said of one that is wrong. */
class CamerasFileTest {

    private static final Map<String, String> ENVIRONMENT =
            Map.of("PASSWORD", "s3cret", "DOOR_PASSWORD", "a", "YARD_PASSWORD", "b", "BAD", "hunter2");
    private static final Path DIRECTORY = Path.of("/etc/cuframes");

    private static CamerasFile parse(String... lines) throws ConfigException {
        return CamerasFile.parse("cameras.yaml", String.join("\n", lines) + "\n", DIRECTORY, ENVIRONMENT);
    }

    private static CameraSettings camera(String... fields) throws ConfigException {
        return parse("cameras:", "  cam1:", "    " + String.join("\n    ", fields))
                .group()
                .cameras()
                .get("cam1");
    }

    private static List<String> problems(String... lines) {
        return assertThrows(ConfigException.class, () -> parse(lines)).problems().stream()
                .map(ConfigProblem::toString)
                .toList();
    }

    /** Of a field of a camera, in line 3. */
    private static String problem(String field) {
        List<String> problems = problems("cameras:", "  cam1:", "    " + field, "    input: a.mp4");
        assertEquals(1, problems.size(), problems.toString());
        return problems.get(0);
    }

    @Test
    void everyFieldHasItsMeaning() throws Exception {
        CameraSettings expected = CameraSettings.builder()
                .input(SafeUrl.of("rtsp://u:s3cret@h/s", "rtsp://u:${PASSWORD}@h/s"))
                .transport(RtspTransport.UDP)
                .rtspTimeout(Duration.ofMillis(1500))
                .loop(true)
                .realtime(true)
                .waitForSubscribers(2)
                .threads(3)
                .memory(Memory.CUDA_IPC)
                .gpu("1")
                .filter("scale=1280:720")
                .maxSubscribers(5)
                .credits(6)
                .maxMemory(7L << 20)
                .socketMode(PosixFilePermissions.fromString("rw-rw-rw-"))
                .socketGroup("video")
                .allowedUsers(List.of("root", "1000"))
                .allowedGroups(List.of("44"))
                .hangTimeout(Duration.ofMinutes(1))
                .maxHung(8)
                .build();
        CameraSettings read = camera(
                "rtsp: rtsp://u:${PASSWORD}@h/s",
                "transport: udp",
                "rtsp-timeout: 1500ms",
                "loop: true",
                "realtime: true",
                "wait-for-subscribers: 2",
                "threads: 3",
                "memory: cuda-ipc",
                "gpu: 1",
                "filter: scale=1280:720",
                "max-subscribers: 5",
                "credits: 6",
                "max-memory: 7MB",
                "socket-mode: 0666",
                "socket-group: video",
                "allow-user: [root, 1000]",
                "allow-group:",
                "  - 44",
                "hang-timeout: 1m",
                "max-hung: 8");
        assertEquals(expected, read);
        assertEquals("rtsp://***@h/s", read.source());
    }

    @Test
    void whatIsNotSaidIsAsByDefault() throws Exception {
        assertEquals(
                CameraSettings.builder()
                        .testPattern(PatternSpec.parse("640x360@10"))
                        .build(),
                camera("test-pattern: 640x360@10"));
    }

    @Test
    void aCameraSaysOtherwiseThanTheDefaults() throws Exception {
        Map<String, CameraSettings> cameras = parse(
                        "defaults:",
                        "  memory: host",
                        "  credits: 2",
                        "  allow-user: [a]",
                        "cameras:",
                        "  one: {input: x}",
                        "  two: {input: x, credits: 3, allow-user: []}")
                .group()
                .cameras();
        assertEquals(List.of("one", "two"), List.copyOf(cameras.keySet()));
        assertEquals(Memory.HOST, cameras.get("two").memory());
        assertEquals(2, cameras.get("one").credits());
        assertEquals(3, cameras.get("two").credits());
        assertEquals(List.of("a"), cameras.get("one").allowedUsers());
        assertEquals(List.of(), cameras.get("two").allowedUsers());
    }

    @Test
    void aListOfCamerasIsTheSameAsAGroup() throws Exception {
        assertEquals(
                parse("run-dir: run", "log-format: json", "cameras:", "  a: {input: x}", "  b: {input: y}"),
                parse(
                        "run-dir: run",
                        "log-format: json",
                        "cameras:",
                        "- key: a",
                        "  input: x",
                        "- {key: b, input: y}"));
    }

    @Test
    void pathsLeadFromTheFile() throws Exception {
        CamerasFile file = parse("run-dir: run", "cameras:", "  a: {input: clips/a.mp4}", "  b: {input: /b.mp4}");
        assertEquals(DIRECTORY.resolve("run"), file.group().runDirectory());
        assertEquals(
                "/etc/cuframes/clips/a.mp4", file.group().cameras().get("a").source());
        assertEquals("/b.mp4", file.group().cameras().get("b").source());
        assertEquals(null, file.logFormat());
    }

    @Test
    void variablesComeFromTheEnvironment() throws Exception {
        assertEquals(
                "s3cret-${PASSWORD}-s3crets3cret$",
                camera("input: a", "filter: ${PASSWORD}-$${PASSWORD}-${PASSWORD}${PASSWORD}$")
                        .filter());
        assertEquals(
                "cameras.yaml:3:13: cameras.cam1.filter: the environment variable NOPE is not set; set it for this"
                        + " process",
                problem("filter: \"${NOPE}\""));
        assertTrue(problem("filter: ${PASSWORD").contains("\"${\" without \"}\""));
        assertTrue(problem("filter: ${A B}").contains("no environment variable"));
    }

    @Test
    void anotherPasswordIsAnotherCameraAndShownNowhere() throws Exception {
        String[] lines = {"cameras:", "  a: {input: \"https://h/${PASSWORD}/x?token=${PASSWORD}\"}"};
        CameraSettings one = parse(lines).group().cameras().get("a");
        CameraSettings other = CamerasFile.parse("f", String.join("\n", lines), DIRECTORY, Map.of("PASSWORD", "other"))
                .group()
                .cameras()
                .get("a");
        assertNotEquals(one, other);
        assertFalse(one.toString().contains("s3cret"), one::toString);
        assertEquals("https://h/${PASSWORD}/x?token=***", one.source());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            rtsp-timeout: 5x | 19 | rtsp-timeout: "5x" is not a duration; write it like 5s or 500ms
            rtsp-timeout: 0s | 19 | rtsp-timeout: "0s" is not a duration; write it like 5s or 500ms
            rtsp-timeout: 5 | 19 | rtsp-timeout: "5" is not a duration; write it like 5s or 500ms, as a text
            rtsp-timeout: "${BAD}" | 19 | rtsp-timeout: "${BAD}" is not a duration; write it like 5s or 500ms
            max-memory: lots | 17 | max-memory: "lots" is not a size; write it like 512MB or 4GB
            max-memory: 99999999999T | 17 | max-memory: "99999999999T" is not a size; write it like 512MB or 4GB
            credits: "8" | 14 | credits: "8" is not a whole number, from 1 to 64; write it like 1, without quotes
            credits: 65 | 14 | credits: "65" is not a whole number, from 1 to 64; write it like 1
            credits: 1.5 | 14 | credits: "1.5" is not a whole number, from 1 to 64; write it like 1
            credits: [1] | 14 | credits: a list is not a whole number, from 1 to 64; write it like 1
            threads: -1 | 14 | threads: "-1" is not a whole number, from 0 to 64; write it like 1
            loop: yes | 11 | loop: "yes" is not true or false; write it like true
            loop: "true" | 11 | loop: "true" is not true or false; write it like true, without quotes
            memory: gpu | 13 | memory: "gpu" is not one of auto, cuda, cuda-ipc, host; write it like auto
            transport: TCP | 16 | transport: "TCP" is not one of tcp, udp; write it like tcp
            socket-mode: 0999 | 18 | socket-mode: "0999" is not a mode; write it like 0660
            gpu: | 9 | gpu: has no value; give it one, or leave the field out
            allow-user: root | 17 | allow-user: a string is not a list; write it like [video], or each in a line after "- "
            allow-user: [a, true] | 21 | allow-user[1]: "true" is not a name or number; write it like video
            rtps-timeout: 5s | 5 | rtps-timeout: is no field; did you mean rtsp-timeout?
            retry: true | 5 | retry: is no field: cameras of a file are always tried again; leave it out
            fps: often | 10 | fps: "often" is not a rate; write it like 5 or 30000/1001
            rendition: [".b:size=x"] | 17 | rendition[0]: '.b:size=x': 'x' is no size such as 640x360; write KEY:size=WxH,fps=N or KEY:fps=N,filter=GRAPH; the options are size, fps, wait, credits, max-subscribers, max-memory and, as the last, filter
            filter: *x | 13 | filter: anchors and aliases are not used here; what is common goes under defaults
            """)
    void aWrongFieldIsNamedWithItsPlaceAndARemedy(String field, int column, String message) {
        assertEquals("cameras.yaml:3:" + column + ": cameras.cam1." + message, problem(field));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            rendition: ["cam1:fps=5"] | rendition "cam1": this camera has a stream of that name; give another
            rendition: [".b:fps=5", "cam1.b:fps=6"] | rendition "cam1.b": this camera has a stream of that name; give another
            record: /r, segment: 30h | a segment of PT30H is out of range; give 1 s to 24 h
            """)
    void whatDoesNotGoTogetherIsNamed(String fields, String message) {
        ConfigException e =
                assertThrows(ConfigException.class, () -> parse("cameras:", "  cam1: {input: x, " + fields + "}"));
        assertEquals(
                "cameras.yaml:2:3: cameras.cam1: " + message,
                e.problems().get(0).toString());
    }

    @Test
    void allThatIsWrongIsSaidAtOnceAndInOrder() {
        assertEquals(
                List.of(
                        "cameras.yaml:1:13: log-format: \"xml\" is not one of text, json; write it like text",
                        "cameras.yaml:3:3: defaults.rtsp: is a camera's own; give it to each camera",
                        "cameras.yaml:5:3: cameras.cam1: has no source; give it one of rtsp, input and test-pattern",
                        "cameras.yaml:6:14: cameras.cam1.credits: \"x\" is not a whole number, from 1 to 64; write it like 1, without quotes",
                        "cameras.yaml:7:3: cameras.cam2: has 2 sources; give it one of rtsp, input and test-pattern",
                        "cameras.yaml:8:3: cameras.cam 3: \"cam 3\" is no valid key; use 1 to 64 letters, digits, dots, underscores and hyphens, not only dots",
                        "cameras.yaml:9:3: cameras.cam4: a test pattern is not filtered and has no renditions; give it the"
                                + " size and rate that are wanted, or a camera for each",
                        "cameras.yaml:10:3: cameras.cam1: stands there twice, first in line 5",
                        "cameras.yaml:11:3: cameras.cam5: a list is no camera; write its fields below, such as rtsp",
                        "cameras.yaml:12:32: cameras.cam6.credits: stands there twice, first in line 12"),
                problems(
                        "log-format: xml",
                        "defaults:",
                        "  rtsp: rtsp://a/b",
                        "cameras:",
                        "  cam1:",
                        "    credits: x",
                        "  cam2: {input: a, rtsp: rtsp://a/b}",
                        "  cam 3: {input: a}",
                        "  cam4: {test-pattern: 640x360@10, filter: null=1}",
                        "  cam1: {input: a}",
                        "  cam5: [1]",
                        "  cam6: {input: a, credits: 1, credits: 2}"));
    }

    @Test
    void twoCamerasWithOneKeyAndOnesWithoutAreSaid() {
        assertEquals(
                List.of(
                        "cameras.yaml:4:5: cameras.a: another camera has this key, in line 2; a key is one camera's",
                        "cameras.yaml:6:5: cameras[2]: has no key; write \"- key: cam1\", and its fields below that",
                        "cameras.yaml:7:10: cameras[3].key: \"b b\" is no valid key; use 1 to 64 letters, digits, dots, underscores and hyphens, not only dots"),
                problems(
                        "cameras:",
                        "  - key: a",
                        "    input: x",
                        "  - key: a",
                        "    input: y",
                        "  - input: z",
                        "  - key: b b",
                        "    input: z"));
    }

    @Test
    void twoStreamsWithOneKeyAreSaidWithBothTheirCameras() {
        String remedy =
                "; a key is one stream's: give one of them another, such as .detect, which comes behind the camera's";
        assertEquals(
                List.of(
                        "cameras.yaml:6:19: cameras.b.rendition[1]: its rendition a.small has the key of a rendition of camera"
                                + " a, in line 3" + remedy,
                        "cameras.yaml:7:3: cameras.b.detect: camera b.detect has the key of a rendition of camera b, in line 5"
                                + remedy,
                        "cameras.yaml:8:29: cameras.c.rendition[0]: its rendition a has the key of camera a, in line 2"
                                + remedy),
                problems(
                        "cameras:",
                        "  a:",
                        "    rendition: [\".small:fps=5\"]",
                        "    input: x",
                        "  b: {input: y, rendition: [\".detect:fps=5\",",
                        "                  \"a.small:fps=1\", \".detect2:fps=1\"]}",
                        "  b.detect: {input: x}",
                        "  c: {input: x, rendition: [\"a:fps=5\"]}"));
        assertEquals(
                List.of(
                        "cameras.yaml:5:5: cameras.d: its rendition small has the key of a rendition of camera c, in line"
                                + " 3" + remedy),
                problems(
                        "defaults: {rendition: [\"small:fps=5\"]}",
                        "cameras:",
                        "  - key: c",
                        "    input: x",
                        "  - key: d",
                        "    input: y"));
    }

    @Test
    void theLogFormatIsKnownBeforeTheFileIsRead(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("cameras.yaml");
        Map<String, String> environment = Map.of("FORMAT", "json", "BAD", "hunter2");
        assertEquals(null, CamerasFile.logFormatOf(file, environment), "there is no file");
        for (String format : List.of("json", "\"json\"", "${FORMAT}", "\"${FORMAT}\"")) {
            Files.writeString(file, "log-format: " + format + "\ncameras: {}\n");
            assertEquals(LogFormat.JSON, CamerasFile.logFormatOf(file, environment), format);
            assertEquals(LogFormat.JSON, CamerasFile.load(file, environment).logFormat(), format);
        }
        for (String format : List.of("${UNSET}", "${BAD}", "xml", "[json]", "1", "{")) {
            Files.writeString(file, "log-format: " + format + "\ncameras: {}\n");
            assertEquals(null, CamerasFile.logFormatOf(file, environment), format);
            ConfigException wrong = assertThrows(ConfigException.class, () -> CamerasFile.load(file, environment));
            assertFalse(wrong.getMessage().contains("hunter2"), format);
        }
        Files.writeString(file, "cameras: {}\n");
        assertEquals(null, CamerasFile.logFormatOf(file, environment), "it does not say");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            '' | cameras.yaml: the file is empty; it needs at least "cameras:" with a camera below
            '# nothing' | cameras.yaml: the file is empty; it needs at least "cameras:" with a camera below
            'run-dir: x' | cameras.yaml:1:1: cameras: is missing; write "cameras:" and the cameras below
            'cameras:' | cameras.yaml:1:1: cameras: nothing is not a group or list of cameras; write one below, or {} for none
            '[a]' | cameras.yaml:1:1: a list is no configuration; write "cameras:" and the cameras below
            'cameras: {}~---~a: b' | cameras.yaml:3:1: a second document; one file has one document
            """)
    void aFileThatSaysNothingIsRefused(String text, String problem) {
        assertEquals(List.of(problem), problems(text.replace('~', '\n')));
    }

    @Test
    void noCamerasMayBeSaid() throws Exception {
        assertEquals(Map.of(), parse("cameras: {}").group().cameras());
        assertEquals(Map.of(), parse("cameras: []").group().cameras());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cameras:\n  a: {rtsp: rtsp://u:hunter2@h/s\n  b: \"x\n",
                "cameras:\n\ta: {rtsp: rtsp://u:hunter2@h/s}\n",
                "cameras:\n  a:\n    rtsp: u:hunter2@h/s\n",
                "cameras:\n  a:\n    rtsp: ${BAD}\n",
                "cameras:\n  a:\n    input: \"${BAD:-hunter2}\"\n",
                "cameras: rtsp://u:hunter2@h/s\n",
                "cameras:\n  rtsp://u:hunter2@h/s: {input: x}\n",
                "cameras:\n- {key: \"rtsp://u:hunter2@h/s\", input: x}\n",
                "cameras:\n  a:\n    test-pattern: ${BAD}\n",
                "cameras:\n  a:\n    rtsp: rtsp://u:hunter2@h/s\n    credits: rtsp://u:hunter2@h/s\n",
            })
    void noErrorShowsAPassword(String text) {
        List<String> problems = problems(text);
        assertFalse(problems.isEmpty());
        problems.forEach(problem -> assertFalse(problem.contains("hunter2"), problem));
    }

    @Test
    void aSyntaxErrorHasItsPlace() {
        assertEquals(
                List.of("cameras.yaml:3:4: this is not YAML: expected ',' or '}', but got :"),
                problems("cameras:", "  a: {input: x", "  b: 1"));
    }

    @Test
    void aFileThatCannotBeReadSaysWhy(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("cameras.yaml");
        assertEquals(file + ": there is no such file; check the path", load(file));
        assertEquals(
                directory + ": cannot be read: Is a directory; give the path of a file that can be read",
                load(directory));
        Files.write(file, new byte[] {'a', ':', ' ', (byte) 0xFF});
        assertEquals(file + ": cannot be read: it is not UTF-8; save it as UTF-8", load(file));
    }

    private static String load(Path file) {
        return assertThrows(ConfigException.class, () -> CamerasFile.load(file, ENVIRONMENT))
                .getMessage();
    }

    @Test
    void theSampleIsRight() throws Exception {
        CamerasFile sample = CamerasFile.load(Path.of("../docs/cameras.yaml"), ENVIRONMENT);
        assertEquals(
                List.of("door", "yard", "clip", "test"),
                List.copyOf(sample.group().cameras().keySet()));
        assertTrue(
                Files.isRegularFile(Path.of(sample.group().cameras().get("clip").source())));
    }
}

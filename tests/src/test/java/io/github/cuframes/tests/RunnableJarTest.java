package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.producer.publish.Publisher;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the runnable jars contain. They exist from the phase {@code package} on. */
class RunnableJarTest {

    private static final Set<String> FFMPEG_LIBRARIES =
            Set.of("avcodec", "avfilter", "avformat", "avutil", "swresample", "swscale");

    @BeforeAll
    static void isPackaged() throws URISyntaxException {
        Path origin = Path.of(Publisher.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        assumeTrue(Files.isRegularFile(origin), "this build stops before it packages");
    }

    private static JarFile open(String module) throws IOException {
        return new JarFile(Checkout.runnableJar(module).toFile());
    }

    private static Set<String> names(JarFile jar) {
        return jar.stream().map(ZipEntry::getName).collect(Collectors.toSet());
    }

    private static String text(JarFile jar, String name) throws IOException {
        ZipEntry entry = jar.getEntry(name);
        assertNotNull(entry, name);
        return new String(jar.getInputStream(entry).readAllBytes(), StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @ValueSource(strings = {"producer", "subscriber", "conformance"})
    void manifestSaysHowToRun(String module) throws IOException {
        try (JarFile jar = open(module)) {
            Attributes attributes = jar.getManifest().getMainAttributes();
            assertEquals("io.github.cuframes." + module + ".cli.Main", attributes.getValue(Attributes.Name.MAIN_CLASS));
            assertEquals("ALL-UNNAMED", attributes.getValue("Enable-Native-Access"));
            assertEquals("true", attributes.getValue(Attributes.Name.MULTI_RELEASE));
            assertNotNull(attributes.getValue(Attributes.Name.IMPLEMENTATION_VERSION));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"producer", "subscriber", "conformance"})
    void noticesNameWhatIsInside(String module) throws IOException {
        try (JarFile jar = open(module)) {
            String notices = text(jar, "META-INF/legal/THIRD-PARTY.txt");
            Set<String> groups = names(jar).stream()
                    .filter(name -> name.startsWith("META-INF/maven/") && name.endsWith("/pom.properties"))
                    .map(name -> name.split("/")[2])
                    .filter(group -> !group.equals("io.github.cuframes"))
                    .collect(Collectors.toSet());
            assertTrue(groups.contains("com.kohlschutter.junixsocket"), groups.toString());
            assertEquals(
                    List.of(),
                    groups.stream().filter(group -> !notices.contains(group)).toList());
            assertTrue(text(jar, "META-INF/LICENSE")
                    .startsWith(Files.readString(Checkout.root().resolve("LICENSE"))));
            if (groups.contains("ch.qos.logback")) {
                assertTrue(text(jar, "META-INF/LICENSE.txt").contains("QOS.ch"));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"producer", "subscriber", "conformance"})
    void nativesAreOfOnePlatform(String module) throws IOException {
        try (JarFile jar = open(module)) {
            Set<String> directories = names(jar).stream()
                    .filter(name -> name.matches(".*\\.(so|dylib|dll|a|srvpgm)(\\.\\d+)*"))
                    .map(name -> name.substring(0, name.lastIndexOf('/')))
                    .filter(directory -> directory.startsWith("lib/"))
                    .collect(Collectors.toSet());
            assertEquals(1, directories.size(), directories.toString());
            List<String> jna = names(jar).stream()
                    .filter(name -> name.matches("com/sun/jna/.*jnidispatch.*"))
                    .toList();
            assertEquals(1, jna.size(), jna.toString());
            assertTrue(jna.get(0).matches("com/sun/jna/linux-[a-z0-9-]+/libjnidispatch.so"), jna.get(0));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"producer", "subscriber"})
    void logsSomewhere(String module) throws IOException {
        try (JarFile jar = open(module)) {
            assertEquals(
                    "ch.qos.logback.classic.spi.LogbackServiceProvider",
                    text(jar, "META-INF/services/org.slf4j.spi.SLF4JServiceProvider")
                            .strip());
        }
    }

    @Test
    void producerHasFfmpegsLibrariesOnly() throws IOException {
        try (JarFile jar = open("producer")) {
            Set<String> files = names(jar).stream()
                    .filter(name -> name.matches("org/bytedeco/ffmpeg/linux-[^/]+/.+"))
                    .map(name -> name.substring(name.lastIndexOf('/') + 1))
                    .collect(Collectors.toSet());
            for (String library : FFMPEG_LIBRARIES) {
                assertTrue(files.contains("libjni" + library + ".so"), library);
                assertTrue(files.stream().anyMatch(file -> file.startsWith("lib" + library + ".so.")), library);
            }
            assertFalse(files.contains("ffmpeg"));
            assertFalse(files.contains("ffprobe"));
            assertEquals(
                    List.of(),
                    names(jar).stream()
                            .filter(name -> name.contains("avdevice"))
                            .toList());
        }
    }

    @Test
    void subscriberHasNoDecoder() throws IOException {
        try (JarFile jar = open("subscriber")) {
            assertEquals(
                    List.of(),
                    names(jar).stream()
                            .filter(name -> name.startsWith("org/bytedeco/ffmpeg")
                                    || name.startsWith("io/github/cuframes/producer"))
                            .toList());
            assertNotNull(jar.getEntry("io/github/cuframes/memory/ImportedMemory.class"));
        }
    }

    @Test
    void conformanceSuiteHasNoImplementation() throws IOException {
        try (JarFile jar = open("conformance")) {
            assertEquals(
                    List.of(),
                    names(jar).stream()
                            .filter(name -> name.startsWith("org/bytedeco")
                                    || name.startsWith("io/github/cuframes/producer")
                                    || name.startsWith("io/github/cuframes/subscriber"))
                            .toList());
            assertNotNull(jar.getEntry("io/github/cuframes/conformance/protocol.md"));
        }
    }

    /** Whatever reading the file does before the log is set up. */
    @Test
    void aGroupLogsToStderr(@TempDir Path files) throws Exception {
        Path config = files.resolve("cameras.yaml");
        Files.writeString(
                config,
                "cameras: {clip: {memory: host, input: " + Checkout.clip("pattern-1080p-h264") + "}}\nrun-dir: "
                        + files);
        Path out = files.resolve("out");
        Path err = files.resolve("err");
        Process group = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-jar",
                        Checkout.root()
                                .resolve("producer/target/cuframes-producer.jar")
                                .toString(),
                        "--config",
                        config.toString())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        assertTrue(group.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, group.exitValue(), Files.readString(err));
        assertEquals("", Files.readString(out));
        assertTrue(Files.readString(err).contains("clip: ended"));
    }

    /** With nothing beside the jar: on a machine without a driver it says so, and that host memory can be shared. */
    @Test
    void doctorRuns(@TempDir Path files) throws Exception {
        Path out = files.resolve("out");
        Process doctor = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dcuframes.cuda.library=libcuframes-absent.so.1",
                        "-jar",
                        Checkout.root()
                                .resolve("subscriber/target/cuframes-subscriber.jar")
                                .toString(),
                        "doctor",
                        "--run-dir=" + files.resolve("run"))
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        assertTrue(doctor.waitFor(60, TimeUnit.SECONDS));
        String text = Files.readString(out);
        assertEquals(0, doctor.exitValue(), text);
        assertTrue(text.contains("CUDA cannot be used: libcuframes-absent.so.1: cannot open shared object"), text);
        assertTrue(text.contains("frames can be shared in memory of kind: host"), text);
    }
}

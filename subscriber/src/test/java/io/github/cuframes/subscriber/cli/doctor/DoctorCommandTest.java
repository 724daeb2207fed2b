package io.github.cuframes.subscriber.cli.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.cuframes.standin.StandInDriver;
import io.github.cuframes.subscriber.PublisherProcess;
import io.github.cuframes.subscriber.cli.Main;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command as a process: without a driver, and with the stand-in of one. */
@Timeout(180)
class DoctorCommandTest {

    private static final String ABSENT = "libcuframes-absent.so.1";

    @TempDir
    Path files;

    private final List<String> jvmOptions = new ArrayList<>();
    private Path runDirectory;

    /** What the command left behind. */
    private record Result(int status, String out, String err) {
        JsonNode json() throws IOException {
            assertEquals(1, out.lines().count(), out);
            return new ObjectMapper().readTree(out);
        }
    }

    @BeforeEach
    void directory() {
        runDirectory = files.resolve("run");
    }

    private Result doctor(String cuda, String nvcuvid, Map<String, String> environment, String... options)
            throws Exception {
        String[] arguments = new String[options.length + 2];
        arguments[0] = "doctor";
        arguments[1] = "--run-dir=" + runDirectory;
        System.arraycopy(options, 0, arguments, 2, options.length);
        Path err = files.resolve("err");
        ProcessBuilder builder = PublisherProcess.java(Main.class, arguments).redirectError(err.toFile());
        builder.command()
                .addAll(1, List.of("-Dcuframes.cuda.library=" + cuda, "-Dcuframes.nvcuvid.library=" + nvcuvid));
        builder.command().addAll(1, jvmOptions);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String out;
        try (InputStream in = process.getInputStream()) {
            out = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        return new Result(process.exitValue(), out, Files.readString(err));
    }

    private static JsonNode finding(JsonNode report, String id) {
        for (JsonNode finding : report.get("findings")) {
            if (finding.get("id").asText().equals(id)) {
                return finding;
            }
        }
        throw new AssertionError(id + " is not in " + report);
    }

    private static void check(JsonNode report, String id, String status, String text, String remedy) {
        JsonNode finding = finding(report, id);
        assertEquals(status, finding.get("status").asText(), finding.toString());
        assertTrue(finding.get("text").asText().contains(text), finding.toString());
        if (remedy == null) {
            assertTrue(finding.get("remedy").isNull(), finding.toString());
        } else {
            assertTrue(finding.get("remedy").asText().contains(remedy), finding.toString());
        }
    }

    private static String standIn() {
        assumeTrue(
                StandInDriver.unavailable().isEmpty(),
                StandInDriver.unavailable().orElse(""));
        return StandInDriver.build().toString();
    }

    private JsonNode withStandIn(String nvcuvid, Map<String, String> environment) throws Exception {
        Result result = doctor(standIn(), nvcuvid, environment, "--json");
        assertEquals(0, result.status, result.err);
        assertEquals("", result.err);
        JsonNode report = result.json();
        requireDocumented(report);
        return report;
    }

    /** The page names each finding and field that scripts may meet. */
    private static void requireDocumented(JsonNode report) throws IOException {
        String page = Files.readString(Path.of("../docs/doctor.md"));
        for (JsonNode finding : report.get("findings")) {
            String id = finding.get("id").asText().replaceFirst("-\\d+$", "-N");
            assertTrue(page.contains("| `" + id + "` |"), id);
        }
        report.fieldNames().forEachRemaining(field -> assertTrue(page.contains("`" + field + "`"), field));
        if (!report.get("gpus").isEmpty()) {
            JsonNode gpu = report.get("gpus").get(0);
            gpu.fieldNames().forEachRemaining(field -> assertTrue(page.contains("`" + field + "`"), field));
        }
    }

    @Test
    void withoutDriverItSaysWhyAndIsContentWithHostMemory() throws Exception {
        Result result = doctor(ABSENT, ABSENT, Map.of(), "--json");
        assertEquals(0, result.status, result.err);
        JsonNode report = result.json();
        requireDocumented(report);
        assertTrue(report.get("usable").asBoolean());
        assertEquals("[\"host\"]", report.get("memory").toString());
        assertEquals("[]", report.get("gpus").toString());
        assertTrue(finding(report, "cuda").get("text").asText().contains(ABSENT + ": cannot open shared object file"));
        assertEquals("ok", finding(report, "memory-host").get("status").asText());
        for (JsonNode finding : report.get("findings")) {
            assertFalse(finding.get("text").asText().isBlank());
            assertEquals(
                    finding.get("status").asText().equals("ok"),
                    finding.get("remedy").isNull(),
                    finding.toString());
        }
        Result table = doctor(ABSENT, ABSENT, Map.of());
        assertEquals(0, table.status, table.err);
        assertTrue(table.out.startsWith("STATUS   FINDING"), table.out);
        assertTrue(table.out.contains("cuda                 CUDA cannot be used: " + ABSENT), table.out);
        assertTrue(table.out.endsWith("frames can be shared in memory of kind: host\n"), table.out);
        assertFalse(Files.exists(runDirectory), "it makes nothing");
    }

    @Test
    void whereNothingCanWorkItSaysWhich() throws Exception {
        jvmOptions.addAll(List.of("-Djna.nosys=true", "-Djna.noclasspath=true")); // so that JNA does not find itself
        Result result = doctor(ABSENT, ABSENT, Map.of());
        assertEquals(1, result.status);
        assertTrue(result.err.startsWith("memory-host: host memory cannot be shared: "), result.err);
        assertEquals(1, result.err.lines().count(), result.err);
        assertTrue(result.out.endsWith("frames cannot be shared\n"), result.out);
        assertEquals(2, doctor(ABSENT, ABSENT, Map.of(), "--no-such-option").status);
    }

    @Test
    void gpusAreListedAndTheirMemoryShared() throws Exception {
        JsonNode report = withStandIn(ABSENT, Map.of(StandInDriver.GPUS, "2"));
        assertEquals("13.0", report.get("cudaVersion").asText());
        assertEquals("[\"host\",\"cuda\",\"cuda-ipc\"]", report.get("memory").toString());
        check(report, "cuda", "ok", "CUDA 13.0", null);
        check(report, "peer-access", "ok", "each of the 2 GPUs", null);
        assertEquals("problem", finding(report, "nvcuvid").get("status").asText());
        assertEquals(2, report.get("gpus").size());
        for (int i = 0; i < 2; i++) {
            JsonNode gpu = report.get("gpus").get(i);
            String uuid = gpu.get("uuid").asText();
            assertTrue(uuid.matches("GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), uuid);
            assertEquals(4L << 30, gpu.get("memoryBytes").asLong());
            assertEquals("[0,1]", gpu.get("canRead").toString());
            assertTrue(gpu.get("sharesDescriptors").asBoolean());
            assertTrue(gpu.get("sharesHandles").asBoolean());
            assertNotNull(gpu.get("freeBytes"));
            check(report, "gpu-" + i, "ok", uuid + "): 4.0 GiB, ", null);
            check(report, "memory-cuda-" + i, "ok", "mapped read-only", null);
            check(report, "memory-cuda-ipc-" + i, "ok", "legacy handles", null);
        }
    }

    @Test
    void gpusThatCannotReachEachOtherAreNamed() throws Exception {
        JsonNode report = withStandIn(ABSENT, Map.of(StandInDriver.GPUS, "2", StandInDriver.NO_PEER, "1"));
        check(report, "peer-access", "warning", "1 by 0, 0 by 1", "--copy-to-my-gpu");
        assertEquals("[1]", report.get("gpus").get(1).get("canRead").toString());
    }

    @Test
    void memoryThatCannotBeSharedIsAProblem() throws Exception {
        JsonNode report = withStandIn(ABSENT, Map.of(StandInDriver.NO_VMM_FD, "1"));
        check(report, "memory-cuda-0", "problem", "cannot be shared as a file descriptor", "--memory cuda-ipc or host");
        assertEquals("[\"host\",\"cuda-ipc\"]", report.get("memory").toString());
    }

    @Test
    void whatTheDriverRefusesIsTold() throws Exception {
        JsonNode report = withStandIn(
                ABSENT, Map.of(StandInDriver.FAIL, "cuMemImportFromShareableHandle:0:999,cuIpcGetMemHandle:0:801"));
        check(report, "memory-cuda-0", "problem", "cuMemImportFromShareableHandle: ", "host");
        check(
                report,
                "memory-cuda-ipc-0",
                "note",
                "cuIpcGetMemHandle: CUDA_ERROR_NOT_SUPPORTED (801)",
                "none is needed");
        assertEquals("[\"host\"]", report.get("memory").toString());
        report = withStandIn(ABSENT, Map.of(StandInDriver.FAIL, "cuDevicePrimaryCtxRetain:0:2"));
        check(report, "gpu-0", "problem", "CUDA_ERROR_OUT_OF_MEMORY (2)", "nvidia-smi");
    }

    @Test
    void anOldDriverIsNotUsed() throws Exception {
        JsonNode report = withStandIn(ABSENT, Map.of(StandInDriver.VERSION, "11080"));
        check(report, "cuda", "problem", "CUDA 11.8, and cuframes needs 12.0", "525 or later");
        assertEquals("[\"host\"]", report.get("memory").toString());
        report = withStandIn(ABSENT, Map.of(StandInDriver.GPUS, "0"));
        check(report, "cuda", "problem", "no device is detected", "nvidia-smi");
    }

    private String decoder() throws Exception {
        String driver = standIn();
        Path library = files.resolve("libnvcuvid.so.1");
        Path source = Path.of(getClass().getResource("/nvcuvid.c").toURI());
        Process compiler = new ProcessBuilder(
                        "cc",
                        "-std=gnu11",
                        "-fPIC",
                        "-shared",
                        "-Wall",
                        "-Werror",
                        "-o",
                        library.toString(),
                        source.toString(),
                        driver,
                        "-Wl,-rpath," + Path.of(driver).getParent())
                .inheritIO()
                .start();
        assertEquals(0, compiler.waitFor());
        return library.toString();
    }

    @Test
    void codecsAreListed() throws Exception {
        String library = decoder();
        JsonNode report = withStandIn(library, Map.of());
        check(
                report,
                "nvdec-0",
                "ok",
                "7 engines decode H.264 4:2:0 8 bit up to 4096x4097; HEVC 4:2:0 8/10 4:4:4 8/10 bit up to 8192x8193",
                null);
        JsonNode codecs = report.get("gpus").get(0).get("codecs");
        assertEquals(5, codecs.size());
        assertEquals(
                "{\"codec\":\"H.264\",\"chroma\":\"4:2:0\",\"bits\":8,\"maxWidth\":4096,\"maxHeight\":4097,"
                        + "\"maxMacroblocks\":65536,\"engines\":7}",
                codecs.get(0).toString());
        report = withStandIn(library, Map.of("NVCUVID_ONLY_HEVC", "1"));
        check(report, "nvdec-0", "warning", "; but not H.264", "decoded by the CPU");
        report = withStandIn(library, Map.of("NVCUVID_NOTHING", "1"));
        check(report, "nvdec-0", "warning", "no hardware decoder", "MIG");
        report = withStandIn(library, Map.of("NVCUVID_FAILS", "1"));
        check(report, "nvdec-0", "problem", "cuvidGetDecoderCaps: CUDA_ERROR_INVALID_VALUE (1)", "one version");
    }
}

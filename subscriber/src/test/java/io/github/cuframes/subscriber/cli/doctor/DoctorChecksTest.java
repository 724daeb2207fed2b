package io.github.cuframes.subscriber.cli.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.AvailableMemory;
import io.github.cuframes.memory.cuda.Nvdec;
import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each finding and its remedy, on machines made of files. */
class DoctorChecksTest {

    @TempDir
    Path root;

    private FakeMachine fake;

    @BeforeEach
    void machine() {
        fake = new FakeMachine(root);
    }

    private static Report run(Check check) throws IOException {
        Report report = new Report();
        check.run(report);
        return report;
    }

    private static Finding find(Report report, String id) {
        List<Finding> found =
                report.findings().stream().filter(f -> f.id().equals(id)).toList();
        assertEquals(1, found.size(), id + " in " + report.findings());
        return found.get(0);
    }

    private static void check(Finding finding, Status status, String text, String remedy) {
        assertEquals(status, finding.status(), finding.toString());
        assertTrue(finding.text().contains(text), finding.toString());
        if (remedy == null) {
            assertNull(finding.remedy(), finding.toString());
        } else {
            assertTrue(finding.remedy().contains(remedy), finding.toString());
        }
    }

    private Report driver(CudaLibrary cuda) throws IOException {
        return run(new DriverCheck(fake.machine(), cuda));
    }

    @Test
    void aMachineWithoutGpuMissesNothing() throws IOException {
        Report report = driver(FakeMachine.NO_CUDA);
        check(find(report, "driver"), Status.NOTE, "neither an NVIDIA GPU nor its driver", "none is needed");
        check(find(report, "cuda"), Status.NOTE, "cannot open shared object file", "none is needed");
        assertEquals(2, report.findings().size());
        assertNull(report.toMap().get("driverVersion"));
    }

    @Test
    void aGpuWithoutDriverIsAProblem() throws IOException {
        fake.file("/sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n")
                .file("/sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n");
        Report report = driver(FakeMachine.NO_CUDA);
        check(find(report, "driver"), Status.PROBLEM, "no driver for it", "install NVIDIA's driver");
        check(find(report, "cuda"), Status.PROBLEM, "cannot open", "libcuda1");
    }

    @Test
    void otherCardsAreNoGpus() throws IOException {
        fake.file("/sys/bus/pci/devices/0000:01:00.1/vendor", "0x10de\n")
                .file("/sys/bus/pci/devices/0000:01:00.1/class", "0x040300\n")
                .file("/sys/bus/pci/devices/0000:02:00.0/vendor", "0x8086\n")
                .file("/sys/bus/pci/devices/0000:02:00.0/class", "0x030000\n");
        assertEquals(Status.NOTE, find(driver(FakeMachine.NO_CUDA), "driver").status());
    }

    @Test
    void aDriverThatWorksIsOk() throws IOException {
        fake.driver();
        Report report = driver(FakeMachine.CUDA_13);
        check(find(report, "driver"), Status.OK, "580.159.03", null);
        check(find(report, "device-nodes"), Status.OK, "user 1000 may open the device nodes of 1 GPU", null);
        check(find(report, "cuda"), Status.OK, "CUDA 13.0", null);
        assertEquals("580.159.03", report.toMap().get("driverVersion"));
        assertEquals("13.0", report.toMap().get("cudaVersion"));
    }

    @Test
    void deviceNodesWithoutPermissionAreNamed() throws IOException {
        fake.driver().closed("/dev/nvidia0").closed("/dev/nvidiactl");
        check(
                find(driver(FakeMachine.NO_CUDA), "device-nodes"),
                Status.PROBLEM,
                "user 1000 may not open /dev/nvidiactl, /dev/nvidia0",
                "add the user to the group");
        fake.container();
        check(find(driver(FakeMachine.NO_CUDA), "device-nodes"), Status.PROBLEM, "may not open", "--group-add");
    }

    @Test
    void missingDeviceNodesAreNamed() throws IOException {
        fake.driver();
        Files.delete(root.resolve("dev/nvidia0"));
        Files.delete(root.resolve("dev/nvidia-uvm"));
        check(
                find(driver(FakeMachine.NO_CUDA), "device-nodes"),
                Status.PROBLEM,
                "/dev/nvidia0 or another GPU's, /dev/nvidia-uvm",
                "nvidia-modprobe");
        fake.container();
        Report report = driver(FakeMachine.NO_CUDA);
        check(find(report, "device-nodes"), Status.PROBLEM, "missing", "--gpus all");
        check(find(report, "cuda"), Status.PROBLEM, "cannot open", "--gpus all");
    }

    @Test
    void anOldDriverIsAProblem() throws IOException {
        check(
                find(driver(FakeMachine.cuda(null, null, 11080)), "cuda"),
                Status.PROBLEM,
                "supports CUDA 11.8, and cuframes needs 12.0",
                "525 or later");
        Report without = driver(FakeMachine.cuda(null, "lacks cuMemFoo", 0));
        check(find(without, "cuda"), Status.PROBLEM, "lacks cuMemFoo", "older than 525");
        check(find(without, "driver"), Status.OK, "driver's library", null);
    }

    @Test
    void aBindingThatCannotBeLoadedIsTold() throws IOException {
        Optional<String> problem = Optional.of("failed to map segment");
        CudaLibrary cuda = new CudaLibrary(problem, problem, problem, 0);
        check(find(driver(cuda), "cuda"), Status.WARNING, "failed to map segment", "-Djna.tmpdir");
        fake.driver();
        assertEquals(Status.PROBLEM, find(driver(cuda), "cuda").status());
    }

    private Report libraries(CudaLibrary cuda, String... present) throws IOException {
        return run(new LibrariesCheck(
                fake.machine(),
                cuda,
                name -> Set.of(present).contains(name) ? Optional.empty() : Optional.of(name + ": no such file")));
    }

    @Test
    void theRuntimeIsNotNeeded() throws IOException {
        check(find(libraries(FakeMachine.CUDA_13), "cudart"), Status.OK, "cuframes needs none", null);
        check(
                find(libraries(FakeMachine.CUDA_13, "libcudart.so.12"), "cudart"),
                Status.OK,
                "libcudart.so.12 is there; cuframes does not need it",
                null);
    }

    @Test
    void theDecodersLibraryIsMissedWhereThereIsCuda() throws IOException {
        check(find(libraries(FakeMachine.NO_CUDA), "nvcuvid"), Status.NOTE, "decoded by the CPU", "see cuda");
        check(
                find(libraries(FakeMachine.CUDA_13), "nvcuvid"),
                Status.PROBLEM,
                Nvdec.library() + ": no such file",
                "libnvcuvid1");
        fake.container();
        check(find(libraries(FakeMachine.CUDA_13), "nvcuvid"), Status.PROBLEM, "no such", "compute,utility,video");
        check(find(libraries(FakeMachine.CUDA_13, Nvdec.library()), "nvcuvid"), Status.OK, "can be loaded", null);
    }

    @Test
    void aContainerNeedsTheCapabilityVideo() throws IOException {
        String id = "driver-capabilities";
        String variable = "NVIDIA_DRIVER_CAPABILITIES";
        assertFalse(libraries(FakeMachine.CUDA_13).findings().stream()
                .anyMatch(finding -> finding.id().equals(id)));
        fake.container();
        check(
                find(libraries(FakeMachine.CUDA_13), id),
                Status.PROBLEM,
                "is not set",
                variable + "=compute,utility,video");
        fake.variable(variable, "compute,utility");
        check(
                find(libraries(FakeMachine.CUDA_13), id),
                Status.PROBLEM,
                variable + "=compute,utility has no \"video\"",
                variable + "=compute,utility,video");
        check(find(libraries(FakeMachine.CUDA_13, Nvdec.library()), id), Status.NOTE, "all the same", "add video");
        for (String enough : List.of("all", "compute, video")) {
            fake.variable(variable, enough);
            check(find(libraries(FakeMachine.CUDA_13), id), Status.OK, "includes the decoder", null);
        }
    }

    private Report nativeCode() throws IOException {
        return run(new NativeCodeCheck(fake.machine()));
    }

    private FakeMachine ordinaryMounts(String temporaryOptions) throws IOException {
        return fake.directory("/tmp")
                .directory("/home/me")
                .property("java.io.tmpdir", "/tmp")
                .property("user.home", "/home/me")
                .property("user.name", "me")
                .file(
                        "/proc/self/mountinfo",
                        "22 1 8:1 / / rw,relatime - ext4 /dev/sda rw\n"
                                + "23 22 0:20 / /tmp " + temporaryOptions + " shared:1 - tmpfs tmpfs rw\n"
                                + "24 22 0:21 / /with\\040blank rw,noexec - tmpfs tmpfs rw\n");
    }

    @Test
    void nativeCodeIsUnpackedWhereItCanRun() throws IOException {
        ordinaryMounts("rw,nosuid");
        Report report = nativeCode();
        check(find(report, "native-sockets"), Status.OK, "in /tmp", null);
        check(find(report, "native-jna"), Status.OK, "in /home/me/.cache/JNA/temp", null);
        check(find(report, "native-javacpp"), Status.OK, "in /home/me/.javacpp/cache", null);
        fake.variable("XDG_CACHE_HOME", "/tmp/x");
        check(find(nativeCode(), "native-jna"), Status.OK, "in /tmp/x/JNA/temp", null);
    }

    @Test
    void noexecIsFound() throws IOException {
        ordinaryMounts("rw,nosuid,noexec");
        Report report = nativeCode();
        check(find(report, "native-sockets"), Status.PROBLEM, "mounted noexec at /tmp", "-Djava.io.tmpdir");
        check(find(report, "native-jna"), Status.OK, "/home/me", null);
        fake.property("jna.tmpdir", "/tmp/jna").property("org.bytedeco.javacpp.cachedir", "/with blank/cache");
        fake.directory("/with blank");
        report = nativeCode();
        check(find(report, "native-jna"), Status.PROBLEM, "/tmp/jna, which is mounted noexec at /tmp", "-Djna.tmpdir");
        check(find(report, "native-javacpp"), Status.WARNING, "noexec at /with blank", "javacpp.cachedir");
        fake.property("org.newsclub.net.unix.library.tmpdir", "/home/me");
        check(find(nativeCode(), "native-sockets"), Status.OK, "/home/me", null);
    }

    @Test
    void directoriesThatCannotBeWrittenAreFound() throws IOException {
        ordinaryMounts("ro,noexec").closed("/home/me");
        Report report = nativeCode();
        check(find(report, "native-sockets"), Status.PROBLEM, "/tmp cannot be written", "tmpdir");
        check(find(report, "native-jna"), Status.PROBLEM, "/home/me/.cache/JNA/temp and /tmp cannot be", "tmpdir");
        check(
                find(report, "native-javacpp"),
                Status.WARNING,
                "/home/me/.javacpp/cache and /tmp/.javacpp-me/cache cannot be written",
                "60 MB");
    }

    @Test
    void pidNamespacesMatterToLegacyHandles() throws IOException {
        fake.driver().link("/proc/self/ns/pid", "pid:[4026531836]");
        Report report = run(new ProcessCheck(fake.machine()));
        check(find(report, "pid-namespace"), Status.OK, "this one 77", null);
        assertEquals(true, report.toMap().get("initialPidNamespace"));
        fake.file("/proc/self/status", "NSpid:\t77\t1\n");
        check(
                find(run(new ProcessCheck(fake.machine())), "pid-namespace"),
                Status.NOTE,
                "(this one 1); legacy handles (--memory cuda-ipc) cannot be opened",
                "--memory cuda");
        Files.delete(root.resolve("proc/self/ns/pid"));
        fake.file("/proc/self/status", "NSpid:\t7\n").link("/proc/self/ns/pid", "pid:[4026532000]");
        check(find(run(new ProcessCheck(fake.machine())), "pid-namespace"), Status.NOTE, "(this one 7)", "--pid=host");
    }

    @Test
    void fewOpenFilesAreAWarning() throws IOException {
        String line = "Limit   Soft Limit  Hard Limit  Units\nMax open files            %s       4096      files\n";
        fake.file("/proc/self/limits", line.formatted("1024"));
        check(
                find(run(new ProcessCheck(fake.machine())), "open-files"),
                Status.WARNING,
                "may open 1024 files; a producer of 16 cameras",
                "ulimit -n 4096");
        for (String enough : List.of("4096", "unlimited")) {
            fake.file("/proc/self/limits", line.formatted(enough));
            check(find(run(new ProcessCheck(fake.machine())), "open-files"), Status.OK, "16 cameras", null);
        }
    }

    private static Report runDirectory(Path option) throws IOException {
        return run(new RunDirectoryCheck(option, Map.of()));
    }

    @Test
    void theRunDirectoryIsUsableOrFatal() throws IOException {
        Path absent = root.resolve("run");
        check(find(runDirectory(absent), "run-directory"), Status.OK, "is not there yet", null);
        assertFalse(Files.exists(absent));
        Files.createDirectory(
                absent, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-x---")));
        check(find(runDirectory(absent), "run-directory"), Status.OK, absent + " can be read and written", null);
        Report report = runDirectory(root.resolve("no/such"));
        check(find(report, "run-directory"), Status.PROBLEM, "no/such cannot be created", RunDirectory.VARIABLE);
        assertEquals(report.findings(), report.fatal());
        assertEquals(false, report.toMap().get("usable"));
    }

    @Test
    void hostMemoryIsReallyShared() throws IOException {
        fake.file("/proc/meminfo", "MemTotal: 2000000 kB\nMemAvailable: 1048576 kB\nSwapFree: 1024 kB\n")
                .file("/proc/self/cgroup", "0::/pod/camera\n")
                .file("/sys/fs/cgroup/pod/memory.max", "104857600\n")
                .file("/sys/fs/cgroup/pod/memory.current", "52428800\n");
        Report report = run(new HostMemoryCheck(fake.machine()));
        check(
                find(report, "memory-host"),
                Status.WARNING,
                "50 MiB are left by the memory limit of 104857600",
                "--memory");
        assertEquals(Set.of(MemoryKind.HOST), report.memory());
        assertEquals(52428800L, report.toMap().get("availableMemoryBytes"));
    }

    @Test
    void hostMemoryMayBeShortOrOpenToRoot() {
        AvailableMemory plenty = new AvailableMemory(1L << 30, "this machine's memory");
        check(
                HostMemoryCheck.finding(new AvailableMemory(60L << 20, "this machine's memory"), true),
                Status.WARNING,
                "60 MiB are left by this machine's memory, enough for 20 frames of 1080p",
                "docker: --memory");
        check(HostMemoryCheck.finding(plenty, true), Status.OK, "1024 MiB", null);
        check(HostMemoryCheck.finding(plenty, false), Status.NOTE, "cannot seal it", "Linux 5.1");
    }
}

package io.github.cuframes.subscriber.cli.doctor;

import io.github.cuframes.memory.cuda.Cuda;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The kernel's part of the driver, its device nodes, and the driver's library. */
final class DriverCheck implements Check {

    private static final String VERSION_FILE = "/proc/driver/nvidia/version";
    private static final Pattern VERSION = Pattern.compile("\\b(\\d{3,}\\.\\d+(?:\\.\\d+)?)\\b");
    private static final Pattern GPU_NODE = Pattern.compile("nvidia\\d+");
    private static final String NVIDIA = "0x10de";
    private static final String DISPLAY_CLASS = "0x03";
    private static final String GIVE_GPUS =
            "start the container with --gpus all (NVIDIA Container Toolkit; Compose: deploy.resources, Kubernetes:"
                    + " nvidia.com/gpu)";

    private final Machine machine;
    private final CudaLibrary cuda;

    DriverCheck(Machine machine, CudaLibrary cuda) {
        this.machine = machine;
        this.cuda = cuda;
    }

    @Override
    public void run(Report report) throws IOException {
        Optional<String> version = kernelVersion();
        boolean card = hasCard();
        report.fact("driverVersion", version.orElse(null));
        report.fact("cudaVersion", cuda.version() == 0 ? null : cuda.versionText());
        report.add(driver(version, card));
        if (version.isPresent()) {
            report.add(deviceNodes());
        }
        report.add(library(version.isPresent() || card));
    }

    private Optional<String> kernelVersion() throws IOException {
        for (String line : machine.lines(VERSION_FILE)) {
            Matcher number = VERSION.matcher(line);
            if (number.find()) {
                return Optional.of(number.group(1));
            }
        }
        return machine.exists(VERSION_FILE) ? Optional.of("of unknown version") : Optional.empty();
    }

    private boolean hasCard() throws IOException {
        Path devices = machine.path("/sys/bus/pci/devices");
        if (!Files.isDirectory(devices)) {
            return false;
        }
        try (DirectoryStream<Path> all = Files.newDirectoryStream(devices)) {
            for (Path device : all) {
                if (firstLine(device.resolve("vendor")).equals(NVIDIA)
                        && firstLine(device.resolve("class")).startsWith(DISPLAY_CLASS)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static String firstLine(Path file) throws IOException {
        return Files.exists(file) ? Files.readString(file).strip() : "";
    }

    private Finding driver(Optional<String> version, boolean card) {
        if (version.isPresent()) {
            return Finding.ok("driver", "the kernel has NVIDIA's driver " + version.get());
        }
        if (cuda.loadProblem().isEmpty()) {
            return Finding.ok("driver", "there is no " + VERSION_FILE + ", but the driver's library " + Cuda.library());
        }
        if (card) {
            return Finding.problem(
                    "driver",
                    "there is an NVIDIA GPU, but the kernel has no driver for it",
                    "install NVIDIA's driver (525 or later) on the host, or load it: modprobe nvidia");
        }
        return Finding.note(
                "driver",
                "there is neither an NVIDIA GPU nor its driver: frames live in host memory",
                "none is needed for host memory; frames in GPU memory need a GPU and its driver (525 or later)");
    }

    private Finding deviceNodes() throws IOException {
        List<String> missing = new ArrayList<>();
        List<String> closed = new ArrayList<>();
        List<Path> nodes = new ArrayList<>(List.of(machine.path("/dev/nvidiactl"), machine.path("/dev/nvidia-uvm")));
        int others = nodes.size();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(
                machine.path("/dev"),
                path -> GPU_NODE.matcher(path.getFileName().toString()).matches())) {
            all.forEach(nodes::add);
        }
        if (nodes.size() == others) {
            missing.add("/dev/nvidia0 or another GPU's");
        }
        for (Path node : nodes) {
            String name = "/dev/" + node.getFileName();
            if (!Files.exists(node)) {
                missing.add(name);
            } else if (!machine.accessible().test(node)) {
                closed.add(name);
            }
        }
        if (!closed.isEmpty()) {
            return Finding.problem(
                    "device-nodes",
                    "user " + machine.user() + " may not open " + String.join(", ", closed),
                    machine.inContainer()
                            ? GIVE_GPUS + "; with --user also --group-add the group that the node belongs to"
                            : "add the user to the group that the node belongs to (video or render, see ls -l), or load"
                                    + " the module with NVreg_DeviceFileMode=0666");
        }
        if (!missing.isEmpty()) {
            return Finding.problem(
                    "device-nodes",
                    "missing: " + String.join(", ", missing),
                    machine.inContainer() ? GIVE_GPUS : "run nvidia-modprobe -u -c 0, or nvidia-smi, once as root");
        }
        return Finding.ok(
                "device-nodes",
                "user " + machine.user() + " may open the device nodes of " + (nodes.size() - others)
                        + (nodes.size() - others == 1 ? " GPU" : " GPUs"));
    }

    private Finding library(boolean expected) {
        if (cuda.binderProblem().isPresent()) {
            return new Finding(
                    "cuda",
                    expected ? Status.PROBLEM : Status.WARNING,
                    "CUDA cannot be used: no native library can be called ("
                            + cuda.binderProblem().get() + ")",
                    "see native-jna; -Djna.tmpdir=DIR names a directory that allows execution");
        }
        if (cuda.loadProblem().isPresent()) {
            String remedy = machine.inContainer()
                    ? GIVE_GPUS
                    : "install the driver's libraries in the kernel driver's version (Debian: libcuda1, Ubuntu:"
                            + " libnvidia-compute-NNN)";
            return new Finding(
                    "cuda",
                    expected ? Status.PROBLEM : Status.NOTE,
                    "CUDA cannot be used: " + cuda.loadProblem().get(),
                    expected ? remedy : "none is needed for host memory");
        }
        if (cuda.isTooOld()) {
            return Finding.problem(
                    "cuda",
                    "the driver supports CUDA " + cuda.versionText() + ", and cuframes needs 12.0",
                    "update the driver to 525 or later; until then use --memory host");
        }
        if (cuda.unavailable().isPresent()) {
            return Finding.problem(
                    "cuda",
                    "CUDA cannot be used: " + cuda.unavailable().get(),
                    (machine.inContainer() ? GIVE_GPUS + "; " : "see that CUDA_VISIBLE_DEVICES names a GPU; ")
                            + "compare nvidia-smi; after an update of the driver restart the machine, so that kernel and"
                            + " library are of one version; a driver older than 525 is to be updated");
        }
        return Finding.ok("cuda", "the driver supports CUDA " + cuda.versionText());
    }
}

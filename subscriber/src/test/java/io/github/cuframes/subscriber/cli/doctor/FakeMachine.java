package io.github.cuframes.subscriber.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;

/** A machine made of files below a directory. */
final class FakeMachine {

    static final CudaLibrary NO_CUDA = cuda("libcuda.so.1: cannot open shared object file", "no driver", 0);
    static final CudaLibrary CUDA_13 = cuda(null, null, 13000);

    private final Path root;
    private final Map<String, String> environment = new HashMap<>();
    private final Properties properties = new Properties();
    private final Set<Path> closed = new HashSet<>();

    FakeMachine(Path root) {
        this.root = root;
    }

    static CudaLibrary cuda(String loadProblem, String unavailable, int version) {
        return new CudaLibrary(
                Optional.empty(), Optional.ofNullable(loadProblem), Optional.ofNullable(unavailable), version);
    }

    private Path path(String absolute) {
        return root.resolve(absolute.substring(1));
    }

    FakeMachine file(String absolute, String text) throws IOException {
        Files.createDirectories(path(absolute).getParent());
        Files.writeString(path(absolute), text);
        return this;
    }

    FakeMachine directory(String absolute) throws IOException {
        Files.createDirectories(path(absolute));
        return this;
    }

    FakeMachine link(String absolute, String target) throws IOException {
        Files.createDirectories(path(absolute).getParent());
        Files.createSymbolicLink(path(absolute), Path.of(target));
        return this;
    }

    FakeMachine variable(String name, String value) {
        environment.put(name, value);
        return this;
    }

    FakeMachine property(String name, String value) {
        properties.setProperty(name, value);
        return this;
    }

    /** This process may not read and write the file. */
    FakeMachine closed(String absolute) {
        closed.add(path(absolute));
        return this;
    }

    FakeMachine container() throws IOException {
        return file("/.dockerenv", "");
    }

    /** A driver with one GPU, as its user 1000 sees it. */
    FakeMachine driver() throws IOException {
        return file(
                        "/proc/driver/nvidia/version",
                        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.03  Sat\nGCC 13")
                .file("/proc/self/status", "Name:\tjava\nUid:\t1000\t1000\t1000\t1000\nNSpid:\t77\n")
                .file("/dev/nvidiactl", "")
                .file("/dev/nvidia-uvm", "")
                .file("/dev/nvidia0", "");
    }

    Machine machine() {
        return new Machine(root, environment, properties, path -> !closed.contains(path));
    }
}

package io.github.cuframes.subscriber.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where the libraries with native code unpack themselves. A directory that cannot be written, or whose file system does not
 * allow execution, is the usual trouble in hardened containers.
 */
final class NativeCodeCheck implements Check {

    private final Machine machine;
    private final Mounts mounts;

    NativeCodeCheck(Machine machine) throws IOException {
        this.machine = machine;
        this.mounts = new Mounts(machine);
    }

    @Override
    public void run(Report report) {
        Path temporary = Path.of(machine.property("java.io.tmpdir").orElse("/tmp"));
        Path home = Path.of(machine.property("user.home").orElse("/"));
        report.add(find(
                "native-sockets",
                "the sockets' library (producer and subscriber)",
                List.of(named("org.newsclub.net.unix.library.tmpdir").orElse(temporary)),
                Status.PROBLEM,
                "-Djava.io.tmpdir=DIR or -Dorg.newsclub.net.unix.library.tmpdir=DIR"));
        Path cache = machine.variable("XDG_CACHE_HOME").map(Path::of).orElse(home.resolve(".cache"));
        report.add(find(
                "native-jna",
                "the binding to the C library and the CUDA driver (producer and subscriber)",
                named("jna.tmpdir").map(List::of).orElse(List.of(cache.resolve("JNA/temp"), temporary)),
                Status.PROBLEM,
                "-Djna.tmpdir=DIR"));
        List<Path> unpacked = new ArrayList<>();
        named("org.bytedeco.javacpp.cachedir").ifPresent(unpacked::add);
        unpacked.add(home.resolve(".javacpp/cache"));
        unpacked.add(
                temporary.resolve(".javacpp-" + machine.property("user.name").orElse("unknown") + "/cache"));
        report.add(find(
                "native-javacpp",
                "FFmpeg (producer)",
                unpacked,
                Status.WARNING,
                "-Dorg.bytedeco.javacpp.cachedir=DIR, with 60 MB of space"));
    }

    private Optional<Path> named(String property) {
        return machine.property(property).map(Path::of);
    }

    /** The libraries look for a directory that they can write, and do not ask whether it allows execution. */
    private Finding find(String id, String what, List<Path> places, Status severity, String option) {
        String remedy = "name a directory that can be written and is not mounted noexec: " + option;
        Optional<Path> chosen = places.stream().filter(this::isWritable).findFirst();
        if (chosen.isEmpty()) {
            return new Finding(
                    id,
                    severity,
                    what + " cannot be unpacked: "
                            + String.join(
                                    " and ", places.stream().map(Path::toString).toList()) + " cannot be written",
                    remedy);
        }
        if (has(chosen.get(), "noexec")) {
            return new Finding(
                    id,
                    severity,
                    what + " cannot be run from " + chosen.get() + ", which is mounted noexec at "
                            + mounts.of(chosen.get()).orElseThrow().point(),
                    remedy);
        }
        return Finding.ok(id, what + " is unpacked in " + chosen.get());
    }

    private boolean isWritable(Path directory) {
        if (has(directory, "ro")) {
            return false;
        }
        Path present = machine.path(directory.toAbsolutePath().toString());
        while (!Files.exists(present) && present.getParent() != null) {
            present = present.getParent();
        }
        return Files.isDirectory(present) && machine.accessible().test(present);
    }

    private boolean has(Path path, String option) {
        return mounts.of(path.toAbsolutePath())
                .filter(mount -> mount.options().contains(option))
                .isPresent();
    }
}

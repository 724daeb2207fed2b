package io.github.cuframes.subscriber.cli.doctor;

import io.github.cuframes.memory.cuda.Nvdec;
import io.github.cuframes.memory.cuda.SharedLibraries;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Libraries beside the driver's own, and what a container was given of them. */
final class LibrariesCheck implements Check {

    private static final String CAPABILITIES = "NVIDIA_DRIVER_CAPABILITIES";

    private final Machine machine;
    private final CudaLibrary cuda;
    private final Function<String, Optional<String>> problemOf;

    LibrariesCheck(Machine machine, CudaLibrary cuda) {
        this(machine, cuda, SharedLibraries::problem);
    }

    /**
     * A check.
     *
     * @param problemOf why a library cannot be loaded
     */
    LibrariesCheck(Machine machine, CudaLibrary cuda, Function<String, Optional<String>> problemOf) {
        this.machine = machine;
        this.cuda = cuda;
        this.problemOf = problemOf;
    }

    @Override
    public void run(Report report) {
        report.add(runtime());
        Optional<String> decoder = problemOf.apply(Nvdec.library());
        report.fact("nvcuvid", decoder.isEmpty());
        report.add(decoder(decoder));
        report.fact("container", machine.inContainer());
        if (machine.inContainer() && cuda.loadProblem().isEmpty()) {
            report.add(capabilities(decoder.isEmpty()));
        }
    }

    private Finding runtime() {
        for (String name : List.of("libcudart.so.13", "libcudart.so.12")) {
            if (problemOf.apply(name).isEmpty()) {
                return Finding.ok("cudart", name + " is there; cuframes does not need it");
            }
        }
        return Finding.ok(
                "cudart", "there is no CUDA runtime (libcudart), and cuframes needs none: the driver suffices");
    }

    private Finding decoder(Optional<String> problem) {
        if (problem.isEmpty()) {
            return Finding.ok("nvcuvid", "the decoder's library " + Nvdec.library() + " can be loaded");
        }
        if (!cuda.isUsable()) {
            return Finding.note(
                    "nvcuvid",
                    "there is no library of the hardware decoder, nor CUDA: streams are decoded by the CPU",
                    "see cuda");
        }
        return Finding.problem(
                "nvcuvid",
                "the hardware decoder cannot be used: " + problem.get(),
                machine.inContainer()
                        ? "start the container with -e " + CAPABILITIES + "=compute,utility,video"
                        : "install the driver's decoder library (Debian: libnvcuvid1, Ubuntu: libnvidia-decode-NNN)");
    }

    private Finding capabilities(boolean decoderLoads) {
        Optional<String> given = machine.variable(CAPABILITIES);
        List<String> names =
                Arrays.stream(given.orElse("").split(",")).map(String::strip).toList();
        if (names.contains("all") || names.contains("video")) {
            return Finding.ok("driver-capabilities", CAPABILITIES + "=" + given.get() + " includes the decoder");
        }
        String found = given.map(value -> CAPABILITIES + "=" + value + " has no \"video\"")
                .orElse(CAPABILITIES + " is not set, and the default has no \"video\"");
        return decoderLoads
                ? Finding.note(
                        "driver-capabilities",
                        found + "; the decoder's library was given to this container all the same",
                        "add video, so that it works on other hosts too: -e " + CAPABILITIES + "=compute,utility,video")
                : Finding.problem(
                        "driver-capabilities",
                        found + ": the container was not given the decoder's library",
                        "start the container with -e " + CAPABILITIES + "=compute,utility,video");
    }
}

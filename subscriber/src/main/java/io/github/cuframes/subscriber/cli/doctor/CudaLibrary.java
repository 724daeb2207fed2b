package io.github.cuframes.subscriber.cli.doctor;

import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.SharedLibraries;
import java.util.Optional;

/**
 * The driver's library as this process sees it.
 *
 * @param binderProblem why no native library can be called at all; empty if they can
 * @param loadProblem why the library cannot be loaded; empty if it can
 * @param unavailable why CUDA cannot be used; empty if it can
 * @param version of CUDA that it supports, major * 1000 + minor * 10; 0 where unknown
 */
record CudaLibrary(
        Optional<String> binderProblem, Optional<String> loadProblem, Optional<String> unavailable, int version) {

    static CudaLibrary probe() {
        Optional<String> binder = SharedLibraries.binderProblem();
        if (binder.isPresent()) {
            return new CudaLibrary(binder, binder, binder, 0);
        }
        Optional<String> load = SharedLibraries.problem(Cuda.library());
        return new CudaLibrary(binder, load, Cuda.unavailable(), Cuda.driverVersion());
    }

    boolean isUsable() {
        return unavailable.isEmpty() && !isTooOld();
    }

    /** Whether the driver lacks functions that cuframes calls; false where its version is unknown. */
    boolean isTooOld() {
        return version > 0 && version < Cuda.OLDEST_VERSION;
    }

    /** The version as people write it. */
    String versionText() {
        return version / 1000 + "." + version % 1000 / 10;
    }
}

package io.github.cuframes.subscriber.cli.doctor;

import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.memory.cuda.CudaUnavailableException;
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

    /** The oldest that has all functions that cuframes calls. */
    static final int OLDEST = 12000;

    static CudaLibrary probe() throws CudaException {
        Optional<String> binder = SharedLibraries.binderProblem();
        if (binder.isPresent()) {
            return new CudaLibrary(binder, binder, binder, 0);
        }
        Optional<String> load = SharedLibraries.problem(Cuda.library());
        Optional<String> unavailable = Cuda.unavailable();
        return new CudaLibrary(binder, load, unavailable, unavailable.isPresent() ? 0 : driverVersion());
    }

    private static int driverVersion() throws CudaException {
        try {
            return Cuda.driverVersion();
        } catch (CudaUnavailableException e) {
            throw new IllegalStateException("CUDA was found to be available and then was not", e);
        }
    }

    boolean isUsable() {
        return unavailable.isEmpty() && version >= OLDEST;
    }

    /** The version as people write it. */
    String versionText() {
        return version / 1000 + "." + version % 1000 / 10;
    }
}

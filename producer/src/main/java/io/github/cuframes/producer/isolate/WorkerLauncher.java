package io.github.cuframes.producer.isolate;

import java.io.IOException;

/** Starts a worker's process, again and again. */
@FunctionalInterface
public interface WorkerLauncher {

    /**
     * Starts it.
     *
     * @throws IOException if the system has no process to give
     */
    WorkerProcess start() throws IOException;
}

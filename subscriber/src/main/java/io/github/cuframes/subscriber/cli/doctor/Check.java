package io.github.cuframes.subscriber.cli.doctor;

import java.io.IOException;

/** Looks at one area and adds what it finds. */
interface Check {

    /**
     * Does it.
     *
     * @throws IOException if the machine cannot be looked at, which is no finding but a failure of the command
     */
    void run(Report report) throws IOException;
}

package io.github.cuframes.producer.cli;

import java.util.Locale;

/** The command's logging. */
final class Logging {

    /** How logs are written. */
    enum Format {
        /** A line for people. */
        TEXT,
        /** An object a line. */
        JSON
    }

    private Logging() {}

    /**
     * Sets it up, before the first logger is made, which is why the commands' loggers are no constants.
     *
     * @param camera named in each line, where several processes write to one log; null if not
     */
    static void configure(Format format, boolean verbose, String camera) {
        System.setProperty("cuframes.log.format", format.name().toLowerCase(Locale.ROOT));
        System.setProperty("cuframes.log.level", verbose ? "DEBUG" : "INFO");
        if (camera != null) {
            System.setProperty("cuframes.log.prefix", "[" + camera + "] ");
            System.setProperty("cuframes.log.camera", camera);
        }
        if (System.getProperty("logback.configurationFile") == null) {
            System.setProperty("logback.configurationFile", "cuframes-producer-logback.xml");
        }
    }
}

package io.github.cuframes.producer.isolate;

import java.time.Duration;
import java.util.Optional;

/**
 * What a worker writes to its supervisor, a line each: {@code cuframes-worker beat N} with the number of frames published, or
 * {@code cuframes-worker hung TEXT}. Other lines come from libraries, or from a JVM that crashes.
 *
 * @param kind what it says
 * @param published of a beat
 * @param text of a hang
 */
record WorkerLine(Kind kind, long published, String text) {

    /** From one beat to the next. */
    static final Duration PERIOD = Duration.ofMillis(500);

    private static final String START = "cuframes-worker ";
    private static final String BEAT = START + "beat ";
    private static final String HUNG = START + "hung ";

    /** What a line says. */
    enum Kind {
        /** The process lives. */
        BEAT,
        /** A native call hangs; kill me. */
        HUNG
    }

    static String beat(long published) {
        return BEAT + published;
    }

    static String hung(String text) {
        return HUNG + text.replace('\n', ' ');
    }

    /** Nothing if the line is not one of these. */
    static Optional<WorkerLine> parse(String line) {
        if (line.startsWith(HUNG)) {
            return Optional.of(new WorkerLine(Kind.HUNG, 0, line.substring(HUNG.length())));
        }
        if (line.startsWith(BEAT) && line.substring(BEAT.length()).matches("\\d{1,18}")) {
            return Optional.of(new WorkerLine(Kind.BEAT, Long.parseLong(line.substring(BEAT.length())), ""));
        }
        return Optional.empty();
    }
}

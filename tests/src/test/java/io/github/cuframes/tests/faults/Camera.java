package io.github.cuframes.tests.faults;

import io.github.cuframes.tests.Report;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A producer of test patterns and its subscribers. */
final class Camera {

    static final int FPS = 50;

    final String key;
    final Path runDirectory;
    final List<Member> members = new ArrayList<>();
    Actor producer;
    private int streams;

    Camera(String key, Path runDirectory) {
        this.key = key;
        this.runDirectory = runDirectory;
    }

    /** Listens and begins the canonical picture. Returns when that was, by {@link System#nanoTime}. */
    long open(String memory) throws StepFailure {
        producer.ask("open key=" + key + " run-dir=" + runDirectory + " memory=" + memory, "opened");
        return pattern();
    }

    /** Goes over to the canonical picture. */
    long pattern() throws StepFailure {
        return producer.require(tryPattern(Picture.Size.SMALL, FPS, "NV12"), "pattern")
                .number("nanos");
    }

    /** Goes over to another picture, or says why not. */
    Report tryPattern(Picture.Size size, int fps, String format) throws StepFailure {
        return producer.ask("pattern size=" + size + " fps=" + fps + " format=" + format + " number=" + ++streams);
    }

    /** All members but one. */
    List<Member> others(Member but) {
        return members.stream().filter(member -> member != but).toList();
    }
}

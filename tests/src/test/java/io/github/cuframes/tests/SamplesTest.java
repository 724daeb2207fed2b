package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.samples.CountFrames;
import io.github.cuframes.samples.EmbeddedNvr;
import io.github.cuframes.samples.GroupFromConfig;
import io.github.cuframes.samples.InProcessSubscriber;
import io.github.cuframes.samples.PublishOwnFrames;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The samples do what their page says. */
@Timeout(180)
class SamplesTest {

    @TempDir
    Path directory;

    private static Child start(Stage stage, Class<?> sample, String... arguments) throws Exception {
        Launch launch = Launch.PLAIN.with(
                Map.of(RunDirectory.VARIABLE, stage.runDirectory().toString()));
        return stage.start(sample.getSimpleName(), sample, launch, List.of(arguments));
    }

    private static void awaitLine(Child sample, String line) {
        Await.until(() -> line + " from " + sample, () -> sample.output().contains(line));
    }

    @Test
    void aFileIsPublishedFromAnApplication() throws Exception {
        try (Stage stage = new Stage()) {
            String clip = Checkout.clip("pattern-1080p-h264").toString();
            Child nvr = start(stage, EmbeddedNvr.class, "door", clip);
            assertEquals(0, nvr.awaitExit(), nvr::toString);
            assertEquals(
                    List.of("state connecting", "state streaming", "state ended"),
                    nvr.output().stream()
                            .filter(line -> line.startsWith("state"))
                            .toList());
            assertTrue(nvr.output().contains("published 100, copied 0"), nvr::toString);
        }
    }

    @Test
    void anApplicationReadsWhatItDecodes() throws Exception {
        try (Stage stage = new Stage()) {
            Child both = start(stage, InProcessSubscriber.class, "mine");
            assertEquals(0, both.awaitExit(), both::toString);
            assertTrue(both.output().get(both.output().size() - 1).startsWith("received 50, dropped "), both::toString);
        }
    }

    @Test
    @Tag("slow")
    void ownFramesArePublishedAndCounted() throws Exception {
        try (Stage stage = new Stage()) {
            start(stage, PublishOwnFrames.class, "grey");
            Await.until(() -> "a socket", () -> Files.exists(stage.socketOf("grey")));
            Child count = start(stage, CountFrames.class, "grey");
            assertEquals(0, count.awaitExit(), count::toString);
            assertEquals(100, count.output().size(), count::toString);
        }
    }

    @Test
    void aGroupComesFromAFileAndIsAddedTo() throws Exception {
        try (Stage stage = new Stage()) {
            Path file = directory.resolve("cameras.yaml");
            Files.writeString(file, "cameras: {one: {test-pattern: 160x120@10}, two: {test-pattern: 160x120@10}}\n");
            Child group = start(stage, GroupFromConfig.class, file.toString());
            awaitLine(group, "added [one, two], changed [], removed [], 0 untouched");
            awaitLine(group, "added [extra], changed [], removed [], 2 untouched");
            List.of("one", "two", "extra").forEach(key -> awaitLine(group, key + ": streaming"));
            assertTrue(group.isAlive());

            Files.writeString(file, "cameras: {one: {}}\n");
            Child wrong = start(stage, GroupFromConfig.class, file.toString());
            assertEquals(0, wrong.awaitExit(), wrong::toString);
            assertFalse(wrong.output().isEmpty());
            assertTrue(wrong.output().get(0).startsWith(file + ":1:11: cameras.one: has no source"), wrong::toString);
        }
    }
}

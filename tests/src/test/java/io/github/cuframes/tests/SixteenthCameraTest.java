package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.github.cuframes.producer.CameraSettings;
import io.github.cuframes.producer.CameraState;
import io.github.cuframes.producer.GroupConfig;
import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.ProducerGroup;
import io.github.cuframes.producer.cli.Main;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Observer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Fifteen cameras run while a sixteenth is added, changed and removed: every frame of the fifteen comes, from the first on, over
 * the same connection and from the same memory. Their subscribers are lossless, so that it does not depend on how busy the
 * machine is.
 */
@Timeout(300)
class SixteenthCameraTest {

    private static final List<String> OTHERS =
            IntStream.rangeClosed(1, 15).mapToObj(i -> "cam" + i).toList();
    private static final String SIXTEENTH = "sixteenth";
    private static final int CLIP_FRAMES = 1250;

    @TempDir
    Path directory;

    private final Map<String, Follower> followers = new TreeMap<>();

    private void followOthers(Stage stage) {
        OTHERS.forEach(
                key -> followers.put(key, new Follower(stage.runDirectory(), key, DeliveryPolicy.lossless(), 0)));
        awaitOthers();
    }

    /** All of them at the same time. */
    private void awaitOthers() {
        Map<String, Long> wanted = new TreeMap<>();
        followers.forEach((key, follower) -> wanted.put(key, follower.received() + 2));
        wanted.forEach((key, frames) -> Await.until(
                () -> frames + " frames; " + followers.get(key),
                () -> followers.get(key).received() >= frames));
    }

    private void assertNothingLost() {
        followers.values().forEach(Follower::close);
        for (Follower follower : followers.values()) {
            assertEquals(1, follower.first(), follower::toString);
            follower.assertUnbroken();
        }
    }

    // through a file

    private void write(Stage stage, String sixteenth) throws IOException {
        StringBuilder text = new StringBuilder("run-dir: " + stage.runDirectory() + "\n"
                + "defaults: {memory: host, threads: 1, max-memory: 64MB}\ncameras:\n");
        OTHERS.forEach(
                key -> text.append("  ").append(key).append(": {test-pattern: 160x120@10, wait-for-subscribers: 1}\n"));
        if (sixteenth != null) {
            text.append("  ").append(SIXTEENTH).append(": {").append(sixteenth).append("}\n");
        }
        Path written = Files.writeString(directory.resolve("cameras.yaml~"), text);
        Files.move(written, file(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private Path file() {
        return directory.resolve("cameras.yaml");
    }

    /** Writes the file and waits until the group says that it did so. */
    private void change(Stage stage, Child group, boolean signalled, String sixteenth, String done) throws Exception {
        long before = said(group, done);
        write(stage, sixteenth);
        if (signalled) {
            group.signal("HUP");
        }
        Await.until(() -> "the log says: " + done + "; " + group, () -> said(group, done) > before);
        awaitOthers();
    }

    private static long said(Child group, String text) {
        return group.errors().stream().filter(line -> line.contains(text)).count();
    }

    /** Adds the sixteenth, gives it other settings, and removes it. */
    private void comeAndGo(Stage stage, Child group, boolean signalled, String first, String second, long wrap)
            throws Exception {
        change(stage, group, signalled, first, "added [sixteenth], changed [], removed [], 15 untouched");
        try (Follower follower = new Follower(stage.runDirectory(), SIXTEENTH, DeliveryPolicy.latest(), wrap)) {
            follower.awaitMore(2);
            change(stage, group, signalled, second, "added [], changed [sixteenth], removed [], 15 untouched");
            Await.until(() -> "it is there again; " + follower, () -> follower.epochs() == 2);
            change(stage, group, signalled, null, "added [], changed [], removed [sixteenth], 15 untouched");
            assertFalse(Files.exists(stage.socketOf(SIXTEENTH)));
        }
    }

    @Test
    void theOthersOfAFileLoseNoFrame() throws Exception {
        try (Stage stage = new Stage()) {
            write(stage, null);
            Child group = stage.start("group", Main.class, List.of("--config", file().toString()));
            followOthers(stage);
            String clip = "input: " + Checkout.clip("pattern-h264") + ", loop: true, realtime: true";
            comeAndGo(stage, group, false, "test-pattern: 160x120@10", "test-pattern: 320x180@10", 0);
            comeAndGo(stage, group, true, "test-pattern: 320x180@10", "test-pattern: 160x120@10", 0);
            comeAndGo(
                    stage,
                    group,
                    true,
                    clip + ", record: " + directory.resolve("video"),
                    clip + ", rendition: [\".small:size=160x90\"]",
                    CLIP_FRAMES);
            for (String key : OTHERS) {
                try (Observer observer = stage.observe(key)) {
                    assertEquals(0, observer.ring().lostNoSlot(), key);
                }
            }
            assertNothingLost();
            group.signal("TERM");
            assertEquals(0, group.awaitExit(), group::toString);
            assertEquals(List.of(), stage.sockets());
        } finally {
            followers.values().forEach(Follower::close);
        }
    }

    // through the API

    private static CameraSettings.Builder settings() {
        return CameraSettings.builder().memory(Memory.HOST).threads(1).maxMemory(64 << 20);
    }

    private static GroupConfig config(Stage stage, CameraSettings sixteenth) {
        Map<String, CameraSettings> cameras = new LinkedHashMap<>();
        CameraSettings pattern = settings()
                .testPattern(PatternSpec.parse("160x120@10"))
                .waitForSubscribers(1)
                .build();
        OTHERS.forEach(key -> cameras.put(key, pattern));
        if (sixteenth != null) {
            cameras.put(SIXTEENTH, sixteenth);
        }
        return new GroupConfig(stage.runDirectory(), cameras);
    }

    @Test
    void theOthersOfAnApplicationLoseNoFrame() throws Exception {
        CameraSettings pattern =
                settings().testPattern(PatternSpec.parse("320x180@10")).build();
        CameraSettings nobody = settings().input("rtsp://127.0.0.1:1/nobody").build();
        CameraSettings nothing =
                settings().input(directory.resolve("nothing.mp4").toString()).build();
        try (Stage stage = new Stage();
                ProducerGroup group = ProducerGroup.builder().build()) {
            assertEquals(OTHERS, group.apply(config(stage, null)).added());
            followOthers(stage);
            Map<String, Producer> producers = new TreeMap<>();
            OTHERS.forEach(key -> producers.put(key, group.producer(key).orElseThrow()));
            for (CameraSettings first : List.of(pattern, nobody, nothing)) {
                CameraSettings second = first == pattern ? nobody : pattern;
                assertEquals(
                        List.of(SIXTEENTH), group.apply(config(stage, first)).added());
                Await.until(
                        () -> "it is on its way: " + group.camera(SIXTEENTH),
                        () -> group.camera(SIXTEENTH).orElseThrow().state() != CameraState.STARTING);
                awaitOthers();
                assertEquals(
                        List.of(SIXTEENTH), group.apply(config(stage, second)).changed());
                awaitOthers();
                ProducerGroup.Changes removed = group.apply(config(stage, null));
                assertEquals(List.of(SIXTEENTH), removed.removed());
                assertEquals(OTHERS, removed.unchanged());
                awaitOthers();
            }
            producers.forEach((key, producer) -> {
                assertSame(producer, group.producer(key).orElseThrow());
                assertEquals(0, producer.counters().lostNoSlot(), key);
            });
            assertNothingLost();
        } finally {
            followers.values().forEach(Follower::close);
        }
    }
}

package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.cli.Main;
import io.github.cuframes.protocol.layout.SourceState;
import io.github.cuframes.subscriber.Observer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command with many cameras: the file changes, is wrong, cameras come and go, and nobody else notices. */
@Timeout(300)
class GroupTest {

    /** Four seconds of 10 frames: what a machine may be busy with others for. */
    private static final int DEPTH = 40;

    private static final int CLIP_FRAMES = 1250;
    private static final List<String> CAMERAS = List.of("cam1", "cam2", "cam3", "cam4", "cam5", "cam6");

    @TempDir
    Path directory;

    private void write(Stage stage, Map<String, String> cameras) throws IOException {
        StringBuilder text = new StringBuilder("run-dir: " + stage.runDirectory() + "\n"
                + "defaults: {memory: host, threads: 1, credits: " + (DEPTH + 1) + ", max-memory: 256MB}\n"
                + "cameras:\n");
        cameras.forEach((key, fields) ->
                text.append("  ").append(key).append(": {").append(fields).append("}\n"));
        replace(text.toString());
    }

    /** As editors do. */
    private void replace(String text) throws IOException {
        Path written = Files.writeString(directory.resolve("cameras.yaml~"), text);
        Files.move(written, file(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private Path file() {
        return directory.resolve("cameras.yaml");
    }

    private Child start(Stage stage) throws IOException {
        return stage.start("group", Main.class, List.of("--config", file().toString()));
    }

    private static void awaitLog(Child group, String text) {
        awaitLogs(group, text, 1);
    }

    private static void awaitLogs(Child group, String text, int times) {
        Await.until(
                () -> "the log says " + times + " times: " + text + "; " + group,
                () -> group.errors().stream()
                                .filter(line -> line.contains(text))
                                .count()
                        >= times);
    }

    private static void closeAll(Iterable<Follower> followers) {
        followers.forEach(Follower::close);
    }

    @Test
    void changesTouchOnlyTheCamerasTheyAreAbout() throws Exception {
        Map<String, Follower> followers = new TreeMap<>();
        try (Stage stage = new Stage()) {
            Map<String, String> cameras = new TreeMap<>();
            CAMERAS.forEach(key -> cameras.put(key, "test-pattern: 160x120@10"));
            write(stage, cameras);
            Child group = start(stage);
            CAMERAS.forEach(key -> followers.put(key, new Follower(stage.runDirectory(), key, DEPTH, 0)));
            followers.values().forEach(follower -> follower.awaitMore(5));

            cameras.put("cam5", "test-pattern: 320x180@10");
            cameras.remove("cam6");
            cameras.put("cam7", "test-pattern: 160x120@10");
            write(stage, cameras);
            awaitLog(group, "added [cam7], changed [cam5], removed [cam6], 4 untouched");
            followers.put("cam7", new Follower(stage.runDirectory(), "cam7", DEPTH, 0));
            followers.get("cam7").awaitMore(5);
            Await.until(() -> "cam5 is there again", () -> followers.get("cam5").epochs() == 2);
            assertFalse(Files.exists(stage.socketOf("cam6")));

            replace("cameras:\n  cam1: {test-pattern: 160x120@10, credits: many}\n  cam2: {retry: true}\n"
                    + "  cam3: {input: x, rendition: [\"cam4:fps=1\"]}\n  cam4: {input: y}\n");
            awaitLog(group, "is not applied, and what ran before runs on");
            awaitLog(group, file() + ":2:45: cameras.cam1.credits: \"many\" is not a whole number");
            awaitLog(group, file() + ":3:10: cameras.cam2.retry: is no field");
            awaitLog(
                    group,
                    file() + ":5:3: cameras.cam4: camera cam4 has the key of a rendition of camera cam3, in line 4");
            followers.get("cam1").awaitMore(5);
            followers.get("cam5").awaitMore(5);
            followers.get("cam7").awaitMore(5);

            group.signal("HUP"); // the file is still wrong
            awaitLogs(group, "is not applied, and what ran before runs on", 2);
            cameras.remove("cam7");
            write(stage, cameras);
            awaitLog(group, "added [], changed [], removed [cam7], 5 untouched");
            group.signal("HUP");
            awaitLog(group, "added [], changed [], removed [], 5 untouched");

            for (String key : CAMERAS.subList(0, 4)) {
                followers.get(key).awaitMore(5);
            }
            closeAll(followers.values());
            CAMERAS.subList(0, 4).forEach(key -> followers.get(key).assertUnbroken());
            group.signal("TERM");
            assertEquals(0, group.awaitExit(), group::toString);
            assertEquals(List.of(), stage.sockets());
        } finally {
            closeAll(followers.values());
        }
    }

    @Test
    void camerasThatCannotBeReachedOrComeAndGoDoNotConcernTheOthers() throws Exception {
        List<Follower> followers = new ArrayList<>();
        try (RtspServer camera = RtspServer.builder()
                        .mount("/cam", Checkout.clip("pattern-h264"))
                        .protocol("tcp")
                        .loop()
                        .start();
                Stage stage = new Stage()) {
            Map<String, String> cameras = new TreeMap<>();
            cameras.put("good", "test-pattern: 160x120@10");
            cameras.put("live", "rtsp: \"" + camera.url("/cam") + "\", rtsp-timeout: 2s");
            cameras.put("nobody", "rtsp: \"rtsp://user:hunter2@127.0.0.1:1/nobody\"");
            cameras.put("nowhere", "input: " + directory.resolve("nothing.mp4"));
            write(stage, cameras);
            Child group = start(stage);
            Follower good = new Follower(stage.runDirectory(), "good", DEPTH, 0);
            Follower live = new Follower(stage.runDirectory(), "live", DEPTH, CLIP_FRAMES);
            followers.addAll(List.of(good, live));
            followers.forEach(follower -> follower.awaitMore(5));
            awaitLog(group, "nobody: connecting (rtsp://***@127.0.0.1:1/nobody: the host refuses the connection");
            awaitLog(group, "nowhere: retrying (");
            try (Observer observer = stage.observe("nobody")) {
                assertEquals(
                        SourceState.CONNECTING, observer.ring().sourceState().orElseThrow());
            }

            camera.kill();
            awaitLog(group, "live: reconnecting (");
            camera.restart();
            awaitLogs(group, "live: streaming", 2);
            live.awaitMore(20);
            assertEquals(1, live.epochs(), "the connection was kept");

            good.awaitMore(5);
            closeAll(followers);
            good.assertUnbroken();
            assertTrue(group.errors().stream().noneMatch(line -> line.contains("hunter2")), group::toString);
            group.signal("TERM");
            assertEquals(0, group.awaitExit(), group::toString);
        } finally {
            closeAll(followers);
        }
    }

    @Test
    void filesThatEndAreTheEndOfTheGroup() throws Exception {
        try (Stage stage = new Stage()) {
            String clip = "input: " + Checkout.clip("pattern-1080p-h264");
            write(stage, Map.of("one", clip));
            Child group = start(stage);
            assertEquals(0, group.awaitExit(), group::toString);
            assertTrue(group.errors().stream().anyMatch(line -> line.contains("one: ended")), group::toString);
        }
    }

    /** The box of cameras, in a small way: half of them RTSP, half of them drawn, two subscribers each, for a minute. */
    @Test
    @Tag("slow")
    void eightCamerasForAMinuteLoseNothing() throws Exception {
        List<Follower> followers = new ArrayList<>();
        try (RtspServer camera = RtspServer.builder()
                        .mount("/cam", Checkout.clip("pattern-h264"))
                        .protocol("tcp")
                        .loop()
                        .start();
                Stage stage = new Stage()) {
            Map<String, String> cameras = new TreeMap<>();
            for (int i = 1; i <= 8; i++) {
                cameras.put(
                        "cam" + i,
                        i <= 4 ? "rtsp: \"" + camera.url("/cam") + "\", filter: fps=10" : "test-pattern: 640x360@10");
            }
            write(stage, cameras);
            Child group = start(stage);
            for (String key : cameras.keySet()) {
                long wrap = cameras.get(key).startsWith("rtsp") ? CLIP_FRAMES : 0;
                followers.add(new Follower(stage.runDirectory(), key, DEPTH, wrap));
                followers.add(new Follower(stage.runDirectory(), key, DEPTH, wrap));
            }
            for (int second = 0; second < 60; second += 10) {
                List<Long> before = followers.stream().map(Follower::received).toList();
                for (int i = 0; i < followers.size(); i++) {
                    Follower follower = followers.get(i);
                    long wanted = before.get(i) + 100;
                    Await.until(() -> wanted + " frames of " + follower, () -> follower.received() >= wanted);
                }
            }
            closeAll(followers);
            followers.forEach(Follower::assertUnbroken);
            group.signal("TERM");
            assertEquals(0, group.awaitExit(), group::toString);
        } finally {
            closeAll(followers);
        }
    }
}

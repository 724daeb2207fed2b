package io.github.cuframes.tests.faults;

import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Report;
import io.github.cuframes.tests.RtspServer;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.opentest4j.TestAbortedException;

/** A camera of real RTSP behind a proxy that hurts its stream, the command that decodes it, and two subscribers. */
final class RtspCamera {

    private static final String KEY = "rtsp";
    private static final String PATH = "/cam";
    /** More than from one key frame of the clips to the next, at half the rate. */
    private static final Duration KEY_FRAMES = Duration.ofMillis(4_500);

    private static final int REORDERED = 4;
    /** Until the decoder has seen how the pictures of a stream that begins are reordered. */
    private static final Duration BEGINNING = Duration.ofSeconds(1);

    private static final Duration SILENCE = Duration.ofSeconds(1);

    final RtspServer server;
    final RtspProxy proxy;

    private final RtspServer other;
    private final Actor producer;
    private final Camera camera;
    private boolean switched;

    RtspCamera(Theatre theatre) throws IOException, StepFailure, SkippedStep {
        try {
            server = RtspServer.builder()
                    .mount(PATH, Checkout.clip("pattern-h264"), Checkout.clip("pattern-1080p-h264"))
                    .protocol("tcp")
                    .loop()
                    .start();
            other = RtspServer.builder()
                    .mount(PATH, Checkout.clip("pattern-hevc"))
                    .protocol("tcp")
                    .loop()
                    .start();
        } catch (TestAbortedException e) {
            throw new SkippedStep(e.getMessage());
        }
        proxy = new RtspProxy(server.port());
        camera = new Camera(KEY, theatre.directories.run);
        producer = theatre.start(
                "producer " + KEY,
                io.github.cuframes.producer.cli.Main.class,
                List.of(
                        "--key",
                        KEY,
                        "--run-dir",
                        theatre.directories.run.toString(),
                        "--rtsp",
                        "rtsp://127.0.0.1:" + proxy.port() + PATH,
                        "--rtsp-timeout",
                        SILENCE.toSeconds() + "s",
                        "--memory",
                        theatre.size.memory(),
                        "--retry"));
        // FFmpeg's libraries take seconds to load on a busy machine
        Await.until(
                () -> "a socket of " + producer, () -> Files.exists(theatre.directories.run.resolve(KEY + ".sock")));
        for (String policy : List.of("latest", "fifo:4")) {
            theatre.addMember(camera, policy);
        }
        Member.awaitFrames(camera.members, System.nanoTime());
    }

    /** Has the camera come back as one of another codec; which one that is. */
    String switchCodec() {
        switched = !switched;
        proxy.upstream(switched ? other.port() : server.port());
        proxy.reset();
        return switched ? "HEVC" : "H.264";
    }

    /** Everything works from now on: waits for frames, and asks whether all was well. */
    void recover(Outcome outcome) throws StepFailure {
        outcome.recovered(Member.awaitFrames(camera.members, System.nanoTime()));
        ProcessFaults.elapse(BEGINNING.toMillis());
        Member.awaitFrames(camera.members, System.nanoTime());
        for (Member member : camera.members) {
            // where a stream ended, pictures are missing that others, which came before it did, refer to; where
            // one begins, FFmpeg drops a picture each time when it sees that more are reordered than it thought
            member.excuseHoles(REORDERED);
        }
        check();
        if (!producer.isAlive()) {
            throw new StepFailure(producer + " did not live through it");
        }
    }

    /**
     * The same after packets were lost or repeated: pictures that the decoder made of the rest may be damaged without its
     * knowing, until the next key frame. That is told, and not held against anybody.
     */
    void recoverFromLoss(Outcome outcome) throws StepFailure {
        outcome.recovered(Member.awaitFrames(camera.members, System.nanoTime()));
        ProcessFaults.elapse(KEY_FRAMES.toMillis());
        Member.awaitFrames(camera.members, System.nanoTime());
        long damaged = 0;
        for (Member member : camera.members) {
            damaged += member.excuse();
        }
        outcome.detail(damaged + " frames damaged or missing without a word");
        recover(new Outcome());
    }

    void check() throws StepFailure {
        for (Member member : camera.members) {
            member.check();
        }
    }

    void close(Consumer<Report> checks) throws IOException {
        for (Member member : new ArrayList<>(camera.members)) {
            Report last = member.takeLastCheck();
            if (last != null) {
                checks.accept(last);
            }
        }
        proxy.close();
        server.close();
        other.close();
    }
}

package io.github.cuframes.benchmarks;

import io.github.cuframes.benchmarks.Tally.Count;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** A program of {@link BoxBenchmark} that decodes all cameras for itself: FFmpeg alone, a thread a decoder. */
final class BoxDecoders extends BoxMember {

    private static final Logger LOG = LoggerFactory.getLogger(BoxDecoders.class);

    @Option(names = "--clip", required = true)
    private Path clip;

    @Option(names = "--cameras", required = true)
    private int count;

    @Option(names = "--device", required = true)
    private PlainDecoder.Device device;

    @Option(names = "--small-fps", description = "Make small frames as well. Without: none.")
    private int smallFps;

    @Option(names = "--small", converter = Size.Converter.class, description = "Without: as large as the camera.")
    private Size small;

    private final List<Camera> cameras = new ArrayList<>();
    private volatile boolean stopping;

    private BoxDecoders() {}

    /** Runs until standard input ends. */
    public static void main(String[] arguments) throws IOException {
        BoxDecoders decoders = new BoxDecoders();
        new CommandLine(decoders).parseArgs(arguments);
        Servant.serve(decoders);
    }

    @Override
    void carryOut(String order, List<String> arguments) throws IOException {
        if (!order.equals("open")) {
            throw Servant.unknown(order);
        }
        for (int i = 0; i < count; i++) {
            Camera camera = new Camera(Cameras.key(i));
            cameras.add(camera);
            camera.start(); // each as soon as it is open: like cameras, they do not send in step
        }
        for (Camera camera : cameras) {
            Streams.awaitAtLeast(1, camera.decoder::decoded, camera.getName());
        }
    }

    @Override
    void mark() {
        // no peaks here
    }

    @Override
    Tally counts() {
        Tally tally = new Tally();
        for (Camera camera : cameras) {
            tally.add(Count.DECODED, camera.decoder.decoded());
            tally.add(Count.SMALL_MADE, camera.scaler == null ? 0 : camera.scaler.scaled());
            tally.add(Count.FAILURES, camera.failures);
        }
        return tally;
    }

    @Override
    void stop() {
        stopping = true;
        try {
            for (Camera camera : cameras) {
                camera.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return; // their threads may still use the decoders
        }
        cameras.forEach(camera -> camera.decoder.close());
    }

    /** A decoder and its thread. */
    private final class Camera extends Thread {
        private final PlainDecoder decoder;
        private final PlainScaler scaler;
        private volatile long failures;

        Camera(String name) throws IOException {
            super(name);
            setDaemon(true);
            decoder = new PlainDecoder(clip, device, 1);
            scaler = smallFps > 0 ? decoder.scaleTo(small, smallFps) : null;
        }

        @Override
        public void run() {
            try {
                decoder.atItsPace();
                decoder.decodeUntil(() -> stopping);
            } catch (IOException e) {
                failures = 1;
                LOG.warn("{}: {}", getName(), e.getMessage());
            }
        }
    }
}

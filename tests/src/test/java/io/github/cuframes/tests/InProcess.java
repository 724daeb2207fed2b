package io.github.cuframes.tests;

import io.github.cuframes.producer.CameraSettings;
import io.github.cuframes.producer.GroupConfig;
import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.ProducerGroup;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.pattern.FrameCode;
import io.github.cuframes.standin.StandInControl;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.subscriber.SubscriberException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Cameras of a group and a subscriber of each, all in this process. Arguments: {@code run-dir=}, {@code memory=},
 * {@code input=}, {@code cameras=} and {@code frames=}, so many of each. Reports {@code done}, and where the memory is CUDA,
 * which then is the stand-in's, {@code memory} with what the driver says; or {@code failed}.
 */
public final class InProcess {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final PrintStream out = System.out;
    private final Report options;
    private final Memory memory;

    private InProcess(Report options) {
        this.options = options;
        memory = Memory.valueOf(options.text("memory").toUpperCase(Locale.ROOT).replace('-', '_'));
    }

    /** Runs until all frames have come. */
    public static void main(String[] arguments) {
        new InProcess(Report.parse("options " + String.join(" ", arguments))).run();
        System.exit(0);
    }

    private void run() {
        Path runDirectory = Path.of(options.text("run-dir"));
        Map<String, CameraSettings> cameras = new LinkedHashMap<>();
        for (int i = 0; i < options.number("cameras"); i++) {
            cameras.put(
                    "cam" + i,
                    CameraSettings.builder()
                            .input(options.text("input"))
                            .loop(true)
                            .realtime(true)
                            .threads(1)
                            .memory(memory)
                            .build());
        }
        try (ProducerGroup group = ProducerGroup.builder().build()) {
            group.apply(new GroupConfig(runDirectory, cameras));
            Map<String, Subscriber> subscribers = new LinkedHashMap<>();
            try {
                for (String key : cameras.keySet()) {
                    subscribers.put(key, connect(runDirectory, key));
                }
                for (Subscriber subscriber : subscribers.values()) {
                    receive(subscriber);
                }
                report(group, cameras);
            } finally {
                subscribers.values().forEach(Subscriber::close);
            }
        } catch (SubscriberException e) {
            out.println("failed " + e.getMessage());
        }
    }

    private static Subscriber connect(Path runDirectory, String key) {
        return Subscriber.builder(key)
                .runDirectory(runDirectory)
                .policy(DeliveryPolicy.fifo(4))
                .connectTimeout(PATIENCE)
                .connect();
    }

    private void receive(Subscriber subscriber) {
        FrameVerifier verifier = new FrameVerifier(-1, 1250, out::println);
        boolean writable = false;
        for (int i = 0; i < options.number("frames"); i++) {
            try (Frame frame = subscriber.next(PATIENCE)) {
                ByteBuffer luma;
                int pitch;
                if (frame.memoryKind() == MemoryKind.HOST) {
                    luma = frame.plane(0);
                    pitch = frame.pitch(0);
                    writable |= !luma.isReadOnly();
                } else {
                    luma = ByteBuffer.allocateDirect(frame.rows(0) * frame.rowBytes(0));
                    pitch = frame.rowBytes(0);
                    frame.download(0, luma);
                }
                long code = FrameCode.read(luma, 0, pitch, frame.width(), frame.height());
                verifier.next(code, frame.epoch(), frame.sequence(), frame.breaksStream());
            }
        }
        out.println("done key=" + subscriber.key() + " violations=" + verifier.violations() + " writable=" + writable);
    }

    private void report(ProducerGroup group, Map<String, CameraSettings> cameras) {
        if (memory != Memory.CUDA) {
            return;
        }
        long bytes = 0;
        for (String key : cameras.keySet()) {
            Producer producer = group.producer(key).orElseThrow();
            bytes += producer.counters().memoryBytes();
        }
        StandInControl driver = StandInControl.load();
        out.println("memory rings=" + bytes + " allocated=" + driver.allocated(0) + " contexts="
                + driver.calls("cuCtxCreate"));
    }
}

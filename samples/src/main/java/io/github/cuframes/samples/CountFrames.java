package io.github.cuframes.samples;

import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.time.Duration;

/** The smallest subscriber: the mean brightness of each of a hundred frames, read where they lie. */
public final class CountFrames {

    private CountFrames() {}

    /** Takes the stream's key. */
    public static void main(String[] arguments) {
        String key = arguments.length == 0 ? "cam1" : arguments[0];
        PrintStream out = System.out;
        try (Subscriber subscriber = Subscriber.connect(key)) {
            for (int i = 0; i < 100; i++) {
                try (Frame frame = subscriber.next(Duration.ofSeconds(10))) {
                    if (frame == null) {
                        out.println("no frame for 10 s");
                        return;
                    }
                    out.printf("frame %d: mean luma %.1f%n", frame.sequence(), meanLuma(frame));
                }
            }
        }
    }

    private static double meanLuma(Frame frame) {
        ByteBuffer luma = frame.plane(0);
        long sum = 0;
        for (int y = 0; y < frame.rows(0); y++) {
            for (int x = 0; x < frame.rowBytes(0); x++) {
                sum += luma.get(y * frame.pitch(0) + x) & 0xFF;
            }
        }
        return (double) sum / frame.rows(0) / frame.rowBytes(0);
    }
}

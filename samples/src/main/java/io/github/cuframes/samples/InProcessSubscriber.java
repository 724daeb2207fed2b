package io.github.cuframes.samples;

import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;

/** The application that decodes a camera reads its frames, too, with the same calls as any other process. */
public final class InProcessSubscriber {

    private static final int FRAMES = 50;

    private InProcessSubscriber() {}

    /** Takes the stream's key, and a camera's URL or a file; without the latter, it makes pictures of its own. */
    public static void main(String[] arguments) throws IOException {
        String key = arguments.length == 0 ? "mine" : arguments[0];
        PrintStream out = System.out;
        var camera = Producer.builder(key);
        if (arguments.length > 1) {
            camera.input(arguments[1]).realtime(true);
        } else {
            camera.testPattern(PatternSpec.parse("640x360@25"));
        }
        try (Producer producer = camera.open();
                Subscriber subscriber =
                        Subscriber.builder(key).policy(DeliveryPolicy.fifo(4)).connect()) {
            for (int i = 0; i < FRAMES; i++) {
                try (Frame frame = subscriber.next(Duration.ofSeconds(10))) {
                    if (frame == null) {
                        out.println("no frame for 10 s: " + producer.state().label());
                        return;
                    }
                    out.println("frame " + frame.sequence() + " of " + frame.width() + "x" + frame.height());
                }
            }
            out.println("received " + subscriber.statistics().received() + ", dropped "
                    + subscriber.statistics().dropped());
        }
    }
}

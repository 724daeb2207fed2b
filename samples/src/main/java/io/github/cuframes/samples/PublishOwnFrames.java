package io.github.cuframes.samples;

import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The smallest publisher: an application's own pictures, a grey that grows brighter, 25 a second for a minute. */
public final class PublishOwnFrames {

    private static final long FRAME_NANOS = TimeUnit.MILLISECONDS.toNanos(40);

    private PublishOwnFrames() {}

    /** Takes the stream's key. */
    public static void main(String[] arguments) throws IOException {
        FrameLayout layout = FrameLayout.of(PixelFormat.GRAY8, 320, 240, 64);
        StreamConfig config =
                new StreamConfig(layout, new Rational(1, 1_000_000_000), new Rational(25, 1), Colour.UNSPECIFIED);
        FrameInfo info = new FrameInfo();
        try (Publisher publisher =
                Publisher.builder(arguments.length == 0 ? "grey" : arguments[0]).open()) {
            publisher.configure(config, 1);
            for (long n = 0; n < 60 * 25; n++) {
                Slot slot = publisher.acquire();
                if (slot != null) {
                    for (int i = 0; i < layout.size(); i++) {
                        slot.buffer().put(i, (byte) n);
                    }
                    slot.publish(info.reset().pts(n * FRAME_NANOS, n * FRAME_NANOS));
                    slot.release();
                }
                LockSupport.parkNanos(FRAME_NANOS);
            }
        }
    }
}

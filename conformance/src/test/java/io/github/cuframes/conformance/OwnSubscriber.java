package io.github.cuframes.conformance;

import io.github.cuframes.conformance.subscriber.SubscriberUnderTest;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.subscriber.SubscriberException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/** Our own subscriber, on a thread of this process. */
final class OwnSubscriber implements SubscriberUnderTest {

    private final Duration patience;

    OwnSubscriber(Duration patience) {
        this.patience = patience;
    }

    @Override
    public Duration patience() {
        return patience;
    }

    @Override
    public Optional<Path> fixedSocket() {
        return Optional.empty();
    }

    @Override
    public boolean takesPolicy() {
        return true;
    }

    @Override
    public Running start(Path directory, String key, String policy) {
        AtomicBoolean leaving = new AtomicBoolean();
        Thread thread = new Thread(
                () -> {
                    try (Subscriber subscriber = Subscriber.builder(key)
                            .runDirectory(directory)
                            .policy(DeliveryPolicy.parse(policy))
                            .connectTimeout(patience)
                            .connect()) {
                        take(subscriber, leaving);
                    } catch (SubscriberException e) {
                        return; // it was refused, or refused itself, as it was to be
                    }
                },
                "subscriber");
        thread.setDaemon(true);
        thread.start();
        return () -> {
            leaving.set(true);
            thread.interrupt(); // it may wait for a WELCOME that will not come
            try {
                thread.join(Duration.ofSeconds(10).toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
    }

    private void take(Subscriber subscriber, AtomicBoolean leaving) {
        while (!leaving.get() && !subscriber.isAtEnd()) {
            try (Frame frame = subscriber.next(patience)) {
                if (frame != null) {
                    frame.plane(0).get(0);
                }
            }
        }
    }
}

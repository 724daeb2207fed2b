package io.github.cuframes.samples;

import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.publish.PublisherCounters;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;

/** A producer inside an application: what becomes of the camera, and what it costs, until it ends. */
public final class EmbeddedNvr {

    private static final Duration REPORT = Duration.ofSeconds(5);

    private EmbeddedNvr() {}

    /** Takes the stream's key, and a camera's URL or a file. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        PrintStream out = System.out;
        try (Producer camera = Producer.builder(arguments[0])
                .input(arguments[1])
                .retryFirst(true) // a camera that is off now may be on later
                .listener((state, cause) ->
                        out.println("state " + state.label() + (cause == null ? "" : ": " + cause.getMessage())))
                .publish(publisher -> publisher.maxSubscribers(8).maxMemory(512L << 20))
                .open()) {
            boolean ended = false;
            while (!ended) {
                ended = camera.awaitEnd(REPORT);
                PublisherCounters counters = camera.counters();
                out.println("published " + counters.published() + ", copied " + counters.copied());
            }
        }
    }
}

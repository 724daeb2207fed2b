package io.github.cuframes.producer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.testing.StandInTest;
import io.github.cuframes.producer.testing.TestClip;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A GPU whose streams stop, under a producer as applications use it, with the process's own watchdog. */
class GpuHangTest extends StandInTest {

    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    Path directory;

    private final List<String> events = new CopyOnWriteArrayList<>();
    private Path clip;

    @BeforeEach
    void write() throws Exception {
        clip = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 25);
    }

    private Producer producer(int maxHung) throws IOException {
        return Producer.builder("cam")
                .input(clip.toString())
                .loop(true)
                .realtime(true)
                .memory(Memory.CUDA)
                .hangs(Duration.ofSeconds(1), maxHung)
                .publish(publisher -> publisher.runDirectory(directory.resolve("run")))
                .listener((state, cause) -> events.add(state + (cause == null ? "" : ": " + cause.getMessage())))
                .open();
    }

    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            if (Thread.currentThread().isInterrupted()) {
                throw new AssertionError("interrupted, because it takes too long");
            }
            Thread.onSpinWait();
        }
    }

    private static void awaitFrames(Producer producer, int more) {
        long from = producer.counters().published();
        await(() -> producer.counters().published() >= from + more);
    }

    @Test
    void aCameraWhoseGpuWaitHangsIsStartedAgain() throws Exception {
        try (Producer producer = producer(3)) {
            awaitFrames(producer, 5);
            int generation = producer.counters().generation();
            control.blockAll(true);
            await(() -> producer.sourceCounters().get(IngestCounter.HANGS) == 1);
            // the listener is told after the state is there to be seen
            await(() -> events.get(events.size() - 1).startsWith(SourceState.RECONNECTING.name()));
            assertTrue(
                    events.get(events.size() - 1).contains("RECONNECTING: waiting for the GPU has taken 1 s"),
                    events::toString);
            control.blockAll(false); // the hung thread goes on, and frees what it had
            awaitFrames(producer, 5);
            assertEquals(SourceState.STREAMING, producer.state());
            assertEquals(generation + 1, producer.counters().generation());
        }
        // StandInTest looks whether anything of the driver's is left
    }

    @Test
    void oneHangIsEnoughWhereNoneIsPutUpWith() throws Exception {
        Producer producer = producer(0);
        try {
            awaitFrames(producer, 5);
            control.blockAll(true);
            IOException e = assertThrows(IOException.class, () -> producer.awaitEnd(LONG));
            assertInstanceOf(HangException.class, e);
            assertEquals(SourceState.FAILED, producer.state());
        } finally {
            control.blockAll(false);
            await(() -> Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread.getName().startsWith("cuframes-ingest-")
                            || thread.getName().startsWith("cuframes-close-")));
            producer.close();
        }
    }
}

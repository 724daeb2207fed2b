package io.github.cuframes.producer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.transport.KeyInUseException;
import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.ingest.InputException;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ProducerTest {

    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Path CLIP = Path.of("../samples/clips/pattern-1080p-h264.mp4");
    private static final int CLIP_FRAMES = 100;

    @TempDir
    Path directory;

    private final List<SourceState> states = new CopyOnWriteArrayList<>();

    private ProducerBuilder builder() {
        return Producer.builder("cam")
                .publish(publisher -> publisher.runDirectory(directory))
                .listener((state, cause) -> states.add(state));
    }

    @Test
    void aFileIsPublishedToItsEndWithoutACopy() throws Exception {
        try (Producer producer = builder().input(CLIP.toString()).open()) {
            assertTrue(producer.awaitEnd(LONG));
            assertEquals(List.of(SourceState.CONNECTING, SourceState.STREAMING, SourceState.ENDED), states);
            assertEquals(CLIP_FRAMES, producer.counters().published());
            assertEquals(0, producer.counters().copied());
            assertEquals(0, producer.counters().lostNoSlot());
            assertEquals(CLIP_FRAMES, producer.sourceCounters().get(IngestCounter.DECODED));
            assertTrue(producer.sourceCounters().get(IngestCounter.DECODE_NANOS) > 0);
        }
        assertFalse(Files.exists(directory.resolve("cam.sock")));
    }

    @Test
    void aFileThatIsNoneIsWhyItFailed() throws Exception {
        try (Producer producer =
                builder().input(directory.resolve("nothing.mp4").toString()).open()) {
            InputException e = assertInstanceOf(
                    InputException.class, assertThrows(IOException.class, () -> producer.awaitEnd(LONG)));
            assertEquals(InputException.Kind.NOT_FOUND, e.kind());
            assertEquals(SourceState.FAILED, producer.state());
        }
    }

    @Test
    void closingEndsATestPatternAndFreesTheKey() throws Exception {
        Producer first = builder().testPattern(PatternSpec.parse("160x120@100")).open();
        assertThrows(
                KeyInUseException.class,
                () -> builder().testPattern(PatternSpec.parse("160x120@100")).open());
        while (first.counters().published() < 3) {
            assertFalse(first.awaitEnd(Duration.ofMillis(1)));
        }
        first.close();
        first.close();
        assertFalse(first.awaitEnd(LONG));
        assertEquals(List.of(SourceState.STREAMING), states);
        builder().testPattern(PatternSpec.parse("160x120@100")).open().close();
    }

    @Test
    void oneInputIsNeededAndNotTwo() {
        assertThrows(IllegalStateException.class, () -> builder().open());
        assertThrows(IllegalStateException.class, () -> builder()
                .input("a.mp4")
                .testPattern(PatternSpec.parse("160x120@25"))
                .open());
    }
}

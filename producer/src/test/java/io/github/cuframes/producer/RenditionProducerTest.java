package io.github.cuframes.producer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.transport.KeyInUseException;
import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.testing.TestClip;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class RenditionProducerTest {

    private static final Duration LONG = Duration.ofSeconds(30);
    private static final int FRAMES = 20;

    @TempDir
    static Path clips;

    private static String clip;

    @TempDir
    Path directory;

    @BeforeAll
    static void write() {
        clip = TestClip.h264(320, 240).write(clips.resolve("clip.mp4"), FRAMES).toString();
    }

    private ProducerBuilder builder() {
        return Producer.builder("cam")
                .input(clip)
                .memory(Memory.HOST)
                .publish(publisher -> publisher.runDirectory(directory))
                .rendition("cam.detect", rendition -> rendition.size(80, 60).fps(5))
                .rendition("cam.flipped", rendition -> rendition.filter("hflip"));
    }

    private boolean isThere(String key) {
        return Files.exists(directory.resolve(key + ".sock"));
    }

    @Test
    void eachHasItsKeyAndCounters() throws Exception {
        try (Producer producer = builder().loop(true).realtime(true).open()) {
            for (String key : List.of("cam", "cam.detect", "cam.flipped")) {
                assertTrue(isThere(key), key);
            }
            while (producer.renditions().get(1).publisher().published() < 2) {
                assertFalse(producer.awaitEnd(Duration.ofMillis(1)));
            }
        }
        for (String key : List.of("cam", "cam.detect", "cam.flipped")) {
            assertFalse(isThere(key), key);
        }
    }

    @Test
    void oneDecodeIsCountedOnceAndEachStreamForItself() throws Exception {
        try (Producer producer = builder().open()) {
            assertTrue(producer.awaitEnd(LONG));
            assertEquals(FRAMES, producer.sourceCounters().get(IngestCounter.DECODED));
            assertEquals(FRAMES, producer.counters().published());
            assertEquals(0, producer.counters().copied());
            List<RenditionCounters> renditions = producer.renditions();
            assertEquals(
                    List.of("cam.detect", "cam.flipped"),
                    renditions.stream().map(RenditionCounters::key).toList());
            assertRendition(renditions.get(0), 1); // for it has no subscribers, and its size is all there is to it
            assertRendition(renditions.get(1), FRAMES);
            assertTrue(renditions.get(0).publisher().memoryBytes() * 4
                    < producer.counters().memoryBytes());
        }
    }

    private static void assertRendition(RenditionCounters rendition, long frames) {
        Map<IngestCounter, Long> counted = rendition.frames();
        assertEquals(IngestCounter.OF_RENDITIONS, counted.keySet());
        assertEquals(frames, rendition.publisher().published());
        assertEquals(frames, rendition.publisher().copied());
        assertEquals(1, rendition.publisher().generation());
        assertEquals(frames, counted.get(IngestCounter.PUBLISHED));
        assertEquals(FRAMES - frames, counted.get(IngestCounter.UNWANTED));
        assertEquals(0, counted.get(IngestCounter.THINNED));
        assertEquals(0, counted.get(IngestCounter.DROPPED_FAILED));
    }

    @Test
    void aKeyThatIsTakenIsWhyNothingIsOpen() throws Exception {
        try (Publisher other =
                Publisher.builder("cam.flipped").runDirectory(directory).open()) {
            KeyInUseException e =
                    assertThrows(KeyInUseException.class, () -> builder().open());
            assertTrue(e.getMessage().contains("cam.flipped"), e.getMessage());
            assertFalse(isThere("cam"));
            assertFalse(isThere("cam.detect"));
            assertEquals("cam.flipped", other.key());
        }
        builder().open().close();
    }

    @Test
    void aRenditionThatCannotBeIsWhyTheProducerFails() throws Exception {
        try (Producer producer = builder()
                .rendition("cam.bad", rendition -> rendition.filter("no_such_filter"))
                .open()) {
            IOException e = assertThrows(IOException.class, () -> producer.awaitEnd(LONG));
            assertTrue(
                    e.getMessage().startsWith("rendition \"cam.bad\": the filter \"no_such_filter\" cannot be used"),
                    e.getMessage());
            assertEquals(SourceState.FAILED, producer.state());
        }
    }

    @Test
    void memoryOfARenditionIsBoundedForItself() throws Exception {
        try (Producer producer = builder()
                .rendition("cam.large", rendition -> rendition.size(1280, 960).publish(p -> p.maxMemory(1 << 20)))
                .open()) {
            assertTrue(producer.awaitEnd(LONG), "the others go on");
            assertEquals(FRAMES, producer.counters().published());
            RenditionCounters large = producer.renditions().get(2);
            assertEquals(0, large.publisher().published());
            assertEquals(FRAMES, large.frames().get(IngestCounter.DROPPED_FAILED));
        }
    }

    @Test
    void aTestPatternHasNone() {
        ProducerBuilder pattern = Producer.builder("pattern")
                .testPattern(PatternSpec.parse("160x120@25"))
                .rendition("pattern.detect", rendition -> rendition.size(80, 60));
        assertThrows(IllegalStateException.class, pattern::open);
    }
}

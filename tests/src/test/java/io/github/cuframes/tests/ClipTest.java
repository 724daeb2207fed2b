package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.pattern.FrameCode;
import java.nio.file.Files;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The committed clips are what {@code docs/test-pattern.md} says. */
class ClipTest {

    @ParameterizedTest
    @CsvSource({
        "pattern-h264, 640x360, 1250, 1",
        "pattern-hevc, 640x360, 1250, 2",
        "pattern-1080p-h264, 1920x1080, 100, 3"
    })
    void everyFrameCarriesItsNumber(String name, String size, int frames, int tag) throws Exception {
        assertTrue(Files.size(Checkout.clip(name)) < 300_000);
        try (CodeReader reader = new CodeReader(Checkout.clip(name).toString(), Map.of())) {
            for (int number = 0; number < frames; number++) {
                assertTrue(reader.next(), "the clip ends before frame " + number);
                long code = reader.code();
                assertEquals((long) tag << 32 | number, code, () -> FrameCode.describe(code));
                assertEquals(number * 40L, reader.ptsMillis());
                assertEquals(size, reader.size());
            }
            assertFalse(reader.next(), "the clip goes on");
        }
    }
}

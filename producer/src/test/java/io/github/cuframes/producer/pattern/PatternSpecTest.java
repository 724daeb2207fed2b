package io.github.cuframes.producer.pattern;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.frame.Rational;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PatternSpecTest {

    @ParameterizedTest
    @CsvSource({
        "640x360@25, 640, 360, 25, 1",
        "1920x1080@29.97, 1920, 1080, 2997, 100",
        "1281x721@30000/1001, 1281, 721, 30000, 1001",
        "160x120@0.5, 160, 120, 5, 10",
        "32768x32768@1000, 32768, 32768, 1000, 1",
    })
    void parses(String text, int width, int height, int numerator, int denominator) {
        assertEquals(new PatternSpec(width, height, new Rational(numerator, denominator)), PatternSpec.parse(text));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "640x360",
                "640@25",
                "640x360@",
                "640X360@25",
                "640x360@25fps",
                "-640x360@25",
                "640x360@25.",
                " 640x360@25",
                "640x360@1/",
                "99999999x360@25"
            })
    void saysHowToWriteIt(String text) {
        String message = assertThrows(IllegalArgumentException.class, () -> PatternSpec.parse(text))
                .getMessage();
        assertEquals("test pattern '" + text + "' is not WIDTHxHEIGHT@FPS; write it like 640x360@25", message);
    }

    @ParameterizedTest
    @CsvSource({
        "159x120@25, width 159, 160",
        "160x119@25, height 119, 120",
        "32769x360@25, width 32769, 32768",
        "640x360@0, rate 0/1, 1000",
        "640x360@1001, rate 1001/1, 1000",
        "640x360@25/0, divides by 0, 30000/1001",
    })
    void saysWhatIsOutOfRange(String text, String value, String bound) {
        String message = assertThrows(IllegalArgumentException.class, () -> PatternSpec.parse(text))
                .getMessage();
        assertTrue(message.contains(value) && message.contains(bound), message);
    }

    @Test
    void dueTimesAreExactFarOut() {
        PatternSpec ntsc = PatternSpec.parse("640x360@30000/1001");
        assertEquals(0, ntsc.due(0, 90_000));
        assertEquals(3003, ntsc.due(1, 90_000));
        assertEquals(33_366_666, ntsc.due(1, 1_000_000_000));
        // 30000 frames last 1001 s, a hundred thousand times over
        assertEquals(1001L * 100_000 * 1_000_000_000, ntsc.due(30_000L * 100_000, 1_000_000_000));
        assertEquals(1001L * 100_000 * 90_000, ntsc.due(30_000L * 100_000, 90_000));
    }
}

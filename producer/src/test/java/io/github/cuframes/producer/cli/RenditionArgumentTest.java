package io.github.cuframes.producer.cli;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.Producer;
import io.github.cuframes.protocol.frame.Rational;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class RenditionArgumentTest {

    private static void add(String text) {
        new RenditionArgument.Converter().convert(text).addTo(Producer.builder("cam"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cam.detect:size=640x360",
                "cam.detect:size=640x360,fps=5",
                "cam.detect:fps=12.5,wait=1,credits=2,max-subscribers=4,max-memory=64MB,size=320x180",
                "cam.detect:filter=scale=640:360:flags=bilinear,hflip",
                "cam.detect:fps=30000/1001,filter=crop=w=100:h=100,split[a][b];[a][b]vstack"
            })
    void whatIsOneIsTaken(String text) {
        assertDoesNotThrow(() -> add(text));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "cam.detect|no rendition",
                "cam.detect:|no rendition",
                ":size=640x360|no rendition",
                "cam.detect:640x360|'640x360' has no value",
                "cam.detect:size=|'size=' has no value",
                "cam.detect:size=640|'640' is no size such as 640x360",
                "cam.detect:size=640x360,size=320x180|two values of size",
                "cam.detect:fps=often|'often' is no rate",
                "cam.detect:fps=0|'0' is no rate",
                "cam.detect:wait=-1|'-1' is no number",
                "cam.detect:max-memory=much|'much' is no size",
                "cam.detect:filter=scale=640:360,size=640x360,fps=5|",
                "cam.detect:scale=640:360|there is no option 'scale'"
            })
    void whatIsNoneIsNamed(String text, String why) {
        if (why == null) {
            assertDoesNotThrow(() -> add(text), "all behind filter= is its graph");
            return;
        }
        TypeConversionException e = assertThrows(TypeConversionException.class, () -> add(text));
        assertTrue(e.getMessage().contains("'" + text + "': "), e.getMessage());
        assertTrue(e.getMessage().contains(why), e.getMessage());
        assertTrue(e.getMessage().contains("write KEY:size=WxH,fps=N"), e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "cam.detect:size=0x360|rendition \"cam.detect\": 0x360 is no size",
                "cam.detect:size=640x360,filter=hflip|rendition \"cam.detect\": it has a size and a filter",
                "cam:size=640x360|rendition \"cam\": this camera has a stream of that name",
                "a/b:size=640x360|a/b"
            })
    void whatMakesNoSenseIsNamed(String text, String why) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> add(text));
        assertTrue(e.getMessage().contains(why), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--input=a.mp4 --rendition=cam.detect",
                "--input=a.mp4 --rendition=cam:fps=5",
                "--input=a.mp4 --rendition=b:fps=5 --rendition=b:fps=6",
                "--input=a.mp4 --fps=often",
                "--test-pattern=160x120@25 --rendition=cam.detect:fps=5"
            })
    void theCommandRefusesWhatMakesNoSense(String arguments) {
        PrintStream before = System.err;
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            assertEquals(2, Main.run(("--key=cam " + arguments).split(" ")));
        } finally {
            System.setErr(before);
        }
        String said = err.toString(StandardCharsets.UTF_8).strip();
        assertTrue(said.startsWith("cuframes-producer: ") && said.lines().count() == 1, said);
    }

    @ParameterizedTest
    @CsvSource({"5,5,1", "12.5,125,10", "0.04,4,100", "30000/1001,30000,1001"})
    void ratesAreExact(String text, int numerator, int denominator) {
        assertEquals(new Rational(numerator, denominator), new Converters.OfRate().convert(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0", "0/1", "5/0", "-5", "5.", "1.2345", "5fps", "9999999"})
    void ratesThatAreNoneAreNamed(String text) {
        TypeConversionException e =
                assertThrows(TypeConversionException.class, () -> new Converters.OfRate().convert(text));
        assertTrue(e.getMessage().contains("'" + text + "' is no rate"), e.getMessage());
    }
}

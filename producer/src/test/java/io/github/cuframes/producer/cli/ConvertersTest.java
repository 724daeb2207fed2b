package io.github.cuframes.producer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetSocketAddress;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class ConvertersTest {

    @ParameterizedTest
    @CsvSource({"500ms,PT0.5S", "5s,PT5S", "2m,PT2M", "1h,PT1H"})
    void durationsHaveAUnit(String text, Duration expected) {
        assertEquals(expected, new Converters.OfDuration().convert(text));
    }

    @ParameterizedTest
    @CsvSource({"4096,4096", "64k,65536", "512MB,536870912", "4GiB,4294967296", "1T,1099511627776"})
    void sizesMayHaveAUnit(String text, long expected) {
        assertEquals(expected, new Converters.OfSize().convert(text));
    }

    @ParameterizedTest
    @CsvSource({"0660,rw-rw----", "666,rw-rw-rw-", "0600,rw-------", "0751,rwxr-x--x"})
    void modesAreOctal(String text, String expected) {
        assertEquals(PosixFilePermissions.fromString(expected), new Converters.OfMode().convert(text));
    }

    @ParameterizedTest
    @CsvSource({
        "9400,127.0.0.1,9400",
        ":9400,127.0.0.1,9400",
        "0.0.0.0:0,0.0.0.0,0",
        "metrics.local:65535,metrics.local,65535",
        "[::1]:9400,::1,9400"
    })
    void addressesAreLoopbackUnlessTold(String text, String host, int port) {
        assertEquals(InetSocketAddress.createUnresolved(host, port), new Converters.OfAddress().convert(text));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ":", "host", "host:", "65536", "1:2:3", "::1:9400", "a b:1", "http://host:1", "-1"})
    void whatIsNoAddressIsNamed(String text) {
        TypeConversionException e =
                assertThrows(TypeConversionException.class, () -> new Converters.OfAddress().convert(text));
        assertTrue(e.getMessage().contains("'" + text + "'"), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "s", "-1s", "1.5s", "99999999999s", "08", "rw", "7777", "4X"})
    void whatIsNoneIsNamed(String text) {
        for (var converter :
                new picocli.CommandLine.ITypeConverter<?>[] {new Converters.OfDuration(), new Converters.OfMode()}) {
            TypeConversionException e = assertThrows(TypeConversionException.class, () -> converter.convert(text));
            assertTrue(e.getMessage().contains("'" + text + "'"), e.getMessage());
        }
    }
}

package io.github.cuframes.memory.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** cuframes promises to run with every driver for CUDA 12.0 or later. */
class SymbolsTest {

    private static Map<String, Integer> firstVersions() throws IOException {
        Map<String, Integer> versions = new TreeMap<>();
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(SymbolsTest.class.getResourceAsStream("symbols.txt"), StandardCharsets.UTF_8))) {
            lines.lines().filter(line -> !line.startsWith("#")).forEach(line -> {
                String[] words = line.split(" ");
                versions.put(words[0], Integer.valueOf(words[1]));
            });
        }
        return versions;
    }

    @Test
    void everyFunctionExistsSinceTheOldestDriver() throws IOException {
        TreeSet<String> called = new TreeSet<>(Driver.symbols());
        Arrays.stream(NvdecLibrary.class.getDeclaredMethods())
                .filter(method -> Modifier.isNative(method.getModifiers()))
                .map(Method::getName)
                .forEach(called::add);
        Map<String, Integer> versions = firstVersions();
        assertEquals(
                versions.keySet(), called, "symbols.txt says of every function, and of no other, since when it is");
        versions.forEach((symbol, version) ->
                assertTrue(version <= Cuda.OLDEST_VERSION, symbol + " is not before CUDA " + version));
    }
}

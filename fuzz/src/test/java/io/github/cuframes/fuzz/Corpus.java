package io.github.cuframes.fuzz;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** The kept inputs of a target: a text file with one input a line, in hexadecimal, and comments after {@code #}. */
final class Corpus {

    private static final int LONGEST_KEPT = 400;

    private Corpus() {}

    /** The inputs that the repository has for a target. */
    static List<byte[]> of(String target) {
        try (InputStream text = Corpus.class.getResourceAsStream("/corpus/" + target + ".txt")) {
            return new String(text.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .map(line -> line.replaceAll("#.*", "").replaceAll("\\s", ""))
                    .filter(line -> !line.isEmpty())
                    .map(HexFormat.of()::parseHex)
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * For {@code scripts/fuzz}: {@code unpack TARGET DIRECTORY} writes each input into a file as the fuzzer wants it,
     * {@code print DIRECTORY LIMIT} prints the files of a directory as lines, the shortest first, up to so many characters.
     */
    public static void main(String[] arguments) throws IOException {
        PrintStream out = System.out;
        if (arguments[0].equals("unpack")) {
            List<byte[]> inputs = of(arguments[1]);
            for (int i = 0; i < inputs.size(); i++) {
                Files.write(Path.of(arguments[2], "kept-" + i), inputs.get(i));
            }
        } else {
            lines(Path.of(arguments[1]), Integer.parseInt(arguments[2])).forEach(out::println);
        }
    }

    private static Set<String> lines(Path directory, int limit) throws IOException {
        Set<String> lines = new LinkedHashSet<>();
        int length = 0;
        List<Path> files;
        try (Stream<Path> all = Files.list(directory)) {
            files = all.sorted(Comparator.comparingLong(file -> file.toFile().length()))
                    .toList();
        }
        for (Path file : files) {
            byte[] bytes = Files.readAllBytes(file);
            String line = HexFormat.of().formatHex(bytes);
            length += line.length() + 1;
            if (bytes.length > 0 && bytes.length <= LONGEST_KEPT && length <= limit) {
                lines.add(line);
            }
        }
        return lines;
    }
}

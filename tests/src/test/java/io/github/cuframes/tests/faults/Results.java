package io.github.cuframes.tests.faults;

import io.github.cuframes.tests.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What one harness came to, as a file that {@link FaultsSummary} reads: a line each for what was played, the counts, each
 * reason to skip, each finding, and all recoveries.
 *
 * @param played memory, cameras and subscribers
 * @param counts by name; those of growth are of the process that grew most, in bytes or pieces
 * @param skipped how often, by reason
 * @param found a sentence for each step that failed or was late
 * @param recoveries nanoseconds, in no order
 */
record Results(
        String played,
        Map<String, Long> counts,
        Map<String, Integer> skipped,
        List<String> found,
        List<Long> recoveries) {

    void write(Path file) throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add("played " + played);
        lines.add("counts "
                + counts.entrySet().stream()
                        .map(entry -> entry.getKey() + "=" + entry.getValue())
                        .collect(Collectors.joining(" ")));
        skipped.forEach((reason, count) -> lines.add("skipped " + count + " " + line(reason)));
        found.forEach(what -> lines.add("found " + line(what)));
        lines.add("recoveries " + recoveries.stream().map(String::valueOf).collect(Collectors.joining(" ")));
        Files.write(file, lines);
    }

    private static String line(String text) {
        return text.replaceAll("\\s*\n\\s*", "; ");
    }

    static Results read(Path file) throws IOException {
        String played = "";
        Map<String, Long> counts = new LinkedHashMap<>();
        Map<String, Integer> skipped = new LinkedHashMap<>();
        List<String> found = new ArrayList<>();
        List<Long> recoveries = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
            int space = line.indexOf(' ');
            String rest = line.substring(space + 1);
            switch (line.substring(0, space)) {
                case "played" -> played = rest;
                case "counts" ->
                    Report.parse(line).fields().forEach((name, value) -> counts.put(name, Long.valueOf(value)));
                case "skipped" -> {
                    String[] both = rest.split(" ", 2);
                    skipped.put(both[1], Integer.valueOf(both[0]));
                }
                case "found" -> found.add(rest);
                case "recoveries" ->
                    rest.lines()
                            .flatMap(numbers -> List.of(numbers.split(" ")).stream())
                            .forEach(number -> recoveries.add(Long.valueOf(number)));
                default -> throw new IOException("no line of results in " + file + ": " + line);
            }
        }
        return new Results(played, counts, skipped, found, recoveries);
    }
}

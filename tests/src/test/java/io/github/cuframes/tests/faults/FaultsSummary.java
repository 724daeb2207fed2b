package io.github.cuframes.tests.faults;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Prints as Markdown what harnesses that ran side by side came to, from the files of their {@code --results}. One that has
 * left no file has broken off. Exit status 0: nothing was found; 1: something was, or one has broken off.
 */
public final class FaultsSummary {

    private static final String LINE =
            "| %s | %d | %d | %d | %d | %d | %d | %d | %s | %s | %s | %d | %d | %d | %d | %d |%n";

    /** Of these the greatest counts, of all others the sum. */
    private static final Set<String> GREATEST =
            Set.of("seconds", "heap", "direct", "rss", "descriptors", "threads", "vram");

    private FaultsSummary() {}

    /** Takes the names of the files. */
    public static void main(String[] arguments) throws IOException {
        List<Path> files = new ArrayList<>();
        for (String argument : arguments) {
            files.add(Path.of(argument));
        }
        System.exit(print(files, System.out) ? 0 : 1);
    }

    /** Whether nothing was found. */
    static boolean print(List<Path> files, PrintStream out) throws IOException {
        List<Results> all = new ArrayList<>();
        List<Path> missing = new ArrayList<>();
        for (Path file : files) {
            if (Files.isRegularFile(file)) {
                all.add(Results.read(file));
            } else {
                missing.add(file);
            }
        }
        Set<String> played = new LinkedHashSet<>();
        all.forEach(results -> played.add(results.played()));
        out.println("Harnesses: " + files.size() + ", each with " + String.join("; or ", played));
        out.println();
        out.println("| seed | steps | failed | late | skipped | seconds | frames verified | wrong or missing frames"
                + " | recovery p50 ms | p99 | max | heap + KiB | RSS + MiB | descriptors + | threads + | VRAM + KiB |");
        out.println("|" + "--:|".repeat(16));
        Map<String, Long> total = new LinkedHashMap<>();
        Map<String, Integer> skipped = new LinkedHashMap<>();
        List<Long> recoveries = new ArrayList<>();
        for (Results results : all) {
            line(Long.toString(results.counts().get("seed")), results.counts(), results.recoveries(), out);
            results.counts()
                    .forEach(
                            (name, count) -> total.merge(name, count, GREATEST.contains(name) ? Math::max : Long::sum));
            results.skipped().forEach((reason, count) -> skipped.merge(reason, count, Integer::sum));
            recoveries.addAll(results.recoveries());
        }
        if (!all.isEmpty()) {
            line("all", total, recoveries, out);
        }
        out.println();
        skipped.forEach((reason, count) -> out.println("- skipped " + count + " times: " + reason));
        all.forEach(results -> results.found()
                .forEach(what -> out.println("- seed " + results.counts().get("seed") + ": " + what)));
        missing.forEach(file -> out.println("- BROKE OFF, without results: see the log beside " + file));
        boolean good = missing.isEmpty()
                && all.stream().allMatch(results -> results.found().isEmpty());
        out.println(good ? "Nothing was found." : "Something was found.");
        return good;
    }

    private static void line(String seed, Map<String, Long> counts, List<Long> recoveries, PrintStream out) {
        List<Long> sorted =
                recoveries.stream().sorted(Comparator.naturalOrder()).toList();
        out.printf(
                Locale.ROOT,
                LINE,
                seed,
                counts.get("steps"),
                counts.get("failed"),
                counts.get("late"),
                counts.get("skipped"),
                counts.get("seconds"),
                counts.get("verified"),
                counts.get("violations") + counts.get("unexplained"),
                millis(sorted, 0.5),
                millis(sorted, 0.99),
                millis(sorted, 1),
                counts.get("heap") >> 10,
                counts.get("rss") >> 20,
                counts.get("descriptors"),
                counts.get("threads"),
                counts.get("vram") >> 10);
    }

    private static String millis(List<Long> sorted, double share) {
        return sorted.isEmpty() ? "-" : String.format(Locale.ROOT, "%.1f", Member.millis(quantile(sorted, share)));
    }

    /** The value below which a share of them lies, of a list that is sorted and not empty. */
    static long quantile(List<Long> sorted, double share) {
        return sorted.get((int) Math.min(sorted.size() - 1, sorted.size() * share));
    }
}

package io.github.cuframes.tests.faults;

import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Report;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;

/** The steps of a plan, one after the other, and the report of what came of them. */
final class Run {

    /** From the end of a fault until frames are received again. */
    private static final Duration RECOVERY = Duration.ofSeconds(2);

    private static final int STEPS_BETWEEN_LOOKS = 25;
    private static final int SHOWN_LEVELS = 4;

    private final Faults.Options options;
    private final PrintStream out;
    private final Growth growth = new Growth();
    private final Map<Fault, List<Long>> recoveries = new EnumMap<>(Fault.class);
    private final Map<Fault, Integer> taken = new EnumMap<>(Fault.class);
    private final Map<String, Integer> skipped = new LinkedHashMap<>();
    private final List<String> failures = new ArrayList<>();
    private final List<String> late = new ArrayList<>();
    private final List<String> found = new ArrayList<>();
    private final Map<String, Long> seen = new LinkedHashMap<>();
    private long longestStall;
    private double greatestLoad;
    private int excused;
    private long nanos;
    private int steps;

    Run(Faults.Options options, PrintStream out) {
        this.options = options;
        this.out = out;
    }

    void perform() throws IOException {
        long begin = System.nanoTime();
        int number = options.replay() > 0 ? options.replay() : 1;
        while (!isOver(number, begin)) {
            number = perform(number, begin);
        }
        nanos = System.nanoTime() - begin;
    }

    private boolean isOver(int number, long begin) {
        if (options.replay() > 0) {
            return number > options.replay();
        }
        return options.time() == null
                ? number > options.steps()
                : System.nanoTime() - begin > options.time().toNanos();
    }

    /** Takes steps until the end, or until one fails; returns the number of the next one. */
    private int perform(int first, long begin) throws IOException {
        int number = first;
        growth.forget();
        try (Theatre theatre = new Theatre(options.size(), this::add);
                Stalls stalls = new Stalls()) {
            if (options.replay() == 0) {
                growth.look(theatre);
                growth.look(theatre);
            }
            for (; !isOver(number, begin); number++) {
                Step step = Step.of(options.seed(), number, options.kinds());
                try {
                    take(step, theatre, stalls);
                } catch (StepFailure e) {
                    theatre.said().forEach(line -> out.println("    " + line));
                    throw e;
                }
                if (number % STEPS_BETWEEN_LOOKS == 0 && options.replay() == 0) {
                    theatre.checkAll();
                    growth.look(theatre);
                }
                Await.elapse(Duration.ofMillis(options.pauseMillis()));
            }
            theatre.checkAll();
            if (options.replay() == 0) {
                growth.look(theatre);
            }
        } catch (StepFailure e) {
            if (Theatre.isEnding()) {
                throw new CancellationException("told to end, at step " + number);
            }
            String line = "FAILED step " + number + " "
                    + Step.of(options.seed(), number, options.kinds()).fault().label() + ": " + e.getMessage();
            out.println(line);
            out.println("  again: " + options.replayOf(number));
            failures.add(line);
            found.add(line + "; again: " + options.replayOf(number));
            return number + 1;
        }
        return number;
    }

    private void take(Step step, Theatre theatre, Stalls stalls) throws StepFailure {
        Outcome outcome = new Outcome();
        long begin = System.nanoTime();
        stalls.begin();
        String verdict = "ok";
        try {
            step.fault().action.take(theatre, step.random(), outcome);
            steps++;
            taken.merge(step.fault(), 1, Integer::sum);
            recoveries.computeIfAbsent(step.fault(), fault -> new ArrayList<>()).addAll(outcome.recoveries());
        } catch (SkippedStep e) {
            skipped.merge(step.fault().label() + ": " + e.getMessage(), 1, Integer::sum);
            verdict = "skipped: " + e.getMessage();
        } catch (IOException | RuntimeException | AssertionError e) {
            throw new StepFailure(e.toString()); // as when a process is gone that was to be sent a signal
        }
        long stall = stalls.longest();
        longestStall = Math.max(longestStall, stall);
        double load = Math.max(1, load());
        greatestLoad = Math.max(greatestLoad, load);
        long allowed =
                (long) (RECOVERY.toNanos() * load) + TimeUnit.MILLISECONDS.toNanos(options.allowanceMillis()) + stall;
        if (outcome.slowest() > allowed) {
            verdict = "LATE";
            late.add(step + " recovered after " + format(outcome.slowest()) + " (" + format(allowed) + " allowed): "
                    + outcome.detail() + "; again: " + options.replayOf(step.number()));
            found.add("LATE " + late.get(late.size() - 1));
        }
        if (verdict.equals("ok") && outcome.slowest() > RECOVERY.toNanos()) {
            excused++;
        }
        if (verdict.equals("LATE")) {
            theatre.said().forEach(line -> out.println("    " + line));
        }
        if (!options.quiet() || verdict.equals("LATE")) {
            out.println(step + ": " + verdict + ", took " + format(System.nanoTime() - begin) + ", recovered in "
                    + format(outcome.slowest()) + "; " + outcome.detail());
        }
    }

    /** How many want each processor: 1 is a machine that is just busy. */
    private static double load() {
        var system = ManagementFactory.getOperatingSystemMXBean();
        return system.getSystemLoadAverage() / system.getAvailableProcessors();
    }

    private static String format(long nanos) {
        return String.format(Locale.ROOT, "%.0f ms", Member.millis(nanos));
    }

    private void add(Report check) {
        check.fields().forEach((name, value) -> {
            if (!name.equals("gone") && !name.equals("what")) {
                seen.merge(name, Long.parseLong(value), Long::sum);
            }
        });
    }

    private long seen(String name) {
        return seen.getOrDefault(name, 0L);
    }

    /** Prints what came of it; whether nothing was found. */
    boolean report() {
        out.println();
        out.printf(
                Locale.ROOT,
                "seed %d, %s: %d steps in %.0f s%n",
                options.seed(),
                options.size().describe(),
                steps,
                nanos / 1e9);
        out.println("frames delivered and verified: " + seen("received"));
        out.println("not delivered, by cause: " + seen("skipped") + " skipped by policy or full queue, " + seen("away")
                + " while the subscriber was not connected, " + seen("source")
                + " left out by the source, which said so;"
                + " unexplained: " + seen("holes"));
        out.println("generations " + seen("generations") + ", producers that took over " + seen("restarts")
                + ", reconnects " + seen("reconnects") + ", frames flagged corrupt " + seen("corrupt") + ", violations "
                + seen("violations")
                + ", frames whose leases ended with the connection while they were held " + seen("overwritten"));
        out.println();
        out.printf(Locale.ROOT, "%-32s %7s %12s %12s %12s%n", "fault", "steps", "p50 ms", "p99 ms", "max ms");
        List<Long> all = new ArrayList<>();
        taken.forEach((fault, count) -> {
            List<Long> of = recoveries.get(fault);
            all.addAll(of);
            row(fault.label(), count, of);
        });
        row("all", steps, all);
        out.printf(
                Locale.ROOT,
                "allowed for a recovery: 2 s times the load of each processor where that is above 1 (%.1f at most), the"
                        + " machine's longest stall during the step (%s at most), and %d ms%n",
                greatestLoad,
                format(longestStall),
                options.allowanceMillis());
        out.println("slower than 2 s, and excused by that: " + excused + " steps");
        growth();
        skipped.forEach((reason, count) -> out.println("skipped " + count + " times: " + reason));
        late.forEach(line -> out.println("LATE " + line));
        failures.forEach(out::println);
        boolean good = failures.isEmpty() && late.isEmpty();
        out.println(good ? "nothing was found" : failures.size() + " steps failed, " + late.size() + " were late");
        return good;
    }

    /** What came of it, for {@link FaultsSummary}. */
    Results results() {
        Resources grown = growth.greatest();
        Map<String, Long> counts = new LinkedHashMap<>();
        counts.put("seed", options.seed());
        counts.put("steps", (long) steps);
        counts.put("failed", (long) failures.size());
        counts.put("late", (long) late.size());
        counts.put(
                "skipped",
                skipped.values().stream().mapToLong(Integer::longValue).sum());
        counts.put("seconds", TimeUnit.NANOSECONDS.toSeconds(nanos));
        counts.put("verified", seen("received"));
        counts.put("violations", seen("violations"));
        counts.put("unexplained", seen("holes"));
        counts.put("heap", grown.heap());
        counts.put("direct", grown.direct());
        counts.put("descriptors", grown.sockets() + grown.shared() + grown.other());
        counts.put("threads", grown.threads());
        counts.put("rss", grown.rss());
        counts.put(
                "vram",
                growth.gpu() == null
                        ? grown.vram()
                        : growth.gpu().first() - growth.gpu().last());
        List<Long> all = recoveries.values().stream().flatMap(List::stream).toList();
        return new Results(options.size().describe(), counts, skipped, found, all);
    }

    private void row(String label, int count, List<Long> of) {
        List<Long> sorted = new ArrayList<>(of);
        Collections.sort(sorted);
        out.printf(
                Locale.ROOT,
                "%-32s %7d %12s %12s %12s%n",
                label,
                count,
                quantile(sorted, 0.5),
                quantile(sorted, 0.99),
                quantile(sorted, 1));
    }

    private static String quantile(List<Long> sorted, double share) {
        return sorted.isEmpty()
                ? "-"
                : String.format(Locale.ROOT, "%.1f", Member.millis(FaultsSummary.quantile(sorted, share)));
    }

    private void growth() {
        List<Growth.Level> levels = growth.longest(SHOWN_LEVELS);
        if (levels.isEmpty()) {
            return;
        }
        out.println();
        if (growth.gpu() != null) {
            out.println("free memory of the GPU, MiB: "
                    + pair(growth.gpu().first() >> 20, growth.gpu().last() >> 20));
        }
        out.printf(
                "%-22s %14s %14s %14s %11s %11s %11s %14s%n",
                "first -> last", "heap KiB", "direct KiB", "RSS MiB", "sockets", "files", "threads", "VRAM KiB");
        for (Growth.Level level : levels) {
            Resources a = level.first();
            Resources b = level.last();
            out.printf(
                    "%-22s %14s %14s %14s %11s %11s %11s %14s%n",
                    level.name(),
                    pair(a.heap() >> 10, b.heap() >> 10),
                    pair(a.direct() >> 10, b.direct() >> 10),
                    pair(a.rss() >> 20, b.rss() >> 20),
                    pair(a.sockets(), b.sockets()),
                    pair(a.shared(), b.shared()),
                    pair(a.threads(), b.threads()),
                    pair(a.vram() >> 10, b.vram() >> 10));
        }
    }

    private static String pair(long first, long last) {
        return first + " -> " + last;
    }
}

package io.github.cuframes.benchmarks;

import io.github.cuframes.benchmarks.Tally.Count;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/** The tables of {@link BoxBenchmark}: the ways beside each other, and their processes. */
final class BoxReport {

    private static final double MEBI = 1 << 20;
    private static final double MILLI = 1e6;

    private final List<BoxResult> results;

    BoxReport(List<BoxResult> results) {
        this.results = results;
    }

    void print(PrintWriter out, boolean markdown) {
        ways().print(out, markdown);
        processes().print(out, markdown);
    }

    private Table ways() {
        List<String> head = new ArrayList<>(List.of("all processes of a way"));
        results.forEach(result -> head.add(result.way()));
        Table table = new Table(head.toArray(new String[0]));
        row(table, "seconds", BoxResult::seconds);
        row(table, "processes", result -> result.processes().size());
        row(table, "frames decoded", result -> result.sum(Count.DECODED));
        row(table, "decoded/s", result -> result.perSecond(Count.DECODED));
        row(table, "full-size frames published", ofSharing(Count.PUBLISHED));
        row(table, "of them copied", ofSharing(Count.COPIED));
        row(table, "small frames made", result -> result.sum(Count.SMALL_MADE));
        row(table, "lost: no free slot, or a rendition failed", ofSharing(Count.LOST));
        row(table, "full-size frames received", ofSharing(Count.RECEIVED));
        row(table, "small frames received", ofSharing(Count.SMALL_RECEIVED));
        row(table, "dropped, by the publishers' count", ofSharing(Count.UNDELIVERED));
        row(table, "missed, by sequence numbers", ofSharing(Count.MISSED));
        row(table, "missed by subscriptions that kept up", ofSharing(Count.MISSED_IN_TIME));
        row(table, "lost before they had numbers", ofSharing(Count.LOST_BEFORE));
        row(
                table,
                "received after, ms, longest",
                result -> sharing(result, () -> result.sum(Count.LATEST_NANOS) / MILLI));
        row(table, "CPU, % of one processor", BoxResult::processorPercent);
        row(table, "NVDEC busy, %, mean", result -> busy(result, DecoderSamples.Busy::mean));
        row(table, "NVDEC busy, %, most", result -> busy(result, DecoderSamples.Busy::most));
        row(table, "GPU memory, MiB", result -> mebi(result.taken()));
        row(table, "of it contexts, MiB", result -> mebi(result.contexts()));
        row(
                table,
                "frame memory, by the publishers, MiB",
                result -> sharing(result, () -> result.sum(Count.FRAME_MEMORY) / MEBI));
        row(
                table,
                "resident memory at the end, MiB",
                result -> total(result, process -> process.end().resident()));
        row(
                table,
                "heaps at the beginning, MiB",
                result -> total(result, process -> process.begin().heap()));
        row(
                table,
                "heaps at the end, MiB",
                result -> total(result, process -> process.end().heap()));
        row(table, "collections", result -> result.sum(Count.COLLECTIONS));
        row(table, "pauses, ms in all", result -> result.sum(Count.PAUSE_MILLIS));
        row(table, "longest pause, ms", result -> result.sum(Count.LONGEST_PAUSE_MILLIS));
        return table;
    }

    private void row(Table table, String label, Function<BoxResult, Object> cell) {
        List<Object> cells = new ArrayList<>(List.of(label));
        results.forEach(result -> cells.add(cell.apply(result)));
        table.add(cells.toArray());
    }

    /** A count of who publishes or receives; nothing where nobody does. */
    private static Function<BoxResult, Object> ofSharing(Count count) {
        return result -> sharing(result, () -> result.sum(count));
    }

    private static Object sharing(BoxResult result, Supplier<Object> value) {
        return result.sum(Count.PUBLISHED) > 0 ? value.get() : "";
    }

    private static Object busy(BoxResult result, Function<DecoderSamples.Busy, Object> value) {
        Optional<DecoderSamples.Busy> decoder = result.decoder();
        return decoder.map(value).orElse("");
    }

    private static Object total(BoxResult result, ToLongFunction<BoxResult.Member> bytes) {
        return result.processes().stream().mapToLong(bytes).sum() / MEBI;
    }

    private static Object mebi(OptionalLong bytes) {
        return bytes.isPresent() ? (Object) (bytes.getAsLong() / MEBI) : "";
    }

    private Table processes() {
        Table table = new Table(
                "process",
                "decoded/s",
                "full received/s",
                "small received/s",
                "missed",
                "CPU %",
                "collections",
                "pauses ms",
                "longest ms",
                "heap, begin",
                "heap, end",
                "direct",
                "resident",
                "fds",
                "threads",
                "nvidia-smi");
        for (BoxResult result : results) {
            for (BoxResult.Member process : result.processes()) {
                Tally tally = process.tally();
                table.add(
                        result.way() + ": " + process.name(),
                        process.perSecond(Count.DECODED),
                        process.perSecond(Count.RECEIVED),
                        process.perSecond(Count.SMALL_RECEIVED),
                        tally.get(Count.MISSED),
                        process.processorPercent(),
                        tally.get(Count.COLLECTIONS),
                        tally.get(Count.PAUSE_MILLIS),
                        tally.get(Count.LONGEST_PAUSE_MILLIS),
                        process.begin().heap() / MEBI,
                        process.end().heap() / MEBI,
                        process.end().direct() / MEBI,
                        process.end().resident() / MEBI,
                        process.end().descriptors(),
                        process.end().threads(),
                        mebi(process.gpu()));
            }
        }
        return table;
    }
}

package io.github.cuframes.subscriber.cli.top;

import java.time.LocalTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Streams and subscribers as lines of 80 columns, where names and numbers are of the usual length. */
public final class TopTable {

    private static final String STREAM = "%-14s %-12s %-9s %-7s %5s %5s %5s %4s %4s %5s";
    private static final String SUBSCRIBER = "  %-16s %7s %5s %-8s %5s %5s %5s %7s %5s";
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss");
    private static final long MIB = 1 << 20;
    private static final long SECOND = 1_000;
    private static final long MINUTE = 60 * SECOND;
    private static final long HOUR = 60 * MINUTE;

    private TopTable() {}

    /** The lines, a heading first. */
    public static List<String> lines(List<StreamRow> streams, LocalTime now) {
        List<String> lines = new ArrayList<>();
        long bytes = streams.stream().mapToLong(StreamRow::memoryBytes).sum();
        int subscribers =
                streams.stream().mapToInt(stream -> stream.subscribers().size()).sum();
        lines.add(String.format(
                Locale.ROOT,
                "cuframes top  %s  streams: %d, subscribers: %d, frames: %.1f MB",
                now.format(CLOCK),
                streams.size(),
                subscribers,
                (double) bytes / MIB));
        lines.add("");
        lines.add(row(STREAM, "KEY", "STATE", "SIZE", "FORMAT", "FPS", "AGE", "SLOTS", "MB", "SUBS", "LOST"));
        for (StreamRow stream : streams) {
            lines.add(stream.problem() == null ? line(stream) : row("%-14s %s", stream.key(), stream.problem()));
        }
        for (StreamRow stream : streams) {
            if (!stream.subscribers().isEmpty()) {
                lines.add("");
                lines.add(stream.key());
                lines.add(row(SUBSCRIBER, "SUBSCRIBER", "PID", "UID", "MODE", "FPS", "LAG", "HELD", "DROPPED", "SEEN"));
                stream.subscribers().forEach(subscriber -> lines.add(line(subscriber)));
            }
        }
        return lines;
    }

    private static String line(StreamRow stream) {
        return row(
                STREAM,
                stream.key(),
                stream.state(),
                stream.width() == 0 ? "-" : stream.width() + "x" + stream.height(),
                stream.format() == null ? "-" : stream.format(),
                rate(stream.fps()),
                age(stream.ageMillis()),
                stream.slotsInUse() + "/" + stream.slots(),
                Math.round((double) stream.memoryBytes() / MIB),
                stream.subscribers().size(),
                stream.lost());
    }

    private static String line(SubscriberRow subscriber) {
        return row(
                SUBSCRIBER,
                subscriber.name().isEmpty() ? "-" : subscriber.name(),
                subscriber.pid() == 0 ? "-" : subscriber.pid(),
                subscriber.uid(),
                subscriber.mode(),
                rate(subscriber.fps()),
                subscriber.lag() == null ? "-" : subscriber.lag(),
                subscriber.credits() == 0 ? "-" : subscriber.held() + "/" + subscriber.credits(),
                subscriber.dropped(),
                age(subscriber.lastSeenMillis()));
    }

    private static String row(String form, Object... cells) {
        return String.format(Locale.ROOT, form, cells).stripTrailing();
    }

    private static String rate(Double fps) {
        return fps == null ? "-" : String.format(Locale.ROOT, "%.1f", fps);
    }

    /** With a unit, in five characters. */
    static String age(Long millis) {
        if (millis == null) {
            return "-";
        } else if (millis < SECOND) {
            return millis + "ms";
        } else if (millis < MINUTE) {
            return String.format(Locale.ROOT, "%.1fs", (double) millis / SECOND);
        } else if (millis < HOUR) {
            return millis / MINUTE + "m";
        }
        return millis / HOUR + "h";
    }
}

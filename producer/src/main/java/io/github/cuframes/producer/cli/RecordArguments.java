package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.record.RecordOptions;
import io.github.cuframes.producer.record.Recorder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import picocli.CommandLine.Option;

/** What the command is told about recording. */
final class RecordArguments {

    @Option(
            names = "--record",
            paramLabel = "DIR",
            description = "Write the packets as they came, with sound, to DIR/KEY, in segments.")
    private Path directory;

    @Option(
            names = "--segment",
            paramLabel = "TIME",
            converter = Converters.OfDuration.class,
            description = "How long a segment of the recording is. Default: 10m.")
    private Duration segment;

    @Option(
            names = "--retain",
            paramLabel = "SIZE",
            converter = Converters.OfSize.class,
            description = "The most that this camera's segments take; the oldest go. Default: all are kept.")
    private Long retainBytes;

    @Option(
            names = "--retain-for",
            paramLabel = "TIME",
            converter = Converters.OfDuration.class,
            description = "How long segments are kept: 48h, 30d. Default: for ever.")
    private Duration retainFor;

    /** Null if there is nothing to record; throws {@link IllegalArgumentException} if that makes no sense. */
    RecordOptions options(String key, boolean hasPackets) {
        if (directory == null) {
            if (segment != null || retainBytes != null || retainFor != null) {
                throw new IllegalArgumentException("--segment, --retain and --retain-for go with --record DIR");
            }
            return null;
        }
        if (!hasPackets) {
            throw new IllegalArgumentException("a test pattern has no packets to record; give --rtsp or --input");
        }
        if (retainBytes != null && retainBytes == 0) {
            throw new IllegalArgumentException("--retain 0 would keep nothing; give a size such as 50GB");
        }
        return RecordOptions.of(directory, key)
                .withSegment(segment != null ? segment : RecordOptions.DEFAULT_SEGMENT)
                .withRetention(retainBytes != null ? retainBytes : 0, retainFor);
    }

    /** Begins to record what a producer is told to tap; null if there is nothing to record. */
    Recorder open(String key) throws IOException {
        RecordOptions options = options(key, true);
        return options == null ? null : Recorder.open(options);
    }
}

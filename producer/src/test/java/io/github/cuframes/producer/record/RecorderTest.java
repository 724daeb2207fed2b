package io.github.cuframes.producer.record;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.ingest.Ingest;
import io.github.cuframes.producer.ingest.IngestOptions;
import io.github.cuframes.producer.ingest.PacketTap;
import io.github.cuframes.producer.ingest.SafeUrl;
import io.github.cuframes.producer.ingest.SourceOptions;
import io.github.cuframes.producer.testing.Sample;
import io.github.cuframes.producer.testing.TestClip;
import io.github.cuframes.producer.testing.TestSlots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVIOContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Files that are recorded: packets come out as they went in, with the sound beside the pictures. */
@Timeout(60)
class RecorderTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int SOUND_RATE = 8000;
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

    @TempDir
    Path directory;

    /** The wall clock, which the test sets. */
    private static final class Wall extends Clock {
        private volatile Instant now = Instant.parse("2026-03-01T12:00:00Z");

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Instant instant() {
            return now;
        }
    }

    private List<Path> record(Path clip, Duration segment) throws Exception {
        RecordOptions options =
                RecordOptions.of(directory.resolve("rec"), "cam").withSegment(segment);
        Recorder recorder = Recorder.open(options);
        TestSlots slots = new TestSlots(2);
        List<PacketTap> taps = List.of(recorder);
        IngestOptions reading =
                IngestOptions.of(SourceOptions.of(SafeUrl.of(clip.toString()))).withTaps(taps);
        try (recorder;
                Ingest ingest = new Ingest(reading, slots, (from, to, cause) -> {})) {
            ingest.start();
            assertTrue(ingest.awaitEnd(PATIENCE));
        }
        assertEquals(RecorderState.CLOSED, recorder.state());
        assertEquals(0, recorder.counters().errors());
        try (Stream<Path> files = Files.list(directory.resolve("rec/cam"))) {
            List<Path> segments = files.sorted().toList();
            assertEquals(segments.size(), recorder.counters().segments());
            return segments;
        }
    }

    /** Copies a clip's video beside sound that counts, in packets of 40 ms. */
    private static Path withSound(Path clip, Path file, int codec) {
        AVFormatContext input = new AVFormatContext(null);
        check(avformat_open_input(input, clip.toString(), null, (AVDictionary) null));
        check(avformat_find_stream_info(input, (PointerPointer<?>) null));
        AVFormatContext output = new AVFormatContext(null);
        check(avformat_alloc_output_context2(output, null, null, file.toString()));
        AVStream video = avformat_new_stream(output, null);
        check(avcodec_parameters_copy(video.codecpar(), input.streams(0).codecpar()));
        video.codecpar().codec_tag(0);
        AVStream audio = avformat_new_stream(output, null);
        audio.codecpar()
                .codec_type(AVMEDIA_TYPE_AUDIO)
                .codec_id(codec)
                .sample_rate(SOUND_RATE)
                .bits_per_coded_sample(8)
                .block_align(1);
        av_channel_layout_default(audio.codecpar().ch_layout(), 1);
        AVIOContext io = new AVIOContext(null);
        check(avio_open(io, file.toString(), AVIO_FLAG_WRITE));
        output.pb(io);
        check(avformat_write_header(output, (AVDictionary) null));
        AVPacket packet = av_packet_alloc();
        int number = 0;
        while (av_read_frame(input, packet) >= 0) {
            av_packet_rescale_ts(packet, input.streams(0).time_base(), video.time_base());
            packet.stream_index(0).pos(-1);
            check(av_interleaved_write_frame(output, packet));
            check(av_new_packet(packet, SOUND_RATE / 25));
            new BytePointer(packet.data()).fill(number + 1);
            packet.pts((long) number * SOUND_RATE / 25).dts(packet.pts()).duration(SOUND_RATE / 25);
            packet.flags(AV_PKT_FLAG_KEY).stream_index(1);
            av_packet_rescale_ts(packet, new AVRational().num(1).den(SOUND_RATE), audio.time_base());
            check(av_interleaved_write_frame(output, packet));
            number++;
        }
        check(av_write_trailer(output));
        av_packet_free(packet);
        avio_closep(io);
        avformat_free_context(output);
        avformat_close_input(input);
        return file;
    }

    private static int check(int code) {
        if (code < 0) {
            throw new AssertionError(Ffmpeg.errorText(code));
        }
        return code;
    }

    @Test
    void packetsComeOutAsTheyWentInCutAtKeyFrames() throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 100);
        List<Path> segments = record(clip, Duration.ofSeconds(1));
        assertEquals(4, segments.size(), "a key frame every 0.4 s: segments of 1.2 s, and what is left");
        List<String> all = new ArrayList<>();
        for (Path segment : segments) {
            assertTrue(segment.toString().endsWith(".mp4"));
            List<Sample> samples = Sample.of(segment);
            assertEquals(0, samples.get(0).seconds(), 0.001);
            all.addAll(Sample.bytes(samples, true));
        }
        assertEquals(Sample.bytes(Sample.of(clip), true), all);
    }

    @Test
    void soundThatMp4CannotCarryGoesToMatroskaInStepWithThePictures() throws Exception {
        Path clip = withSound(
                TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 50),
                directory.resolve("clip.mkv"),
                AV_CODEC_ID_PCM_ALAW);
        List<Path> segments = record(clip, Duration.ofSeconds(1));
        assertEquals(2, segments.size());
        List<String> video = new ArrayList<>();
        List<String> sound = new ArrayList<>();
        for (Path segment : segments) {
            assertTrue(segment.toString().endsWith(".mkv"));
            List<Sample> samples = Sample.of(segment);
            video.addAll(Sample.bytes(samples, true));
            sound.addAll(Sample.bytes(samples, false));
            List<Sample> inTime = samples.stream()
                    .sorted(Comparator.comparing(Sample::seconds))
                    .toList();
            assertEquals(0, inTime.get(0).seconds(), 0.001);
            double last = inTime.get(inTime.size() - 1).seconds();
            assertEquals(last, inTime.get(inTime.size() - 2).seconds(), 0.041, "both go on to the end");
        }
        assertEquals(Sample.bytes(Sample.of(clip), true), video);
        // the sound of the moment in which a segment begins may come before its picture
        List<String> expected = Sample.bytes(Sample.of(clip), false);
        assertTrue(expected.containsAll(sound));
        assertTrue(sound.size() >= expected.size() - 2, () -> sound.size() + " of " + expected.size());
    }

    @Test
    void anotherSizeInTheMiddleIsAnotherSegment() throws Exception {
        // Annex B, as from a camera: parameter sets come before every key frame
        ByteArrayOutputStream both = new ByteArrayOutputStream();
        Files.copy(TestClip.h264(320, 240).write(directory.resolve("a.h264"), 20), both);
        Files.copy(TestClip.h264(192, 160).write(directory.resolve("b.h264"), 20), both);
        Path clip = Files.write(directory.resolve("clip.h264"), both.toByteArray());
        List<Path> segments = record(clip, Duration.ofHours(1));
        List<List<Integer>> sizes = new ArrayList<>();
        for (Path segment : segments) {
            AVFormatContext input = new AVFormatContext(null);
            check(avformat_open_input(input, segment.toString(), null, (AVDictionary) null));
            sizes.add(List.of(
                    input.streams(0).codecpar().width(),
                    input.streams(0).codecpar().height()));
            avformat_close_input(input);
            assertEquals(20, Sample.of(segment).size());
        }
        assertEquals(List.of(List.of(320, 240), List.of(192, 160)), sizes);
    }

    private Path segmentOf(Instant time) throws IOException {
        Path file = directory.resolve("rec/cam/cam_" + TIME.format(time) + ".mp4");
        Files.createDirectories(file.getParent());
        Files.write(file, new byte[100]);
        return Files.setLastModifiedTime(file, FileTime.from(time));
    }

    private static void awaitDeleted(Recorder recorder, long segments) {
        while (recorder.counters().deleted() < segments) {
            LockSupport.parkNanos(1_000_000);
            assertFalse(Thread.currentThread().isInterrupted(), "interrupted, because it takes too long");
        }
        assertEquals(segments, recorder.counters().deleted());
    }

    @Test
    void segmentsGrowOldAlsoWhileNothingComes() throws Exception {
        Wall wall = new Wall();
        Instant start = wall.now;
        Path oldest = segmentOf(start.minus(Duration.ofHours(3)));
        Path older = segmentOf(start.minus(Duration.ofHours(1)));
        Path newest = segmentOf(start.minus(Duration.ofMinutes(1)));
        RecordOptions options =
                RecordOptions.of(directory.resolve("rec"), "cam").withRetention(0, Duration.ofHours(2));
        try (Recorder recorder = Recorder.open(options, wall)) {
            awaitDeleted(recorder, 1);
            assertFalse(Files.exists(oldest));
            assertTrue(Files.exists(older));

            wall.now = start.plus(Duration.ofMinutes(90));
            awaitDeleted(recorder, 2);
            assertFalse(Files.exists(older));
            assertTrue(Files.exists(newest));

            wall.now = start.minus(Duration.ofDays(365)); // set back: what was looked at last is to come
            Path ancient = segmentOf(start.minus(Duration.ofDays(366)));
            awaitDeleted(recorder, 3);
            assertFalse(Files.exists(ancient));

            wall.now = start.plus(Duration.ofDays(2));
            awaitDeleted(recorder, 4);
            assertFalse(Files.exists(newest));
            assertEquals(RecorderState.WAITING, recorder.state());
        }
    }

    @Test
    void aQueueThatIsFullDropsUpToAKeyFrame() throws Exception {
        PacketQueue queue = new PacketQueue(100, 10);
        Ffmpeg.load();
        java.util.function.Supplier<AVPacket> packet = () -> {
            AVPacket made = av_packet_alloc();
            check(av_new_packet(made, 40));
            return made;
        };
        List<PacketQueue.Offer> offers = new ArrayList<>();
        for (boolean key : new boolean[] {true, false, false, false}) {
            offers.add(queue.offer(40, key, packet));
        }
        av_packet_free(queue.take().packet());
        offers.add(queue.offer(40, false, packet));
        offers.add(queue.offer(40, true, packet));
        assertArrayEquals(
                new PacketQueue.Offer[] {
                    PacketQueue.Offer.TAKEN,
                    PacketQueue.Offer.TAKEN,
                    PacketQueue.Offer.OVERFLOW,
                    PacketQueue.Offer.DROPPED,
                    PacketQueue.Offer.DROPPED,
                    PacketQueue.Offer.TAKEN
                },
                offers.toArray());
        assertEquals(3, queue.dropped());
        queue.close();
        av_packet_free(queue.take().packet());
        av_packet_free(queue.take().packet());
        assertEquals(null, queue.take());
    }
}

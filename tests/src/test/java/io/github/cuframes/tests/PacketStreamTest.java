package io.github.cuframes.tests;

import static org.bytedeco.ffmpeg.global.avcodec.AV_PKT_FLAG_KEY;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_unref;
import static org.bytedeco.ffmpeg.global.avformat.av_read_frame;
import static org.bytedeco.ffmpeg.global.avformat.avformat_close_input;
import static org.bytedeco.ffmpeg.global.avformat.avformat_find_stream_info;
import static org.bytedeco.ffmpeg.global.avformat.avformat_open_input;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.ProducerBuilder;
import io.github.cuframes.protocol.frame.Codec;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.pattern.FrameCode;
import io.github.cuframes.subscriber.Observer;
import io.github.cuframes.subscriber.Packet;
import io.github.cuframes.subscriber.PacketSubscriber;
import io.github.cuframes.subscriber.SubscriberException;
import io.github.cuframes.subscriber.cli.Main;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVInputFormat;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Encoded packets from files and RTSP cameras, as a recorder gets them and as the command writes them. */
@Timeout(240)
class PacketStreamTest {

    private static final int CLIP_FRAMES = 1250;
    private static final long SMALLEST_MEMORY = 512L << 10;

    @TempDir
    Path directory;

    private static ProducerBuilder producer(Path runDirectory, String clip) {
        return Producer.builder("cam")
                .input(Checkout.clip(clip).toString())
                .publish(publisher -> publisher.runDirectory(runDirectory).maxMemory(256 << 20));
    }

    private static PacketSubscriber subscribe(Path runDirectory) {
        return PacketSubscriber.builder("cam").runDirectory(runDirectory).connect();
    }

    /** The command {@code packets}, with stdout as it is told. */
    private static ProcessBuilder command(Path runDirectory, String... options) {
        List<String> arguments =
                new ArrayList<>(List.of("packets", "cam", "--run-dir", runDirectory.toString(), "--wait", "60"));
        arguments.addAll(List.of(options));
        return new ProcessBuilder(Child.command(Main.class, Launch.PLAIN, arguments))
                .redirectError(ProcessBuilder.Redirect.INHERIT);
    }

    private static void assertDone(Process process) throws InterruptedException {
        assertTrue(process.waitFor(Await.DEADLINE.toSeconds(), TimeUnit.SECONDS), "the command ends");
        assertEquals(0, process.exitValue());
    }

    @ParameterizedTest
    @CsvSource({"pattern-h264, 1", "pattern-hevc, 2"})
    void whatTheCommandWritesPlaysAsTheFileDoes(String clip, int tag) throws Exception {
        Path stream = directory.resolve("out.ts");
        Path raw = directory.resolve(clip.endsWith("hevc") ? "out.h265" : "out.h264");
        try (Producer producer = producer(directory, clip).waitForSubscribers(2).open()) {
            Process first = command(directory).redirectOutput(stream.toFile()).start();
            Process second = command(directory, "--format", "annexb")
                    .redirectOutput(raw.toFile())
                    .start();
            assertTrue(producer.awaitEnd(Await.DEADLINE));
            assertDone(first);
            assertDone(second);
        }
        for (Path written : List.of(stream, raw)) {
            try (CodeReader reader = new CodeReader(written.toString(), Map.of())) {
                for (int i = 0; i < CLIP_FRAMES; i++) {
                    assertTrue(reader.next(), "frame " + i + " of " + written);
                    assertEquals(i, FrameCode.number(reader.code()), written.toString());
                    assertEquals(tag, FrameCode.tag(reader.code()));
                    if (written == stream) {
                        assertEquals(1000 + 40L * i, reader.ptsMillis(), "a second is added");
                    }
                }
                assertFalse(reader.next(), "there are no more");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"pattern-h264, H264", "pattern-hevc, HEVC"})
    void aRecorderGetsThePacketsOfTheFile(String clip, Codec codec) throws Exception {
        AVFormatContext input = new AVFormatContext(null);
        AVPacket expected = av_packet_alloc();
        try (Producer producer = producer(directory, clip).waitForSubscribers(1).open();
                PacketSubscriber subscriber = subscribe(directory)) {
            assertEquals(
                    0, avformat_open_input(input, Checkout.clip(clip).toString(), (AVInputFormat) null, (AVDictionary)
                            null));
            assertTrue(avformat_find_stream_info(input, (AVDictionary) null) >= 0);
            for (int i = 1; i <= CLIP_FRAMES; i++) {
                try (Packet packet = subscriber.next(Await.DEADLINE)) {
                    assertEquals(0, av_read_frame(input, expected));
                    assertEquals(i, packet.sequence());
                    assertEquals(codec, packet.config().codec());
                    assertEquals(640, packet.config().width());
                    assertEquals(expected.pts(), packet.pts());
                    assertEquals(expected.dts(), packet.dts());
                    assertEquals(expected.duration(), packet.duration());
                    assertEquals((expected.flags() & AV_PKT_FLAG_KEY) != 0, packet.isKey());
                    assertEquals(40_000_000, packet.durationNanos());
                    assertEquals(
                            expected.data().capacity(expected.size()).asByteBuffer(), packet.data(), "packet " + i);
                    assertEquals(
                            input.streams(0)
                                    .codecpar()
                                    .extradata()
                                    .capacity(input.streams(0).codecpar().extradata_size())
                                    .asByteBuffer(),
                            packet.config().extradata());
                }
                av_packet_unref(expected);
            }
            assertNull(subscriber.next(Await.DEADLINE));
            assertTrue(subscriber.isAtEnd());
            assertEquals(0, subscriber.statistics().dropped());
            assertEquals(0, subscriber.statistics().gaps());
            assertTrue(producer.awaitEnd(Await.DEADLINE));
        } finally {
            av_packet_free(expected);
            avformat_close_input(input);
        }
    }

    @Test
    void aSlowReaderGoesOnAtAKeyframeAndKnowsWhatItMissed() throws Exception {
        try (Producer producer = producer(directory, "pattern-h264")
                        .packetMemory(SMALLEST_MEMORY)
                        .loop(true)
                        .open();
                PacketSubscriber slow = subscribe(directory);
                Observer observer = Observer.connect(
                        RunDirectory.resolve(directory, Map.of(), RunDirectory.Role.SUBSCRIBER),
                        "cam",
                        Await.DEADLINE)) {
            long sequence;
            try (Packet held = slow.next(Await.DEADLINE)) {
                assertTrue(held.isKey());
                sequence = held.sequence();
                ByteBuffer before =
                        ByteBuffer.allocate(held.size()).put(held.data()).flip();
                Await.until(
                        () -> "packets are dropped",
                        () -> observer.ring().subscriber(0).dropped() > 0);
                assertEquals(before, held.data(), "what is held stays as it is");
            }
            for (Packet next = slow.next(Await.DEADLINE); ; next = slow.next(Await.DEADLINE)) {
                try (Packet packet = next) {
                    if (packet.lostBefore() > 0) {
                        assertTrue(packet.isKey() && packet.breaksStream(), packet::toString);
                        assertEquals(sequence + packet.lostBefore() + 1, packet.sequence());
                        assertEquals(packet.lostBefore(), slow.statistics().dropped());
                        break;
                    }
                    assertEquals(++sequence, packet.sequence());
                }
            }
            assertTrue(slow.statistics().gaps() >= 1);
            assertEquals(1, producer.packetCounters().orElseThrow().readers());
        }
    }

    @Test
    void theCommandEndsWhenItsReaderHasEnough() throws Exception {
        try (Producer producer = producer(directory, "pattern-h264").loop(true).open()) {
            Process process = command(directory).start();
            byte[] first = process.getInputStream().readNBytes(188);
            assertEquals(0x47, first[0]);
            process.getInputStream().close();
            assertDone(process);
            assertEquals("cam", producer.key());
            Process counted =
                    command(directory, "--format", "annexb", "--frames", "3").start();
            assertTrue(counted.getInputStream().readAllBytes().length > 0);
            assertDone(counted);
        }
    }

    @Test
    void whoHasNoPacketsSaysSo() throws Exception {
        try (Producer producer = producer(directory, "pattern-h264")
                .packetMemory(0)
                .realtime(true)
                .open()) {
            SubscriberException e = assertThrows(SubscriberException.class, () -> subscribe(directory));
            assertEquals(ErrorCode.NO_PACKETS, e.code().orElseThrow());
            assertTrue(e.getMessage().contains("--packet-memory"), e.getMessage());
            assertEquals("cam", producer.key());
        }
    }

    @Tag("slow")
    @ParameterizedTest
    @CsvSource({"pattern-h264, H264, true", "pattern-hevc, HEVC, false"})
    void aCameraAndItsProducerMayGoAndComeBack(String clip, Codec codec, boolean go) throws Exception {
        try (RtspServer camera = RtspServer.builder()
                        .mount("/cam", Checkout.clip(clip))
                        .loop()
                        .start();
                Stage stage = new Stage()) {
            String[] options = {"--rtsp", camera.url("/cam"), "--rtsp-timeout", "2s", "--retry"};
            Child producer = stage.producer("cam", options);
            try (PacketSubscriber subscriber = PacketSubscriber.builder("cam")
                    .runDirectory(stage.runDirectory())
                    .connectTimeout(Await.DEADLINE)
                    .connect()) {
                long epoch = take(subscriber, codec, 30).epoch();
                Path written = directory.resolve("newcomer.ts");
                assertDone(command(stage.runDirectory(), "--frames", "60")
                        .redirectOutput(written.toFile())
                        .start());
                assertPlays(written);
                if (!go) {
                    return;
                }

                camera.kill();
                camera.restart();
                Packet broken = skipToBreak(subscriber);
                assertTrue(broken.isKey());
                assertEquals(epoch, broken.epoch(), "the connection was kept");
                take(subscriber, codec, 10);

                producer.kill();
                assertNotEquals(0, producer.awaitExit());
                stage.producer("cam", options);
                Packet anew = skipToEpochAfter(subscriber, epoch);
                assertTrue(anew.isKey());
                assertEquals(1, subscriber.statistics().reconnects());
                assertTrue(subscriber.statistics().gaps() >= 2);
                take(subscriber, codec, 10);
                assertEquals(0, subscriber.statistics().dropped());
            }
        }
    }

    /** A newcomer's stream: decodable from its first frame on, without a gap but for the last few that wait for others. */
    private static void assertPlays(Path written) throws IOException {
        try (CodeReader reader = new CodeReader(written.toString(), Map.of())) {
            assertTrue(reader.next());
            long number = FrameCode.number(reader.code());
            for (int i = 1; i < 50; i++) {
                assertTrue(reader.next(), "frame " + i);
                assertEquals((number + i) % CLIP_FRAMES, FrameCode.number(reader.code()));
            }
        }
    }

    /** Takes packets that follow each other; the last, closed. */
    private static Packet take(PacketSubscriber subscriber, Codec codec, int count) {
        Packet last = null;
        for (int i = 0; i < count; i++) {
            try (Packet packet = subscriber.next(Await.DEADLINE)) {
                assertEquals(codec, packet.config().codec());
                assertTrue(packet.size() > 0);
                assertTrue(packet.isKey()
                        || last != null
                        || subscriber.statistics().received() > 1);
                if (last != null) {
                    assertEquals(last.sequence() + 1, packet.sequence());
                }
                last = packet;
            }
        }
        return last;
    }

    private static Packet skipToBreak(PacketSubscriber subscriber) {
        while (true) {
            try (Packet packet = subscriber.next(Await.DEADLINE)) {
                if (packet.breaksStream()) {
                    return packet;
                }
            }
        }
    }

    private static Packet skipToEpochAfter(PacketSubscriber subscriber, long epoch) {
        while (true) {
            try (Packet packet = subscriber.next(Await.DEADLINE)) {
                if (packet.epoch() != epoch) {
                    return packet;
                }
            }
        }
    }
}

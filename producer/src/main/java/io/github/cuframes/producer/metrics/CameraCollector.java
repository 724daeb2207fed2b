package io.github.cuframes.producer.metrics;

import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.RenditionCounters;
import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.publish.PacketCounters;
import io.github.cuframes.producer.publish.PacketSubscriberCounters;
import io.github.cuframes.producer.publish.PublisherCounters;
import io.github.cuframes.producer.publish.SubscriberCounters;
import io.github.cuframes.producer.record.Recorder;
import io.github.cuframes.producer.record.RecorderCounters;
import io.github.cuframes.producer.record.RecorderState;
import io.github.cuframes.protocol.layout.SourceState;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Cameras and their subscribers: reads the counters that they keep anyway. Any thread. */
final class CameraCollector implements MultiCollector {

    private static final double NANOS_IN_SECOND = TimeUnit.SECONDS.toNanos(1);

    private final Supplier<List<CameraView>> cameras;

    CameraCollector(Supplier<List<CameraView>> cameras) {
        this.cameras = cameras;
    }

    @Override
    public MetricSnapshots collect() {
        Families families = new Families();
        Set<String> keys = new HashSet<>(); // two of one key, as while one takes over, would make the page invalid
        for (CameraView camera : cameras.get()) {
            if (!camera.state().equals("closed") && keys.add(camera.key())) {
                states(camera, families);
                if (camera.producer() != null) {
                    producer(camera.producer(), keys, families);
                }
            }
        }
        return families.snapshots();
    }

    private static void states(CameraView camera, Families families) {
        for (SourceState state : SourceState.values()) {
            families.add(Metric.STATE, state == camera.source() ? 1 : 0, camera.key(), state.label());
        }
    }

    private static void producer(Producer producer, Set<String> keys, Families families) {
        source(producer, families);
        stream(producer.key(), producer.counters(), producer.subscribers(), families);
        producer.renditions().stream()
                .filter(rendition -> keys.add(rendition.key()))
                .forEach(rendition -> rendition(rendition, families));
        producer.packetCounters().ifPresent(packets -> {
            packets(producer.key(), packets, families);
            packetSubscribers(producer, packets.published(), families);
        });
        producer.taps().stream()
                .filter(Recorder.class::isInstance)
                .forEach(recorder -> recording(producer.key(), (Recorder) recorder, families));
    }

    private static void packets(String camera, PacketCounters packets, Families families) {
        families.add(Metric.PACKETS_OFFERED, packets.published(), camera);
        families.add(Metric.PACKETS_TOO_LARGE, packets.tooLarge(), camera);
        families.add(Metric.PACKET_SUBSCRIBERS, packets.readers(), camera);
        families.add(Metric.PACKET_MEMORY, packets.memoryBytes(), camera);
    }

    private static void packetSubscribers(Producer producer, long newest, Families families) {
        List<PacketSubscriberCounters> subscribers = producer.packetSubscribers();
        long now = System.nanoTime(); // behind the counters, so that no age is negative
        for (PacketSubscriberCounters subscriber : subscribers) {
            String[] labels = {
                producer.key(), Long.toString(subscriber.id()), subscriber.name(), Long.toString(subscriber.pid())
            };
            families.add(Metric.PACKET_SUBSCRIBER_DELIVERED, subscriber.delivered(), labels);
            families.add(Metric.PACKET_SUBSCRIBER_SKIPPED, subscriber.skipped(), labels);
            families.add(Metric.PACKET_SUBSCRIBER_LAG, lag(subscriber.lastSequence(), newest), labels);
            families.add(
                    Metric.PACKET_SUBSCRIBER_UNREAD,
                    (double) subscriber.unreadBytes() / subscriber.pageBytes(),
                    labels);
            if (subscriber.lastSeenNanos() != 0) {
                families.add(
                        Metric.PACKET_SUBSCRIBER_IDLE, (now - subscriber.lastSeenNanos()) / NANOS_IN_SECOND, labels);
            }
        }
    }

    private static void recording(String camera, Recorder recorder, Families families) {
        RecorderCounters counters = recorder.counters();
        families.add(Metric.RECORDING, recorder.state() == RecorderState.FAILED ? 0 : 1, camera);
        families.add(Metric.RECORDED_SEGMENTS, counters.segments(), camera);
        families.add(Metric.RECORDED_BYTES, counters.bytes(), camera);
        families.add(Metric.RECORD_DROPPED, counters.dropped(), camera);
        families.add(Metric.RECORD_DELETED, counters.deleted(), camera);
        families.add(Metric.RECORD_ERRORS, counters.errors(), camera);
    }

    private static void source(Producer producer, Families families) {
        String camera = producer.key();
        Map<IngestCounter, Long> counters = producer.sourceCounters();
        if (counters.isEmpty()) { // a test pattern, which is neither received nor decoded
            families.add(Metric.DROPPED, producer.counters().lostNoSlot(), camera, "no_slot");
            return;
        }
        families.add(Metric.PACKETS, counters.get(IngestCounter.PACKETS), camera);
        families.add(Metric.BYTES, counters.get(IngestCounter.BYTES), camera);
        families.add(Metric.DECODED, counters.get(IngestCounter.DECODED), camera);
        families.add(Metric.DECODE_TIME, counters.get(IngestCounter.DECODE_NANOS) / NANOS_IN_SECOND, camera);
        families.add(Metric.DROPPED, counters.get(IngestCounter.DROPPED_NO_SLOT), camera, "no_slot");
        families.add(Metric.DROPPED, counters.get(IngestCounter.DECODE_ERRORS), camera, "decode_error");
        families.add(Metric.DROPPED, counters.get(IngestCounter.THINNED), camera, "thinned");
        families.add(Metric.CONVERTED, counters.get(IngestCounter.CONVERTED), camera);
        families.add(Metric.UPLOADED, counters.get(IngestCounter.UPLOADED), camera);
        families.add(Metric.CORRUPT, counters.get(IngestCounter.CORRUPT), camera);
        families.add(Metric.RECONNECTS, counters.get(IngestCounter.RECONNECTS), camera);
        families.add(Metric.HANGS, counters.get(IngestCounter.HANGS), camera);
    }

    /** A stream of its own, of frames that its camera has counted as decoded. */
    private static void rendition(RenditionCounters rendition, Families families) {
        Map<IngestCounter, Long> frames = rendition.frames();
        families.add(Metric.DROPPED, frames.get(IngestCounter.DROPPED_NO_SLOT), rendition.key(), "no_slot");
        families.add(Metric.DROPPED, frames.get(IngestCounter.DROPPED_FAILED), rendition.key(), "failed");
        families.add(Metric.DROPPED, frames.get(IngestCounter.THINNED), rendition.key(), "thinned");
        families.add(Metric.DROPPED, frames.get(IngestCounter.UNWANTED), rendition.key(), "unwanted");
        stream(rendition.key(), rendition.publisher(), rendition.subscribers(), families);
    }

    /** What is offered under a key, whatever it comes from. */
    private static void stream(
            String camera, PublisherCounters counters, List<SubscriberCounters> subscribers, Families families) {
        long now = System.nanoTime(); // behind the counters, so that no age is negative
        families.add(Metric.PUBLISHED, counters.published(), camera);
        families.add(Metric.COPIED, counters.copied(), camera);
        families.add(Metric.GAPS, counters.discontinuities(), camera);
        if (counters.newestNanos() != 0) {
            families.add(Metric.FRAME_AGE, (now - counters.newestNanos()) / NANOS_IN_SECOND, camera);
        }
        families.add(Metric.SLOTS, counters.slots(), camera);
        families.add(Metric.SLOTS_IN_USE, counters.slotsInUse(), camera);
        families.add(Metric.MEMORY, counters.memoryBytes(), camera);
        families.add(Metric.GENERATION, counters.generation(), camera);
        families.add(Metric.SUBSCRIBERS, subscribers.size(), camera);
        for (SubscriberCounters subscriber : subscribers) {
            subscriber(camera, subscriber, counters.published(), now, families);
        }
    }

    private static void subscriber(
            String camera, SubscriberCounters subscriber, long newest, long now, Families families) {
        String[] labels = {
            camera,
            Long.toString(subscriber.id()),
            subscriber.name(),
            Long.toString(subscriber.pid()),
            subscriber.mode().name().toLowerCase(Locale.ROOT)
        };
        families.add(Metric.SUBSCRIBER_DELIVERED, subscriber.delivered(), labels);
        families.add(Metric.SUBSCRIBER_DROPPED, subscriber.dropped(), labels);
        families.add(Metric.SUBSCRIBER_HELD, subscriber.held(), labels);
        families.add(Metric.SUBSCRIBER_CREDITS, subscriber.credits(), labels);
        families.add(Metric.SUBSCRIBER_LAG, lag(subscriber.lastSequence(), newest), labels);
        families.add(
                Metric.SUBSCRIBER_RELEASE, subscriber.released(), subscriber.releaseNanos() / NANOS_IN_SECOND, labels);
        if (subscriber.lastSeenNanos() != 0) {
            families.add(Metric.SUBSCRIBER_IDLE, (now - subscriber.lastSeenNanos()) / NANOS_IN_SECOND, labels);
        }
    }

    /** Whoever has just come has missed nothing. The newest may be of a moment before the subscriber's number. */
    private static long lag(long lastSequence, long newest) {
        return lastSequence == 0 ? 0 : Math.max(0, newest - lastSequence);
    }
}

package io.github.cuframes.producer.metrics;

import java.util.List;

/** The metrics of cuframes; {@code docs/metrics.md} has the same in prose, and a test holds one against the other. */
enum Metric {
    PACKETS(Type.COUNTER, "cuframes_packets_received_total", "Packets of the video stream that came in.", "camera"),
    BYTES(Type.COUNTER, "cuframes_received_bytes_total", "Bytes in those packets.", "camera"),
    DECODED(Type.COUNTER, "cuframes_frames_decoded_total", "Frames that came out of the decoder.", "camera"),
    DECODE_TIME(
            Type.COUNTER,
            "cuframes_decode_seconds_total",
            "Time in the decoder's calls; on a GPU that is the CPU's side of it.",
            "camera"),
    PUBLISHED(Type.COUNTER, "cuframes_frames_published_total", "Frames offered to subscribers.", "camera"),
    DROPPED(
            Type.COUNTER,
            "cuframes_frames_dropped_total",
            "Frames that were not published: no_slot, every slot was in use; decode_error, the packet was damaged; thinned,"
                    + " for the rate asked for; unwanted, nobody subscribes to the rendition; failed, its filter or memory.",
            "camera",
            "reason"),
    COPIED(
            Type.COUNTER,
            "cuframes_frames_copied_total",
            "Published frames that were copied into their slot, converted ones included.",
            "camera"),
    CONVERTED(
            Type.COUNTER,
            "cuframes_frames_converted_total",
            "Published frames whose pixel format was converted.",
            "camera"),
    UPLOADED(
            Type.COUNTER,
            "cuframes_frames_uploaded_total",
            "Published frames that were decoded in software and uploaded to a GPU.",
            "camera"),
    CORRUPT(
            Type.COUNTER,
            "cuframes_frames_corrupt_total",
            "Published frames in which the decoder concealed errors.",
            "camera"),
    STATE(Type.GAUGE, "cuframes_source_state", "1 for the state that the source is in, else 0.", "camera", "state"),
    RECONNECTS(
            Type.COUNTER, "cuframes_source_reconnects_total", "Connections to the source after the first.", "camera"),
    HANGS(Type.COUNTER, "cuframes_source_hangs_total", "Native calls that hung and were given up.", "camera"),
    GAPS(
            Type.COUNTER,
            "cuframes_source_gaps_total",
            "Times at which frames are missing or time jumps: reconnections, loops, jumps of the time stamps.",
            "camera"),
    FRAME_AGE(
            Type.GAUGE,
            "cuframes_newest_frame_age_seconds",
            "Time since the newest frame was published; not there before the first, and while nobody subscribes to a rendition.",
            "camera"),
    SLOTS(Type.GAUGE, "cuframes_slots", "Slots of the current generation.", "camera"),
    SLOTS_IN_USE(
            Type.GAUGE, "cuframes_slots_in_use", "Slots that somebody holds, of earlier generations too.", "camera"),
    MEMORY(Type.GAUGE, "cuframes_frame_memory_bytes", "Memory of all slots.", "camera"),
    GENERATION(
            Type.GAUGE,
            "cuframes_generation",
            "Grows with each change of size, format or memory; 0 before the first frame.",
            "camera"),
    SUBSCRIBERS(Type.GAUGE, "cuframes_subscribers", "Subscribers connected.", "camera"),
    SUBSCRIBER_DELIVERED(
            Type.COUNTER, "cuframes_subscriber_frames_delivered_total", "Frames delivered to it.", Labels.SUBSCRIBER),
    SUBSCRIBER_DROPPED(
            Type.COUNTER,
            "cuframes_subscriber_frames_dropped_total",
            "Frames not delivered, because it had as many as it may have.",
            Labels.SUBSCRIBER),
    SUBSCRIBER_HELD(
            Type.GAUGE,
            "cuframes_subscriber_frames_held",
            "Frames delivered to it and not given back.",
            Labels.SUBSCRIBER),
    SUBSCRIBER_CREDITS(
            Type.GAUGE, "cuframes_subscriber_credits", "Frames that it may have at a time.", Labels.SUBSCRIBER),
    SUBSCRIBER_LAG(
            Type.GAUGE,
            "cuframes_subscriber_lag_frames",
            "Frames between the last that was delivered to it and the newest.",
            Labels.SUBSCRIBER),
    SUBSCRIBER_RELEASE(
            Type.SUMMARY,
            "cuframes_subscriber_release_seconds",
            "From the delivery of a frame to its return, as far as the publisher has looked.",
            Labels.SUBSCRIBER),
    SUBSCRIBER_IDLE(
            Type.GAUGE,
            "cuframes_subscriber_idle_seconds",
            "Time since it last gave a frame back or asked for one.",
            Labels.SUBSCRIBER),
    PACKETS_OFFERED(
            Type.COUNTER, "cuframes_packets_offered_total", "Packets offered to subscribers of packets.", "camera"),
    PACKETS_TOO_LARGE(
            Type.COUNTER,
            "cuframes_packets_too_large_total",
            "Packets that no page has room for, and that nobody got.",
            "camera"),
    PACKET_SUBSCRIBERS(Type.GAUGE, "cuframes_packet_subscribers", "Subscribers of packets.", "camera"),
    PACKET_MEMORY(Type.GAUGE, "cuframes_packet_memory_bytes", "Memory of their pages.", "camera"),
    PACKET_SUBSCRIBER_DELIVERED(
            Type.COUNTER,
            "cuframes_packet_subscriber_delivered_total",
            "Packets written into its page.",
            Labels.PACKET_SUBSCRIBER),
    PACKET_SUBSCRIBER_SKIPPED(
            Type.COUNTER,
            "cuframes_packet_subscriber_skipped_total",
            "Packets that it did not get, up to the next keyframe for which its page had room.",
            Labels.PACKET_SUBSCRIBER),
    PACKET_SUBSCRIBER_LAG(
            Type.GAUGE,
            "cuframes_packet_subscriber_lag_packets",
            "Packets between the last that was delivered to it and the newest.",
            Labels.PACKET_SUBSCRIBER),
    PACKET_SUBSCRIBER_UNREAD(
            Type.GAUGE,
            "cuframes_packet_subscriber_unread_ratio",
            "How much of its page it has not read yet, from 0 to 1.",
            Labels.PACKET_SUBSCRIBER),
    PACKET_SUBSCRIBER_IDLE(
            Type.GAUGE,
            "cuframes_packet_subscriber_idle_seconds",
            "Time since it last read something.",
            Labels.PACKET_SUBSCRIBER),
    RECORDING(
            Type.GAUGE,
            "cuframes_recording_ok",
            "0 while nothing can be recorded, else 1; not there without a recording.",
            "camera"),
    RECORDED_SEGMENTS(Type.COUNTER, "cuframes_recording_segments_total", "Segments begun.", "camera"),
    RECORDED_BYTES(Type.COUNTER, "cuframes_recording_bytes_total", "Bytes written.", "camera"),
    RECORD_DROPPED(
            Type.COUNTER,
            "cuframes_recording_packets_dropped_total",
            "Packets not recorded, because the disk was too slow or full.",
            "camera"),
    RECORD_DELETED(
            Type.COUNTER,
            "cuframes_recording_segments_deleted_total",
            "Segments deleted for retention or room.",
            "camera"),
    RECORD_ERRORS(Type.COUNTER, "cuframes_recording_errors_total", "Times at which recording broke off.", "camera"),
    GPU_DECODER(
            Type.GAUGE, "cuframes_gpu_decoder_utilization_ratio", "How busy the GPU's decoder is, from 0 to 1.", "gpu"),
    GPU_MEMORY_USED(Type.GAUGE, "cuframes_gpu_memory_used_bytes", "Memory of the GPU in use, by all processes.", "gpu"),
    GPU_MEMORY_TOTAL(Type.GAUGE, "cuframes_gpu_memory_total_bytes", "Memory that the GPU has.", "gpu");

    /** What a number means over time. */
    enum Type {
        /** Only grows; its name ends in {@code _total}. */
        COUNTER,
        /** Goes up and down. */
        GAUGE,
        /** A count and a sum, with {@code _count} and {@code _sum} behind the name. */
        SUMMARY
    }

    private static final class Labels {
        static final String[] SUBSCRIBER = {"camera", "subscriber", "name", "pid", "mode"};
        static final String[] PACKET_SUBSCRIBER = {"camera", "subscriber", "name", "pid"};
    }

    private final Type type;
    private final String exposed;
    private final String help;
    private final List<String> labels;

    Metric(Type type, String exposed, String help, String... labels) {
        this.type = type;
        this.exposed = exposed;
        this.help = help;
        this.labels = List.of(labels);
    }

    Type type() {
        return type;
    }

    /** The name that is queried, but for the suffixes of a summary. */
    String exposed() {
        return exposed;
    }

    String help() {
        return help;
    }

    List<String> labels() {
        return labels;
    }
}

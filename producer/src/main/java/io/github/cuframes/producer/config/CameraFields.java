package io.github.cuframes.producer.config;

import io.github.cuframes.producer.CameraSettings;
import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.ingest.RtspTransport;
import java.util.List;
import java.util.Map;

/**
 * What can be said of a camera: the options of the command, by the same names. What a camera can be told is added here and in
 * {@link CameraSettings}; {@code docs/cameras.schema.json} and {@code docs/configuration.md} have it, too.
 */
final class CameraFields {

    /** Of which a camera has one, and of its own. */
    static final List<Field<CameraSettings.Builder>> SOURCES = List.of(
            Field.one("rtsp", FieldType.RTSP_URL, null, CameraSettings.Builder::input, "An RTSP camera."),
            Field.one(
                    "input",
                    FieldType.INPUT,
                    null,
                    CameraSettings.Builder::input,
                    "A file, seen from this one, or any URL that FFmpeg opens."),
            Field.one(
                    "test-pattern",
                    FieldType.PATTERN,
                    null,
                    CameraSettings.Builder::testPattern,
                    "Pictures that carry their number: WIDTHxHEIGHT@FPS."));

    /** A camera's own, or the default of all. */
    static final List<Field<CameraSettings.Builder>> SETTINGS = List.of(
            Field.one(
                    "transport",
                    FieldType.choice(RtspTransport.class, RtspTransport::label),
                    "tcp",
                    CameraSettings.Builder::transport,
                    "How RTSP carries media."),
            Field.one(
                    "rtsp-timeout",
                    FieldType.DURATION,
                    "5s",
                    CameraSettings.Builder::rtspTimeout,
                    "The longest silence of a network source, twice that when connecting."),
            Field.one(
                    "loop", FieldType.BOOLEAN, "false", CameraSettings.Builder::loop, "A file starts over at its end."),
            Field.one(
                    "realtime",
                    FieldType.BOOLEAN,
                    "false",
                    CameraSettings.Builder::realtime,
                    "A file is read no faster than its time stamps say."),
            Field.one(
                    "wait-for-subscribers",
                    FieldType.integer(0, 1024),
                    "0",
                    CameraSettings.Builder::waitForSubscribers,
                    "The source starts when so many subscribers are there."),
            Field.one(
                    "threads",
                    FieldType.integer(0, 64),
                    "0",
                    CameraSettings.Builder::threads,
                    "Threads of the software decoder; 0 for as many as there are processors."),
            Field.one(
                    "memory",
                    FieldType.choice(Memory.class, Memory::label),
                    "auto",
                    CameraSettings.Builder::memory,
                    "Where frames live."),
            Field.one(
                    "gpu",
                    FieldType.NAME,
                    null,
                    CameraSettings.Builder::gpu,
                    "The GPU that decodes and on which frames live, by index or UUID."),
            Field.one(
                    "filter",
                    FieldType.TEXT,
                    null,
                    CameraSettings.Builder::filter,
                    "An FFmpeg filter graph for the frames, on the GPU if they live there."),
            Field.one(
                    "fps",
                    FieldType.RATE,
                    null,
                    CameraSettings.Builder::fps,
                    "The most frames a second; others are left out by their time stamps."),
            Field.several(
                    CamerasFile.RENDITION,
                    FieldType.RENDITION,
                    CameraSettings.Builder::renditions,
                    "Other streams of the same decoded frames, each KEY:OPTION=VALUE,...; .KEY comes behind the camera's key."),
            Field.one(
                    "packet-memory",
                    FieldType.SIZE_OR_NONE,
                    "64MB",
                    CameraSettings.Builder::packetMemory,
                    "The most memory for encoded packets that subscribers ask for; 0 offers none."),
            Field.one(
                    "record",
                    FieldType.DIRECTORY,
                    null,
                    CameraSettings.Builder::recordTo,
                    "Where the packets are written as they came, in a directory by the camera's key; seen from this file."),
            Field.one(
                    "segment",
                    FieldType.DURATION,
                    "10m",
                    CameraSettings.Builder::segment,
                    "How long a segment of the recording is."),
            Field.one(
                    "retain",
                    FieldType.SIZE,
                    null,
                    CameraSettings.Builder::retain,
                    "The most that the camera's recording takes; the oldest segments go."),
            Field.one(
                    "retain-for",
                    FieldType.DURATION,
                    null,
                    CameraSettings.Builder::retainFor,
                    "How long segments are kept."),
            Field.one(
                    "max-subscribers",
                    FieldType.integer(1, 1024),
                    "32",
                    CameraSettings.Builder::maxSubscribers,
                    "The most subscribers at a time."),
            Field.one(
                    "credits",
                    FieldType.integer(1, 64),
                    "8",
                    CameraSettings.Builder::credits,
                    "The most frames that one subscriber has at a time."),
            Field.one("max-memory", FieldType.SIZE, "4GB", CameraSettings.Builder::maxMemory, "The most frame memory."),
            Field.one(
                    "socket-mode",
                    FieldType.MODE,
                    "0660",
                    CameraSettings.Builder::socketMode,
                    "Who may connect, in octal."),
            Field.one(
                    "socket-group",
                    FieldType.TEXT,
                    null,
                    CameraSettings.Builder::socketGroup,
                    "The group that the socket belongs to."),
            Field.several(
                    "allow-user",
                    FieldType.NAME,
                    CameraSettings.Builder::allowedUsers,
                    "Users that may subscribe, by name or uid; once one or a group is named, nobody else may."),
            Field.several(
                    "allow-group",
                    FieldType.NAME,
                    CameraSettings.Builder::allowedGroups,
                    "Groups whose members may subscribe, by name or gid."),
            Field.one(
                    "hang-timeout",
                    FieldType.DURATION,
                    "30s",
                    CameraSettings.Builder::hangTimeout,
                    "A native call that takes longer counts as hung."),
            Field.one(
                    "max-hung",
                    FieldType.integer(0, 64),
                    "3",
                    CameraSettings.Builder::maxHung,
                    "The most calls that may hang at a time before the camera is given up."));

    /** Options of the command that are none of a camera's, and why. */
    static final Map<String, String> HINTS = Map.of(
            "retry", "is no field: cameras of a file are always tried again; leave it out",
            "isolate", "is no field; cameras in processes of their own are what \"supervise\" starts",
            "key", "is no field here: the key is the name that stands above",
            "run-dir", "is no camera's field; it stands at the top of the file, for all",
            "metrics", "is no camera's field; it stands at the top of the file, for all");

    private CameraFields() {}
}

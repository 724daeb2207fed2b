package io.github.cuframes.producer;

import io.github.cuframes.memory.transport.ControlServer;
import io.github.cuframes.producer.ingest.IngestOptions;
import io.github.cuframes.producer.ingest.RtspTransport;
import io.github.cuframes.producer.ingest.SafeUrl;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.producer.publish.PublisherBuilder;
import io.github.cuframes.producer.record.RecordOptions;
import io.github.cuframes.producer.record.Recorder;
import io.github.cuframes.protocol.frame.Rational;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * All that is said about one camera of a {@link ProducerGroup} but its key: two that are equal need no restart. Made by
 * {@link #builder()}; every setting but the source has a default. Immutable, prints no credentials.
 *
 * <p>What a camera can be told is added here: a component, its method in {@link Builder}, its line in {@link #toProducer}, and
 * its field in {@code io.github.cuframes.producer.config.CameraFields}, which reads it from a file.
 *
 * @param input a URL or file; null for a test pattern
 * @param pattern a test pattern; null for an input
 * @param transport how RTSP carries media
 * @param rtspTimeout the longest silence of a network source, twice that when connecting
 * @param loop a file starts over at its end
 * @param realtime a file is read no faster than its time stamps say
 * @param waitForSubscribers the source starts when so many are there; 0: at once
 * @param threads of a software decoder; 0: as many as there are processors
 * @param memory where frames live
 * @param gpu index or UUID; null for the first
 * @param filter an FFmpeg filter graph; null for none
 * @param rate the most frames a second; null for all
 * @param renditions other streams of the same frames
 * @param packetMemory the most memory for packets, in bytes; 0 to offer none
 * @param recordTo where to record, in a directory by the key; null not to
 * @param segment how long a segment of the recording is
 * @param retainBytes the most that the recording takes; 0 for no limit
 * @param retainFor how long segments are kept; null for ever
 * @param maxSubscribers the most at a time
 * @param credits the most frames that a subscriber has at a time
 * @param maxMemory the most frame memory, in bytes
 * @param socketMode who may connect
 * @param socketGroup the group that the socket belongs to; null for the process's
 * @param allowedUsers names or uids; with none of these and none of the groups, all that can connect
 * @param allowedGroups names or gids
 * @param hangTimeout a native call that takes longer counts as hung
 * @param maxHung how many calls may hang at a time before the camera is given up
 */
public record CameraSettings(
        SafeUrl input,
        PatternSpec pattern,
        RtspTransport transport,
        Duration rtspTimeout,
        boolean loop,
        boolean realtime,
        int waitForSubscribers,
        int threads,
        Memory memory,
        String gpu,
        String filter,
        Rational rate,
        List<CameraRendition> renditions,
        long packetMemory,
        Path recordTo,
        Duration segment,
        long retainBytes,
        Duration retainFor,
        int maxSubscribers,
        int credits,
        long maxMemory,
        Set<PosixFilePermission> socketMode,
        String socketGroup,
        List<String> allowedUsers,
        List<String> allowedGroups,
        Duration hangTimeout,
        int maxHung) {

    /** Checks what does not go together. */
    public CameraSettings {
        if ((input == null) == (pattern == null)) {
            throw new IllegalArgumentException("a camera needs one source: an input or a test pattern, and not both");
        }
        if (pattern != null && (filter != null || rate != null || !renditions.isEmpty())) {
            throw new IllegalArgumentException(
                    "a test pattern is not filtered and has no renditions; give it the size and"
                            + " rate that are wanted, or a camera for each");
        }
        if (pattern != null && recordTo != null) {
            throw new IllegalArgumentException("a test pattern has no packets to record; give a camera or a file");
        }
        if (recordTo != null) {
            new RecordOptions(recordTo, "key", segment, retainBytes, retainFor); // throws what it does not take
        }
        if (waitForSubscribers > maxSubscribers) {
            throw new IllegalArgumentException("a source that waits for " + waitForSubscribers
                    + " subscribers never starts where " + maxSubscribers + " are the most that are let in");
        }
        Objects.requireNonNull(transport, "transport");
        Objects.requireNonNull(rtspTimeout, "rtspTimeout");
        Objects.requireNonNull(memory, "memory");
        Objects.requireNonNull(hangTimeout, "hangTimeout");
        Objects.requireNonNull(segment, "segment");
        renditions = List.copyOf(renditions);
        socketMode = Set.copyOf(socketMode);
        allowedUsers = List.copyOf(allowedUsers);
        allowedGroups = List.copyOf(allowedGroups);
    }

    /** The defaults, without a source. */
    public static Builder builder() {
        return new Builder();
    }

    /** Whether it is a file that is played once: it has an end, after which there is nothing more to do. */
    public boolean isPlayedOnce() {
        return input != null && input.isFile() && !loop;
    }

    /** Where the frames come from, for people; without credentials. */
    public String source() {
        return input != null ? input.toString() : "test pattern " + pattern;
    }

    /**
     * The keys of the streams that such a camera publishes: its own, and those of its renditions in their order.
     *
     * @throws IllegalArgumentException if its producer could not be made; says why
     */
    public List<String> streams(String key) {
        return toProducer(key, null).keys();
    }

    /**
     * What records such a camera, for a producer's {@link ProducerBuilder#tap}; the caller closes it, after the producer.
     *
     * @return null if it is not recorded
     * @throws IOException if nobody can write there; says why
     */
    public Recorder openRecorder(String key) throws IOException {
        return recordTo == null
                ? null
                : Recorder.open(new RecordOptions(recordTo, key, segment, retainBytes, retainFor));
    }

    /**
     * The producer of such a camera, which does not record.
     *
     * @param runDirectory where its socket is made; null for the usual place
     */
    public ProducerBuilder toProducer(String key, Path runDirectory) {
        ProducerBuilder producer = Producer.builder(key)
                .transport(transport)
                .timeouts(rtspTimeout.multipliedBy(2), rtspTimeout)
                .loop(loop)
                .realtime(realtime)
                .waitForSubscribers(waitForSubscribers)
                .threads(threads)
                .memory(memory)
                .hangs(hangTimeout, maxHung)
                .packetMemory(packetMemory)
                .publish(publisher -> toPublisher(publisher.runDirectory(runDirectory)));
        if (gpu != null) {
            producer.gpu(gpu);
        }
        if (filter != null) {
            producer.filter(filter);
        }
        if (rate != null) {
            producer.fps(rate);
        }
        renditions.forEach(rendition -> rendition.addTo(producer));
        return pattern != null ? producer.testPattern(pattern) : producer.input(input);
    }

    private void toPublisher(PublisherBuilder publisher) {
        publisher
                .maxSubscribers(maxSubscribers)
                .maxCredits(credits)
                .maxMemory(maxMemory)
                .access(new ControlServer.Access(socketMode, socketGroup));
        allowedUsers.forEach(publisher::allowUser);
        allowedGroups.forEach(publisher::allowGroup);
    }

    /** Says what is not as by default. Not thread-safe. */
    public static final class Builder {
        private SafeUrl input;
        private PatternSpec pattern;
        private RtspTransport transport = RtspTransport.TCP;
        private Duration rtspTimeout = Duration.ofSeconds(5);
        private boolean loop;
        private boolean realtime;
        private int waitForSubscribers;
        private int threads;
        private Memory memory = Memory.AUTO;
        private String gpu;
        private String filter;
        private Rational rate;
        private List<CameraRendition> renditions = new ArrayList<>();
        private long packetMemory = ProducerBuilder.PACKET_MEMORY;
        private Path recordTo;
        private Duration segment = RecordOptions.DEFAULT_SEGMENT;
        private long retainBytes;
        private Duration retainFor;
        private int maxSubscribers = 32;
        private int credits = 8;
        private long maxMemory = 4L << 30;
        private Set<PosixFilePermission> socketMode = ControlServer.Access.DEFAULT.mode();
        private String socketGroup;
        private List<String> allowedUsers = new ArrayList<>();
        private List<String> allowedGroups = new ArrayList<>();
        private Duration hangTimeout = IngestOptions.CALL_TIMEOUT;
        private int maxHung = 3;

        private Builder() {}

        /** A URL or a file; a password in it is shown nowhere. */
        public Builder input(String urlOrFile) {
            return input(SafeUrl.of(urlOrFile));
        }

        /** A URL or a file. */
        public Builder input(SafeUrl url) {
            input = url;
            return this;
        }

        /** Pictures that carry their number. */
        public Builder testPattern(PatternSpec spec) {
            pattern = spec;
            return this;
        }

        /** How RTSP carries media; TCP by default. */
        public Builder transport(RtspTransport rtspTransport) {
            transport = rtspTransport;
            return this;
        }

        /** The longest silence of a network source, twice that when connecting; 5 s by default. */
        public Builder rtspTimeout(Duration timeout) {
            rtspTimeout = timeout;
            return this;
        }

        /** A file starts over at its end; not by default. */
        public Builder loop(boolean again) {
            loop = again;
            return this;
        }

        /** A file is read no faster than its time stamps say; not by default. */
        public Builder realtime(boolean paced) {
            realtime = paced;
            return this;
        }

        /** Starts the source when so many subscribers are there; at once by default. */
        public Builder waitForSubscribers(int subscribers) {
            waitForSubscribers = subscribers;
            return this;
        }

        /** Threads of a software decoder; 0, the default, leaves it to the number of processors. */
        public Builder threads(int decoderThreads) {
            threads = decoderThreads;
            return this;
        }

        /** Where frames live; by default on a GPU where one can be used. */
        public Builder memory(Memory place) {
            memory = place;
            return this;
        }

        /** The GPU, by index or UUID; the first by default. */
        public Builder gpu(String indexOrUuid) {
            gpu = indexOrUuid;
            return this;
        }

        /** An FFmpeg filter graph that frames go through; none by default. */
        public Builder filter(String graph) {
            filter = graph;
            return this;
        }

        /** The most frames a second of the main stream; all by default. */
        public Builder fps(Rational framesPerSecond) {
            rate = framesPerSecond;
            return this;
        }

        /** Other streams of the same frames; none by default. */
        public Builder renditions(List<? extends CameraRendition> others) {
            renditions = new ArrayList<>(others);
            return this;
        }

        /** The most memory for packets in bytes, see {@link ProducerBuilder#packetMemory}; 64 MiB by default. */
        public Builder packetMemory(long bytes) {
            packetMemory = bytes;
            return this;
        }

        /** Where to record; by default it is not. */
        public Builder recordTo(Path directory) {
            recordTo = directory;
            return this;
        }

        /** How long a segment of the recording is; 10 minutes by default. */
        public Builder segment(Duration length) {
            segment = length;
            return this;
        }

        /** The most bytes that the recording takes; no limit by default. */
        public Builder retain(long bytes) {
            retainBytes = bytes;
            return this;
        }

        /** How long segments are kept; for ever by default. */
        public Builder retainFor(Duration time) {
            retainFor = time;
            return this;
        }

        /** The most subscribers at a time, 1 to 1024; 32 by default. */
        public Builder maxSubscribers(int subscribers) {
            maxSubscribers = subscribers;
            return this;
        }

        /** The most frames that one subscriber has at a time, 1 to 64; 8 by default. */
        public Builder credits(int frames) {
            credits = frames;
            return this;
        }

        /** The most frame memory in bytes; 4 GiB by default. */
        public Builder maxMemory(long bytes) {
            maxMemory = bytes;
            return this;
        }

        /** Who may connect; user and group by default. */
        public Builder socketMode(Set<PosixFilePermission> mode) {
            socketMode = mode;
            return this;
        }

        /** The group that the socket belongs to; the process's by default. */
        public Builder socketGroup(String name) {
            socketGroup = name;
            return this;
        }

        /** Users that may subscribe; without any, and without groups, all that can connect. */
        public Builder allowedUsers(List<String> namesOrUids) {
            allowedUsers = namesOrUids;
            return this;
        }

        /** Groups whose members may subscribe. */
        public Builder allowedGroups(List<String> namesOrGids) {
            allowedGroups = namesOrGids;
            return this;
        }

        /** A native call that takes longer counts as hung; 30 s by default. */
        public Builder hangTimeout(Duration timeout) {
            hangTimeout = timeout;
            return this;
        }

        /** How many calls may hang at a time before the camera is given up; 3 by default. */
        public Builder maxHung(int atATime) {
            maxHung = atATime;
            return this;
        }

        /**
         * The settings.
         *
         * @throws IllegalArgumentException if there is not exactly one source, or something does not go together
         */
        public CameraSettings build() {
            return new CameraSettings(
                    input,
                    pattern,
                    transport,
                    rtspTimeout,
                    loop,
                    realtime,
                    waitForSubscribers,
                    threads,
                    memory,
                    gpu,
                    filter,
                    rate,
                    renditions,
                    packetMemory,
                    recordTo,
                    segment,
                    retainBytes,
                    retainFor,
                    maxSubscribers,
                    credits,
                    maxMemory,
                    socketMode,
                    socketGroup,
                    allowedUsers,
                    allowedGroups,
                    hangTimeout,
                    maxHung);
        }
    }
}

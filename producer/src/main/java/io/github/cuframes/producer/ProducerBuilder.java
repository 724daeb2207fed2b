package io.github.cuframes.producer;

import io.github.cuframes.producer.decode.CudaWriter;
import io.github.cuframes.producer.decode.DecoderOptions;
import io.github.cuframes.producer.decode.FrameWriters;
import io.github.cuframes.producer.decode.SlotWriter;
import io.github.cuframes.producer.ingest.IngestOptions;
import io.github.cuframes.producer.ingest.PacketTap;
import io.github.cuframes.producer.ingest.RtspTransport;
import io.github.cuframes.producer.ingest.SafeUrl;
import io.github.cuframes.producer.ingest.SourceOptions;
import io.github.cuframes.producer.packets.PacketFeed;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.producer.pattern.TestPatternSource;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.publish.PublisherBuilder;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.watch.Watchdog;
import io.github.cuframes.protocol.frame.Rational;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** The configuration of a {@link Producer}: a key, and an input or a test pattern. Not thread-safe. */
public final class ProducerBuilder {

    private static final Duration OPEN_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration READ_TIMEOUT = Duration.ofSeconds(5);
    static final long PACKET_MEMORY = 64L << 20;

    private final String key;
    private final List<RenditionBuilder> renditions = new ArrayList<>();
    private Consumer<PublisherBuilder> publisher = builder -> {};
    private SafeUrl input;
    private PatternSpec pattern;
    private RtspTransport transport = RtspTransport.TCP;
    private Duration openTimeout = OPEN_TIMEOUT;
    private Duration readTimeout = READ_TIMEOUT;
    private boolean loop;
    private boolean realtime;
    private boolean retryFirst;
    private int threads;
    private Memory memory = Memory.AUTO;
    private String gpu;
    private String filter;
    private Rational rate;
    private int waitForSubscribers;
    private Duration callTimeout = IngestOptions.CALL_TIMEOUT;
    private int maxHung = 3;
    private final List<PacketTap> taps = new ArrayList<>();
    private long packetMemory = PACKET_MEMORY;
    private ProducerListener listener = (state, cause) -> {};

    ProducerBuilder(String key) {
        this.key = key;
        Publisher.builder(key); // throws if it is no key
    }

    /** Reads a URL or a file; what FFmpeg opens. A password in it is never shown anywhere. */
    public ProducerBuilder input(String urlOrFile) {
        return input(SafeUrl.of(urlOrFile));
    }

    /** Reads a URL or a file. */
    public ProducerBuilder input(SafeUrl url) {
        input = Objects.requireNonNull(url);
        return this;
    }

    /** Makes pictures that carry their number, see {@link io.github.cuframes.protocol.pattern.FrameCode}. */
    public ProducerBuilder testPattern(PatternSpec spec) {
        pattern = Objects.requireNonNull(spec);
        return this;
    }

    /** How RTSP carries media; TCP by default. */
    public ProducerBuilder transport(RtspTransport rtspTransport) {
        transport = Objects.requireNonNull(rtspTransport);
        return this;
    }

    /**
     * Deadlines of a network source.
     *
     * @param open until the stream is described; 10 s by default
     * @param read between two packets; 5 s by default
     */
    public ProducerBuilder timeouts(Duration open, Duration read) {
        openTimeout = open;
        readTimeout = read;
        return this;
    }

    /** At the end of a file, start over; not by default. */
    public ProducerBuilder loop(boolean again) {
        loop = again;
        return this;
    }

    /** Read a file no faster than its time stamps say; not by default. */
    public ProducerBuilder realtime(boolean paced) {
        realtime = paced;
        return this;
    }

    /** Try again also when a network source cannot be reached the first time; by default that is a failure. */
    public ProducerBuilder retryFirst(boolean patient) {
        retryFirst = patient;
        return this;
    }

    /**
     * Starts the source when so many subscribers are there, so that none misses its first frame; at once by default. At
     * most as many as the publisher admits.
     */
    public ProducerBuilder waitForSubscribers(int subscribers) {
        if (subscribers < 0) {
            throw new IllegalArgumentException("a source cannot wait for " + subscribers + " subscribers");
        }
        waitForSubscribers = subscribers;
        return this;
    }

    /** Threads of a software decoder; 0, the default, leaves it to the number of processors. */
    public ProducerBuilder threads(int decoderThreads) {
        threads = decoderThreads;
        return this;
    }

    /** Where the frames live; by default on a GPU where one can be used, else in host memory. */
    public ProducerBuilder memory(Memory place) {
        memory = Objects.requireNonNull(place);
        return this;
    }

    /**
     * The GPU that decodes and on which the frames live, the first one by default.
     *
     * @param indexOrUuid its number in this process, or its UUID
     */
    public ProducerBuilder gpu(String indexOrUuid) {
        gpu = Objects.requireNonNull(indexOrUuid);
        return this;
    }

    /**
     * An FFmpeg filter graph that frames go through before they are published, such as {@code scale_cuda=640:360}; on the
     * GPU if the frames live there. What comes out of it is copied into its slot. Not for a test pattern.
     */
    public ProducerBuilder filter(String graph) {
        filter = Objects.requireNonNull(graph);
        return this;
    }

    /**
     * The most frames a second; the others are left out by their time stamps, before they are filtered or copied. Where nobody
     * wants a frame of a camera that sends each by itself (MJPEG), it is not even decoded. Not for a test pattern.
     */
    public ProducerBuilder fps(Rational framesPerSecond) {
        if (!framesPerSecond.isKnown()) {
            throw new IllegalArgumentException(framesPerSecond + " is no rate");
        }
        rate = framesPerSecond;
        return this;
    }

    /**
     * Publishes another stream of the same decoded frames: scaled, filtered, fewer. Its subscribers, slots and losses are its
     * own, and its frames have the times of the main stream's. Not for a test pattern.
     *
     * <pre>{@code
     * Producer.builder("cam1").input(url).rendition("cam1.detect", detect -> detect.size(640, 360).fps(5)).open();
     * }</pre>
     *
     * @param name its key, {@code [A-Za-z0-9._-]{1,64}}; another one than the camera's and the other renditions'. What begins with
     *     a dot comes behind the camera's: {@code .detect} of {@code cam1} is {@code cam1.detect}
     */
    public ProducerBuilder rendition(String name, Consumer<RenditionBuilder> change) {
        String renditionKey = name.startsWith(".") ? key + name : name;
        Publisher.builder(renditionKey); // throws if it is no key
        if (renditionKey.equals(key)
                || renditions.stream().anyMatch(it -> it.key().equals(renditionKey))) {
            throw new IllegalArgumentException(
                    "rendition \"" + renditionKey + "\": this camera has a stream of that name; give another");
        }
        RenditionBuilder rendition = new RenditionBuilder(renditionKey);
        change.accept(rendition);
        renditions.add(rendition);
        return this;
    }

    /**
     * What to do about native calls that hang. The camera is then started again beside them while the subscribers stay
     * connected; what they use stays allocated until they return.
     *
     * @param timeout how long a call takes before it counts as hung, beyond the deadlines of a network source; 30 s by default
     * @param atATime how many may hang before the producer fails with a {@link HangException}; 3 by default, 0 for none
     */
    public ProducerBuilder hangs(Duration timeout, int atATime) {
        if (timeout.isZero() || timeout.isNegative() || atATime < 0) {
            throw new IllegalArgumentException(
                    "no valid limit for calls that hang: " + atATime + " of them after " + timeout);
        }
        callTimeout = timeout;
        maxHung = atATime;
        return this;
    }

    /**
     * Somebody who gets the packets as they came, too, without another connection. Not for a test pattern, which has none. The
     * caller closes it, after the producer.
     */
    public ProducerBuilder tap(PacketTap tap) {
        taps.add(Objects.requireNonNull(tap));
        return this;
    }

    /**
     * The most memory for encoded packets, which are offered beside the frames, see {@link PublisherBuilder#packetMemory}; 64 MiB
     * by default, of which a sixteenth at most is taken before somebody asks for packets. Means nothing for a test pattern.
     *
     * @param bytes 0 to offer none, or 512 KiB at least
     */
    public ProducerBuilder packetMemory(long bytes) {
        Publisher.builder(key).packetMemory(bytes); // throws if it is too little
        packetMemory = bytes;
        return this;
    }

    /** Who hears what becomes of the source. */
    public ProducerBuilder listener(ProducerListener producerListener) {
        listener = Objects.requireNonNull(producerListener);
        return this;
    }

    /** Changes how frames are offered: run directory, limits, access. Holds for renditions, too, where they do not differ. */
    public ProducerBuilder publish(Consumer<PublisherBuilder> change) {
        publisher = publisher.andThen(change);
        return this;
    }

    /**
     * Listens for subscribers and starts the source, which connects on a thread of its own.
     *
     * @throws io.github.cuframes.memory.transport.KeyInUseException if a live producer has the key
     * @throws IOException if the run directory, shared memory or the GPU cannot be used; says why and what to do
     * @throws IllegalStateException if there is not exactly one of an input and a test pattern, or a filter, a rate, a tap or
     *     a rendition for the latter
     */
    public Producer open() throws IOException {
        if ((input == null) == (pattern == null)) {
            throw new IllegalStateException("producer \"" + key + "\" needs an input or a test pattern, and not both");
        }
        if (pattern != null && (filter != null || rate != null || !renditions.isEmpty())) {
            throw new IllegalStateException("a test pattern is not filtered and has no renditions; give it the size and"
                    + " rate that are wanted, or a producer for each");
        }
        if (pattern != null && !taps.isEmpty()) {
            throw new IllegalStateException(
                    "a test pattern has no packets to record or to pass on; give a camera or a file");
        }
        FramePlace place = FramePlace.find(memory, gpu);
        try {
            return new Producer(this, place);
        } catch (IOException | RuntimeException | Error e) {
            place.close();
            throw e;
        }
    }

    String key() {
        return key;
    }

    /** Of its streams, the main one's first. */
    List<String> keys() {
        return Stream.concat(Stream.of(key), renditions.stream().map(RenditionBuilder::key))
                .toList();
    }

    /** For how many subscribers of each stream the source waits. */
    List<Integer> waitForSubscribers() {
        return Stream.concat(
                        Stream.of(waitForSubscribers), renditions.stream().map(RenditionBuilder::waitForSubscribers))
                .toList();
    }

    boolean waitsForNobody() {
        return waitForSubscribers().stream().allMatch(count -> count == 0);
    }

    Duration callTimeout() {
        return callTimeout;
    }

    List<PacketTap> taps() {
        return List.copyOf(taps);
    }

    ProducerListener listener() {
        return listener;
    }

    Streams streams(FramePlace place) throws IOException {
        List<Streams.Opening> openings = new ArrayList<>();
        openings.add(() -> publisher(key, place, builder -> {}).open());
        for (RenditionBuilder rendition : renditions) {
            openings.add(() ->
                    publisher(rendition.key(), place, rendition.publisher()).open());
        }
        return Streams.open(openings);
    }

    private PublisherBuilder publisher(String name, FramePlace place, Consumer<PublisherBuilder> change) {
        PublisherBuilder builder = Publisher.builder(name).packetMemory(packetMemory);
        publisher.andThen(change).accept(builder);
        if (pattern != null || !name.equals(key)) {
            builder.packetMemory(0); // a pattern has no packets, and a camera's are offered once
        }
        // a file can wait, and so can a pattern that we make ourselves; a camera cannot
        return builder.allowLossless(pattern != null || input.isFile()).allocator(place.allocator());
    }

    FrameSource source(Streams streams, FramePlace place, ProducerListener heard) {
        if (pattern != null) {
            return new PatternSource(
                    TestPatternSource.builder(streams.main(), pattern).gpu(place.context()), heard);
        }
        SourceOptions source = new SourceOptions(input, transport, openTimeout, readTimeout, loop, realtime);
        List<PacketTap> all = new ArrayList<>(taps);
        streams.main().packets().ifPresent(packets -> all.add(new PacketFeed(key, packets)));
        IngestOptions options = IngestOptions.of(source)
                .withRetryFirst(retryFirst)
                .withFilter(filter)
                .withRate(rate)
                .withCallTimeout(callTimeout)
                .withTaps(all);
        IngestSource.Parts parts = new IngestSource.Parts(
                key,
                threads > 0 ? options.withDecoder(new DecoderOptions(threads)) : options,
                streams.main(),
                fenced -> writers(fenced, place),
                renditions(streams, place),
                maxHung,
                loop || !input.isFile());
        return new IngestSource(parts, Watchdog.shared(), heard);
    }

    private List<IngestSource.Rendition> renditions(Streams streams, FramePlace place) {
        List<IngestSource.Rendition> all = new ArrayList<>();
        for (Publisher slots : streams.renditions()) {
            RenditionBuilder rendition = renditions.get(all.size());
            all.add(new IngestSource.Rendition(rendition.options(place.context() != null), slots));
        }
        return all;
    }

    private static FrameWriters writers(SlotSource slots, FramePlace place) {
        return place.context() == null
                ? filtered -> new SlotWriter(slots, !filtered)
                : filtered -> new CudaWriter(slots, place.allocator(), place.context(), !filtered);
    }
}

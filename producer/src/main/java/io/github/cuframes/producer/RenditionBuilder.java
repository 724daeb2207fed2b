package io.github.cuframes.producer;

import io.github.cuframes.producer.ingest.RenditionOptions;
import io.github.cuframes.producer.publish.PublisherBuilder;
import io.github.cuframes.protocol.frame.Rational;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * The configuration of a rendition: another stream of the same decoded frames, with a key of its own. As it stands it has
 * every frame in its size. While nobody subscribes its frames are not made, unless it has a {@link #filter}. Not thread-safe.
 */
public final class RenditionBuilder {

    private static final int MAX_SIDE = 16_384;

    /** Decoded frames that a graph of somebody's may keep: deinterlacers keep three. */
    private static final int HELD_BY_GRAPH = 4;

    private final String key;
    private int width;
    private int height;
    private String graph;
    private Rational rate;
    private int waitForSubscribers;
    private Consumer<PublisherBuilder> publisher = builder -> {};

    RenditionBuilder(String key) {
        this.key = key;
    }

    private IllegalArgumentException wrong(String what) {
        return new IllegalArgumentException("rendition \"" + key + "\": " + what);
    }

    /** Scales frames to a size, on the GPU if they live there. Instead of {@link #filter}. */
    public RenditionBuilder size(int columns, int rows) {
        if (columns < 1 || columns > MAX_SIDE || rows < 1 || rows > MAX_SIDE) {
            throw wrong(columns + "x" + rows + " is no size; give 1 to " + MAX_SIDE + " columns and rows");
        }
        width = columns;
        height = rows;
        return requireOneScaler();
    }

    /**
     * An FFmpeg filter graph that frames go through, such as {@code scale_cuda=640:360:format=yuv420p}; on the GPU if the frames
     * live there.
     */
    public RenditionBuilder filter(String filterGraph) {
        graph = Objects.requireNonNull(filterGraph);
        return requireOneScaler();
    }

    private RenditionBuilder requireOneScaler() {
        if (width != 0 && graph != null) {
            throw wrong("it has a size and a filter; scale within the filter, or give the size alone");
        }
        return this;
    }

    /** The most frames a second; the others are left out by their time stamps, before any work is done on them. */
    public RenditionBuilder fps(Rational framesPerSecond) {
        if (!framesPerSecond.isKnown()) {
            throw wrong(framesPerSecond + " is no rate");
        }
        rate = framesPerSecond;
        return this;
    }

    /** The most frames a second, as a whole number. */
    public RenditionBuilder fps(int framesPerSecond) {
        return fps(new Rational(framesPerSecond, 1));
    }

    /** Starts the source when so many subscribers of this rendition are there; by default it waits for none. */
    public RenditionBuilder waitForSubscribers(int subscribers) {
        if (subscribers < 0) {
            throw wrong("a source cannot wait for " + subscribers + " subscribers");
        }
        waitForSubscribers = subscribers;
        return this;
    }

    /** Changes how frames are offered. Without this it is as the main stream's: directory, access and limits. */
    public RenditionBuilder publish(Consumer<PublisherBuilder> change) {
        publisher = publisher.andThen(change);
        return this;
    }

    String key() {
        return key;
    }

    int waitForSubscribers() {
        return waitForSubscribers;
    }

    Consumer<PublisherBuilder> publisher() {
        return publisher;
    }

    /** What it is once it is known where frames live. */
    RenditionOptions options(boolean onGpu) {
        if (width != 0) {
            String scaler = (onGpu ? "scale_cuda=" : "scale=") + width + ":" + height;
            return new RenditionOptions(key, scaler, 0, rate);
        }
        return new RenditionOptions(key, graph, graph == null ? 0 : HELD_BY_GRAPH, rate);
    }
}

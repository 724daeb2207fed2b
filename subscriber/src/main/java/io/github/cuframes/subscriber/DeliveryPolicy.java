package io.github.cuframes.subscriber;

import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.layout.SubscriberPage;

/**
 * Which frames a subscriber gets when it cannot take them all.
 *
 * @param mode how frames are chosen
 * @param depth frames that may wait for a fifo subscriber, else 0
 */
public record DeliveryPolicy(DeliveryMode mode, int depth) {

    /** The deepest fifo: one lease more is needed for the frame in the reader's hands. */
    public static final int MAX_DEPTH = SubscriberPage.CAPACITY - 1;

    /** Checks the depth. */
    public DeliveryPolicy {
        if (mode == DeliveryMode.FIFO ? depth < 1 || depth > MAX_DEPTH : depth != 0) {
            throw new IllegalArgumentException(
                    mode == DeliveryMode.FIFO
                            ? "a fifo is 1 to " + MAX_DEPTH + " frames deep, not " + depth
                            : "only a fifo has a depth, " + mode + " was given " + depth);
        }
    }

    /** The newest frame at the moment of {@link Subscriber#next}; older ones are skipped and counted. */
    public static DeliveryPolicy latest() {
        return new DeliveryPolicy(DeliveryMode.LATEST, 0);
    }

    /**
     * In order; frames that come while {@code depth} are waiting are dropped and counted.
     *
     * @param depth 1 to {@link #MAX_DEPTH}
     */
    public static DeliveryPolicy fifo(int depth) {
        return new DeliveryPolicy(DeliveryMode.FIFO, depth);
    }

    /** In order, all of them: the source waits. Live sources refuse it. */
    public static DeliveryPolicy lossless() {
        return new DeliveryPolicy(DeliveryMode.LOSSLESS, 0);
    }

    /**
     * The policy as commands take it.
     *
     * @param text {@code latest}, {@code fifo:N} or {@code lossless}
     * @throws IllegalArgumentException if it is none of them
     */
    public static DeliveryPolicy parse(String text) {
        if (text.equals("latest")) {
            return latest();
        }
        if (text.equals("lossless")) {
            return lossless();
        }
        if (text.matches("fifo:[0-9]{1,4}")) {
            return fifo(Integer.parseInt(text.substring("fifo:".length())));
        }
        throw new IllegalArgumentException("\"" + text + "\" is no delivery policy; use latest, fifo:N (N from 1 to "
                + MAX_DEPTH + ") or lossless");
    }

    @Override
    public String toString() {
        return switch (mode) {
            case LATEST -> "latest";
            case FIFO -> "fifo:" + depth;
            case LOSSLESS -> "lossless";
        };
    }
}

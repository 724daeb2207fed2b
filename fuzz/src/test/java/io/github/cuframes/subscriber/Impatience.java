package io.github.cuframes.subscriber;

import java.util.concurrent.CountDownLatch;

/** Time that passes at once where a subscriber would wait before it tries again, so that a fuzzer does not. For one subscriber. */
public final class Impatience implements Ticker {

    private long ahead;

    private Impatience() {}

    /** Has a subscriber wait for nothing but its socket. */
    public static SubscriberBuilder of(SubscriberBuilder builder) {
        return builder.ticker(new Impatience());
    }

    /** Has a subscriber of packets wait for nothing but its socket. */
    public static PacketSubscriberBuilder of(PacketSubscriberBuilder builder) {
        builder.connection.ticker = new Impatience();
        return builder;
    }

    @Override
    public long nanoTime() {
        return System.nanoTime() + ahead;
    }

    @Override
    public void await(CountDownLatch closed, long nanos) {
        ahead += nanos;
    }
}

package io.github.cuframes.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;

/** A transmitter in this process with its receivers in others, and what was measured on it so far. */
final class Course implements AutoCloseable {

    private final Transmitter transmitter;
    private final List<ReceiverProcess> receivers = new ArrayList<>();
    private final Histogram latencies = Reception.histogram();
    private final Histogram sendTimes = Reception.histogram();
    private long sent;
    private long elapsedNanos;

    /** Starts the receivers and waits until they are connected. Owns the transmitter from here on. */
    Course(Transmitter transmitter, int receiverCount, String... receiverOptions) throws IOException {
        this(null, transmitter, receiverCount, receiverOptions);
    }

    /**
     * The same with another program at the receiving end.
     *
     * @param program null for {@link Receiver}
     */
    Course(Path program, Transmitter transmitter, int receiverCount, String... receiverOptions) throws IOException {
        this.transmitter = transmitter;
        List<String> arguments = new ArrayList<>(List.of(transmitter.address()));
        arguments.addAll(List.of(receiverOptions));
        try {
            for (int i = 0; i < receiverCount; i++) {
                receivers.add(new ReceiverProcess(program, arguments));
            }
            for (ReceiverProcess receiver : receivers) {
                receiver.awaitConnected();
            }
            transmitter.admit(receiverCount);
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    int receivers() {
        return receivers.size();
    }

    /** Sends messages that don't count, for both sides' code to be compiled. */
    void warmUp(long messages, double rate) throws IOException {
        run(0, messages, rate, false);
    }

    /**
     * Sends a stretch of messages that count.
     *
     * @param settle messages before them that don't
     * @param rate messages a second; 0: no pause between them
     */
    void measure(long settle, long messages, double rate) throws IOException {
        run(settle, messages, rate, true);
    }

    private void run(long settle, long messages, double rate, boolean counts) throws IOException {
        long first = transmitter.sent() + 1;
        Round round = new Round(first + settle, first + settle + messages - 1);
        for (ReceiverProcess receiver : receivers) {
            receiver.begin(round);
        }
        long period = rate > 0 ? (long) (TimeUnit.SECONDS.toNanos(1) / rate) : 0;
        long due = System.nanoTime() + period;
        long start = due;
        for (long number = first; number <= round.last(); number++) {
            long before = Machine.awaitTime(due);
            // who is late does not catch up: messages in a burst would be measured against each other
            due = Math.max(due, before) + period;
            if (number == round.measured()) {
                start = before;
            }
            transmitter.send();
            if (counts && number >= round.measured()) {
                Reception.record(sendTimes, System.nanoTime() - before);
            }
        }
        for (ReceiverProcess receiver : receivers) {
            Reception reception = receiver.end();
            if (counts) {
                latencies.add(reception.latencies());
            }
        }
        if (counts) {
            sent += messages;
            elapsedNanos += System.nanoTime() - start;
        }
    }

    /** Nanoseconds from sending to receiving, of all receivers. */
    Histogram latencies() {
        return latencies;
    }

    /** Nanoseconds that sending kept the sender. */
    Histogram sendTimes() {
        return sendTimes;
    }

    /** Messages that counted; each receiver may get all of them. */
    long sent() {
        return sent;
    }

    /** From the first message that counted until the last receiver had reported, over all stretches. */
    long elapsedNanos() {
        return elapsedNanos;
    }

    @Override
    public void close() throws IOException {
        try (transmitter) {
            for (ReceiverProcess receiver : receivers) {
                receiver.close();
            }
        }
    }
}

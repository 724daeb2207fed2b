package io.github.cuframes.benchmarks;

import java.io.IOException;

/** The sending end of a transport that is measured. Belongs to one thread. */
interface Transmitter extends AutoCloseable {

    /** Takes in receivers that have connected. */
    void admit(int receivers) throws IOException;

    /** Sends one message, stamped with the clock, to every receiver. */
    void send() throws IOException;

    /** What the last message was numbered: 1, 2, 3 … */
    long sent();

    /** What a {@link Receiver} has to be told to find it. */
    String[] address();

    @Override
    void close() throws IOException;
}

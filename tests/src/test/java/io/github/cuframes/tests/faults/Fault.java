package io.github.cuframes.tests.faults;

import java.io.IOException;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Random;
import java.util.Set;

/** The kinds of steps, each with how often it is taken, relative to the others. */
enum Fault {
    KILL_SUBSCRIBER(6, ProcessFaults::killSubscriber),
    KILL_PRODUCER(4, ProcessFaults::killProducer),
    PRODUCER_LEAVES(2, ProcessFaults::producerLeaves),
    STOP_SUBSCRIBER(14, ProcessFaults::stopSubscriber),
    STOP_PRODUCER(12, ProcessFaults::stopProducer),
    SLOW_SUBSCRIBER(14, StreamFaults::slowSubscriber),
    RECONNECT(24, StreamFaults::reconnect),
    GENERATION(24, StreamFaults::generation),
    CLOCK_JUMP(6, StreamFaults::clockJump),
    SUBSCRIBER_LOSES_SOCKETS(3, ResourceFaults::subscriberLosesSockets),
    PRODUCER_LOSES_SOCKETS(1, ResourceFaults::producerLosesSockets),
    PRODUCER_WITHOUT_DESCRIPTORS(4, ResourceFaults::producerWithoutDescriptors),
    SUBSCRIBER_WITHOUT_DESCRIPTORS(2, ResourceFaults::subscriberWithoutDescriptors),
    RUN_DIRECTORY_FULL(4, ResourceFaults::runDirectoryFull),
    RECORDING_DISK_FULL(1, ResourceFaults::recordingDiskFull),
    RTSP_STALL(1, RtspFaults::stall),
    RTSP_RESET(1, RtspFaults::reset),
    RTSP_AWAY(1, RtspFaults::away),
    RTSP_GARBAGE(1, RtspFaults::garbage),
    RTSP_LOSS(1, RtspFaults::loss),
    RTSP_REPEAT(1, RtspFaults::repeat),
    RTSP_NEW_SIZE(1, RtspFaults::newSize),
    RTSP_NEW_CODEC(1, RtspFaults::newCodec),
    RTSP_NEW_RATE(1, RtspFaults::newRate);

    /** Takes a step. All that is chosen comes from the random numbers, and not from what the processes do. */
    interface Action {
        void take(Theatre theatre, Random random, Outcome outcome) throws IOException, StepFailure, SkippedStep;
    }

    private final int weight;
    final Action action;

    Fault(int weight, Action action) {
        this.weight = weight;
        this.action = action;
    }

    boolean isRtsp() {
        return name().startsWith("RTSP_");
    }

    /** The label in plans and reports. */
    String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** All but those that need a camera of real RTSP. */
    static Set<Fault> withoutRtsp() {
        Set<Fault> kinds = EnumSet.allOf(Fault.class);
        kinds.removeIf(Fault::isRtsp);
        return kinds;
    }

    /**
     * The one with this label.
     *
     * @throws IllegalArgumentException if there is none
     */
    static Fault of(String label) {
        for (Fault fault : values()) {
            if (fault.label().equals(label)) {
                return fault;
            }
        }
        throw new IllegalArgumentException("there is no kind of step \"" + label + "\"; --plan shows some");
    }

    /** Chooses one of these by weight. */
    static Fault choose(Random random, Set<Fault> kinds) {
        int drawn =
                random.nextInt(kinds.stream().mapToInt(fault -> fault.weight).sum());
        for (Fault fault : values()) {
            drawn -= kinds.contains(fault) ? fault.weight : 0;
            if (drawn < 0) {
                return fault;
            }
        }
        throw new AssertionError("weights");
    }
}

package io.github.cuframes.conformance.subscriber;

import io.github.cuframes.conformance.Check;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Skipped;

/** Beginnings that checks share. */
final class Hosted {

    static final String LATEST = "latest";
    static final String FIFO = "fifo:3";
    static final String LOSSLESS = "lossless";

    private Hosted() {}

    /** What is done with a subscriber that was started for it. */
    interface Steps {
        void run(Host host) throws Exception;
    }

    /** What is done with a subscriber that gets frames. */
    interface StreamSteps {
        void run(Guest guest) throws Exception;
    }

    /** A subscriber of its own. */
    static void with(SubscriberUnderTest subject, String policy, Steps steps) throws Exception {
        try (Host host = new Host(subject, policy)) {
            steps.run(host);
        }
    }

    /** Runs a case with a subscriber of its own, and names it if it fails. */
    static void in(String situation, SubscriberUnderTest subject, Steps steps) throws Exception {
        try {
            with(subject, FIFO, steps);
        } catch (Failed e) {
            throw e.in(situation);
        }
    }

    /** A check with a subscriber of its own. */
    static Check<SubscriberUnderTest> hosted(String clause, Steps steps) {
        return Check.of(clause, subject -> with(subject, FIFO, steps));
    }

    /** A check with a subscriber that gets frames. */
    static Check<SubscriberUnderTest> streaming(String clause, StreamSteps steps) {
        return hosted(clause, host -> steps.run(host.stream()));
    }

    /** A check with a subscriber that gets frames in one mode. */
    static Check<SubscriberUnderTest> streaming(String clause, String policy, StreamSteps steps) {
        return Check.of(
                clause,
                subject -> with(subject, policy, host -> {
                    Guest guest = host.stream();
                    requireMode(guest, policy);
                    steps.run(guest);
                }));
    }

    private static void requireMode(Guest guest, String policy) throws Failed, Skipped {
        int wanted = policy.equals(LATEST) ? 1 : policy.equals(FIFO) ? 2 : 3;
        if (guest.mode() == wanted) {
            return;
        }
        if (guest.host.subject.takesPolicy()) {
            throw new Failed("a HELLO that asks for " + policy, "mode " + guest.mode());
        }
        throw new Skipped("the subscriber asks for mode " + guest.mode()
                + "; put {policy} into its command to have it ask for " + policy);
    }
}

package io.github.cuframes.tests.faults;

import io.github.cuframes.tests.Report;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A subscriber of a camera. */
final class Member {

    /** Within which one that was not itself hurt beyond help has to receive; less than {@link Actor#HANG}. */
    private static final long LIMIT_MILLIS = 20_000;

    final String name;
    final String policy;
    Actor actor;
    private Report lastCheck;
    private long excusedViolations;
    private long excusedHoles;

    Member(String name, String policy) {
        this.name = name;
        this.policy = policy;
    }

    void subscribe(Camera camera, String withPolicy) throws StepFailure {
        actor.ask(subscription(camera, withPolicy), "subscribed");
    }

    static String subscription(Camera camera, String policy) {
        return "subscribe key=" + camera.key + " run-dir=" + camera.runDirectory + " policy=" + policy + " hold=0";
    }

    /**
     * Waits until each has received a frame that was published after a moment.
     *
     * @return nanoseconds from the moment to the receipts
     */
    static List<Long> awaitFrames(List<Member> members, long since) throws StepFailure {
        for (Member member : members) {
            member.actor.tell("await nanos=" + since + " limit=" + LIMIT_MILLIS);
        }
        List<Long> nanos = new ArrayList<>();
        StepFailure failure = null;
        for (Member member : members) {
            try {
                Report report = member.actor.require(member.actor.answer(), "frame");
                nanos.add(report.number("nanos") - since);
            } catch (StepFailure e) {
                failure = failure == null ? e : failure; // the others' answers are to be read all the same
            }
        }
        if (failure != null) {
            throw failure;
        }
        return nanos;
    }

    /** Asks for what it saw, and throws if it saw what must not be. */
    Report check() throws StepFailure {
        Report report = actor.ask("check", "checked");
        if (report.number("violations") > excusedViolations || report.number("holes") > excusedHoles) {
            throw new StepFailure(
                    name + " (" + policy + ") saw " + report.text("what") + " holes=" + report.number("holes"));
        }
        lastCheck = report;
        return report;
    }

    /** Excuses so many missing frames more, for a reason that the caller knows. */
    void excuseHoles(long most) throws StepFailure {
        long holes = actor.ask("check", "checked").number("holes");
        excusedHoles = Math.max(excusedHoles, Math.min(holes, excusedHoles + most));
    }

    /** What was seen so far has a reason outside: the network lost it. Returns how many frames were wrong or missing since the last. */
    long excuse() throws StepFailure {
        Report report = actor.ask("check", "checked");
        long before = excusedViolations + excusedHoles;
        excusedViolations = report.number("violations");
        excusedHoles = report.number("holes");
        return excusedViolations + excusedHoles - before;
    }

    /** What {@link #check} found last, and the sum of it goes where its process goes; null before. */
    Report takeLastCheck() {
        Report report = lastCheck;
        lastCheck = null;
        return report;
    }

    static double millis(long nanos) {
        return nanos / (double) TimeUnit.MILLISECONDS.toNanos(1);
    }
}

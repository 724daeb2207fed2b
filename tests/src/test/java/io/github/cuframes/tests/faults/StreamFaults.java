package io.github.cuframes.tests.faults;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Random;

/** Subscribers that are slow or come and go, streams that change, clocks that jump. */
final class StreamFaults {

    private static final List<String> POLICIES = List.of("latest", "fifo:1", "fifo:7", "lossless");
    private static final List<String> FORMATS = List.of("NV12", "YUV420P");
    private static final int[] RATES = {25, 50, 100};
    private static final int LONGEST_HOLD_MILLIS = 120;
    private static final int LONGEST_SLOWNESS_MILLIS = 300;
    private static final int MOST_AT_ONCE = 3;
    private static final long LONGEST_JUMP_SECONDS = Duration.ofDays(3650).toSeconds();

    private StreamFaults() {}

    static void slowSubscriber(Theatre theatre, Random random, Outcome outcome) throws StepFailure {
        Camera camera = ProcessFaults.camera(theatre, random);
        Member victim = ProcessFaults.member(camera, random);
        int hold = 20 + random.nextInt(LONGEST_HOLD_MILLIS);
        int millis = random.nextInt(LONGEST_SLOWNESS_MILLIS);
        outcome.detail(victim.name + " " + victim.policy + " holds each frame for " + hold + " ms");
        victim.actor.ask("hold millis=" + hold, "holding");
        ProcessFaults.elapse(millis);
        Member.awaitFrames(camera.others(victim), System.nanoTime());
        victim.actor.ask("hold millis=0", "holding");
        outcome.recovered(Member.awaitFrames(camera.members, System.nanoTime()));
        theatre.check(camera);
    }

    static void reconnect(Theatre theatre, Random random, Outcome outcome) throws StepFailure {
        Camera camera = ProcessFaults.camera(theatre, random);
        Member victim = ProcessFaults.member(camera, random);
        int times = 1 + random.nextInt(MOST_AT_ONCE);
        outcome.detail(victim.name + " " + times + " times");
        for (int i = 0; i < times; i++) {
            victim.actor.ask("unsubscribe", "unsubscribed");
            victim.subscribe(camera, POLICIES.get(random.nextInt(POLICIES.size())));
            if (random.nextBoolean()) {
                Member.awaitFrames(List.of(victim), System.nanoTime());
            }
        }
        victim.actor.ask("unsubscribe", "unsubscribed");
        long end = System.nanoTime();
        victim.subscribe(camera, victim.policy);
        outcome.recovered(Member.awaitFrames(camera.members, end));
        theatre.check(camera);
    }

    static void generation(Theatre theatre, Random random, Outcome outcome) throws StepFailure {
        Camera camera = ProcessFaults.camera(theatre, random);
        int times = 1 + random.nextInt(MOST_AT_ONCE);
        for (int i = 0; i < times; i++) {
            Picture.Size size = Picture.Size.values()[random.nextInt(Picture.Size.values().length)];
            int fps = RATES[random.nextInt(RATES.length)];
            String format = FORMATS.get(random.nextInt(FORMATS.size()));
            outcome.detail(camera.key + " to " + size.width + "x" + size.height + "@" + fps + " " + format);
            long end = camera.producer
                    .require(camera.tryPattern(size, fps, format), "pattern")
                    .number("nanos");
            if (random.nextBoolean()) {
                outcome.recovered(Member.awaitFrames(camera.members, end));
            }
        }
        long end = camera.pattern();
        outcome.recovered(Member.awaitFrames(camera.members, end));
        theatre.check(camera);
    }

    static void clockJump(Theatre theatre, Random random, Outcome outcome)
            throws IOException, StepFailure, SkippedStep {
        long seconds = random.nextLong(-LONGEST_JUMP_SECONDS, LONGEST_JUMP_SECONDS);
        outcome.detail("the wall clock is off by " + seconds + " s");
        theatre.clock.jumpTo(Duration.ofSeconds(seconds));
        long end = System.nanoTime();
        for (Camera camera : theatre.cameras) {
            outcome.recovered(Member.awaitFrames(camera.members, end));
            theatre.check(camera);
        }
    }
}

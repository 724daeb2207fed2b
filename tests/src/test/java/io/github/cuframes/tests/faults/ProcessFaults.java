package io.github.cuframes.tests.faults;

import io.github.cuframes.tests.Await;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Random;

/** Processes that die, stand still, or leave. */
final class ProcessFaults {

    private static final int LONGEST_STOP_MILLIS = 400;
    /** One in so many producers stands still for longer than the test pattern catches up with. */
    private static final int LONG_STOPS = 12;

    private static final int LONG_STOP_MILLIS = 1200;

    private ProcessFaults() {}

    static Camera camera(Theatre theatre, Random random) {
        return theatre.cameras.get(random.nextInt(theatre.cameras.size()));
    }

    /** One whose producer may die. */
    static Camera mortalCamera(Theatre theatre, Random random) throws SkippedStep {
        if (theatre.cameras.size() < 2) {
            throw new SkippedStep("the only producer is watched for what grows; take two cameras");
        }
        return theatre.cameras.get(1 + random.nextInt(theatre.cameras.size() - 1));
    }

    static Member member(Camera camera, Random random) {
        return camera.members.get(random.nextInt(camera.members.size()));
    }

    /** One whose process may die. */
    static Member mortalMember(Camera camera, Random random) throws SkippedStep {
        if (camera.members.size() < 2) {
            throw new SkippedStep("the only subscriber is watched for what grows; take two");
        }
        return camera.members.get(1 + random.nextInt(camera.members.size() - 1));
    }

    static void elapse(long millis) {
        Await.elapse(Duration.ofMillis(millis));
    }

    static void killSubscriber(Theatre theatre, Random random, Outcome outcome)
            throws IOException, StepFailure, SkippedStep {
        Camera camera = camera(theatre, random);
        Member victim = mortalMember(camera, random);
        boolean stopped = random.nextInt(4) == 0;
        outcome.detail(victim.name + " " + victim.policy + (stopped ? " while it is stopped" : ""));
        victim.check();
        if (stopped) {
            victim.actor.stop();
        }
        victim.actor.kill();
        long end = System.nanoTime();
        outcome.recovered(Member.awaitFrames(camera.others(victim), end));
        theatre.replaceMember(camera, victim);
        Member.awaitFrames(List.of(victim), System.nanoTime());
        theatre.check(camera);
    }

    static void killProducer(Theatre theatre, Random random, Outcome outcome)
            throws IOException, StepFailure, SkippedStep {
        Camera camera = mortalCamera(theatre, random);
        outcome.detail(camera.key);
        camera.producer.kill();
        long end = theatre.replaceProducer(camera);
        outcome.recovered(Member.awaitFrames(camera.members, end));
        theatre.check(camera);
    }

    static void producerLeaves(Theatre theatre, Random random, Outcome outcome)
            throws IOException, StepFailure, SkippedStep {
        Camera camera = mortalCamera(theatre, random);
        outcome.detail(camera.key);
        int status = camera.producer.leave();
        if (status != 0) {
            throw new StepFailure("exit status " + status + " of " + camera.producer);
        }
        long end = theatre.replaceProducer(camera);
        outcome.recovered(Member.awaitFrames(camera.members, end));
        theatre.check(camera);
    }

    static void stopSubscriber(Theatre theatre, Random random, Outcome outcome) throws IOException, StepFailure {
        Camera camera = camera(theatre, random);
        Member victim = member(camera, random);
        int millis = random.nextInt(LONGEST_STOP_MILLIS);
        outcome.detail(victim.name + " " + victim.policy + " for " + millis + " ms");
        victim.actor.stop();
        try {
            Member.awaitFrames(camera.others(victim), System.nanoTime());
            elapse(millis);
            Member.awaitFrames(camera.others(victim), System.nanoTime());
        } finally {
            victim.actor.go();
        }
        outcome.recovered(Member.awaitFrames(List.of(victim), System.nanoTime()));
        theatre.check(camera);
    }

    static void stopProducer(Theatre theatre, Random random, Outcome outcome) throws IOException, StepFailure {
        Camera camera = camera(theatre, random);
        int millis = random.nextInt(LONG_STOPS) == 0
                ? LONG_STOP_MILLIS + random.nextInt(LONG_STOP_MILLIS)
                : random.nextInt(LONGEST_STOP_MILLIS);
        outcome.detail(camera.key + " for " + millis + " ms");
        camera.producer.stop();
        try {
            elapse(millis);
        } finally {
            camera.producer.go();
        }
        outcome.recovered(Member.awaitFrames(camera.members, System.nanoTime()));
        theatre.check(camera);
    }
}

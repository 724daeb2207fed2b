package io.github.cuframes.tests.faults;

import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Report;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Descriptors and memory that are taken away. */
final class ResourceFaults {

    private static final int WAIT_MILLIS = 150;
    private static final long SHORT_MILLIS = 4_000;
    private static final int CANNOT = 1;

    private ResourceFaults() {}

    /** It hurt itself: what becomes of it is told, and judged only in that it sees nothing wrong and harms nobody. */
    static void subscriberLosesSockets(Theatre theatre, Random random, Outcome outcome)
            throws IOException, StepFailure, SkippedStep {
        Camera camera = ProcessFaults.camera(theatre, random);
        Member victim = ProcessFaults.mortalMember(camera, random);
        Report closed = victim.actor.ask("close-sockets", "closed");
        long end = System.nanoTime();
        outcome.detail(victim.name + " " + victim.policy + " closed " + closed.number("sockets"));
        outcome.recovered(Member.awaitFrames(camera.others(victim), end));
        Report after = victim.actor.ask("await nanos=" + end + " limit=" + SHORT_MILLIS);
        victim.check();
        if (after.kind().equals("frame")) {
            outcome.detail("which connected again after " + TimeUnit.NANOSECONDS.toMillis(after.number("nanos") - end)
                    + " ms");
        } else {
            outcome.detail("which ended with " + after);
            victim.actor.kill();
            theatre.replaceMember(camera, victim);
        }
        Member.awaitFrames(List.of(victim), System.nanoTime());
        theatre.check(camera);
    }

    /**
     * Likewise; its subscribers wait for the next. It goes on publishing without them, into slots that one of them still
     * looks at: the leases ended with the connections.
     */
    static void producerLosesSockets(Theatre theatre, Random random, Outcome outcome)
            throws IOException, StepFailure, SkippedStep {
        Camera camera = ProcessFaults.mortalCamera(theatre, random);
        Member holder = camera.members.get(random.nextInt(camera.members.size()));
        holder.actor.ask("hold millis=" + WAIT_MILLIS, "holding");
        for (Member member : camera.members) {
            member.actor.ask("cut", "cut");
        }
        Report closed = camera.producer.ask("close-sockets", "closed");
        outcome.detail(camera.key + " closed " + closed.number("sockets") + " while " + holder.name + " held a frame");
        ProcessFaults.elapse(WAIT_MILLIS);
        holder.actor.ask("hold millis=0", "holding");
        camera.producer.kill();
        long end = theatre.replaceProducer(camera);
        outcome.recovered(Member.awaitFrames(camera.members, end));
        theatre.check(camera);
    }

    private static long descriptors(Actor actor) throws IOException {
        long count = 0;
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc/" + actor.pid() + "/fd"))) {
            for (Path descriptor : all) {
                count = Math.max(count, Long.parseLong(descriptor.getFileName().toString()) + 1);
            }
        }
        return count;
    }

    static void producerWithoutDescriptors(Theatre theatre, Random random, Outcome outcome)
            throws IOException, StepFailure {
        Camera camera = ProcessFaults.camera(theatre, random);
        int spare = random.nextInt(4);
        outcome.detail(camera.key + " has " + spare + " left");
        Actor newcomer = theatre.takeSubscriber();
        // once before, so that what is measured is the publisher, and not a JVM that loads its classes
        newcomer.ask(Member.subscription(camera, "latest"), "subscribed");
        newcomer.ask("await nanos=" + System.nanoTime() + " limit=" + SHORT_MILLIS * 4, "frame");
        newcomer.ask("unsubscribe", "unsubscribed");
        try {
            camera.producer.limitDescriptors(descriptors(camera.producer) + spare);
            try {
                newcomer.tell(Member.subscription(camera, "latest"));
                ProcessFaults.elapse(WAIT_MILLIS);
                Member.awaitFrames(camera.members, System.nanoTime());
            } finally {
                camera.producer.limitDescriptors(0);
            }
            long end = System.nanoTime();
            Report answer = newcomer.answer();
            if (answer.kind().equals("failed")) {
                // its first connection was refused with a reason, as an application would be told
                outcome.detail("the newcomer was told " + answer.text("text"));
                end = System.nanoTime();
                newcomer.ask(Member.subscription(camera, "latest"), "subscribed");
            }
            Report frame = newcomer.ask("await nanos=" + end + " limit=" + SHORT_MILLIS * 4, "frame");
            outcome.recovered(List.of(frame.number("nanos") - end));
        } finally {
            theatre.dismiss(newcomer);
        }
        theatre.check(camera);
    }

    static void subscriberWithoutDescriptors(Theatre theatre, Random random, Outcome outcome)
            throws IOException, StepFailure, SkippedStep {
        Camera camera = ProcessFaults.mortalCamera(theatre, random);
        Member victim = ProcessFaults.member(camera, random);
        outcome.detail(victim.name + " " + victim.policy + " while " + camera.key + " is killed");
        long end;
        // what its connection held comes free when the producer dies: less than a connection needs
        victim.actor.limitDescriptors(1);
        try {
            camera.producer.kill();
            long there = theatre.replaceProducer(camera);
            outcome.recovered(Member.awaitFrames(camera.others(victim), there));
            ProcessFaults.elapse(WAIT_MILLIS);
        } finally {
            victim.actor.limitDescriptors(0);
            end = System.nanoTime();
        }
        outcome.recovered(Member.awaitFrames(List.of(victim), end));
        theatre.check(camera);
    }

    static void runDirectoryFull(Theatre theatre, Random random, Outcome outcome)
            throws IOException, StepFailure, SkippedStep {
        theatre.directories.requireMounts();
        Camera camera = ProcessFaults.camera(theatre, random);
        String attempt = "try run-dir=" + theatre.directories.tiny;
        theatre.directories.fillTiny();
        try {
            Report report = camera.producer.ask(attempt, "failed");
            outcome.detail(report.text("text"));
            if (!report.text("text").contains(theatre.directories.tiny.toString())) {
                throw new StepFailure("the directory is not named: " + report);
            }
        } finally {
            theatre.directories.emptyTiny();
        }
        camera.producer.ask(attempt, "opened");
        theatre.directories.emptyTiny();
        outcome.recovered(Member.awaitFrames(camera.members, System.nanoTime()));
        theatre.check(camera);
    }

    static void recordingDiskFull(Theatre theatre, Random random, Outcome outcome)
            throws IOException, StepFailure, SkippedStep {
        theatre.directories.requireMounts();
        Camera camera = ProcessFaults.camera(theatre, random);
        ProcessBuilder recording = new ProcessBuilder(Child.command(
                io.github.cuframes.subscriber.cli.Main.class,
                theatre.launch(),
                List.of("pipe", camera.key, "--format", "y4m", "--run-dir", camera.runDirectory.toString())));
        recording.environment().putAll(theatre.launch().environment());
        Path errors = Files.createTempFile("cuframes-faults", ".log");
        Process process = recording
                .redirectOutput(
                        theatre.directories.tiny.resolve("recording.y4m").toFile())
                .redirectError(errors.toFile())
                .start();
        try {
            if (!process.waitFor(Actor.HANG.toSeconds(), TimeUnit.SECONDS)) {
                throw new StepFailure("hang: pipe goes on though its disk is full");
            }
            String said = Files.readString(errors, StandardCharsets.UTF_8).strip();
            outcome.detail("exit status " + process.exitValue() + ": " + said);
            if (process.exitValue() != CANNOT) {
                throw new StepFailure("pipe on a full disk has exit status " + process.exitValue() + ": " + said);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StepFailure("interrupted");
        } finally {
            process.destroyForcibly();
            theatre.directories.emptyTiny();
            Files.delete(errors);
        }
        outcome.recovered(Member.awaitFrames(camera.members, System.nanoTime()));
        theatre.check(camera);
    }
}

package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.subscriber.Observer;
import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Report;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A process is killed (SIGKILL) with work in flight on the GPU. */
@GpuTest
@Timeout(180)
class KillGpuTest {

    /** Some 70 ms a stream on an H100; few enough calls for a stream's queue, or queueing would wait for the work. */
    private static final String[] WORK = {"work=512", "copies=200"};

    @ParameterizedTest
    @ValueSource(strings = {"cuda", "cuda-ipc"})
    void framesOfADeadProducerStayReadable(String memory, TestReporter reporter) throws Exception {
        producerDies(Platform.GPU, "h264-1080p", memory, WORK, reporter);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda", "cuda-ipc"})
    void othersGoOnWhenASubscriberDies(String memory, TestReporter reporter) throws Exception {
        subscriberDies(Platform.GPU, "h264-1080p", memory, WORK, reporter);
    }

    private static String[] busy(String[] work) {
        List<String> options = new ArrayList<>(List.of("take=3", "credits=8"));
        options.addAll(List.of(work));
        return options.toArray(String[]::new);
    }

    static void producerDies(Platform platform, String clip, String memory, String[] work, TestReporter reporter)
            throws Exception {
        try (GpuStage stage = new GpuStage(platform)) {
            stage.gpus();
            String[] source = {"--input", Checkout.clip(clip).toString(), "--loop", "--memory", memory};
            Child producer = stage.producer("cam", source);
            List<Child> subscribers = new ArrayList<>();
            // no lossless one: the source would wait for it while it holds frames, and then cut it off
            for (String policy : List.of("latest", "fifo:4", "fifo:2")) {
                subscribers.add(stage.start(policy, BusySubscriber.class, "cam", policy, busy(work)));
            }
            long epoch = 0;
            for (Child subscriber : subscribers) {
                Report report = subscriber.await("busy", any -> true);
                reporter.publishEntry(
                        subscriber.name() + " with work in flight",
                        report.fields().toString());
                assertTrue(report.number("pending") > 0, subscriber::toString);
                epoch = report.number("epoch");
            }

            producer.kill();

            for (Child subscriber : subscribers) {
                Report checked = subscriber.ask("check", "checked");
                assertEquals("true", checked.text("equal"), subscriber::toString);
                assertEquals(3, checked.number("frames"));
            }
            Child heir = stage.producer("cam", source);
            boolean unmappingWaits = memory.equals("cuda-ipc"); // for the process's own work, as the driver has it
            for (Child subscriber : subscribers) {
                if (unmappingWaits) {
                    finish(subscriber);
                }
                Report next = subscriber.ask("next", "next");
                while (next.number("epoch") == epoch) {
                    next = subscriber.ask("next", "next"); // what it had received before
                }
                assertEquals(1, next.number("reconnects"), subscriber::toString);
                if (!unmappingWaits) {
                    // frames of the dead one are held all the time
                    assertEquals("true", subscriber.ask("check", "checked").text("equal"), subscriber::toString);
                    finish(subscriber);
                }
                subscriber.ask("next", "next");
                subscriber.closeInput();
                assertEquals(0, subscriber.awaitExit(), subscriber::toString);
            }
            heir.signal("TERM");
            assertEquals(0, heir.awaitExit(), heir::toString);
            stage.awaitLevel(reporter);
        }
    }

    private static void finish(Child subscriber) throws Exception {
        Report finished = subscriber.ask("finish", "finished");
        assertTrue(finished.number("pending") > 0, subscriber::toString);
        assertEquals("true", finished.text("equal"), subscriber::toString);
    }

    static void subscriberDies(Platform platform, String clip, String memory, String[] work, TestReporter reporter)
            throws Exception {
        int[] reference = References.of(clip, platform.decoder());
        try (GpuStage stage = new GpuStage(platform)) {
            stage.gpus();
            Child producer =
                    stage.producer("cam", "--input", Checkout.clip(clip).toString(), "--loop", "--memory", memory);
            List<Child> survivors = List.of(
                    stage.subscriber("survivor1", "cam", "lossless", "progress=10"),
                    stage.subscriber("survivor2", "cam", "lossless", "progress=10"));
            try (Observer observer = stage.observe("cam")) {
                // the source waits for the lossless one while it holds its frames, until it dies
                for (String policy : List.of("fifo:4", "lossless")) {
                    Child victim = stage.start(policy, BusySubscriber.class, "cam", policy, busy(work));
                    Report report = victim.await("busy", any -> true);
                    reporter.publishEntry(
                            policy + " is killed with", report.fields().toString());
                    assertTrue(report.number("pending") > 0, victim::toString);
                    assertEquals(3, observer.ring().subscribers());

                    victim.kill();

                    Await.until(
                            () -> observer.ring().subscribers() + " subscribers",
                            () -> observer.ring().subscribers() == 2);
                    for (Child survivor : survivors) {
                        survivor.await(survivor.output().size(), "progress", any -> true);
                    }
                }
                for (Child survivor : survivors) {
                    survivor.closeInput();
                    Report summary = GpuStage.summaryOf(survivor);
                    assertEquals(0, summary.number("dropped"), survivor::toString);
                    assertEquals(0, summary.number("reconnects"), survivor::toString);
                    WriteProtectionGpuTest.assertIntact(reference, stage.received(survivor));
                    reporter.publishEntry(survivor.name(), summary.number("received") + " frames, none lost");
                }
                // all leases have ended: those of the dead, and those of the survivors
                Await.until(
                        () -> observer.ring().slotsInUse() + " slots in use",
                        () -> observer.ring().subscribers() == 0);
                assertEquals(0, observer.ring().lostNoSlot(), producer::toString);
            }
            producer.signal("TERM");
            assertEquals(0, producer.awaitExit(), producer::toString);
            stage.awaitLevel(reporter);
        }
    }
}

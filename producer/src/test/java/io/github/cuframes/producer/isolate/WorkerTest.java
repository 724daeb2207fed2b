package io.github.cuframes.producer.isolate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A worker's life, with processes that do as they are told and time that goes by when it is told. */
@Timeout(30)
class WorkerTest {

    private static final long SECOND = 1_000_000_000L;
    private static final RestartPolicy POLICY = RestartPolicy.of(Duration.ofSeconds(10));

    /** A process that is none. */
    private static final class Puppet implements WorkerProcess {
        private final long pid;
        private final List<String> signals = new ArrayList<>();
        private Integer status;
        private long beats;
        private boolean published;
        private String hang;
        private boolean stubborn;

        Puppet(long pid) {
            this.pid = pid;
        }

        @Override
        public long pid() {
            return pid;
        }

        @Override
        public boolean isAlive() {
            return status == null;
        }

        @Override
        public int exitStatus() {
            return status;
        }

        @Override
        public long beats() {
            return beats;
        }

        @Override
        public boolean hasPublished() {
            return published;
        }

        @Override
        public String hang() {
            return hang;
        }

        @Override
        public void terminate() {
            signals.add("TERM");
            status = stubborn ? null : Integer.valueOf(0);
        }

        @Override
        public void kill() {
            signals.add("KILL");
            status = stubborn ? null : Integer.valueOf(137);
        }
    }

    private final List<Puppet> puppets = new ArrayList<>();
    private boolean noProcess;
    private long now;

    private Worker worker(RestartPolicy policy) {
        return new Worker(
                "cam",
                () -> {
                    if (noProcess) {
                        throw new IOException("no more processes");
                    }
                    puppets.add(new Puppet(puppets.size() + 1));
                    return last();
                },
                policy);
    }

    private Puppet last() {
        return puppets.get(puppets.size() - 1);
    }

    /** Lets time go by, with heartbeats or without. */
    private void pass(Worker worker, double seconds, boolean beating) {
        for (long end = now + (long) (seconds * SECOND); now < end; ) {
            now += SECOND / 10;
            if (beating && !puppets.isEmpty()) {
                last().beats++;
            }
            worker.check(now);
        }
    }

    private Worker running(RestartPolicy policy) {
        Worker worker = worker(policy);
        worker.check(now);
        assertEquals(WorkerState.STARTING, worker.state());
        pass(worker, 1, true);
        assertEquals(WorkerState.RUNNING, worker.state());
        return worker;
    }

    @Test
    void aWorkerThatBeatsIsLeftAlone() {
        Worker worker = running(POLICY);
        pass(worker, 1_000, true);
        assertEquals(WorkerState.RUNNING, worker.state());
        assertEquals(List.of(), last().signals);
        assertEquals(1, last().pid());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 134, 137, 139})
    void oneThatCrashesIsStartedAgain(int status) {
        Worker worker = running(POLICY);
        last().status = status;
        pass(worker, 0.1, false);
        assertEquals(WorkerState.WAITING, worker.state());
        pass(worker, 0.5, false);
        assertEquals(WorkerState.STARTING, worker.state());
        assertEquals(2, last().pid());
    }

    @Test
    void oneThatIsSilentIsKilledAndStartedAgain() {
        Worker worker = running(POLICY);
        pass(worker, 9.5, false);
        assertEquals(List.of(), last().signals);
        last().stubborn = true;
        pass(worker, 1, false);
        assertEquals(WorkerState.KILLED, worker.state());
        assertEquals(List.of("KILL"), last().signals);
        pass(worker, 100, false);
        assertEquals(1, puppets.size(), "its key and its GPU are not free before it has ended");
        last().status = 137;
        pass(worker, 0.7, false);
        assertEquals(2, puppets.size());
    }

    @Test
    void oneThatSaysThatItHangsIsKilledAtOnce() {
        Worker worker = running(POLICY);
        last().hang = "waiting for the GPU has taken 30 s";
        pass(worker, 0.1, true);
        assertEquals(List.of("KILL"), last().signals);
        pass(worker, 0.7, false);
        assertEquals(2, puppets.size());
    }

    @Test
    void startingTakesLongerThanAHeartbeat() {
        Worker worker = worker(POLICY);
        pass(worker, 59, false);
        assertEquals(WorkerState.STARTING, worker.state());
        pass(worker, 2, false);
        assertEquals(List.of("KILL"), puppets.get(0).signals);
    }

    @Test
    void restartsComeMoreAndMoreSlowlyUntilItIsSteady() {
        Worker worker = running(POLICY);
        for (int i = 0; i < 10; i++) {
            last().status = 139;
            pass(worker, 15.2, false);
        }
        int crashes = puppets.size();
        last().status = 139;
        pass(worker, 7, false);
        assertEquals(crashes, puppets.size(), "it waits for 7.5 s at least by now");
        pass(worker, 9, false);
        assertEquals(crashes + 1, puppets.size());

        last().published = true;
        pass(worker, 61, true);
        last().status = 139;
        pass(worker, 0.7, false);
        assertEquals(crashes + 2, puppets.size(), "the first wait again");
    }

    @Test
    void itIsNeverGivenUpUnlessTold() {
        Worker worker = worker(POLICY);
        for (int i = 0; i < 100; i++) {
            pass(worker, 15.2, false);
            last().status = 1;
        }
        assertEquals(100, puppets.size());
        assertFalse(worker.state().isFinal());
    }

    @Test
    void itIsGivenUpAfterSoManyRestartsInARow() {
        Worker worker = worker(POLICY.withMostRestarts(3));
        for (int i = 0; i < 10; i++) {
            pass(worker, 15.2, false);
            last().status = 1;
        }
        assertEquals(4, puppets.size());
        assertEquals(WorkerState.FAILED, worker.state());
        assertFalse(worker.isWell());
    }

    @Test
    void wrongArgumentsAreNotTriedAgain() {
        Worker worker = running(POLICY);
        last().status = 2;
        pass(worker, 100, false);
        assertEquals(WorkerState.FAILED, worker.state());
        assertEquals(1, puppets.size());
    }

    @Test
    void oneThatIsDoneIsNotStartedAgain() {
        Worker worker = running(POLICY);
        last().status = 0;
        pass(worker, 100, false);
        assertEquals(WorkerState.DONE, worker.state());
        assertEquals(1, puppets.size());
        assertTrue(worker.isWell());
    }

    @Test
    void aSystemWithoutProcessesIsAskedAgain() {
        noProcess = true;
        Worker worker = worker(POLICY);
        pass(worker, 30, false);
        assertEquals(WorkerState.WAITING, worker.state());
        noProcess = false;
        pass(worker, 16, true);
        assertEquals(WorkerState.RUNNING, worker.state());
    }

    @Test
    void stoppingTerminatesAndThenKills() {
        Worker gentle = running(POLICY);
        gentle.stop(now);
        pass(gentle, 0.1, true);
        assertEquals(List.of("TERM"), last().signals);
        assertEquals(WorkerState.STOPPED, gentle.state());
        assertTrue(gentle.isWell());

        Worker stubborn = running(POLICY);
        Puppet puppet = last();
        puppet.stubborn = true;
        stubborn.stop(now);
        pass(stubborn, 4.5, true);
        assertEquals(List.of("TERM"), puppet.signals);
        pass(stubborn, 10, true);
        assertEquals(List.of("TERM", "KILL"), puppet.signals, "once");
        puppet.status = 137;
        pass(stubborn, 0.1, false);
        assertEquals(WorkerState.STOPPED, stubborn.state());
        assertFalse(stubborn.isWell());
    }

    @Test
    void stoppingWhileItWaitsStartsNothing() {
        Worker worker = running(POLICY);
        last().status = 139;
        pass(worker, 0.1, false);
        worker.stop(now);
        pass(worker, 100, false);
        assertEquals(WorkerState.STOPPED, worker.state());
        assertEquals(1, puppets.size());
    }

    @Test
    void eachStateHasTheEdgesOfItsDiagram() {
        Map<WorkerState, Integer> edges = new java.util.EnumMap<>(WorkerState.class);
        for (WorkerState from : WorkerState.values()) {
            for (WorkerState to : WorkerState.values()) {
                edges.merge(from, from.canBecome(to) ? 1 : 0, Integer::sum);
            }
            assertEquals(edges.get(from) == 0, from.isFinal(), from.toString());
        }
        assertFalse(WorkerState.KILLED.canBecome(WorkerState.DONE), "who was killed was not done");
        assertFalse(WorkerState.STOPPING.canBecome(WorkerState.WAITING), "who was stopped is not started");
    }

    @Test
    void linesAreWhatTheyWere() {
        assertEquals(Optional.of(new WorkerLine(WorkerLine.Kind.BEAT, 17, "")), WorkerLine.parse(WorkerLine.beat(17)));
        assertEquals(
                Optional.of(new WorkerLine(WorkerLine.Kind.HUNG, 0, "a b")), WorkerLine.parse(WorkerLine.hung("a\nb")));
        assertEquals(Optional.empty(), WorkerLine.parse("# A fatal error has been detected by the JRE"));
        assertEquals(Optional.empty(), WorkerLine.parse("cuframes-worker beat 99999999999999999999"));
        assertEquals(Optional.empty(), WorkerLine.parse("cuframes-worker beat -1"));
    }

    @Test
    void theLinkBeatsAndNoticesThatTheSupervisorIsGone() throws Exception {
        PipedOutputStream supervisor = new PipedOutputStream();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        CountDownLatch orphaned = new CountDownLatch(1);
        new SupervisorLink(new PipedInputStream(supervisor), new PrintStream(out, true), () -> 5, orphaned::countDown)
                .start();
        while (out.size() == 0 && !Thread.currentThread().isInterrupted()) {
            Thread.onSpinWait();
        }
        assertEquals(1, orphaned.getCount());
        supervisor.close();
        orphaned.await();
        assertTrue(out.toString().startsWith("cuframes-worker beat 5"), out.toString());
    }

    @Test
    void aKeyIsOneCameras() {
        Supervisor supervisor = new Supervisor().add("cam", () -> new Puppet(1), POLICY);
        assertThrows(IllegalArgumentException.class, () -> supervisor.add("cam", () -> new Puppet(2), POLICY));
    }
}

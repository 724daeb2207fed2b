package io.github.cuframes.tests.faults;

import io.github.cuframes.tests.Launch;
import io.github.cuframes.tests.Report;
import io.github.cuframes.tests.gpu.GpuMemoryProbe;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cameras, their subscribers, and processes that wait for their turn to take the place of one that is killed.
 *
 * <p>The first camera's producer and each camera's first subscriber are never killed: they are watched for what grows.
 */
final class Theatre implements AutoCloseable {

    /**
     * What is played.
     *
     * @param memory {@code host} or {@code cuda}
     * @param realDriver whether {@code cuda} is the machine's GPU, and not the stand-in driver
     * @param sharedGpu whether others use that GPU meanwhile
     */
    record Size(String memory, boolean realDriver, boolean sharedGpu, int cameras, int subscribers) {

        String describe() {
            String of = memory.equals("host") ? "" : realDriver ? " of the GPU" : " of the stand-in driver";
            return memory + " memory" + of + ", " + cameras + " cameras with " + subscribers + " subscribers";
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(Theatre.class);
    private static final List<String> POLICIES = List.of("latest", "fifo:4", "lossless", "fifo:1");

    final Size size;
    final Directories directories;
    final WallClock clock;
    final List<Camera> cameras = new ArrayList<>();
    private static volatile boolean ending;

    private final Launch launch;
    private final Consumer<Report> checks;
    private final List<Actor> actors = new CopyOnWriteArrayList<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    /** Leaves nothing behind when this process is told to end. */
    private final Thread hook = new Thread(this::endWithProcess, "theatre-end");

    private Actor nextProducer;
    private Actor nextSubscriber;
    private RtspCamera rtsp;
    /** Tells of the GPU's memory; null unless that is this theatre's alone. */
    private Actor gpuProbe;

    /**
     * Starts everybody, who then receive frames.
     *
     * @param checks takes what a subscriber saw, when its process is to end
     */
    Theatre(Size size, Consumer<Report> checks) throws IOException, StepFailure {
        this.size = size;
        this.checks = checks;
        Runtime.getRuntime().addShutdownHook(hook);
        directories = new Directories();
        clock = new WallClock(directories.root);
        Launch here = new Launch(List.of(), List.of(OwnDescriptors.JVM_OPTION), Map.of("CUFRAMES_TEST_LOG", "WARN"))
                .with(clock.environment());
        boolean standIn = size.memory().equals("cuda") && !size.realDriver();
        launch = standIn ? here.with("-Dcuframes.cuda.library=" + Natives.standIn()) : here;
        try {
            if (size.realDriver() && !size.sharedGpu()) {
                gpuProbe = start("gpu memory", GpuMemoryProbe.class);
                gpuProbe.require(gpuProbe.answer(), "ready");
            }
            for (int i = 0; i < size.cameras(); i++) {
                Camera camera = new Camera("cam" + i, directories.run);
                cameras.add(camera);
                camera.producer = takeProducer(camera.key);
                camera.open(size.memory());
                for (int j = 0; j < size.subscribers(); j++) {
                    addMember(camera, POLICIES.get(j % POLICIES.size()));
                }
            }
            for (Camera camera : cameras) {
                Member.awaitFrames(camera.members, System.nanoTime());
            }
        } catch (IOException | StepFailure | RuntimeException e) {
            close();
            throw e;
        }
    }

    Launch launch() {
        return launch;
    }

    /** A subscriber more. */
    Member addMember(Camera camera, String policy) throws IOException, StepFailure {
        Member member = new Member(camera.key + "/" + camera.members.size(), policy);
        member.actor = takeSubscriber();
        member.actor.rename(member.name + " " + member.policy);
        member.subscribe(camera, policy);
        camera.members.add(member);
        return member;
    }

    private Actor start(String name, Class<?> main) throws IOException {
        return start(name, main, List.of());
    }

    /** Starts a process that ends with the theatre. */
    Actor start(String name, Class<?> main, List<String> arguments) throws IOException {
        Actor actor = Actor.start(name, main, launch, arguments);
        actors.add(actor);
        return actor;
    }

    private Actor takeProducer(String key) throws IOException, StepFailure {
        Actor taken = nextProducer == null ? start("producer " + key, FaultProducer.class) : nextProducer;
        nextProducer = start("producer", FaultProducer.class);
        taken.rename("producer " + key);
        taken.require(taken.answer(), "ready");
        return taken;
    }

    /** A process that subscribes to nothing yet; another waits for the next to ask. */
    Actor takeSubscriber() throws IOException, StepFailure {
        Actor taken = nextSubscriber == null ? start("subscriber", FaultSubscriber.class) : nextSubscriber;
        nextSubscriber = start("subscriber", FaultSubscriber.class);
        taken.require(taken.answer(), "ready");
        return taken;
    }

    /** Ends a process that is not needed any more. */
    void dismiss(Actor actor) throws StepFailure {
        actor.kill();
        actors.remove(actor);
    }

    /** Puts another producer in the place of one that is dead. Returns when it began to publish. */
    long replaceProducer(Camera camera) throws IOException, StepFailure {
        actors.remove(camera.producer);
        camera.producer = takeProducer(camera.key);
        return camera.open(size.memory());
    }

    /** Puts another process in the place of a subscriber's that is dead. */
    void replaceMember(Camera camera, Member member) throws IOException, StepFailure {
        Report last = member.takeLastCheck();
        if (last != null) {
            checks.accept(last);
        }
        actors.remove(member.actor);
        member.actor = takeSubscriber();
        member.actor.rename(member.name + " " + member.policy);
        member.subscribe(camera, member.policy);
    }

    /** Nobody saw what must not be. */
    void check(Camera camera) throws StepFailure {
        for (Member member : camera.members) {
            member.check();
        }
    }

    void checkAll() throws StepFailure {
        for (Camera camera : cameras) {
            check(camera);
        }
        if (rtsp != null) {
            rtsp.check();
        }
    }

    /** The camera of real RTSP, started when it is first asked for. */
    RtspCamera rtsp() throws IOException, StepFailure, SkippedStep {
        if (rtsp == null) {
            rtsp = new RtspCamera(this);
        }
        return rtsp;
    }

    /** What all processes wrote last, for who looks into a step that failed. */
    List<String> said() {
        return actors.stream().map(Actor::toString).toList();
    }

    boolean hasRtsp() {
        return rtsp != null;
    }

    /** Free bytes of the GPU; empty where there is none, or where it is used by others too. */
    OptionalLong freeOnGpu() throws StepFailure {
        return gpuProbe == null
                ? OptionalLong.empty()
                : OptionalLong.of(gpuProbe.ask("level", "level").number("free0"));
    }

    /** Whether this process was told to end: what fails from then on is nobody's fault. */
    static boolean isEnding() {
        return ending;
    }

    private void endWithProcess() {
        ending = true;
        try {
            if (directories != null) {
                close();
            }
        } catch (IOException e) {
            LOG.error("{} is left behind", directories.root, e);
        }
    }

    private void addChecks() {
        for (Camera camera : cameras) {
            for (Member member : camera.members) {
                Report last = member.takeLastCheck();
                if (last != null) {
                    checks.accept(last);
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        if (!ending) {
            Runtime.getRuntime().removeShutdownHook(hook);
            addChecks();
        }
        try {
            if (rtsp != null) {
                rtsp.close(checks);
            }
        } finally {
            try {
                for (Actor actor : actors) {
                    actor.kill();
                }
            } catch (StepFailure e) {
                throw new IOException(e.getMessage(), e);
            } finally {
                directories.close();
            }
        }
    }
}

package io.github.cuframes.tests.faults;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Watches what processes hold, at moments at which all are in the same state. A process is held against what it held at
 * the first such moment of its life.
 */
final class Growth {

    /** A level: what one held at the first moment and at the last. */
    record Level(String name, Resources first, Resources last, int moments) {}

    private static final long HEAP_SLACK = 6L << 20;
    private static final long DIRECT_SLACK = 1L << 20;
    private static final long OTHER_SLACK = 4;
    private static final long THREADS_SLACK = 1;
    private static final long RSS_SLACK = 96L << 20;
    /** Of the GPU: the driver takes and gives back its own memory as it likes. */
    private static final long GPU_SLACK = 64L << 20;

    private static final long PATIENCE_NANOS = 5_000_000_000L;
    private static final int LEAST_LOOKS = 10;
    private static final long AGAIN_NANOS = 50_000_000L;

    /** By handle, which knows when its process began: numbers of processes come round within minutes. */
    private final Map<ProcessHandle, Level> levels = new HashMap<>();

    private Resources greatest = Resources.NONE;
    private Gpu gpu;

    /** Free bytes of the GPU at the first moment and at the last, of a theatre that had the GPU for itself. */
    record Gpu(long first, long last, int moments, boolean rtsp) {}

    /** Brings everybody into the same state and looks; throws if something grew, after a time in which it may go. */
    void look(Theatre theatre) throws IOException, StepFailure {
        List<String> grown = lookAtNewGeneration(theatre);
        if (!grown.isEmpty()) {
            // who is cut off while a generation begins has its slots in memory of their own until the next one begins
            grown = lookAtNewGeneration(theatre);
        }
        if (!grown.isEmpty()) {
            throw new StepFailure("leak: " + String.join("; ", grown));
        }
    }

    private List<String> lookAtNewGeneration(Theatre theatre) throws IOException, StepFailure {
        for (Camera camera : theatre.cameras) {
            long since = camera.pattern();
            Member.awaitFrames(camera.members, since);
        }
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        List<String> grown = lookOnce(theatre);
        // mappings that were let go end with a collection of garbage, some time after it; a busy machine takes its time
        for (int i = 0; !grown.isEmpty() && (i < LEAST_LOOKS || deadline - System.nanoTime() > 0); i++) {
            LockSupport.parkNanos(AGAIN_NANOS);
            grown = lookOnce(theatre);
        }
        return grown;
    }

    private List<String> lookOnce(Theatre theatre) throws IOException, StepFailure {
        List<String> grown = new ArrayList<>();
        for (Camera camera : theatre.cameras) {
            look("producer " + camera.key, camera.producer, grown);
            for (Member member : camera.members) {
                look("subscriber " + member.name, member.actor, grown);
            }
        }
        lookAtGpu(theatre, grown);
        return grown;
    }

    private void look(String name, Actor actor, List<String> grown) throws StepFailure {
        Resources now = Resources.of(actor.ask("resources", "resources"));
        Level level = levels.get(actor.handle());
        if (level == null || level.moments() < 2) {
            // the second moment is the one that counts: by then classes are loaded and caches filled; of what comes and
            // goes with generations, the less of both
            Resources base = level == null ? now : base(level.first(), now);
            levels.put(actor.handle(), new Level(name, base, now, level == null ? 1 : 2));
            return;
        }
        Resources first = level.first();
        levels.put(actor.handle(), new Level(name, first, now, level.moments() + 1));
        compare(name, "heap", first.heap() + HEAP_SLACK, now.heap(), grown);
        compare(name, "direct memory", first.direct() + DIRECT_SLACK, now.direct(), grown);
        compare(name, "sockets", first.sockets(), now.sockets(), grown);
        compare(name, "files without a name", first.shared(), now.shared(), grown);
        compare(name, "other descriptors", first.other() + OTHER_SLACK, now.other(), grown);
        compare(name, "threads", first.threads() + THREADS_SLACK, now.threads(), grown);
        compare(name, "VRAM of the stand-in", first.vram(), now.vram(), grown);
        compare(name, "resident memory", first.rss() + RSS_SLACK, now.rss(), grown);
    }

    /** One of both may have been cut off just then, and connected again since: it had a socket less, and no mappings. */
    private static Resources base(Resources first, Resources second) {
        if (first.sockets() == second.sockets()) {
            return second.atMost(first);
        }
        return first.sockets() > second.sockets() ? first : second;
    }

    private void lookAtGpu(Theatre theatre, List<String> grown) throws StepFailure {
        OptionalLong asked = theatre.freeOnGpu();
        if (asked.isEmpty()) {
            return;
        }
        long free = asked.getAsLong();
        // a camera more takes what it takes
        if (gpu == null || gpu.rtsp() != theatre.hasRtsp()) {
            gpu = new Gpu(free, free, 1, theatre.hasRtsp());
            return;
        }
        long first = gpu.moments() < 2 ? Math.max(gpu.first(), free) : gpu.first();
        gpu = new Gpu(first, free, gpu.moments() + 1, gpu.rtsp());
        if (gpu.moments() > 2 && free < first - GPU_SLACK) {
            grown.add("free memory of the GPU is " + free + ", at least " + (first - GPU_SLACK) + " was to be");
        }
    }

    private static void compare(String name, String what, long most, long now, List<String> grown) {
        if (now > most) {
            grown.add(what + " of " + name + " is " + now + ", at most " + most + " was to be");
        }
    }

    /** The levels of those that lived the longest, the longest first. */
    List<Level> longest(int count) {
        return levels.values().stream()
                .sorted((a, b) -> b.moments() - a.moments())
                .limit(count)
                .toList();
    }

    /** The GPU's memory; null where nothing is known of it. */
    Gpu gpu() {
        return gpu;
    }

    /** By how much those that grew most have grown since they were first looked at, of each resource. */
    Resources greatest() {
        Resources most = greatest;
        for (Level level : levels.values()) {
            most = most.max(level.last().minus(level.first()));
        }
        return most;
    }

    /** The theatre was built anew. */
    void forget() {
        greatest = greatest();
        levels.clear();
        gpu = null;
    }
}

package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.Memory;
import java.io.IOException;
import java.nio.file.Path;

/**
 * The setting of what is measured over several cameras: a process with the producers, one with the subscribers, one that
 * looks at the GPU, and this one, which uses no GPU.
 */
final class Wall implements AutoCloseable {

    /** The subscribers' and the gauge's contexts are there before the first reading: they are in no difference. */
    private final ChildJvm audience;

    private final GpuGauge gauge;
    private final ChildJvm cameras;
    private final long freeBefore;

    Wall(Path runDirectory, Memory memory) throws IOException {
        boolean onGpu = memory != Memory.HOST;
        ChildJvm begunAudience = null;
        GpuGauge begunGauge = null;
        ChildJvm begunCameras = null;
        try {
            begunAudience = new ChildJvm(Audience.class, Audience.arguments(runDirectory, onGpu));
            begunAudience.ask("hello");
            begunGauge = onGpu ? new GpuGauge() : null;
            begunCameras = new ChildJvm(Cameras.class, Cameras.arguments(runDirectory, memory));
            audience = begunAudience;
            gauge = begunGauge;
            cameras = begunCameras;
            freeBefore = gauge == null ? 0 : gauge.settled();
        } catch (IOException | RuntimeException e) {
            closeAll(begunAudience, begunCameras, begunGauge);
            throw e;
        }
    }

    /** The process with the producers. */
    ChildJvm cameras() {
        return cameras;
    }

    Cameras.Account account() throws IOException {
        return Cameras.Account.ofLine(cameras.ask("account"));
    }

    /** Has the subscribers do something. */
    Audience.Account audience(String order) throws IOException {
        return Audience.Account.ofLine(audience.ask(order));
    }

    Use audienceUse() throws IOException {
        return Use.ofLine(audience.ask("use"));
    }

    /** Bytes that were taken from the GPU since the beginning, once that does not change any more. */
    long taken() throws IOException {
        return gauge == null ? 0 : freeBefore - gauge.settled();
    }

    private static void closeAll(AutoCloseable... all) throws IOException {
        IOException failure = null;
        for (AutoCloseable one : all) {
            try {
                if (one != null) {
                    one.close();
                }
            } catch (Exception e) {
                failure = failure == null ? new IOException(e.getMessage(), e) : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public void close() throws IOException {
        closeAll(audience, cameras, gauge);
    }
}

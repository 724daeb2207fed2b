package io.github.cuframes.tests.faults;

import java.io.IOException;
import java.util.Random;

/** Cameras that stall, reset, lie and change. */
final class RtspFaults {

    private static final int LONGEST_STALL_MILLIS = 2_500;
    private static final int LONGEST_AWAY_MILLIS = 1_500;
    private static final int MOST_GARBAGE = 3_000;
    private static final int DISTURBED_MILLIS = 600;

    private RtspFaults() {}

    static void stall(Theatre theatre, Random random, Outcome outcome) throws IOException, StepFailure, SkippedStep {
        RtspCamera camera = theatre.rtsp();
        int millis = 200 + random.nextInt(LONGEST_STALL_MILLIS);
        outcome.detail("nothing comes for " + millis + " ms");
        camera.proxy.stall(true);
        ProcessFaults.elapse(millis);
        camera.proxy.stall(false);
        camera.recover(outcome);
    }

    static void reset(Theatre theatre, Random random, Outcome outcome) throws IOException, StepFailure, SkippedStep {
        RtspCamera camera = theatre.rtsp();
        outcome.detail("the connection is reset");
        camera.proxy.reset();
        camera.recover(outcome);
    }

    static void away(Theatre theatre, Random random, Outcome outcome) throws IOException, StepFailure, SkippedStep {
        RtspCamera camera = theatre.rtsp();
        int millis = 100 + random.nextInt(LONGEST_AWAY_MILLIS);
        outcome.detail("connections are reset for " + millis + " ms");
        camera.proxy.refuse(true);
        camera.proxy.reset();
        ProcessFaults.elapse(millis);
        camera.proxy.refuse(false);
        camera.recover(outcome);
    }

    static void garbage(Theatre theatre, Random random, Outcome outcome) throws IOException, StepFailure, SkippedStep {
        RtspCamera camera = theatre.rtsp();
        byte[] bytes = new byte[1 + random.nextInt(MOST_GARBAGE)];
        random.nextBytes(bytes);
        outcome.detail(bytes.length + " bytes of garbage between two packets");
        camera.proxy.insert(bytes);
        camera.recoverFromLoss(outcome);
    }

    static void loss(Theatre theatre, Random random, Outcome outcome) throws IOException, StepFailure, SkippedStep {
        RtspCamera camera = theatre.rtsp();
        int percent = 1 + random.nextInt(20);
        outcome.detail(percent + "% of the packets are lost for " + DISTURBED_MILLIS + " ms");
        camera.proxy.disturb(percent, 0, random.nextLong());
        ProcessFaults.elapse(DISTURBED_MILLIS);
        camera.proxy.disturb(0, 0, 0);
        camera.recoverFromLoss(outcome);
    }

    static void repeat(Theatre theatre, Random random, Outcome outcome) throws IOException, StepFailure, SkippedStep {
        RtspCamera camera = theatre.rtsp();
        int percent = 1 + random.nextInt(50);
        outcome.detail(percent + "% of the packets come twice for " + DISTURBED_MILLIS + " ms");
        camera.proxy.disturb(0, percent, random.nextLong());
        ProcessFaults.elapse(DISTURBED_MILLIS);
        camera.proxy.disturb(0, 0, 0);
        camera.recoverFromLoss(outcome);
    }

    static void newSize(Theatre theatre, Random random, Outcome outcome) throws IOException, StepFailure, SkippedStep {
        RtspCamera camera = theatre.rtsp();
        outcome.detail("the encoder goes on with other parameter sets");
        camera.server.signal("USR1");
        camera.recover(outcome);
    }

    static void newCodec(Theatre theatre, Random random, Outcome outcome) throws IOException, StepFailure, SkippedStep {
        RtspCamera camera = theatre.rtsp();
        outcome.detail("the camera comes back with " + camera.switchCodec());
        camera.recover(outcome);
    }

    static void newRate(Theatre theatre, Random random, Outcome outcome) throws IOException, StepFailure, SkippedStep {
        RtspCamera camera = theatre.rtsp();
        outcome.detail("the frame rate changes between 25 and 12.5");
        camera.server.signal("USR2");
        camera.recover(outcome);
    }
}

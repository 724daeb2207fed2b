package io.github.cuframes.tests.gpu;

import io.github.cuframes.tests.Child;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The tests tagged {@code gpu}, but for what needs NVDEC or kernels, against the stand-in driver. */
@Tag("slow")
@ExtendWith(StandInCondition.class)
@Timeout(180)
class GpuTestsOnStandInTest {

    private static final Platform STAND_IN = Platform.STAND_IN;
    private static final String[] WORK = {"work=1", "copies=20"};

    @ParameterizedTest
    @CsvSource({"cuda, 150", "cuda-ipc, 50"})
    void sameBytesFromAFile(String memory, int frames, TestReporter reporter) throws Exception {
        SameBytesGpuTest.fromAFile(STAND_IN, "pattern-1080p-h264", frames, memory, "YUV420P", reporter);
    }

    @Test
    void sameBytesFromALiveSource(TestReporter reporter) throws Exception {
        SameBytesGpuTest.fromALiveSource(STAND_IN, "pattern-h264", 200, 100, reporter);
    }

    @Test
    void writesAreRefused(TestReporter reporter) throws Exception {
        WriteProtectionGpuTest.copiesIntoAFrameAreRefused(STAND_IN, "pattern-h264", reporter);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda", "cuda-ipc"})
    void framesOfADeadProducerStayReadable(String memory, TestReporter reporter) throws Exception {
        KillGpuTest.producerDies(STAND_IN, "pattern-h264", memory, WORK, reporter);
    }

    @Test
    void othersGoOnWhenASubscriberDies(TestReporter reporter) throws Exception {
        KillGpuTest.subscriberDies(STAND_IN, "pattern-h264", "cuda", WORK, reporter);
    }

    @Test
    void leasesEndWithTheWork(TestReporter reporter) throws Exception {
        AcknowledgeGpuTest.leasesEndWithTheWork(STAND_IN, "pattern-h264", 60, 20, WORK, reporter);
    }

    @Test
    void anotherGpuReadsTheSameFrames(TestReporter reporter) throws Exception {
        TwoGpusGpuTest.anotherGpuReadsTheSameFrames(STAND_IN, "pattern-h264", 30, reporter);
    }

    @Test
    void twoProducersInOneProcess(TestReporter reporter) throws Exception {
        TwoGpusGpuTest.twoProducersInOneProcess(STAND_IN, "pattern-h264", 30, reporter);
    }

    @Test
    void filtersThatHaveNoKernelsGiveWhatTheyGiveElsewhere(TestReporter reporter) throws Exception {
        FilterGpuTest.filter(STAND_IN, "pattern-1080p-h264", "fps=5", "YUV420P", 1920, 1080, reporter);
    }

    @Test
    void twoStreamsOfOneDecode(TestReporter reporter) throws Exception {
        RenditionGpuTest.bothStreams(STAND_IN, "pattern-1080p-h264", "fps=5", "null", 5, 1920, 1, reporter);
    }

    @Test
    void whatNvdecCannotDecodeIsUploaded(TestReporter reporter) throws Exception {
        String clip = "pattern-1080p-h264";
        FilterGpuTest.decode(STAND_IN, clip, References.of(clip, STAND_IN.decoder()), true, "YUV420P", reporter);
    }

    @Test
    void doctorIsContent(TestReporter reporter) throws Exception {
        DoctorGpuTest.findings(STAND_IN, reporter);
    }

    /** The driver has no events for other processes: this one waits for one of its own that does not come either. */
    @Test
    void anEventThatNeverComesWedgesWhoWaitsForIt(TestReporter reporter) throws Exception {
        try (GpuStage stage = new GpuStage(STAND_IN)) {
            stage.gpus();
            Child importer = stage.start("importer", Wedge.class, stage.launch(), List.of("importer", "handle=own"));
            importer.await("opened", any -> true);
            WedgeGpuTest.wedge(stage, importer, reporter);
        }
    }

    /** Its legacy handles name descriptors of a process by its pid: they do not pass between pid namespaces. */
    @ParameterizedTest
    @ValueSource(strings = {"cuda", "host"})
    void namespacesAndUsersDiffer(String memory, TestReporter reporter) throws Exception {
        NamespacesGpuTest.namespacesAndUsersDiffer(STAND_IN, "pattern-h264", memory, reporter);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda", "cuda-ipc"})
    void bothAreTheFirstProcess(String memory, TestReporter reporter) throws Exception {
        NamespacesGpuTest.bothAreTheFirstProcess(STAND_IN, "pattern-h264", memory, reporter);
    }
}

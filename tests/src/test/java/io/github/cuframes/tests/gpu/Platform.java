package io.github.cuframes.tests.gpu;

import io.github.cuframes.standin.StandInDriver;
import io.github.cuframes.tests.Launch;
import java.util.List;
import java.util.Map;

/** Where the processes of a test find CUDA. The test's own process does not matter: the same test can run on both. */
enum Platform {
    /** NVIDIA's driver and a GPU. */
    GPU(PlainDecoder.Device.CUDA) {
        @Override
        Launch launch(int gpus) {
            return Launch.PLAIN;
        }
    },
    /** The stand-in driver, which has no NVDEC: frames are decoded in software and uploaded. */
    STAND_IN(PlainDecoder.Device.SOFTWARE) {
        @Override
        Launch launch(int gpus) {
            // FFmpeg takes the library of this name that the process has already
            return new Launch(
                    List.of(),
                    List.of("-Dcuframes.cuda.library=" + StandInDriver.build()),
                    Map.of(StandInDriver.GPUS, String.valueOf(gpus)));
        }
    };

    private final PlainDecoder.Device decoder;

    Platform(PlainDecoder.Device decoder) {
        this.decoder = decoder;
    }

    /** What decodes for a producer here. */
    PlainDecoder.Device decoder() {
        return decoder;
    }

    /**
     * How processes are started.
     *
     * @param gpus how many the stand-in driver has; a real machine has what it has
     */
    abstract Launch launch(int gpus);
}

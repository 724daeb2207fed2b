package io.github.cuframes.subscriber.cli;

import io.github.cuframes.subscriber.SubscriberBuilder;
import picocli.CommandLine.Option;

/** Which GPU reads frames of GPU memory. */
final class GpuOptions {

    @Option(
            names = "--gpu",
            paramLabel = "GPU",
            description =
                    "The GPU that reads frames of GPU memory, by number or UUID; default the one that they lie on.")
    private String gpu;

    @Option(
            names = "--copy-to-my-gpu",
            description = "Copy frames that lie on another GPU to the one that reads, instead of reading them there.")
    private boolean copy;

    SubscriberBuilder apply(SubscriberBuilder builder) {
        return (gpu == null ? builder : builder.gpu(gpu)).copyToMyGpu(copy);
    }
}

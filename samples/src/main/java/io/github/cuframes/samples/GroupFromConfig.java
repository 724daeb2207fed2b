package io.github.cuframes.samples;

import io.github.cuframes.producer.CameraSettings;
import io.github.cuframes.producer.GroupConfig;
import io.github.cuframes.producer.ProducerGroup;
import io.github.cuframes.producer.config.CamerasFile;
import io.github.cuframes.producer.config.ConfigException;
import io.github.cuframes.producer.pattern.PatternSpec;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** The cameras of a file, and one more that the application adds while they run. */
public final class GroupFromConfig {

    private GroupFromConfig() {}

    /** Takes a file as {@code --config} does. */
    public static void main(String[] arguments) throws InterruptedException {
        PrintStream out = System.out;
        GroupConfig config;
        try {
            config = CamerasFile.load(Path.of(arguments[0]), System.getenv()).group();
        } catch (ConfigException e) {
            e.problems().forEach(out::println);
            return;
        }
        try (ProducerGroup group = ProducerGroup.builder()
                .listener((before, now) -> out.println(now))
                .build()) {
            out.println(group.apply(config));

            Map<String, CameraSettings> more = new LinkedHashMap<>(config.cameras());
            more.put(
                    "extra",
                    CameraSettings.builder()
                            .testPattern(PatternSpec.parse("320x180@10"))
                            .build());
            out.println(group.apply(new GroupConfig(config.runDirectory(), more)));

            while (!group.awaitEnd(Duration.ofSeconds(5))) {
                group.cameras()
                        .forEach(camera -> out.println(camera.key() + ": "
                                + camera.state().label() + ", opened again " + camera.restarts() + " times, "
                                + group.producer(camera.key())
                                        .map(producer -> producer.counters().published())
                                        .orElse(0L)
                                + " frames"));
            }
        }
    }
}

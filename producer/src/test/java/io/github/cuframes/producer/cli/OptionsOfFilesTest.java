package io.github.cuframes.producer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Model.OptionSpec;

/** What one camera can be told on the command line, many can be told in a file, by the same names and with the same defaults. */
class OptionsOfFilesTest {

    /** Of the process; tried again is what a file's cameras are always, and none has a process of its own. */
    private static final Set<String> NO_CAMERAS = Set.of(
            "key", "run-dir", "log-format", "verbose", "help", "version", "worker", "isolate", "retry", "metrics");

    @Test
    void theyAreTheSame() throws Exception {
        JsonNode fields = new ObjectMapper()
                .readTree(new File("../docs/cameras.schema.json"))
                .at("/$defs");
        Map<String, OptionSpec> options = new HashMap<>();
        Main.parser(new ProduceCommand(List.of()))
                .getCommandSpec()
                .options()
                .forEach(option -> options.put(option.longestName().substring(2), option));
        options.keySet().removeAll(NO_CAMERAS);
        Set<String> names = new TreeSet<>();
        fields.at("/camera/properties").fieldNames().forEachRemaining(names::add);
        assertEquals(new TreeSet<>(options.keySet()), names);
        options.forEach((name, option) -> {
            JsonNode said = fields.get(name).get("default");
            if (option.defaultValue() != null) {
                assertNotNull(said, name);
                assertEquals(option.defaultValue(), said.asText(), name);
            } else if (said != null && !said.isBoolean()) {
                assertTrue(
                        Set.of("max-hung", "segment").contains(name),
                        () -> name + ": its default depends on other options");
            } else if (said != null) {
                assertEquals(false, said.asBoolean(), name);
            } else {
                assertNull(said);
            }
        });
    }
}

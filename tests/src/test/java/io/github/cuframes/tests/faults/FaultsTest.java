package io.github.cuframes.tests.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Some steps of the harness, as in every build; {@code scripts/faults} and {@code scripts/soak} take many more. */
@Tag("slow")
class FaultsTest {

    /** Recoveries are judged where the machine is known: here only what was seen, and what grew. */
    private static final String NO_LIMIT_OF_TIME = "600000";

    private static final Set<Fault> ALL = EnumSet.allOf(Fault.class);

    private static String run(int expected, String... arguments) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int status = Faults.run(arguments, new PrintStream(bytes, true, StandardCharsets.UTF_8));
        String said = bytes.toString(StandardCharsets.UTF_8);
        assertEquals(expected, status, said);
        return said;
    }

    @Test
    void nobodyIsHurtByTheFaultsOfOthers() throws Exception {
        String steps = System.getProperty("cuframes.faults.steps", "40");
        String minutes = System.getProperty("cuframes.faults.minutes");
        run(
                0,
                minutes == null ? "--steps" : "--minutes",
                minutes == null ? steps : minutes,
                "--seed",
                System.getProperty("cuframes.seed", "1"),
                "--allowance",
                NO_LIMIT_OF_TIME,
                minutes == null ? "--no-rtsp" : "--quiet");
    }

    @Test
    void aPlanFollowsFromItsSeed() {
        List<Step> plan =
                IntStream.range(1, 200).mapToObj(i -> Step.of(7, i, ALL)).toList();
        assertEquals(
                plan, IntStream.range(1, 200).mapToObj(i -> Step.of(7, i, ALL)).toList());
        assertNotEquals(
                plan, IntStream.range(1, 200).mapToObj(i -> Step.of(8, i, ALL)).toList());
        assertEquals(
                plan.get(41).random().nextLong(), Step.of(7, 42, ALL).random().nextLong());
    }

    @Test
    void wrongOptionsAreRefused() throws Exception {
        run(2, "--sed", "7");
        run(2, "--memory", "paper");
        run(2, "--only", "meteorite");
        run(0, "--help");
    }
}

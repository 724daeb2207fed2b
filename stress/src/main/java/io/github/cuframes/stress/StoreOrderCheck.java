package io.github.cuframes.stress;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.openjdk.jcstress.JCStress;
import org.openjdk.jcstress.Options;
import org.openjdk.jcstress.infra.collectors.DiskReadCollector;
import org.openjdk.jcstress.infra.collectors.InProcessCollector;
import org.openjdk.jcstress.infra.collectors.TestResult;

/** Runs the tests of this package and fails unless every one of them ran and saw nothing but legal outcomes. */
public final class StoreOrderCheck {

    private static final int STRIDE_SIZE = 128;
    private static final int STRIDE_COUNT = 16;

    /** States that jcstress has in use at a time. */
    static final int LIVE_STATES = STRIDE_SIZE * STRIDE_COUNT;

    /** Given, it stands in for the many sets of flags that jcstress tries; C2 orders code at random, as far as it may. */
    private static final String REORDERING_COMPILER = "-XX:+UnlockDiagnosticVMOptions -XX:+StressLCM -XX:+StressGCM"
            + " -XX:+StressIGVN -XX:+StressCCP -Xmx256m -XX:+UseSerialGC";

    private StoreOrderCheck() {}

    /**
     * Runs them.
     *
     * @param args a mode of jcstress ({@code quick} is made quicker still), milliseconds of one iteration, and a
     *     regular expression of tests' names
     * @throws IllegalStateException if a test did not run, or saw an outcome that is forbidden
     */
    public static void main(String[] args) throws Exception {
        List<String> settings = new ArrayList<>(List.of("-m", args[0], "-time", args[1], "-t", args[2]));
        settings.addAll(List.of("-strideSize", "" + STRIDE_SIZE, "-strideCount", "" + STRIDE_COUNT, "-r", "jcstress"));
        if (args[0].equals("quick")) {
            settings.addAll(List.of("-sc", "false", "-af", "NONE", "-jvmArgs", REORDERING_COMPILER));
        }
        Options options = new Options(settings.toArray(String[]::new));
        if (!options.parse()) {
            throw new IllegalStateException("jcstress does not understand its options");
        }
        JCStress stress = new JCStress(options);
        Set<String> missing = new TreeSet<>(stress.getTests());
        if (missing.isEmpty()) {
            throw new IllegalStateException("no test is called " + args[2]);
        }
        stress.run();

        InProcessCollector collector = new InProcessCollector();
        new DiskReadCollector(options.getResultFile(), collector).dump();
        List<String> failures = new ArrayList<>();
        for (TestResult result : collector.getTestResults()) {
            if (result.getTotalCount() > 0) {
                missing.remove(result.getName());
            }
            if (!result.grading().isPassed) {
                failures.add(result.getName() + ": " + result.grading().failureMessages);
            }
        }
        if (!missing.isEmpty() || !failures.isEmpty()) {
            throw new IllegalStateException("store order: forbidden " + failures + ", did not run " + missing);
        }
    }
}

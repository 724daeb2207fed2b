package io.github.cuframes.tests.faults;

import java.util.Random;
import java.util.Set;

/** A step of the plan: what is done follows from the seed and the number alone. */
record Step(int number, Fault fault, long seed) {

    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    static Step of(long seed, int number, Set<Fault> kinds) {
        Random random = new Random(seed * GOLDEN + number * (GOLDEN >>> 7));
        // the first numbers of neighbouring seeds resemble each other
        random.nextLong();
        return new Step(number, Fault.choose(random, kinds), random.nextLong());
    }

    /** The numbers that its choices come from. */
    Random random() {
        return new Random(seed);
    }

    @Override
    public String toString() {
        return "step " + number + " " + fault.label();
    }
}

package io.github.cuframes.benchmarks;

import io.github.cuframes.benchmarks.Tally.Count;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What was measured of one way in {@link BoxBenchmark}.
 *
 * @param way its name
 * @param processes of the way, the producer first where there is one
 * @param contexts bytes of the GPU that the processes' contexts took, before they did anything
 * @param taken bytes of the GPU that they took in all, at the end
 * @param decoder how busy it was; empty without a GPU, or if it does not tell
 */
record BoxResult(
        String way,
        List<Member> processes,
        OptionalLong contexts,
        OptionalLong taken,
        Optional<DecoderSamples.Busy> decoder) {

    private static final double SECOND = 1e9;
    private static final double PERCENT = 100;

    /**
     * One process.
     *
     * @param name what it stands for
     * @param program whether it is one of the programs that want frames, and not the producer
     * @param tally what it counted
     * @param begin what it had before that
     * @param end what it had after that
     * @param gpu bytes that {@code nvidia-smi} says it uses at the end
     */
    record Member(String name, boolean program, Tally tally, Use begin, Use end, OptionalLong gpu) {

        /** Each process counts from the order to begin to the order to tell, which reach them one after the other. */
        double perSecond(Count count) {
            return tally.get(count) / (tally.get(Count.NANOS) / SECOND);
        }

        /** How much of one processor it used, in percent. */
        double processorPercent() {
            return perSecond(Count.CPU_NANOS) / SECOND * PERCENT;
        }
    }

    /** Of all processes together. */
    long sum(Count count) {
        return total().get(count);
    }

    Tally total() {
        Tally total = new Tally();
        processes.forEach(process -> total.add(process.tally));
        return total;
    }

    List<Member> programs() {
        return processes.stream().filter(Member::program).toList();
    }

    double perSecond(Count count) {
        return processes.stream()
                .mapToDouble(process -> process.perSecond(count))
                .sum();
    }

    double processorPercent() {
        return processes.stream().mapToDouble(Member::processorPercent).sum();
    }

    double seconds() {
        return sum(Count.NANOS) / SECOND;
    }
}

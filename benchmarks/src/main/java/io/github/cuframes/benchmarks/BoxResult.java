package io.github.cuframes.benchmarks;

import io.github.cuframes.benchmarks.Tally.Count;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What was measured of one way in {@link BoxBenchmark}.
 *
 * @param way its name
 * @param seconds that were counted
 * @param processes of the way, the producer first where there is one
 * @param contexts bytes of the GPU that the processes' contexts took, before they did anything
 * @param taken bytes of the GPU that they took in all, at the end
 * @param decoder how busy it was; empty without a GPU, or if it does not tell
 */
record BoxResult(
        String way,
        double seconds,
        List<Member> processes,
        OptionalLong contexts,
        OptionalLong taken,
        Optional<DecoderSamples.Busy> decoder) {

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
    record Member(String name, boolean program, Tally tally, Use begin, Use end, OptionalLong gpu) {}

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

    /** How much of one processor a process used, in percent. */
    double processorPercent(Tally tally) {
        return tally.get(Count.CPU_NANOS) / seconds / 1e7;
    }
}

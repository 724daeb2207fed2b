package io.github.cuframes.benchmarks;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** The processes of one way in {@link BoxBenchmark}, from their start to their end. One thread. */
final class BoxWay implements AutoCloseable {

    private static final double SECOND = TimeUnit.SECONDS.toNanos(1);

    private record Member(String name, boolean program, ChildJvm process) {}

    private final String name;
    private final GpuGauge gauge;
    private final PrintWriter progress;
    private final List<Member> members = new ArrayList<>();
    private final long freeBefore;
    private OptionalLong contexts = OptionalLong.empty();

    /**
     * A way without processes as yet.
     *
     * @param gauge looks at the GPU; null if none is used
     * @param progress gets what was counted so far
     */
    BoxWay(String name, GpuGauge gauge, PrintWriter progress) throws IOException {
        this.name = name;
        this.gauge = gauge;
        this.progress = progress;
        freeBefore = gauge == null ? 0 : gauge.settled();
    }

    /** Starts a process. */
    ChildJvm start(String member, boolean program, Class<? extends BoxMember> main, List<String> arguments)
            throws IOException {
        ChildJvm process = new ChildJvm(main, arguments);
        members.add(new Member(member, program, process));
        return process;
    }

    /** Has all of them make their context on the GPU, if one is used. */
    void makeContexts() throws IOException {
        if (gauge != null) {
            tell("context");
            contexts = taken();
        }
    }

    private OptionalLong taken() throws IOException {
        return gauge == null ? OptionalLong.empty() : OptionalLong.of(freeBefore - gauge.settled());
    }

    private void tell(String order) throws IOException {
        for (Member member : members) {
            member.process.ask(order);
        }
    }

    /** Lets them run for a while, and counts then. */
    BoxResult measure(double warmUp, double seconds, double every) throws IOException {
        say("runs, counted after " + warmUp + " s");
        Machine.awaitTime(System.nanoTime() + (long) (warmUp * SECOND));
        List<Use> begin = use();
        tell("mark");
        if (gauge != null) {
            gauge.watchDecoder();
        }
        long start = System.nanoTime();
        long end = start + (long) (seconds * SECOND);
        for (long row = start + (long) (every * SECOND); row - end < 0; row += (long) (every * SECOND)) {
            Machine.awaitTime(row);
            report(start, accounts());
        }
        Machine.awaitTime(end);
        List<Tally> tallies = accounts();
        Optional<DecoderSamples.Busy> decoder = gauge == null ? Optional.empty() : gauge.decoder();
        report(start, tallies);
        OptionalLong taken = taken();
        List<Use> uses = use();
        List<BoxResult.Member> results = new ArrayList<>();
        for (int i = 0; i < members.size(); i++) {
            Member member = members.get(i);
            OptionalLong gpu = gauge == null ? OptionalLong.empty() : GpuGauge.ofProcess(member.process.pid());
            results.add(
                    new BoxResult.Member(member.name, member.program, tallies.get(i), begin.get(i), uses.get(i), gpu));
        }
        BoxResult result = new BoxResult(name, results, contexts, taken, decoder);
        say(result.toString());
        return result;
    }

    private List<Tally> accounts() throws IOException {
        List<Tally> tallies = new ArrayList<>();
        for (Member member : members) {
            tallies.add(Tally.ofLine(member.process.ask("account")));
        }
        return tallies;
    }

    private List<Use> use() throws IOException {
        List<Use> uses = new ArrayList<>();
        for (Member member : members) {
            uses.add(Use.ofLine(member.process.ask("use")));
        }
        return uses;
    }

    /** For whoever waits, and in case this is cut off. */
    private void report(long start, List<Tally> tallies) throws IOException {
        Tally total = new Tally();
        tallies.forEach(total::add);
        String busy = gauge == null ? "" : ", decoder " + gauge.decoder();
        say(String.format(Locale.ROOT, "%.1f s: %s%s", (System.nanoTime() - start) / SECOND, total, busy));
    }

    private void say(String text) {
        progress.println(name + ", " + text);
        progress.flush();
    }

    /** Ends the processes, the last that was started first: who reads goes before who writes. */
    @Override
    public void close() throws IOException {
        List<Member> backwards = new ArrayList<>(members);
        Collections.reverse(backwards);
        IOException failure = null;
        for (Member member : backwards) {
            try {
                member.process.close();
            } catch (IOException e) {
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}

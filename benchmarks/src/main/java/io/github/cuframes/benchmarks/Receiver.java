package io.github.cuframes.benchmarks;

import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Subscriber;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.HdrHistogram.Histogram;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * The process at the receiving end, started by a benchmark. It says {@code connected}; then for each line with a {@link
 * Round} on standard input it says {@code ready}, receives, and prints a {@link Reception}. It ends with its input.
 */
@Command(name = "receiver", description = "Started by the benchmarks.")
public final class Receiver implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(names = "--socket")
    private Path socket;

    @Option(names = "--memory")
    private Path memory;

    @Option(names = "--library", defaultValue = "JUNIXSOCKET")
    private SocketLibrary library;

    @Option(names = "--run-dir")
    private Path runDirectory;

    @Option(names = "--key")
    private String key;

    @Option(names = "--spin-millis", defaultValue = "0")
    private long spinMillis;

    @Option(names = "--policy", defaultValue = "latest")
    private String policy;

    /** Runs until standard input ends. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Receiver()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException {
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintWriter out = spec.commandLine().getOut();
        try (Arrivals arrivals = open()) {
            say(out, "connected");
            String order;
            while ((order = orders.readLine()) != null) {
                Round round = Round.ofLine(order);
                say(out, "ready");
                say(out, receive(arrivals, round).toLine());
            }
        }
        return 0;
    }

    private static void say(PrintWriter out, String line) {
        out.println(line);
        out.flush();
    }

    private Arrivals open() throws IOException {
        if (socket != null) {
            return Arrivals.socket(library, socket);
        }
        if (memory != null) {
            return StoreTransmitter.arrivals(memory);
        }
        return Arrivals.frames(Subscriber.builder(key)
                .runDirectory(runDirectory)
                .policy(DeliveryPolicy.parse(policy))
                .spin(Duration.ofMillis(spinMillis))
                .reconnect(false)
                .connect());
    }

    private static Reception receive(Arrivals arrivals, Round round) throws IOException {
        Histogram latencies = Reception.histogram();
        HeapUse before = null;
        do {
            arrivals.await();
            if (arrivals.number >= round.measured()) {
                if (before == null) {
                    // from here on only what a frame costs: the first one that counts pays for this
                    before = HeapUse.ofThisThread();
                }
                Reception.record(latencies, arrivals.receivedNanos - arrivals.sentNanos);
            }
        } while (arrivals.number < round.last());
        HeapUse used = HeapUse.ofThisThread().since(before);
        return new Reception(latencies, used.bytes(), used.collections());
    }
}

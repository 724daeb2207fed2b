package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.metrics.MetricsServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.function.Supplier;
import picocli.CommandLine.Option;

/** Where the process says how it does. */
final class MetricsOption {

    /** Seconds that a client has to say what it wants, and to take the answer; else some that never do would keep all others out. */
    private static final String PATIENCE = "10";

    @Option(
            names = "--metrics",
            paramLabel = "[HOST:]PORT",
            converter = Converters.OfAddress.class,
            description = "Prometheus metrics at /metrics and health at /healthz; on loopback unless a host is named,"
                    + " 0.0.0.0 for all. Port 0: any, see the log. Default: none.")
    private InetSocketAddress address;

    /** Serves them; null if nobody asked for it. */
    MetricsServer open(Supplier<? extends Collection<Producer>> producers) throws IOException {
        if (address == null) {
            return null;
        }
        // read by the JDK's server when its first instance is made
        for (String property : new String[] {"sun.net.httpserver.maxReqTime", "sun.net.httpserver.maxRspTime"}) {
            if (System.getProperty(property) == null) {
                System.setProperty(property, PATIENCE);
            }
        }
        return MetricsServer.open(address, producers);
    }
}

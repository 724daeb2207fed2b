package io.github.cuframes.producer.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import io.github.cuframes.producer.Producer;
import io.prometheus.metrics.exporter.httpserver.MetricsHandler;
import io.prometheus.metrics.instrumentation.jvm.JvmMetrics;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves {@code /metrics}, the counters of cameras, subscribers, JVM and GPUs in Prometheus' text format, and {@code /healthz}, an
 * object that says how each camera is, with status 200 if all are well and 503 if not.
 *
 * <pre>{@code
 * try (MetricsServer metrics = MetricsServer.open(new InetSocketAddress("127.0.0.1", 9400), () -> List.of(producer))) { … }
 * }</pre>
 *
 * <p>Nothing is counted for it: a request reads what producers count anyway, on a thread of the server's. Who may connect may read
 * keys, names of subscribers and host names of cameras; there is no login. It does not own the producers. Any thread may call any
 * method.
 */
public final class MetricsServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(MetricsServer.class);

    /** One asks, seldom two; the rest is for requests that hang. */
    private static final int THREADS = 4;

    private static final int OK = 200;
    private static final int NOT_FOUND = 404;
    private static final int NOT_ALLOWED = 405;
    private static final int UNAVAILABLE = 503;

    private final HttpServer server;
    private final ExecutorService threads;

    private MetricsServer(HttpServer server, Supplier<? extends Collection<Producer>> producers) {
        this.server = server;
        AtomicInteger count = new AtomicInteger();
        this.threads = Executors.newFixedThreadPool(THREADS, task -> {
            Thread thread = new Thread(task, "cuframes-metrics-" + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
        PrometheusRegistry registry = new PrometheusRegistry();
        registry.register(new CameraCollector(producers));
        registry.register(new GpuCollector());
        JvmMetrics.builder().register(registry);
        HttpHandler metrics = new MetricsHandler(registry);
        server.createContext("/", exchange -> {
            try (exchange) {
                switch (exchange.getRequestURI().getPath()) {
                    case "/metrics" -> metrics.handle(exchange);
                    case "/healthz" -> health(exchange, producers.get());
                    default -> answer(exchange, NOT_FOUND, "text/plain", "see /metrics and /healthz\n");
                }
            } catch (RuntimeException e) {
                LOG.error("{} cannot be answered", exchange.getRequestURI(), e);
                throw e;
            }
        });
        server.setExecutor(threads);
        server.start();
    }

    /**
     * Listens.
     *
     * @param address port 0 is any that is free, which {@link #address()} tells
     * @param producers asked at each request, by any thread, for those that are there now; their keys differ. Those that are
     *     closed have no metrics and are not well
     * @throws IOException if nobody can listen there; says why and what to do
     */
    public static MetricsServer open(InetSocketAddress address, Supplier<? extends Collection<Producer>> producers)
            throws IOException {
        InetSocketAddress resolved =
                address.isUnresolved() ? new InetSocketAddress(address.getHostString(), address.getPort()) : address;
        if (resolved.isUnresolved()) {
            throw new IOException("metrics cannot be served at " + text(address) + ": there is no host of that name;"
                    + " give an address of this machine, such as 127.0.0.1:9400, or 0.0.0.0:9400 for all");
        }
        HttpServer server;
        try {
            server = HttpServer.create(resolved, 0);
        } catch (SocketException e) {
            throw new IOException(
                    "metrics cannot be served at " + text(address) + ": " + e.getMessage()
                            + "; see who listens there (ss -ltnp), or choose another port or address of this machine",
                    e);
        }
        MetricsServer opened = new MetricsServer(server, producers);
        LOG.info("metrics at http://{}/metrics", text(opened.address()));
        return opened;
    }

    private static String text(InetSocketAddress address) {
        String host = address.getHostString();
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return server.getAddress();
    }

    private static void health(HttpExchange exchange, Collection<Producer> producers) throws IOException {
        Health health = Health.of(producers);
        answer(exchange, health.well() ? OK : UNAVAILABLE, "application/json", health.json() + "\n");
    }

    private static void answer(HttpExchange exchange, int status, String type, String text) throws IOException {
        String method = exchange.getRequestMethod();
        boolean head = method.equals("HEAD");
        if (!head && !method.equals("GET")) {
            exchange.getResponseHeaders().set("Allow", "GET, HEAD");
            exchange.sendResponseHeaders(NOT_ALLOWED, -1);
            return;
        }
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type + "; charset=utf-8");
        exchange.sendResponseHeaders(status, head ? -1 : body.length);
        if (!head) {
            exchange.getResponseBody().write(body);
        }
    }

    /** Stops listening and ends the requests that are being answered; a second call does nothing. */
    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}

package io.github.cuframes.producer.metrics;

import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.DataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Exemplars;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.prometheus.metrics.model.snapshots.Quantiles;
import io.prometheus.metrics.model.snapshots.SummarySnapshot;
import io.prometheus.metrics.model.snapshots.SummarySnapshot.SummaryDataPointSnapshot;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The numbers of one scrape, by metric. Belongs to one thread. */
final class Families {

    private static final String TOTAL = "_total";

    private final Map<Metric, List<DataPointSnapshot>> points = new EnumMap<>(Metric.class);

    /** Adds a counter or gauge; label values in the order of {@link Metric#labels()}. */
    void add(Metric metric, double value, String... labels) {
        Labels named = named(metric, labels);
        put(
                metric,
                metric.type() == Metric.Type.COUNTER
                        ? new CounterDataPointSnapshot(value, named, null, 0)
                        : new GaugeDataPointSnapshot(value, named, null));
    }

    /** Adds a summary. */
    void add(Metric metric, long count, double sum, String... labels) {
        put(
                metric,
                new SummaryDataPointSnapshot(count, sum, Quantiles.EMPTY, named(metric, labels), Exemplars.EMPTY, 0));
    }

    private static Labels named(Metric metric, String... values) {
        return Labels.of(metric.labels(), List.of(values));
    }

    private void put(Metric metric, DataPointSnapshot point) {
        points.computeIfAbsent(metric, any -> new ArrayList<>()).add(point);
    }

    MetricSnapshots snapshots() {
        return new MetricSnapshots(points.entrySet().stream()
                .map(entry -> snapshot(entry.getKey(), entry.getValue()))
                .toList());
    }

    private static MetricSnapshot snapshot(Metric metric, List<DataPointSnapshot> all) {
        String name = metric.exposed();
        return switch (metric.type()) {
            case COUNTER ->
                new CounterSnapshot(
                        new MetricMetadata(name.substring(0, name.length() - TOTAL.length()), metric.help()),
                        only(CounterDataPointSnapshot.class, all));
            case GAUGE ->
                new GaugeSnapshot(new MetricMetadata(name, metric.help()), only(GaugeDataPointSnapshot.class, all));
            case SUMMARY ->
                new SummarySnapshot(new MetricMetadata(name, metric.help()), only(SummaryDataPointSnapshot.class, all));
        };
    }

    private static <T> Collection<T> only(Class<T> type, List<DataPointSnapshot> all) {
        return all.stream().map(type::cast).toList();
    }
}

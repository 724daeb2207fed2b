/** What cameras, their subscribers and the process do, over HTTP: {@link io.github.cuframes.producer.metrics.MetricsServer}. */
package io.github.cuframes.producer.metrics;

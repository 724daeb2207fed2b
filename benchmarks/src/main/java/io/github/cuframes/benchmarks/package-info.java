/**
 * Measurements, each a program: {@link io.github.cuframes.benchmarks.LatencyBenchmark}, {@link
 * io.github.cuframes.benchmarks.AllocationBenchmark} and {@link io.github.cuframes.benchmarks.ThroughputBenchmark}.
 */
package io.github.cuframes.benchmarks;

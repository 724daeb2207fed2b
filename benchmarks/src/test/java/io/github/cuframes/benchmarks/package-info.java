/** Each benchmark runs, briefly, and measures what it says. */
package io.github.cuframes.benchmarks;

/** Notices native calls that do not return. Knows neither FFmpeg nor cameras: those say what they call, and for how long. */
package io.github.cuframes.producer.watch;

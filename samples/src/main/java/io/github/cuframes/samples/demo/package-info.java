/** What {@code ./demo} runs. */
package io.github.cuframes.samples.demo;

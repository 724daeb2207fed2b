/** The command {@code cuframes-producer}. */
package io.github.cuframes.producer.cli;

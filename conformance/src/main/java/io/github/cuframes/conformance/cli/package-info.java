/** The command {@code cuframes-conformance}. */
package io.github.cuframes.conformance.cli;

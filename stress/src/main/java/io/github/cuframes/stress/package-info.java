/**
 * Proves what {@code docs/protocol.md} promises of the order of stores: one jcstress test for each store that another
 * process relies on. A legal outcome is listed, every other one fails the build.
 */
package io.github.cuframes.stress;

/** A harness that hurts producers, subscribers and cameras by a seeded plan, and judges how the others fare. */
package io.github.cuframes.tests.faults;

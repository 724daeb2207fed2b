/** Clips made on the spot, and slots in plain memory. */
package io.github.cuframes.producer.testing;

/**
 * Reads the frames of a publisher in place. {@link io.github.cuframes.subscriber.Subscriber} is where to begin; {@link
 * io.github.cuframes.subscriber.Frame} is a lease on one frame; {@link io.github.cuframes.subscriber.Observer} reads a
 * publisher's counters without taking frames.
 */
package io.github.cuframes.subscriber;

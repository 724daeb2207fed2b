package io.github.cuframes.protocol.frame;

/**
 * Where a plane lies in its slot.
 *
 * @param offset bytes from the start of the slot to the first sample
 * @param pitch bytes from one row to the next
 */
public record PlaneLayout(int offset, int pitch) {}

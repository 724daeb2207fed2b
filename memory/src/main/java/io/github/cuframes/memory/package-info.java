/**
 * Frame memory that can cross processes. One side owns an allocation ({@link io.github.cuframes.memory.FrameMemory}) and
 * sends its descriptor; the other maps it ({@link io.github.cuframes.memory.ImportedMemory}). Nothing outside this
 * package knows what kind of memory holds a frame.
 */
package io.github.cuframes.memory;

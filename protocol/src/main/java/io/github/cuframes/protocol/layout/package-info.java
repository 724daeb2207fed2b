/**
 * The shared memory, byte by byte: one class a structure, with its offsets, its size and the accesses that other
 * processes rely on. No other class knows a number. Everything is little-endian; {@code docs/protocol.md} holds the
 * same tables, and a test compares the two.
 */
package io.github.cuframes.protocol.layout;

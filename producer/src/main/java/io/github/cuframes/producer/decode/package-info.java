/**
 * Packets into frames, and frames into slots: FFmpeg's decoders write into the slots themselves where they can. Knows
 * {@code publish}, and nothing of where packets come from.
 */
package io.github.cuframes.producer.decode;

/**
 * Packets out of cameras and files, with a deadline on every wait, and the thread that takes them through a decoder
 * into slots. Knows {@code decode} and {@code publish}; neither knows it.
 */
package io.github.cuframes.producer.ingest;

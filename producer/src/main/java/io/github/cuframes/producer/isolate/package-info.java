/**
 * Workers: one process for each camera, so that a crash in native code ends one camera only. Starts them, hears their
 * heartbeats, kills those that hang, starts them again. Knows nothing of frames.
 */
package io.github.cuframes.producer.isolate;

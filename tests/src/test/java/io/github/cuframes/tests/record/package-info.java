/** Recordings: made from a real RTSP server by the command, and played back. */
package io.github.cuframes.tests.record;

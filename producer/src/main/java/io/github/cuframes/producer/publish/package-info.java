/** Offers frames to other processes: ring, slots, leases, policies and the control socket. Knows nothing of FFmpeg. */
package io.github.cuframes.producer.publish;

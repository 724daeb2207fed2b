/**
 * What cuframes asks of the kernel and the JDK does not offer: memory without a name that cannot be cut short, and who is at
 * the other end of a socket. The only package that calls the C library; it knows nothing of frames.
 */
package io.github.cuframes.memory.linux;

/**
 * Unix sockets that carry messages and file descriptors, and the directory where they lie. Of a message it knows the
 * 8-byte header alone.
 */
package io.github.cuframes.memory.transport;

/** The messages of the control socket, and their one codec. */
package io.github.cuframes.protocol.message;

/** Values that describe frames and streams; immutable, free of any input or output. */
package io.github.cuframes.protocol.frame;

/** The built-in test pattern: a source of frames that needs no camera, and whose frames prove themselves. */
package io.github.cuframes.producer.pattern;

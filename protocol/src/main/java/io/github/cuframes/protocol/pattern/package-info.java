/** What a test picture says about itself, so that a reader can prove which frame it holds and that it is whole. */
package io.github.cuframes.protocol.pattern;

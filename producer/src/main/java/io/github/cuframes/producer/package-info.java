/** A camera or file, decoded once and published: {@link io.github.cuframes.producer.Producer}. */
package io.github.cuframes.producer;

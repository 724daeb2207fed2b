/** Plays a subscriber, right and wrong, against a publisher that is to be checked. */
package io.github.cuframes.conformance.publisher;

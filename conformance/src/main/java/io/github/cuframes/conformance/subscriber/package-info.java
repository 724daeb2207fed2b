/** Plays a publisher, right and wrong, for subscribers that are to be checked. */
package io.github.cuframes.conformance.subscriber;

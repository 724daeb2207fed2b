/** The commands of {@code cuframes-subscriber.jar}. */
package io.github.cuframes.subscriber.cli;

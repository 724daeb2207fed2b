/**
 * What the command {@code top} shows: {@link io.github.cuframes.subscriber.cli.top.Watch} looks at the rings, {@link
 * io.github.cuframes.subscriber.cli.top.TopTable} writes what it saw.
 */
package io.github.cuframes.subscriber.cli.top;

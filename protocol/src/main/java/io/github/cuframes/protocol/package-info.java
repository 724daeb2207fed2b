/** What cuframes processes agree on: the JDK and nothing else is needed to speak it. */
package io.github.cuframes.protocol;

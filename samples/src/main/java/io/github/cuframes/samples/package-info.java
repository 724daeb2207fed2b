/** Small programs to start from. */
package io.github.cuframes.samples;

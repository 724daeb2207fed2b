/**
 * Test code: a library that stands in for the CUDA driver on machines without a GPU.
 *
 * <p>{@link io.github.cuframes.standin.StandInDriver} builds it from C; {@link io.github.cuframes.standin.StandInControl}
 * sets it up, makes its functions fail and counts what is left over.
 */
package io.github.cuframes.standin;

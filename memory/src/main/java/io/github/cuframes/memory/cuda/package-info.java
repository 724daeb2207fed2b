/**
 * GPU memory that can cross processes, and all that is needed of the CUDA driver for it.
 *
 * <p>This package is the only place that calls the driver, by way of {@code libcuda.so.1}, which comes with every driver;
 * no part of the CUDA toolkit is needed. Nothing is loaded before {@link io.github.cuframes.memory.cuda.Cuda} is asked.
 */
package io.github.cuframes.memory.cuda;

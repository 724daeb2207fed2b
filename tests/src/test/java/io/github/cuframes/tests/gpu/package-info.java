/** Tests that need an NVIDIA GPU, tagged {@code gpu}, and the plain decoders that they compare with. */
package io.github.cuframes.tests.gpu;

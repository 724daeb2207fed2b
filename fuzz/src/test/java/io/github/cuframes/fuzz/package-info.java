/** Fuzz targets: static methods that take bytes and throw if something that must hold does not. */
package io.github.cuframes.fuzz;

/** Producers, subscribers and cameras as processes of their own. */
package io.github.cuframes.tests;

/** Tests of the C++ subscriber, which they compile, against producers in processes of their own. */
package io.github.cuframes.tests.cpp;

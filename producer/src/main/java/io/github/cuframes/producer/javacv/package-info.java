/** For applications of JavaCV; the only package that needs it on the class path. */
package io.github.cuframes.producer.javacv;

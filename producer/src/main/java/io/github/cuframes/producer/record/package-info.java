/** Records a camera's packets as they came, in segments that play on their own. */
package io.github.cuframes.producer.record;

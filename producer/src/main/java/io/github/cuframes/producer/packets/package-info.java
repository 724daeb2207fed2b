/** From packets of FFmpeg to packets that are published. */
package io.github.cuframes.producer.packets;

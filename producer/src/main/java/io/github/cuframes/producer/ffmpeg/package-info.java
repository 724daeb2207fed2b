/** What both sides of FFmpeg need: its libraries, its log, its error codes, and a way back from its callbacks. */
package io.github.cuframes.producer.ffmpeg;

package io.github.cuframes.producer.ffmpeg;

import static org.bytedeco.ffmpeg.global.avutil.AV_LOG_ERROR;
import static org.bytedeco.ffmpeg.global.avutil.av_log;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

class FfmpegTest {

    @Test
    void whatFfmpegLogsHasNoCredentials() {
        Ffmpeg.load();
        FfmpegLog.capture();
        av_log((Pointer) null, AV_LOG_ERROR, "cannot open rtsp://admin:hunter2@camera/stream\n");
        av_log((Pointer) null, AV_LOG_ERROR, "Authorization: Basic YWRtaW46aHVudGVyMg==\n");
        assertEquals("cannot open rtsp://***@camera/stream; Authorization: ***", FfmpegLog.captured());
        av_log((Pointer) null, AV_LOG_ERROR, "nobody listens\n");
        assertEquals("", FfmpegLog.captured());
    }

    /** Prints what a process has mapped that needs FFmpeg and no filters. */
    static final class Maps {
        public static void main(String[] arguments) throws IOException {
            Ffmpeg.load();
            Files.copy(Path.of("/proc/self/maps"), new FileOutputStream(FileDescriptor.out));
        }
    }

    /** In a process of its own, since other tests here have filters. */
    @Test
    void devicesAndFiltersAreNotLoaded() throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                        Maps.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String maps = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor());
        assertTrue(maps.contains("libavformat"));
        assertFalse(maps.contains("libavdevice") || maps.contains("libavfilter"));
    }

    @Test
    void errorsHaveTexts() {
        Ffmpeg.load();
        assertEquals("Connection refused", Ffmpeg.errorText(-111));
    }

    @Test
    void handlesAreNotReused() {
        Handles<String> handles = new Handles<>();
        List<Long> numbers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            numbers.add(handles.register("object " + i));
        }
        for (int i = 0; i < 100; i++) {
            assertNotEquals(0L, numbers.get(i));
            assertEquals("object " + i, handles.get(numbers.get(i)));
        }
        long old = numbers.get(42);
        assertEquals("object 42", handles.remove(old));
        assertNull(handles.remove(old));
        String next = "next";
        long number = handles.register(next);
        assertNotEquals(old, number);
        assertNull(handles.get(old));
        assertSame(next, handles.get(number));
        assertNull(handles.get(0));
        assertNull(handles.get(-1));
    }
}

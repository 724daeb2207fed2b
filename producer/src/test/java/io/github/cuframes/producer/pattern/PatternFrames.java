package io.github.cuframes.producer.pattern;

import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.pattern.FrameCode;
import java.io.BufferedInputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Makes and checks the frames of the sample clips, as raw yuv420p; {@code scripts/make-clips} runs it.
 *
 * <pre>
 *   write  FILE WxH@FPS FRAMES TAG    writes frames 0 to FRAMES - 1
 *   check  FILE WxH@FPS FRAMES TAG    fails unless the file is those frames by their codes
 * </pre>
 */
final class PatternFrames {

    private final TestPattern pattern;
    private final FrameLayout layout;
    private final byte[] frame;
    private final int frames;
    private final int tag;

    private PatternFrames(PatternSpec spec, int frames, int tag) {
        layout = FrameLayout.of(PixelFormat.YUV420P, spec.width(), spec.height(), 1);
        pattern = new TestPattern(layout, tag);
        frame = new byte[(int) layout.size()];
        this.frames = frames;
        this.tag = tag;
    }

    public static void main(String[] args) throws IOException {
        PatternFrames job =
                new PatternFrames(PatternSpec.parse(args[2]), Integer.parseInt(args[3]), Integer.parseInt(args[4]));
        switch (args[0]) {
            case "write" -> job.write(Path.of(args[1]));
            case "check" -> job.check(Path.of(args[1]));
            default -> throw new IllegalArgumentException("write or check, not " + args[0]);
        }
    }

    private void write(Path file) throws IOException {
        // a stream, because the file may be a pipe
        try (OutputStream out = new FileOutputStream(file.toFile())) {
            for (int number = 0; number < frames; number++) {
                pattern.render(ByteBuffer.wrap(frame), number);
                out.write(frame);
            }
        }
    }

    private void check(Path file) throws IOException {
        try (InputStream in = new BufferedInputStream(new FileInputStream(file.toFile()))) {
            for (int number = 0; number < frames; number++) {
                int length = in.readNBytes(frame, 0, frame.length);
                if (length < frame.length) {
                    throw new IOException("the stream ends at frame " + number + " of " + frames);
                }
                long code = FrameCode.read(ByteBuffer.wrap(frame), 0, layout.width(), layout.width(), layout.height());
                if (code < 0 || FrameCode.number(code) != number || FrameCode.tag(code) != tag) {
                    throw new IOException("frame " + number + " reads as " + FrameCode.describe(code));
                }
            }
            if (in.read() >= 0) {
                throw new IOException("the stream goes on after frame " + (frames - 1));
            }
        }
    }
}

package io.github.cuframes.subscriber.cli;

import io.github.cuframes.subscriber.Frame;
import java.awt.image.BufferedImage;

/** Makes a picture for people of a frame. */
final class Pictures {

    private Pictures() {}

    /** A copy of the frame as RGB, of its shown size. */
    static BufferedImage toRgb(Frame frame) {
        int width = frame.width();
        int height = frame.height();
        Component[] components = Component.of(frame, new HostPixels().look(frame));
        byte[][] samples = new byte[3][];
        for (int i = 0; i < components.length; i++) {
            samples[i] = new byte[Math.multiplyExact(width, height)];
            new Resampler(components[i].width(), components[i].height(), width, height)
                    .run(components[i], samples[i], 0, 1);
        }
        boolean rgb = Component.isRgb(frame.format());
        ColourMatrix matrix = ColourMatrix.of(frame.colour(), height);
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        int[] row = new int[width];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int at = y * width + x;
                int first = samples[0][at] & 0xFF;
                int second = samples[1] == null ? 128 : samples[1][at] & 0xFF;
                int third = samples[2] == null ? 128 : samples[2][at] & 0xFF;
                row[x] = rgb ? first << 16 | second << 8 | third : matrix.toRgb(first, second, third);
            }
            image.setRGB(0, y, width, 1, row, 0, width);
        }
        return image;
    }
}

package io.github.cuframes.subscriber.cli;

import io.github.cuframes.protocol.frame.Colour;

/** Between Y, U, V and R, G, B of 8 bits, in the matrix and range that a stream says, or that its size suggests. Immutable. */
final class ColourMatrix {

    private static final int HD_HEIGHT = 720;
    private static final int SHIFT = 16;
    private static final int HALF = 1 << SHIFT - 1;

    private final double kr;
    private final double kb;
    private final int blackLevel;
    private final int luma;
    private final int redOfV;
    private final int greenOfU;
    private final int greenOfV;
    private final int blueOfU;
    private final double lumaScale;
    private final double chromaScale;

    private ColourMatrix(double kr, double kb, boolean fullRange) {
        this.kr = kr;
        this.kb = kb;
        double kg = 1 - kr - kb;
        blackLevel = fullRange ? 0 : 16;
        lumaScale = fullRange ? 1 : 255 / 219.0;
        chromaScale = fullRange ? 1 : 255 / 224.0;
        luma = fixed(lumaScale);
        redOfV = fixed(2 * (1 - kr) * chromaScale);
        greenOfU = fixed(2 * (1 - kb) * kb / kg * chromaScale);
        greenOfV = fixed(2 * (1 - kr) * kr / kg * chromaScale);
        blueOfU = fixed(2 * (1 - kb) * chromaScale);
    }

    private static int fixed(double value) {
        return (int) Math.round(value * (1 << SHIFT));
    }

    /**
     * The matrix of a stream: as its code point of ISO/IEC 23091-2 says, or, where that says nothing, BT.709 from 720
     * rows on and BT.601 below.
     */
    static ColourMatrix of(Colour colour, int height) {
        boolean full = colour.fullRange();
        return switch (colour.matrix()) {
            case 1 -> new ColourMatrix(0.2126, 0.0722, full);
            case 5, 6 -> new ColourMatrix(0.299, 0.114, full);
            case 9, 10 -> new ColourMatrix(0.2627, 0.0593, full);
            default ->
                height >= HD_HEIGHT ? new ColourMatrix(0.2126, 0.0722, full) : new ColourMatrix(0.299, 0.114, full);
        };
    }

    /** 0xRRGGBB. */
    int toRgb(int y, int u, int v) {
        int base = (y - blackLevel) * luma + HALF;
        int r = clamp(base + redOfV * (v - 128) >> SHIFT);
        int g = clamp(base - greenOfU * (u - 128) - greenOfV * (v - 128) >> SHIFT);
        int b = clamp(base + blueOfU * (u - 128) >> SHIFT);
        return r << 16 | g << 8 | b;
    }

    /** 0xYYUUVV. */
    int toYuv(int r, int g, int b) {
        double y = kr * r + (1 - kr - kb) * g + kb * b;
        int u = (int) Math.round((b - y) / (2 * (1 - kb)) / chromaScale + 128);
        int v = (int) Math.round((r - y) / (2 * (1 - kr)) / chromaScale + 128);
        return clamp((int) Math.round(y / lumaScale) + blackLevel) << 16 | clamp(u) << 8 | clamp(v);
    }

    private static int clamp(int value) {
        return Math.max(0, Math.min(255, value));
    }
}

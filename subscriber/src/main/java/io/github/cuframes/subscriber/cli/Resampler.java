package io.github.cuframes.subscriber.cli;

/**
 * Brings one component to another size: a triangle as wide as a step of the coarser grid, which is bilinear interpolation
 * upwards and averaging over the area downwards. Keeps its tables and scratch memory for the next picture. Not thread-safe.
 */
final class Resampler {

    private static final int ONE = 1 << 14;
    /** Bits of fraction between the two passes: 255 * 64 fits a short. */
    private static final int FRACTION = 6;

    private final int width;
    private final int height;
    private final int targetWidth;
    private final int targetHeight;
    private final Axis columns;
    private final Axis rows;
    private final int[] line;
    private final short[] narrowed;

    /** For each target index, which sources count how much; the weights of one index sum up to {@link #ONE}. */
    private static final class Axis {
        final int[] first;
        final int[][] weights;

        Axis(int from, int to) {
            first = new int[to];
            weights = new int[to][];
            double scale = (double) from / to;
            double reach = Math.max(1, scale);
            for (int i = 0; i < to; i++) {
                double centre = (i + 0.5) * scale - 0.5;
                int begin = Math.max(0, (int) Math.ceil(centre - reach + 1e-9));
                int end = Math.min(from - 1, (int) Math.floor(centre + reach - 1e-9));
                double[] exact = new double[end - begin + 1];
                double sum = 0;
                for (int k = begin; k <= end; k++) {
                    exact[k - begin] = 1 - Math.abs(k - centre) / reach;
                    sum += exact[k - begin];
                }
                int[] whole = new int[exact.length];
                int left = ONE;
                int largest = 0;
                for (int k = 0; k < exact.length; k++) {
                    whole[k] = (int) Math.round(exact[k] / sum * ONE);
                    left -= whole[k];
                    largest = whole[k] > whole[largest] ? k : largest;
                }
                whole[largest] += left;
                first[i] = begin;
                weights[i] = whole;
            }
        }
    }

    Resampler(int width, int height, int targetWidth, int targetHeight) {
        this.width = width;
        this.height = height;
        this.targetWidth = targetWidth;
        this.targetHeight = targetHeight;
        this.columns = new Axis(width, targetWidth);
        this.rows = new Axis(height, targetHeight);
        this.line = new int[width];
        this.narrowed = new short[Math.multiplyExact(height, targetWidth)];
    }

    /** Whether this is for pictures of that size. */
    boolean fits(Component source) {
        return source.width() == width && source.height() == height;
    }

    /**
     * Resamples a picture.
     *
     * @param target where the samples go: row r, column c at {@code offset + (r * targetWidth + c) * stride}
     */
    void run(Component source, byte[] target, int offset, int stride) {
        if (width == targetWidth && height == targetHeight) {
            copy(source, target, offset, stride);
            return;
        }
        for (int row = 0; row < height; row++) {
            source.readRow(row, line);
            for (int i = 0; i < targetWidth; i++) {
                int[] weights = columns.weights[i];
                int begin = columns.first[i];
                int sum = 0;
                for (int k = 0; k < weights.length; k++) {
                    sum += weights[k] * line[begin + k];
                }
                narrowed[row * targetWidth + i] = (short) (sum + (ONE >> FRACTION + 1) >> 14 - FRACTION);
            }
        }
        for (int row = 0; row < targetHeight; row++) {
            int[] weights = rows.weights[row];
            int begin = rows.first[row];
            for (int i = 0; i < targetWidth; i++) {
                int sum = 0;
                for (int k = 0; k < weights.length; k++) {
                    sum += weights[k] * narrowed[(begin + k) * targetWidth + i];
                }
                int value = sum + (ONE << FRACTION - 1) >> 14 + FRACTION;
                target[offset + (row * targetWidth + i) * stride] = (byte) value;
            }
        }
    }

    private void copy(Component source, byte[] target, int offset, int stride) {
        for (int row = 0; row < height; row++) {
            source.readRow(row, line);
            for (int i = 0; i < width; i++) {
                target[offset + (row * width + i) * stride] = (byte) line[i];
            }
        }
    }
}

package io.github.cuframes.tests.gpu;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Decodes a file with {@link PlainDecoder}: the reference for rates, with any number of decoders at a time, and for
 * frames, by their checksums.
 */
public final class PlainDecode {

    private PlainDecode() {}

    /**
     * What decoders did at the same time.
     *
     * @param frames of all decoders, without the first of each, which the clock does not see either
     * @param nanos from the moment when each decoder had its first frame to the end of the last
     */
    public record Rate(long frames, long nanos) {
        /** Frames a second, of all decoders together. */
        public double perSecond() {
            return frames * 1e9 / nanos;
        }
    }

    /**
     * Decodes a file in so many threads at once, each with a decoder of its own, and drops the frames.
     *
     * @param repeats how often each starts over
     * @throws IOException if any of them fails
     */
    public static Rate rate(Path file, PlainDecoder.Device device, int decoders, int repeats)
            throws IOException, InterruptedException {
        CountDownLatch ready = new CountDownLatch(decoders);
        CountDownLatch go = new CountDownLatch(1);
        ExecutorService threads = Executors.newFixedThreadPool(decoders);
        try {
            List<Future<Long>> counts = new ArrayList<>();
            for (int i = 0; i < decoders; i++) {
                counts.add(threads.submit(() -> decode(file, device, repeats, ready, go)));
            }
            ready.await();
            long begin = System.nanoTime();
            go.countDown();
            long frames = 0;
            ExecutionException failure = null;
            for (Future<Long> count : counts) {
                try {
                    frames += count.get();
                } catch (ExecutionException e) {
                    failure = failure == null || e.getCause() instanceof IOException ? e : failure;
                }
            }
            if (failure != null) {
                throw new IOException(failure.getCause().getMessage(), failure.getCause());
            }
            return new Rate(frames, System.nanoTime() - begin);
        } finally {
            threads.shutdownNow();
        }
    }

    private static long decode(
            Path file, PlainDecoder.Device device, int repeats, CountDownLatch ready, CountDownLatch go)
            throws IOException, InterruptedException {
        boolean counted = false;
        try (PlainDecoder decoder = new PlainDecoder(file, device, repeats)) {
            if (!decoder.next()) {
                throw new IOException(file + " has no picture");
            }
            ready.countDown();
            counted = true;
            go.await();
            long frames = 0;
            while (decoder.next()) {
                frames++;
            }
            return frames;
        } finally {
            if (!counted) {
                ready.countDown(); // the others go on, and the caller learns of the failure
            }
        }
    }

    /** The checksums of all frames of a file, in the order of display, as {@link PlainDecoder#checksum} has them. */
    public static int[] checksums(Path file, PlainDecoder.Device device, int repeats) throws IOException {
        List<Integer> checksums = new ArrayList<>();
        try (PlainDecoder decoder = new PlainDecoder(file, device, repeats)) {
            while (decoder.next()) {
                checksums.add(decoder.checksum());
            }
        }
        return checksums.stream().mapToInt(Integer::intValue).toArray();
    }

    private static final String USAGE = "arguments: FILE [decoders=1] [repeats=0] [device=cuda|software]"
            + " [checksums=FILE: a line \"frame-number crc32c\" for each, instead of a rate]";

    /** Prints a rate, or writes checksums. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        if (arguments.length == 0 || arguments[0].startsWith("-")) {
            throw new IllegalArgumentException(USAGE);
        }
        PrintStream out = System.out;
        Path file = Path.of(arguments[0]);
        int decoders = 1;
        int repeats = 0;
        PlainDecoder.Device device = PlainDecoder.Device.CUDA;
        Path checksums = null;
        for (int i = 1; i < arguments.length; i++) {
            String[] option = arguments[i].split("=", 2);
            String value = option.length == 2 ? option[1] : "";
            switch (option[0]) {
                case "decoders" -> decoders = Integer.parseInt(value);
                case "repeats" -> repeats = Integer.parseInt(value);
                case "device" -> device = PlainDecoder.Device.valueOf(value.toUpperCase(Locale.ROOT));
                case "checksums" -> checksums = Path.of(value);
                default -> throw new IllegalArgumentException("unknown argument " + arguments[i] + "; " + USAGE);
            }
        }
        if (checksums != null) {
            int[] all = checksums(file, device, repeats);
            write(checksums, all);
            out.printf(Locale.ROOT, "checksums file=%s frames=%d%n", checksums, all.length);
            return;
        }
        Rate rate = rate(file, device, decoders, repeats);
        out.printf(
                Locale.ROOT,
                "rate device=%s decoders=%d frames=%d seconds=%.3f fps=%.1f%n",
                device.name().toLowerCase(Locale.ROOT),
                decoders,
                rate.frames(),
                rate.nanos() / 1e9,
                rate.perSecond());
    }

    private static void write(Path file, int[] checksums) throws IOException {
        try (PrintWriter writer = new PrintWriter(Files.newBufferedWriter(file))) {
            for (int i = 0; i < checksums.length; i++) {
                writer.printf(Locale.ROOT, "%d %08x%n", i, checksums[i]);
            }
            if (writer.checkError()) {
                throw new IOException("cannot write " + file);
            }
        }
    }
}

package io.github.cuframes.subscriber.cli;

import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.subscriber.SubscriberBuilder;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Locale;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Saves the newest frame. */
@Command(name = "snapshot", description = "Saves the newest frame as a picture.", mixinStandardHelpOptions = true)
final class SnapshotCommand extends StoppableCommand {

    private static final float JPEG_QUALITY = 0.92f;

    @Parameters(index = "0", paramLabel = "KEY", description = "The stream's name.")
    private String key;

    @Parameters(index = "1", paramLabel = "FILE", description = "Ends in .png, .jpg or .jpeg.")
    private Path file;

    @Option(
            names = "--wait",
            paramLabel = "S",
            defaultValue = "5",
            description = "Seconds to wait for the producer and its frame; default ${DEFAULT-VALUE}.")
    private double wait;

    @Mixin
    private GpuOptions gpu;

    @Override
    public Integer call() throws Exception {
        String name =
                file.getFileName() == null ? "" : file.getFileName().toString().toLowerCase(Locale.ROOT);
        boolean png = name.endsWith(".png");
        if (!png && !name.endsWith(".jpg") && !name.endsWith(".jpeg")) {
            throw new IllegalArgumentException(
                    "\"" + file + "\" is no picture's name; use one that ends in .png or .jpg");
        }
        if (!(wait >= 0 && wait < 1e9)) {
            throw new IllegalArgumentException("--wait takes seconds, not " + wait);
        }
        Duration limit = Duration.ofNanos((long) (wait * 1e9));
        BufferedImage image = stop.interruptibly(() -> take(limit));
        write(image, png);
        return Main.DONE;
    }

    private BufferedImage take(Duration limit) throws IOException {
        long end = System.nanoTime() + limit.toNanos();
        SubscriberBuilder builder = gpu.apply(subscribe(key, "snapshot", limit)).credits(1);
        try (Subscriber subscriber = builder.connect();
                Frame frame = subscriber.next(end - System.nanoTime())) {
            if (frame == null) {
                throw new IOException(
                        subscriber.isAtEnd()
                                ? "the stream \"" + key + "\" has ended; start its producer again"
                                : "no frame of \"" + key + "\" came within " + limit.toMillis()
                                        + " ms; see whether its camera delivers, or wait longer with --wait");
            }
            return Pictures.toRgb(frame);
        }
    }

    /** Whole or not at all: a reader never finds half a picture. */
    private void write(BufferedImage image, boolean png) throws IOException {
        Path target = file.toAbsolutePath();
        if (!Files.isDirectory(target.getParent())) {
            throw new IOException("there is no directory " + target.getParent() + "; make it, or save elsewhere");
        }
        Path part = target.resolveSibling(
                "." + target.getFileName() + "." + ProcessHandle.current().pid() + ".part");
        try {
            try (OutputStream stream = Files.newOutputStream(part);
                    ImageOutputStream out = ImageIO.createImageOutputStream(stream)) {
                ImageWriter writer = ImageIO.getImageWritersByFormatName(png ? "png" : "jpeg")
                        .next();
                ImageWriteParam settings = writer.getDefaultWriteParam();
                if (!png) {
                    settings.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
                    settings.setCompressionQuality(JPEG_QUALITY);
                }
                writer.setOutput(out);
                writer.write(null, new IIOImage(image, null, null), settings);
                writer.dispose();
            }
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new IOException(
                    "the picture cannot be written to " + file + " (" + sentence(e)
                            + "); see whether this user may write there and whether the disk is full",
                    e);
        } finally {
            Files.deleteIfExists(part);
        }
    }
}

package io.github.cuframes.standin;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Test code: builds a stand-in for NVIDIA's management library. It knows three GPUs: {@link #WHOLE} tells everything, {@link
 * #DIVIDED} does not say how busy its decoder is, and the third is lost. It can be built where {@link StandInDriver} can.
 */
public final class StandInNvml {

    /** A GPU of which 1,234,567,890 of 85,899,345,920 bytes are in use, and the decoder for 37 percent. */
    public static final String WHOLE = "GPU-00112233-4455-6677-8899-aabbccddeeff";

    /** An environment variable: another UUID for that one, such as one of {@link StandInDriver}'s devices. */
    public static final String OTHER_WHOLE = "CUFRAMES_STANDIN_NVML_WHOLE";

    /** A GPU of which twice as much is in use of twice as much. */
    public static final String DIVIDED = "GPU-f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f";

    /** An environment variable: what the library's start comes back with, a number of NVML's; 0 by default. */
    public static final String START = "CUFRAMES_STANDIN_NVML_START";

    private static final String SOURCE = "nvml.c";

    private StandInNvml() {}

    /**
     * Compiles it into a directory.
     *
     * @throws IOException if it cannot be compiled; the compiler's words are on stderr
     */
    public static Path build(Path directory) throws IOException, InterruptedException {
        Path source = directory.resolve(SOURCE);
        try (InputStream code = StandInNvml.class.getResourceAsStream(SOURCE)) {
            Files.write(source, code.readAllBytes());
        }
        Path library = directory.resolve("libstandin-nvml.so").toAbsolutePath();
        Process compiler = new ProcessBuilder(
                        "cc", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library.toString(), source.toString())
                .inheritIO()
                .start();
        if (compiler.waitFor() != 0) {
            throw new IOException("cc refuses " + source);
        }
        Files.delete(source);
        return library;
    }
}

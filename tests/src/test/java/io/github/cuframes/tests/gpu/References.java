package io.github.cuframes.tests.gpu;

import io.github.cuframes.tests.Checkout;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** What plain decoding gives for a clip, decoded once for the process. */
final class References {

    private record Key(String clip, PlainDecoder.Device device) {}

    private static final Map<Key, int[]> KNOWN = new ConcurrentHashMap<>();

    private References() {}

    /** The checksums of a clip's frames as {@link PlainDecoder#checksum} has them; not to be written. */
    static int[] of(String clip, PlainDecoder.Device device) throws IOException {
        Key key = new Key(clip, device);
        int[] checksums = KNOWN.get(key);
        if (checksums == null) {
            checksums = PlainDecode.checksums(Checkout.clip(clip), device, 0);
            KNOWN.put(key, checksums);
        }
        return checksums;
    }
}

package io.github.cuframes.fuzz;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs every kept input of every target, which are what fuzzing has found worth keeping and all that ever failed, and
 * then variants of them: {@code -Dcuframes.fuzz.variants=…} of each target, by {@code -Dcuframes.seed=…}. Guided by
 * coverage, and for as long as wanted: {@code scripts/fuzz}.
 */
@Timeout(300)
class CorpusTest {

    private static final int VARIANTS = Integer.getInteger("cuframes.fuzz.variants", 500);
    private static final long SEED = Long.getLong("cuframes.seed", 4);
    private static final int LONGEST = 512;

    private interface Target {
        void run(byte[] data) throws Exception;
    }

    static List<Arguments> targets() {
        return List.of(
                Arguments.of("codec", (Target) CodecTarget::fuzzerTestOneInput),
                Arguments.of("layout", (Target) LayoutTarget::fuzzerTestOneInput),
                Arguments.of("publisher", (Target) PublisherTarget::fuzzerTestOneInput),
                Arguments.of("subscriber", (Target) SubscriberTarget::fuzzerTestOneInput),
                Arguments.of("packetPublisher", (Target) PacketPublisherTarget::fuzzerTestOneInput),
                Arguments.of("packetSubscriber", (Target) PacketSubscriberTarget::fuzzerTestOneInput));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("targets")
    void keptInputsAndTheirVariantsHold(String name, Target target) {
        List<byte[]> kept = Corpus.of(name);
        assertFalse(kept.isEmpty());
        kept.forEach(input -> run(name, target, input));
        Random random = new Random(SEED);
        for (int i = 0; i < VARIANTS; i++) {
            run(name, target, vary(kept, random));
        }
    }

    private static void run(String name, Target target, byte[] input) {
        try {
            target.run(input);
        } catch (Throwable e) {
            throw new AssertionError(name + " fails with " + HexFormat.of().formatHex(input), e);
        }
    }

    /** The front of one kept input and the rear of another, with some bytes changed. */
    private static byte[] vary(List<byte[]> kept, Random random) {
        byte[] front = kept.get(random.nextInt(kept.size()));
        byte[] rear = kept.get(random.nextInt(kept.size()));
        int cut = random.nextInt(front.length + 1);
        int from = random.nextInt(rear.length + 1);
        byte[] all = new byte[Math.min(LONGEST, cut + rear.length - from)];
        int taken = Math.min(cut, all.length);
        System.arraycopy(front, 0, all, 0, taken);
        System.arraycopy(rear, from, all, taken, all.length - taken);
        for (int changes = random.nextInt(4); changes > 0 && all.length > 0; changes--) {
            all[random.nextInt(all.length)] = (byte) random.nextInt(256);
        }
        return all;
    }
}

package io.github.cuframes.protocol.frame;

import java.math.BigInteger;

/**
 * A fraction, such as a time base in seconds or a rate in frames a second.
 *
 * @param numerator not negative; 0 stands for unknown
 * @param denominator positive
 */
public record Rational(int numerator, int denominator) {

    /** What is not known. */
    public static final Rational UNKNOWN = new Rational(0, 1);

    /** Checks the signs. */
    public Rational {
        if (numerator < 0 || denominator <= 0) {
            throw new IllegalArgumentException("no valid fraction: " + numerator + "/" + denominator);
        }
    }

    /** Whether this says anything. */
    public boolean isKnown() {
        return numerator > 0;
    }

    /** The value, 0 when unknown. */
    public double toDouble() {
        return (double) numerator / denominator;
    }

    /**
     * A time in ticks of this many seconds as one in other parts of a second, rounded down.
     *
     * @param partsOfSecond such as 1,000,000,000 for nanoseconds, which is the most
     * @return modulo 2^64, if it is beyond that
     */
    public long scale(long ticks, int partsOfSecond) {
        long factor = (long) numerator * partsOfSecond;
        long product = ticks * factor;
        if (Math.multiplyHigh(ticks, factor) == product >> 63) {
            return Math.floorDiv(product, denominator);
        }
        BigInteger[] parts = BigInteger.valueOf(ticks)
                .multiply(BigInteger.valueOf(factor))
                .divideAndRemainder(BigInteger.valueOf(denominator));
        return parts[0].longValue() - (parts[1].signum() < 0 ? 1 : 0);
    }

    @Override
    public String toString() {
        return numerator + "/" + denominator;
    }
}

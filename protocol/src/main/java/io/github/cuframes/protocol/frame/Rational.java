package io.github.cuframes.protocol.frame;

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

    @Override
    public String toString() {
        return numerator + "/" + denominator;
    }
}

package io.github.cuframes.producer.pattern;

import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.pattern.FrameCode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The size and rate of a test pattern, written {@code WIDTHxHEIGHT@FPS}.
 *
 * @param width columns
 * @param height rows
 * @param rate frames a second, up to {@value #MAX_RATE}
 */
public record PatternSpec(int width, int height, Rational rate) {

    /** The highest rate, in frames a second. */
    public static final int MAX_RATE = 1000;

    private static final long NANOS = 1_000_000_000L;
    private static final Pattern SYNTAX =
            Pattern.compile("(\\d{1,6})x(\\d{1,6})@(?:(\\d{1,6})(?:\\.(\\d{1,3}))?|(\\d{1,6})/(\\d{1,6}))");

    /** Checks the ranges. */
    public PatternSpec {
        checkSide("width", width, FrameCode.MIN_WIDTH);
        checkSide("height", height, FrameCode.MIN_HEIGHT);
        if (!rate.isKnown() || rate.toDouble() > MAX_RATE) {
            throw new IllegalArgumentException(
                    "test pattern: rate " + rate + " is out of range; take more than 0 and at most " + MAX_RATE);
        }
    }

    private static void checkSide(String what, int value, int least) {
        if (value < least || value > FrameLayout.MAX_DIMENSION) {
            throw new IllegalArgumentException("test pattern: " + what + " " + value + " is out of range; take " + least
                    + " to " + FrameLayout.MAX_DIMENSION);
        }
    }

    /**
     * Reads a specification such as {@code 640x360@25}, {@code 1920x1080@29.97} or {@code 1280x720@30000/1001}.
     *
     * @throws IllegalArgumentException with a sentence for the user
     */
    public static PatternSpec parse(String text) {
        Matcher matcher = SYNTAX.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "test pattern '" + text + "' is not WIDTHxHEIGHT@FPS; write it like 640x360@25");
        }
        return new PatternSpec(
                Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)), rate(text, matcher));
    }

    private static Rational rate(String text, Matcher matcher) {
        if (matcher.group(5) != null) {
            int denominator = Integer.parseInt(matcher.group(6));
            if (denominator == 0) {
                throw new IllegalArgumentException(
                        "test pattern '" + text + "': the rate divides by 0; write it like 30000/1001");
            }
            return new Rational(Integer.parseInt(matcher.group(5)), denominator);
        }
        String decimals = matcher.group(4) == null ? "" : matcher.group(4);
        int denominator = 1;
        for (int i = 0; i < decimals.length(); i++) {
            denominator *= 10;
        }
        return new Rational(Integer.parseInt(matcher.group(3) + decimals), denominator);
    }

    /** When a frame is due, in units of {@code 1 / unitsPerSecond} s since frame 0, rounded down; exact at any number. */
    long due(long number, long unitsPerSecond) {
        long scaled = number * rate.denominator();
        long seconds = scaled / rate.numerator();
        return seconds * unitsPerSecond + scaled % rate.numerator() * unitsPerSecond / rate.numerator();
    }

    /** From one frame to the next, in nanoseconds, rounded down. */
    long intervalNanos() {
        return NANOS * rate.denominator() / rate.numerator();
    }

    @Override
    public String toString() {
        return width + "x" + height + "@"
                + (rate.denominator() == 1 ? Integer.toString(rate.numerator()) : rate.toString());
    }
}

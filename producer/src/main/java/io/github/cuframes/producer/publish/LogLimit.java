package io.github.cuframes.producer.publish;

/**
 * So many lines of the log in each half second about what clients do, and a count of the others: a client that connects
 * thousands of times a second is not to fill the disk. For the control thread alone.
 */
final class LogLimit {

    private static final int LINES = 10;

    private int said;
    private int unsaid;

    /** Whether one more line may be written; counts it if not. */
    boolean take() {
        boolean may = said < LINES;
        if (may) {
            said++;
        } else {
            unsaid++;
        }
        return may;
    }

    /** Time has passed: there may be lines again. Returns how many were not written since the last time. */
    int renew() {
        int count = unsaid;
        said = 0;
        unsaid = 0;
        return count;
    }
}

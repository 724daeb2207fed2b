package io.github.cuframes.producer.config;

import java.util.Locale;

/** Tells typing errors. */
final class Names {

    private static final int MOST_EDITS = 2;

    private Names() {}

    /** Whether one becomes the other by two letters inserted, left out or replaced at most; upper case is no difference. */
    static boolean isNear(String one, String other) {
        return distance(one.toLowerCase(Locale.ROOT), other.toLowerCase(Locale.ROOT)) <= MOST_EDITS;
    }

    private static int distance(String one, String other) {
        int[] row = new int[other.length() + 1];
        for (int j = 0; j < row.length; j++) {
            row[j] = j;
        }
        for (int i = 1; i <= one.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= other.length(); j++) {
                int replaced = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[other.length()];
    }
}

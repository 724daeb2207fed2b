package io.github.cuframes.tests;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A line that a child prints: a word, then {@code name=value} pairs.
 *
 * @param kind the word
 * @param fields the pairs
 */
public record Report(String kind, Map<String, String> fields) {

    /** A line's report; words without an equals sign are passed over. */
    public static Report parse(String line) {
        String[] words = line.split(" ");
        Map<String, String> fields = new LinkedHashMap<>();
        for (int i = 1; i < words.length; i++) {
            int equals = words[i].indexOf('=');
            if (equals > 0) {
                fields.put(words[i].substring(0, equals), words[i].substring(equals + 1));
            }
        }
        return new Report(words[0], fields);
    }

    /** A field, which must be there. */
    public String text(String name) {
        String value = fields.get(name);
        if (value == null) {
            throw new AssertionError("no " + name + " in " + this);
        }
        return value;
    }

    /** A field, which must be there and be a whole number. */
    public long number(String name) {
        return Long.parseLong(text(name));
    }
}

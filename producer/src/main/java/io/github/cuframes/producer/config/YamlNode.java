package io.github.cuframes.producer.config;

import java.util.List;

/** A YAML document, and where everything in it stands: lines and columns count from 1. */
sealed interface YamlNode {

    int line();

    int column();

    /** What it is, for messages. */
    String what();

    /** What a scalar was taken for. */
    enum Tag {
        STRING("a string"),
        INTEGER("a number"),
        DECIMAL("a number with decimals"),
        BOOLEAN("true or false"),
        NULL("nothing");

        private final String what;

        Tag(String what) {
            this.what = what;
        }
    }

    /**
     * A single value.
     *
     * @param text as written, without quotes
     */
    record Scalar(Tag tag, String text, int line, int column) implements YamlNode {
        @Override
        public String what() {
            return tag.what;
        }
    }

    /** Values in an order. */
    record Sequence(List<YamlNode> items, int line, int column) implements YamlNode {
        @Override
        public String what() {
            return "a list";
        }
    }

    /** Values by name; a name stands there once. */
    record Mapping(List<Entry> entries, int line, int column) implements YamlNode {
        @Override
        public String what() {
            return "a group of fields";
        }

        Entry entry(String name) {
            return entries.stream()
                    .filter(e -> e.name().equals(name))
                    .findFirst()
                    .orElse(null);
        }
    }

    /** A name and its value, and where the name stands. */
    record Entry(String name, YamlNode value, int line, int column) {}
}

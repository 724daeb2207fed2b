package io.github.cuframes.producer.config;

import io.github.cuframes.producer.ffmpeg.Redaction;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Collects what is wrong with a file. Not thread-safe. */
final class Problems {

    private final String file;
    private final List<ConfigProblem> list = new ArrayList<>();

    Problems(String file) {
        this.file = file;
    }

    /** About the file as a whole. */
    void add(String message) {
        list.add(new ConfigProblem(file, 0, 0, "", message));
    }

    void add(int line, int column, String field, String message) {
        list.add(new ConfigProblem(file, line, column, Redaction.of(field), message));
    }

    void add(YamlNode node, String field, String message) {
        add(node.line(), node.column(), field, message);
    }

    void add(YamlNode.Entry entry, String field, String message) {
        add(entry.line(), entry.column(), field, message);
    }

    int count() {
        return list.size();
    }

    /** Throws if there is anything. */
    void check() throws ConfigException {
        if (!list.isEmpty()) {
            list.sort(Comparator.comparingInt(ConfigProblem::line).thenComparingInt(ConfigProblem::column));
            throw new ConfigException(list);
        }
    }
}

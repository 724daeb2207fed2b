package io.github.cuframes.producer.config;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import io.github.cuframes.producer.config.YamlNode.Entry;
import io.github.cuframes.producer.config.YamlNode.Mapping;
import io.github.cuframes.producer.config.YamlNode.Scalar;
import io.github.cuframes.producer.config.YamlNode.Sequence;
import io.github.cuframes.producer.config.YamlNode.Tag;
import io.github.cuframes.producer.ffmpeg.Redaction;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.error.MarkedYAMLException;

/** Reads YAML into {@link YamlNode}s. Jackson's own tree has neither places nor duplicates. */
final class YamlReader {

    private static final YAMLFactory FACTORY = new YAMLFactory();

    private final YAMLParser parser;
    private final Problems problems;

    private YamlReader(YAMLParser parser, Problems problems) {
        this.parser = parser;
        this.problems = problems;
    }

    /** The document; null if there is none or its syntax is broken, which is among the problems then. */
    static YamlNode read(String text, Problems problems) {
        try (YAMLParser parser = FACTORY.createParser(text)) {
            YamlReader reader = new YamlReader(parser, problems);
            if (parser.nextToken() == null) {
                problems.add("the file is empty; it needs at least \"cameras:\" with a camera below");
                return null;
            }
            YamlNode root = reader.node("");
            if (parser.nextToken() != null) {
                JsonLocation place = parser.currentTokenLocation();
                problems.add(
                        place.getLineNr(), place.getColumnNr(), "", "a second document; one file has one document");
            }
            return root;
        } catch (JsonProcessingException e) {
            JsonLocation place = e.getLocation();
            if (place == null) {
                problems.add("this is not YAML: " + syntaxOf(e));
            } else {
                problems.add(place.getLineNr(), place.getColumnNr(), "", "this is not YAML: " + syntaxOf(e));
            }
            return null;
        } catch (IOException e) {
            throw new IllegalStateException("a text in memory cannot be read", e);
        }
    }

    /** Without the lines of the file that the library would show, since there may be a password in them. */
    private static String syntaxOf(JsonProcessingException e) {
        Throwable cause = e.getCause();
        String text = cause instanceof MarkedYAMLException marked && marked.getProblem() != null
                ? marked.getProblem()
                : e.getOriginalMessage().lines().findFirst().orElse("");
        return Redaction.of(text);
    }

    private YamlNode node(String path) throws IOException {
        JsonLocation place = parser.currentTokenLocation();
        int line = place.getLineNr();
        int column = place.getColumnNr();
        if (parser.isCurrentAlias()) {
            problems.add(
                    line, column, path, "anchors and aliases are not used here; what is common goes under defaults");
        }
        JsonToken token = parser.currentToken();
        return switch (token) {
            case START_OBJECT -> mapping(path, line, column);
            case START_ARRAY -> sequence(path, line, column);
            case VALUE_NUMBER_INT -> new Scalar(Tag.INTEGER, parser.getText(), line, column);
            case VALUE_NUMBER_FLOAT -> new Scalar(Tag.DECIMAL, parser.getText(), line, column);
            case VALUE_TRUE, VALUE_FALSE -> new Scalar(Tag.BOOLEAN, parser.getText(), line, column);
            case VALUE_NULL -> new Scalar(Tag.NULL, "", line, column);
            default -> new Scalar(Tag.STRING, parser.getText(), line, column);
        };
    }

    private Mapping mapping(String path, int line, int column) throws IOException {
        List<Entry> entries = new ArrayList<>();
        Map<String, Integer> lines = new HashMap<>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            JsonLocation place = parser.currentTokenLocation();
            String field = path.isEmpty() ? name : path + "." + name;
            Integer before = lines.putIfAbsent(name, place.getLineNr());
            parser.nextToken();
            Entry entry = new Entry(name, node(field), place.getLineNr(), place.getColumnNr());
            if (before == null) {
                entries.add(entry);
            } else {
                problems.add(entry.line(), entry.column(), field, "stands there twice, first in line " + before);
            }
        }
        return new Mapping(List.copyOf(entries), line, column);
    }

    private Sequence sequence(String path, int line, int column) throws IOException {
        List<YamlNode> items = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            items.add(node(path + "[" + items.size() + "]"));
        }
        return new Sequence(List.copyOf(items), line, column);
    }
}

package io.github.cuframes.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * {@code docs/protocol.md}, which is inside the jar: its clauses, and every number that the suite sends or expects. So the
 * suite shares no offset with the implementation beside it. Immutable.
 */
public final class Document {

    private static final Pattern ANCHOR = Pattern.compile("<a id=\"([a-z0-9-]+)\"></a>");
    private static final Pattern HEADING = Pattern.compile("(?m)^#{2,3} (\\d[\\d.]*) ");
    private static final Pattern SENTENCE_END = Pattern.compile("[.:](\\*\\*)?(?=\\s+[^a-z]|\\s*$)|\\n\\s*\\n");

    /** The page that this suite checks against; it needs the patterns above. */
    public static final Document PROTOCOL = new Document();

    private final String text;
    private final Map<String, Clause> clauses = new LinkedHashMap<>();
    private final Map<String, Structure> structures = new LinkedHashMap<>();
    private final Map<String, Integer> tags;
    private final Map<String, Integer> types;

    /**
     * A sentence that a peer can be checked by.
     *
     * @param id the name of its anchor
     * @param section number of the section that it stands in
     * @param sentence as it stands there, on one line
     */
    public record Clause(String id, String section, String sentence) {}

    private Document() {
        try (InputStream in = Document.class.getResourceAsStream("protocol.md")) {
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        findClauses();
        Matcher marker = Pattern.compile("<!-- table: (\\w+) (\\d+) -->").matcher(text);
        while (marker.find()) {
            structures.put(
                    marker.group(1),
                    Structure.of(marker.group(1), Integer.parseInt(marker.group(2)), rows(marker.end())));
        }
        tags = numbers("Tag");
        types = numbers("MessageType");
    }

    private void findClauses() {
        Matcher anchor = ANCHOR.matcher(text);
        while (anchor.find()) {
            String section = "";
            Matcher heading = HEADING.matcher(text).region(0, anchor.start());
            while (heading.find()) {
                section = heading.group(1).replaceAll("\\.$", "");
            }
            Clause clause = new Clause(anchor.group(1), section, sentence(anchor.start(), anchor.end()));
            if (clauses.put(clause.id(), clause) != null) {
                throw new IllegalStateException("docs/protocol.md has two anchors " + clause.id());
            }
        }
    }

    /** From an anchor to the end of its sentence, or its whole row in a table. */
    private String sentence(int anchor, int from) {
        int line = text.lastIndexOf('\n', anchor) + 1;
        int end = text.indexOf('\n', anchor);
        String found;
        if (text.charAt(line) == '|') {
            found = text.substring(line + 1, text.lastIndexOf('|', end)).replaceAll("\\s*\\|\\s*", " | ");
        } else {
            Matcher stop = SENTENCE_END.matcher(text).region(from, text.length());
            found = text.substring(from, stop.find() ? stop.end() : text.length());
        }
        return ANCHOR.matcher(found)
                .replaceAll("")
                .replace("**", "")
                .replaceAll("\\s+", " ")
                .strip();
    }

    private List<List<String>> rows(int at) {
        List<List<String>> rows = new ArrayList<>();
        for (String line : text.substring(at).stripLeading().lines().toList()) {
            if (!line.startsWith("|")) {
                break;
            }
            List<String> cells = new ArrayList<>();
            for (String cell : line.substring(1, line.lastIndexOf('|')).split("\\|", -1)) {
                cells.add(cell.strip());
            }
            rows.add(cells);
        }
        return rows.subList(2, rows.size());
    }

    private Map<String, Integer> numbers(String table) {
        String marker = "<!-- table: " + table + " -->";
        Map<String, Integer> numbers = new LinkedHashMap<>();
        for (List<String> row : rows(text.indexOf(marker) + marker.length())) {
            numbers.put(row.get(1), Integer.parseInt(row.get(0)));
        }
        return numbers;
    }

    /** The version of the protocol that the page describes. */
    public String version() {
        Matcher title = Pattern.compile("version (\\d+\\.\\d+)").matcher(text);
        return title.find() ? title.group(1) : "unknown";
    }

    /** All clauses, in the page's order. */
    public List<Clause> clauses() {
        return List.copyOf(clauses.values());
    }

    /** A clause that is there. */
    public Clause clause(String id) {
        Clause clause = clauses.get(id);
        if (clause == null) {
            throw new IllegalArgumentException("docs/protocol.md has no clause " + id + "; see --list");
        }
        return clause;
    }

    /** The layout of a structure. */
    public static Structure structure(String name) {
        return PROTOCOL.structures.get(name);
    }

    /** The number of a field of messages. */
    public static int tag(String name) {
        return PROTOCOL.tags.get(name);
    }

    /** The number of a message type. */
    public static int type(String name) {
        return PROTOCOL.types.get(name);
    }

    /** The name of a message type. */
    public static String typeName(int number) {
        return PROTOCOL.types.entrySet().stream()
                .filter(entry -> entry.getValue() == number)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse("message of type " + number);
    }
}

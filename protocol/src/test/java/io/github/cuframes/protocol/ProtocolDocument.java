package io.github.cuframes.protocol;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code docs/protocol.md}: its marked tables and its golden bytes. */
public final class ProtocolDocument {

    /** The page. */
    public static final ProtocolDocument INSTANCE = new ProtocolDocument();

    private final String text;

    private ProtocolDocument() {
        try {
            text = Files.readString(Path.of(System.getProperty("basedir", "."), "..", "docs", "protocol.md"));
        } catch (IOException e) {
            throw new UncheckedIOException("docs/protocol.md cannot be read; run the tests with Maven", e);
        }
    }

    /** The page as it is. */
    public String text() {
        return text;
    }

    /** The number of tables that are marked. */
    public int markedTables() {
        return (int) Pattern.compile("<!-- table: ").matcher(text).results().count();
    }

    /** A table of numbers and names. */
    public List<List<String>> table(String name) {
        return rows("<!-- table: " + name + " -->");
    }

    /** A structure's table. */
    public Structure structure(String name) {
        Matcher marker = Pattern.compile("<!-- table: " + name + " (\\d+) -->").matcher(text);
        assertTrue(marker.find(), "docs/protocol.md has no table " + name);
        return new Structure(
                name,
                Integer.parseInt(marker.group(1)),
                rows(marker.group()).stream().map(Field::of).toList());
    }

    private List<List<String>> rows(String marker) {
        int at = text.indexOf(marker);
        assertTrue(at >= 0, "docs/protocol.md has no " + marker);
        List<List<String>> rows = new ArrayList<>();
        for (String line :
                text.substring(at + marker.length()).stripLeading().lines().toList()) {
            if (!line.startsWith("|")) {
                break;
            }
            List<String> cells = new ArrayList<>();
            for (String cell : line.substring(1, line.lastIndexOf('|')).split("\\|", -1)) {
                cells.add(cell.strip());
            }
            rows.add(cells);
        }
        assertTrue(rows.size() > 2 && rows.get(1).get(0).startsWith("--"), marker + " is not followed by a table");
        return rows.subList(2, rows.size());
    }

    /** The bytes of a golden block, {@code ```hex NAME}: hexadecimal, with comments behind a number sign. */
    public ByteBuffer golden(String name) {
        ByteBuffer bytes = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
        for (String line : block("```hex " + name)) {
            bytes.put(HexFormat.of().parseHex(line.replaceAll("#.*|\\s", "")));
        }
        return bytes.flip();
    }

    /** The bytes of a golden structure, {@code ```hex NAME SIZE}: rows of an offset and 16 bytes; others are zero. */
    public byte[] goldenStructure(String name, int size) {
        byte[] bytes = new byte[size];
        for (String line : block("```hex " + name + " " + size)) {
            int colon = line.indexOf(':');
            byte[] row = HexFormat.of().parseHex(line.substring(colon + 1).replaceAll("\\s", ""));
            System.arraycopy(row, 0, bytes, Integer.parseInt(line.substring(0, colon), 16), row.length);
        }
        return bytes;
    }

    private List<String> block(String opening) {
        int golden = text.indexOf("<!-- golden -->");
        int at = text.indexOf("\n" + opening + "\n", golden);
        assertTrue(golden >= 0 && at >= 0, "docs/protocol.md has no golden " + opening);
        String rest = text.substring(at + opening.length() + 2);
        return rest.substring(0, rest.indexOf("```")).lines().toList();
    }

    /** A structure, byte by byte. */
    public record Structure(String name, int size, List<Field> fields) {

        /** A field, which must be there. */
        public Field field(String fieldName) {
            return fields.stream()
                    .filter(field -> field.name().equals(fieldName))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError(name + " has no field " + fieldName));
        }
    }

    /** A row of a structure's table. */
    public record Field(int offset, int size, String type, String name, String meaning) {

        static Field of(List<String> cells) {
            return new Field(
                    Integer.parseInt(cells.get(0)),
                    Integer.parseInt(cells.get(1)),
                    cells.get(2),
                    cells.get(3),
                    cells.get(4));
        }

        /** The name as a constant's: newestSequence is NEWEST_SEQUENCE. */
        public String constant() {
            return name.replaceAll("([A-Z]|(?<=\\D)\\d+)", "_$1").toUpperCase(Locale.ROOT);
        }

        /** Whether the field is kept for later versions. */
        public boolean isReserved() {
            return name.startsWith("reserved");
        }
    }
}

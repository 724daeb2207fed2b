package io.github.cuframes.conformance;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A table of {@code docs/protocol.md}: where each field of a structure is. Immutable.
 *
 * @param name the table's
 * @param size bytes of the structure
 * @param fields in the page's order, by name
 */
public record Structure(String name, int size, Map<String, Field> fields) {

    /**
     * A row.
     *
     * @param offset bytes from the structure's start
     * @param size bytes
     * @param type as the page writes it
     */
    public record Field(int offset, int size, String type) {}

    /** Keeps its own map. */
    public Structure {
        fields = new LinkedHashMap<>(fields);
    }

    static Structure of(String name, int size, List<List<String>> rows) {
        Map<String, Field> fields = new LinkedHashMap<>();
        for (List<String> row : rows) {
            fields.put(row.get(3), new Field(Integer.parseInt(row.get(0)), Integer.parseInt(row.get(1)), row.get(2)));
        }
        return new Structure(name, size, fields);
    }

    /** A field that is there. */
    public Field field(String field) {
        Field found = fields.get(field);
        if (found == null) {
            throw new IllegalArgumentException(name + " has no field " + field);
        }
        return found;
    }

    /** Where a field begins. */
    public int offset(String field) {
        return field(field).offset();
    }

    /** For each byte whether it belongs to a field that means something: what remains is reserved. */
    boolean[] used() {
        boolean[] used = new boolean[size];
        fields.forEach((field, row) -> {
            boolean reserved = field.toLowerCase().contains("reserved") || field.equals("secondArea");
            for (int i = row.offset(); !reserved && i < row.offset() + row.size(); i++) {
                used[i] = true;
            }
        });
        return used;
    }
}

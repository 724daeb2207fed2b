package io.github.cuframes.benchmarks;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Results, printed for people or as Markdown. */
final class Table {

    private final List<String[]> rows = new ArrayList<>();

    Table(String... columns) {
        rows.add(columns);
    }

    void add(Object... cells) {
        String[] row = new String[cells.length];
        for (int i = 0; i < cells.length; i++) {
            row[i] = cells[i] instanceof Double number ? String.format(Locale.ROOT, "%.1f", number) : "" + cells[i];
        }
        rows.add(row);
    }

    /** The first column to the left, all others, being numbers, to the right. */
    void print(PrintWriter out, boolean markdown) {
        int[] widths = new int[rows.get(0).length];
        for (String[] row : rows) {
            for (int i = 0; i < row.length; i++) {
                widths[i] = Math.max(widths[i], row[i].length());
            }
        }
        for (int i = 0; i < rows.size(); i++) {
            out.println(line(rows.get(i), widths, markdown));
            if (i == 0 && markdown) {
                out.println("|---" + "|--:".repeat(widths.length - 1) + "|");
            }
        }
        out.println();
        out.flush();
    }

    private static String line(String[] row, int[] widths, boolean markdown) {
        StringBuilder line = new StringBuilder(markdown ? "| " : "");
        for (int i = 0; i < row.length; i++) {
            String padding = " ".repeat(widths[i] - row[i].length());
            line.append(i == 0 ? row[i] + padding : padding + row[i]);
            line.append(i < row.length - 1 ? markdown ? " | " : "  " : markdown ? " |" : "");
        }
        return line.toString();
    }
}

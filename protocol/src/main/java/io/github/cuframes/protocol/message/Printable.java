package io.github.cuframes.protocol.message;

/** Text of a peer's, made fit for a log or a terminal: it can neither begin a line of its own nor send a terminal commands. */
public final class Printable {

    private Printable() {}

    /** At most so many characters of a text, with question marks for those that are not to be seen. */
    public static String of(String text, int limit) {
        StringBuilder printable = new StringBuilder(Math.min(text.length(), limit));
        text.codePoints().limit(limit).map(c -> isPrintable(c) ? c : '?').forEach(printable::appendCodePoint);
        return printable.toString();
    }

    private static boolean isPrintable(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE,
                    Character.UNASSIGNED -> false;
            default -> true;
        };
    }
}

package io.github.cuframes.producer.config;

import io.github.cuframes.producer.CameraRendition;
import io.github.cuframes.producer.ProducerBuilder;
import io.github.cuframes.producer.RenditionBuilder;
import io.github.cuframes.protocol.frame.Rational;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A rendition as it is written, in the command as in a file: {@code KEY:OPTION=VALUE,…}, where {@code filter} comes last, since a
 * graph has commas of its own. Two that are written alike are equal.
 */
public final class RenditionForm implements CameraRendition {

    private static final String FORM = "write KEY:size=WxH,fps=N or KEY:fps=N,filter=GRAPH;"
            + " the options are size, fps, wait, credits, max-subscribers, max-memory and, as the last, filter";

    private static final Pattern SIZE = Pattern.compile("(\\d{1,5})x(\\d{1,5})");
    private static final Pattern NUMBER = Pattern.compile("\\d{1,6}");

    private final String text;
    private final String key;
    private final List<Consumer<RenditionBuilder>> changes = new ArrayList<>();

    private RenditionForm(String text, String key) {
        this.text = text;
        this.key = key;
    }

    @Override
    public void addTo(ProducerBuilder builder) {
        builder.rendition(key, rendition -> changes.forEach(change -> change.accept(rendition)));
    }

    private static IllegalArgumentException wrong(String text, String what) {
        return new IllegalArgumentException("'" + text + "': " + what + "; " + FORM);
    }

    /**
     * Reads one.
     *
     * @throws IllegalArgumentException if it is none; says why, and how to write it
     */
    public static RenditionForm parse(String text) {
        int colon = text.indexOf(':');
        if (colon <= 0 || colon == text.length() - 1) {
            throw wrong(text, "no rendition");
        }
        RenditionForm parsed = new RenditionForm(text, text.substring(0, colon));
        List<String> names = new ArrayList<>();
        for (String option : options(text.substring(colon + 1))) {
            String[] parts = option.split("=", 2);
            if (parts.length < 2 || parts[1].isEmpty()) {
                throw wrong(text, "'" + option + "' has no value");
            }
            if (names.contains(parts[0])) {
                throw wrong(text, "two values of " + parts[0]);
            }
            names.add(parts[0]);
            try {
                parsed.changes.add(change(parts[0], parts[1]));
            } catch (IllegalArgumentException e) {
                throw wrong(text, e.getMessage());
            }
        }
        return parsed;
    }

    /** The parts between commas, but a filter is all that is left. */
    private static List<String> options(String text) {
        List<String> options = new ArrayList<>();
        String rest = text;
        while (rest != null) {
            int comma = rest.startsWith("filter=") ? -1 : rest.indexOf(',');
            options.add(comma < 0 ? rest : rest.substring(0, comma));
            rest = comma < 0 ? null : rest.substring(comma + 1);
        }
        return options;
    }

    private static Consumer<RenditionBuilder> change(String name, String value) {
        switch (name) {
            case "size":
                Matcher size = SIZE.matcher(value);
                if (!size.matches()) {
                    throw new IllegalArgumentException("'" + value + "' is no size such as 640x360");
                }
                int columns = Integer.parseInt(size.group(1));
                int rows = Integer.parseInt(size.group(2));
                return rendition -> rendition.size(columns, rows);
            case "fps":
                Rational rate = Forms.rate(value)
                        .orElseThrow(
                                () -> new IllegalArgumentException("'" + value + "' is no rate such as 5 or 12.5"));
                return rendition -> rendition.fps(rate);
            case "filter":
                return rendition -> rendition.filter(value);
            case "wait":
                int waiting = number(value);
                return rendition -> rendition.waitForSubscribers(waiting);
            case "credits":
                int credits = number(value);
                return rendition -> rendition.publish(publisher -> publisher.maxCredits(credits));
            case "max-subscribers":
                int subscribers = number(value);
                return rendition -> rendition.publish(publisher -> publisher.maxSubscribers(subscribers));
            case "max-memory":
                long bytes = Forms.size(value)
                        .orElseThrow(() -> new IllegalArgumentException("'" + value + "' is no size such as 512MB"));
                return rendition -> rendition.publish(publisher -> publisher.maxMemory(bytes));
            default:
                throw new IllegalArgumentException("there is no option '" + name + "'");
        }
    }

    private static int number(String value) {
        if (!NUMBER.matcher(value).matches()) {
            throw new IllegalArgumentException("'" + value + "' is no number");
        }
        return Integer.parseInt(value);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof RenditionForm form && form.text.equals(text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    @Override
    public String toString() {
        return text;
    }
}

package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.ProducerBuilder;
import io.github.cuframes.producer.RenditionBuilder;
import io.github.cuframes.protocol.frame.Rational;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A rendition as it is written in the command: {@code KEY:OPTION=VALUE,…}, where {@code filter} comes last, since a graph has
 * commas of its own.
 */
final class RenditionArgument {

    private static final String FORM = "write KEY:size=WxH,fps=N or KEY:fps=N,filter=GRAPH;"
            + " the options are size, fps, wait, credits, max-subscribers, max-memory and, as the last, filter";

    private static final Pattern SIZE = Pattern.compile("(\\d{1,5})x(\\d{1,5})");
    private static final Pattern NUMBER = Pattern.compile("\\d{1,6}");

    private final String key;
    private final List<Consumer<RenditionBuilder>> changes = new ArrayList<>();

    private RenditionArgument(String key) {
        this.key = key;
    }

    /** Adds the rendition to a camera; throws what the builders throw. */
    void addTo(ProducerBuilder builder) {
        builder.rendition(key, rendition -> changes.forEach(change -> change.accept(rendition)));
    }

    private static TypeConversionException wrong(String text, String what) {
        return new TypeConversionException("'" + text + "': " + what + "; " + FORM);
    }

    private static RenditionArgument parse(String text) {
        int colon = text.indexOf(':');
        if (colon <= 0 || colon == text.length() - 1) {
            throw wrong(text, "no rendition");
        }
        RenditionArgument parsed = new RenditionArgument(text.substring(0, colon));
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
            } catch (TypeConversionException e) {
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
                    throw new TypeConversionException("'" + value + "' is no size such as 640x360");
                }
                int columns = Integer.parseInt(size.group(1));
                int rows = Integer.parseInt(size.group(2));
                return rendition -> rendition.size(columns, rows);
            case "fps":
                Rational rate = new Converters.OfRate().convert(value);
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
                long bytes = new Converters.OfSize().convert(value);
                return rendition -> rendition.publish(publisher -> publisher.maxMemory(bytes));
            default:
                throw new TypeConversionException("there is no option '" + name + "'");
        }
    }

    private static int number(String value) {
        if (!NUMBER.matcher(value).matches()) {
            throw new TypeConversionException("'" + value + "' is no number");
        }
        return Integer.parseInt(value);
    }

    /** Reads an argument. */
    static final class Converter implements ITypeConverter<RenditionArgument> {
        @Override
        public RenditionArgument convert(String value) {
            return parse(value);
        }
    }
}

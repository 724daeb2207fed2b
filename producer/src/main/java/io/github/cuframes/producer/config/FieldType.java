package io.github.cuframes.producer.config;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.producer.config.YamlNode.Scalar;
import io.github.cuframes.producer.config.YamlNode.Sequence;
import io.github.cuframes.producer.config.YamlNode.Tag;
import io.github.cuframes.producer.ffmpeg.Redaction;
import io.github.cuframes.producer.ingest.SafeUrl;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.protocol.frame.Rational;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * How the value of a field is written: what {@code docs/cameras.schema.json} says, and the reader of what it cannot say.
 *
 * @param what completes "… is not"
 * @param example of how to write it
 * @param tags what YAML may take it for
 * @param values all there are; empty if they cannot be listed
 * @param least of a whole number; null if it is none
 * @param most of a whole number; null if there is no bound
 * @param pattern that the text matches; null for any
 * @param secret whether there may be a password in it, so that it is never shown
 * @param reader of one value
 */
record FieldType<T>(
        String what,
        String example,
        Set<Tag> tags,
        List<String> values,
        Long least,
        Long most,
        String pattern,
        boolean secret,
        Function<Text, Optional<T>> reader) {

    /**
     * A value that is read.
     *
     * @param value with environment variables put in
     * @param raw as written
     * @param directory of the file, from which paths lead
     */
    record Text(String value, String raw, Path directory) {}

    private static final String KEY = "[A-Za-z0-9._-]{1,64}";
    private static final String RTSP = "^([Rr][Tt][Ss][Pp][Ss]?://|\\$\\{).+";

    /** YAML has more words for these, such as yes and on, which some readers take for a text. */
    static final FieldType<Boolean> BOOLEAN =
            new FieldType<>("true or false", "true", EnumSet.of(Tag.BOOLEAN), text -> Optional.of(text.value())
                    .filter(value -> value.equals("true") || value.equals("false"))
                    .map(Boolean::valueOf));

    static final FieldType<Duration> DURATION = new FieldType<>(
                    "a duration", "5s or 500ms", EnumSet.of(Tag.STRING), text -> Forms.duration(text.value())
                            .filter(duration -> !duration.isZero()))
            .matching("^(" + Forms.DURATION + "|.*\\$\\{.*)$");

    static final FieldType<Long> SIZE = new FieldType<>(
                    "a size", "512MB or 4GB", EnumSet.of(Tag.STRING, Tag.INTEGER), text -> Forms.size(text.value())
                            .filter(size -> size > 0))
            .matching("^(" + Forms.SIZE + "|.*\\$\\{.*)$");

    static final FieldType<InetSocketAddress> ADDRESS = new FieldType<>(
                    "an address",
                    "9400 or 0.0.0.0:9400",
                    EnumSet.of(Tag.STRING, Tag.INTEGER),
                    text -> Forms.address(text.value()))
            .matching("^(" + Forms.ADDRESS + "|.*\\$\\{.*)$");

    /** Of which 0 means none. */
    static final FieldType<Long> SIZE_OR_NONE = new FieldType<>(
                    "a size",
                    "64MB, or 0 for none",
                    EnumSet.of(Tag.STRING, Tag.INTEGER),
                    text -> Forms.size(text.value()))
            .matching("^(" + Forms.SIZE + "|.*\\$\\{.*)$");

    static final FieldType<Rational> RATE = new FieldType<>(
                    "a rate",
                    "5 or 30000/1001",
                    EnumSet.of(Tag.STRING, Tag.INTEGER, Tag.DECIMAL),
                    text -> Forms.rate(text.value()))
            .matching("^(" + Forms.RATE + "|.*\\$\\{.*)$");

    static final FieldType<RenditionForm> RENDITION = new FieldType<>(
            "a rendition",
            "\".detect:size=640x360,fps=5\"",
            EnumSet.of(Tag.STRING),
            text -> Optional.of(RenditionForm.parse(text.value())));

    static final FieldType<Set<PosixFilePermission>> MODE = new FieldType<>(
                    "a mode", "0660", EnumSet.of(Tag.STRING, Tag.INTEGER), text -> Forms.mode(text.value()))
            .matching("^(" + Forms.MODE + "|.*\\$\\{.*)$");

    static final FieldType<String> TEXT =
            new FieldType<>("a text", "\"text\"", EnumSet.of(Tag.STRING), text -> Optional.of(text.value())
                    .filter(value -> !value.isBlank()));

    /** Also where YAML takes it for a number, as in {@code gpu: 0}. */
    static final FieldType<String> NAME = new FieldType<>(
            "a name or number", "video", EnumSet.of(Tag.STRING, Tag.INTEGER), text -> Optional.of(text.value())
                    .filter(value -> !value.isBlank()));

    static final FieldType<String> STREAM_KEY = new FieldType<>(
                    "a key",
                    "cam1: 1 to 64 letters, digits, '.', '_' and '-'",
                    EnumSet.of(Tag.STRING, Tag.INTEGER),
                    text -> {
                        RunDirectory.requireKey(text.value());
                        return Optional.of(text.value());
                    })
            .matching("^" + KEY + "$");

    static final FieldType<Path> DIRECTORY =
            new FieldType<>("a directory", "/run/cuframes", EnumSet.of(Tag.STRING), text -> Optional.of(text)
                    .filter(path -> !path.value().isBlank())
                    .map(path -> path.directory().resolve(path.value())));

    static final FieldType<SafeUrl> RTSP_URL = new FieldType<>(
                    "an RTSP URL", "rtsp://user:${PASSWORD}@camera/stream", EnumSet.of(Tag.STRING), text -> Optional.of(
                                    SafeUrl.of(text.value(), text.raw()))
                            .filter(SafeUrl::isRtsp))
            .matching(RTSP)
            .hidden();

    static final FieldType<SafeUrl> INPUT =
            new FieldType<>("a URL or file", "/var/clips/door.mp4", EnumSet.of(Tag.STRING), FieldType::input).hidden();

    static final FieldType<PatternSpec> PATTERN = new FieldType<>(
            "a test pattern",
            "640x360@25",
            EnumSet.of(Tag.STRING),
            text -> Optional.of(PatternSpec.parse(text.value())));

    private FieldType(String what, String example, Set<Tag> tags, Function<Text, Optional<T>> reader) {
        this(what, example, tags, List.of(), null, null, null, false, reader);
    }

    private FieldType<T> matching(String regex) {
        return new FieldType<>(what, example, tags, values, least, most, regex, secret, reader);
    }

    private FieldType<T> hidden() {
        return new FieldType<>(what, example, tags, values, least, most, pattern, true, reader);
    }

    /** A whole number in a range. */
    static FieldType<Integer> integer(int least, int most) {
        String range = most == Integer.MAX_VALUE ? least + " or more" : "from " + least + " to " + most;
        return new FieldType<>(
                "a whole number, " + range,
                Integer.toString(Math.max(least, 1)),
                EnumSet.of(Tag.INTEGER),
                List.of(),
                (long) least,
                most == Integer.MAX_VALUE ? null : (long) most,
                null,
                false,
                text -> Optional.of(text.value())
                        .filter(value -> value.matches("\\d{1,9}"))
                        .map(Integer::valueOf)
                        .filter(value -> value >= least && value <= most));
    }

    /** One of an enum's constants, by the label that users know. */
    static <E extends Enum<E>> FieldType<E> choice(Class<E> type, Function<E, String> label) {
        List<E> constants = List.of(type.getEnumConstants());
        List<String> labels = constants.stream().map(label).toList();
        return new FieldType<>(
                "one of " + String.join(", ", labels),
                labels.get(0),
                EnumSet.of(Tag.STRING),
                labels,
                null,
                null,
                null,
                false,
                text -> constants.stream()
                        .filter(constant -> label.apply(constant).equals(text.value()))
                        .findFirst());
    }

    /** The lower-case name of a constant. */
    static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    private static Optional<SafeUrl> input(Text text) {
        SafeUrl url = SafeUrl.of(text.value(), text.raw());
        if (!url.isFile() || text.value().startsWith("file://")) {
            return Optional.of(url);
        }
        return Optional.of(SafeUrl.of(
                text.directory().resolve(text.value()).toString(),
                text.directory().resolve(text.raw()).toString()));
    }

    /**
     * Reads one value.
     *
     * @throws IllegalArgumentException if it is none; says why and what to do, without secrets
     */
    T read(YamlNode node, Variables variables, Path directory) {
        if (!(node instanceof Scalar scalar)) {
            throw new IllegalArgumentException(node.what() + " is not " + what + "; write it like " + example);
        }
        if (scalar.tag() == Tag.NULL) {
            throw new IllegalArgumentException("has no value; give it one, or leave the field out");
        }
        String value = scalar.tag() == Tag.STRING ? variables.expand(scalar.text()) : scalar.text();
        if (!tags.contains(scalar.tag())) {
            throw new IllegalArgumentException(refusal(scalar));
        }
        try {
            return reader.apply(new Text(value, scalar.text(), directory))
                    .orElseThrow(() -> new IllegalArgumentException(refusal(scalar)));
        } catch (IllegalArgumentException e) {
            // what others say may show the value
            boolean sayable = !secret && value.equals(scalar.text());
            throw new IllegalArgumentException(sayable ? Redaction.of(e.getMessage()) : refusal(scalar), e);
        }
    }

    private String refusal(Scalar scalar) {
        String text = secret ? "the value" : "\"" + Redaction.of(scalar.text()) + "\"";
        String quotes = scalar.tag() == Tag.STRING && !tags.contains(Tag.STRING) ? ", without quotes" : "";
        String unquoted = scalar.tag() != Tag.STRING && tags.equals(EnumSet.of(Tag.STRING)) ? ", as a text" : "";
        return text + " is not " + what + "; write it like " + example + quotes + unquoted;
    }

    /**
     * Reads a list of values.
     *
     * @param problems takes what is wrong with each
     * @return those that are right
     */
    List<T> readAll(YamlNode node, String path, Variables variables, Path directory, Problems problems) {
        if (!(node instanceof Sequence sequence)) {
            throw new IllegalArgumentException(
                    node.what() + " is not a list; write it like [" + example + "], or each in a line after \"- \"");
        }
        List<T> read = new ArrayList<>();
        for (YamlNode item : sequence.items()) {
            try {
                read.add(read(item, variables, directory));
            } catch (IllegalArgumentException e) {
                problems.add(item, path + "[" + sequence.items().indexOf(item) + "]", e.getMessage());
            }
        }
        return read;
    }
}

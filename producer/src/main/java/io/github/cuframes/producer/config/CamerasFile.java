package io.github.cuframes.producer.config;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.producer.CameraSettings;
import io.github.cuframes.producer.GroupConfig;
import io.github.cuframes.producer.config.YamlNode.Entry;
import io.github.cuframes.producer.config.YamlNode.Mapping;
import io.github.cuframes.producer.config.YamlNode.Sequence;
import io.github.cuframes.producer.ffmpeg.Redaction;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * What a configuration file says: {@code docs/configuration.md} has its fields.
 *
 * @param group the cameras
 * @param logFormat how the process logs; null if the file does not say
 * @param metrics where it serves metrics; null if the file does not say
 */
public record CamerasFile(GroupConfig group, LogFormat logFormat, InetSocketAddress metrics) {

    /** What the file says of the process as a whole. */
    static final class Globals {
        private Path runDirectory;
        private LogFormat logFormat;
        private InetSocketAddress metrics;

        void runDirectory(Path directory) {
            runDirectory = directory;
        }

        void logFormat(LogFormat format) {
            logFormat = format;
        }

        void metrics(InetSocketAddress address) {
            metrics = address;
        }
    }

    static final String DEFAULTS = "defaults";
    static final String CAMERAS = "cameras";
    static final String KEY = "key";
    private static final String LOG_FORMAT = "log-format";
    static final String RENDITION = "rendition";

    private static final FieldType<LogFormat> LOG_FORMATS = FieldType.choice(LogFormat.class, FieldType::lower);

    /** Beside {@link #DEFAULTS} and {@link #CAMERAS}. */
    static final List<Field<Globals>> GLOBALS = List.of(
            Field.one(
                    "run-dir",
                    FieldType.DIRECTORY,
                    null,
                    Globals::runDirectory,
                    "Where sockets are, seen from this file; the usual place by default."),
            Field.one(
                    LOG_FORMAT,
                    LOG_FORMATS,
                    "text",
                    Globals::logFormat,
                    "How logs are written; the command's option goes first. Changed by a restart only."),
            Field.one(
                    "metrics",
                    FieldType.ADDRESS,
                    null,
                    Globals::metrics,
                    "Where Prometheus metrics and health are served; the command's option goes first. Changed by a restart"
                            + " only."));

    /**
     * How a file wants logs to be written: for who has to know before the first logger is made, which {@link #load} may do.
     *
     * @param environment where {@code ${NAME}} comes from
     * @return null if it does not say, or {@code load} will say why it cannot be read
     */
    public static LogFormat logFormatOf(Path file, Map<String, String> environment) {
        try {
            YamlNode root = YamlReader.read(Files.readString(file), new Problems(file.toString()));
            Entry entry = root instanceof Mapping mapping ? mapping.entry(LOG_FORMAT) : null;
            return entry == null ? null : LOG_FORMATS.read(entry.value(), new Variables(environment), file);
        } catch (IOException | IllegalArgumentException e) {
            return null; // load() says why
        }
    }

    /**
     * Reads a file.
     *
     * @param environment where {@code ${NAME}} comes from
     * @throws ConfigException with all that is wrong with it
     */
    public static CamerasFile load(Path file, Map<String, String> environment) throws ConfigException {
        Problems problems = new Problems(file.toString());
        String text = null;
        try {
            text = Files.readString(file);
        } catch (NoSuchFileException e) {
            problems.add("there is no such file; check the path");
        } catch (AccessDeniedException e) {
            problems.add("cannot be read: permission denied; give this user the right to read it");
        } catch (CharacterCodingException e) {
            problems.add("cannot be read: it is not UTF-8; save it as UTF-8");
        } catch (IOException e) {
            problems.add("cannot be read: " + e.getMessage() + "; give the path of a file that can be read");
        }
        problems.check();
        Path parent = file.getParent();
        return parse(text, parent == null ? Path.of("") : parent, environment, problems);
    }

    /**
     * Reads a text.
     *
     * @param name of where it comes from, for messages
     * @param directory from which the paths in it lead
     * @param environment where {@code ${NAME}} comes from
     * @throws ConfigException with all that is wrong with it
     */
    public static CamerasFile parse(String name, String text, Path directory, Map<String, String> environment)
            throws ConfigException {
        return parse(text, directory, environment, new Problems(name));
    }

    private static CamerasFile parse(String text, Path directory, Map<String, String> environment, Problems problems)
            throws ConfigException {
        YamlNode root = YamlReader.read(text, problems);
        Globals globals = new Globals();
        Map<String, CameraSettings> cameras = new LinkedHashMap<>();
        if (root instanceof Mapping mapping) {
            Field.Scope scope = new Field.Scope(new Variables(environment), directory, problems);
            new Reader(scope, new HashMap<>()).file(mapping, globals, cameras);
        } else if (root != null) {
            problems.add(root, "", root.what() + " is no configuration; write \"cameras:\" and the cameras below");
        }
        problems.check();
        return new CamerasFile(new GroupConfig(globals.runDirectory, cameras), globals.logFormat, globals.metrics);
    }

    /** Whose a stream is. */
    private record Owner(String camera, boolean rendition, int line) {
        @Override
        public String toString() {
            return (rendition ? "a rendition of camera " : "camera ") + camera + ", in line " + line;
        }
    }

    /**
     * Goes through a document.
     *
     * @param owners by key, of all streams so far: each is one socket in the run directory
     */
    private record Reader(Field.Scope scope, Map<String, Owner> owners) {

        private Problems problems() {
            return scope.problems();
        }

        void file(Mapping root, Globals globals, Map<String, CameraSettings> cameras) {
            fields(root, "", GLOBALS, List.of(DEFAULTS, CAMERAS)).forEach(set -> set.accept(globals));
            List<Consumer<CameraSettings.Builder>> defaults = List.of();
            Entry common = root.entry(DEFAULTS);
            if (common != null && common.value() instanceof Mapping mapping) {
                defaults = fields(mapping, DEFAULTS, CameraFields.SETTINGS, List.of());
            } else if (common != null) {
                problems()
                        .add(
                                common,
                                DEFAULTS,
                                common.value().what() + " is not a group of fields; write one a line below");
            }
            Entry all = root.entry(CAMERAS);
            if (all == null) {
                problems().add(root, CAMERAS, "is missing; write \"cameras:\" and the cameras below");
            } else if (all.value() instanceof Mapping mapping) {
                for (Entry entry : mapping.entries()) {
                    camera(entry, entry.name(), entry.value(), List.of(), defaults, cameras);
                }
            } else if (all.value() instanceof Sequence sequence) {
                list(sequence, defaults, cameras);
            } else {
                problems()
                        .add(
                                all,
                                CAMERAS,
                                all.value().what() + " is not a group or list of cameras; write one below,"
                                        + " or {} for none");
            }
        }

        private void list(
                Sequence sequence,
                List<Consumer<CameraSettings.Builder>> defaults,
                Map<String, CameraSettings> cameras) {
            Map<String, Integer> lines = new LinkedHashMap<>();
            for (int i = 0; i < sequence.items().size(); i++) {
                YamlNode item = sequence.items().get(i);
                String path = CAMERAS + "[" + i + "]";
                Entry entry = item instanceof Mapping mapping ? mapping.entry(KEY) : null;
                if (entry == null) {
                    problems().add(item, path, "has no key; write \"- key: cam1\", and its fields below that");
                    continue;
                }
                String key = keyOf(entry, path);
                if (key == null) {
                    continue;
                }
                Integer before = lines.putIfAbsent(key, entry.line());
                if (before != null) {
                    problems()
                            .add(
                                    entry,
                                    CAMERAS + "." + key,
                                    "another camera has this key, in line " + before + "; a key is one camera's");
                } else {
                    camera(entry, key, item, List.of(KEY), defaults, cameras);
                }
            }
        }

        private String keyOf(Entry entry, String path) {
            try {
                return FieldType.STREAM_KEY.read(entry.value(), scope.variables(), scope.directory());
            } catch (IllegalArgumentException e) {
                problems().add(entry.value(), path + "." + KEY, e.getMessage());
                return null;
            }
        }

        private void camera(
                Entry place,
                String key,
                YamlNode node,
                List<String> others,
                List<Consumer<CameraSettings.Builder>> defaults,
                Map<String, CameraSettings> cameras) {
            String path = CAMERAS + "." + key;
            int before = problems().count();
            try {
                RunDirectory.requireKey(key);
            } catch (IllegalArgumentException e) {
                problems().add(place, path, Redaction.of(e.getMessage()));
            }
            claim(key, new Owner(key, false, place.line()), place.line(), place.column(), path);
            if (!(node instanceof Mapping mapping)) {
                problems().add(place, path, node.what() + " is no camera; write its fields below, such as rtsp");
                return;
            }
            List<Field<CameraSettings.Builder>> fields = Stream.concat(
                            CameraFields.SOURCES.stream(), CameraFields.SETTINGS.stream())
                    .toList();
            List<Consumer<CameraSettings.Builder>> own = fields(mapping, path, fields, others);
            long sources = CameraFields.SOURCES.stream()
                    .filter(field -> mapping.entry(field.name()) != null)
                    .count();
            if (sources != 1) {
                problems()
                        .add(
                                place,
                                path,
                                (sources == 0 ? "has no source" : "has " + sources + " sources")
                                        + "; give it one of rtsp, input and test-pattern");
            }
            if (problems().count() > before) {
                return;
            }
            CameraSettings.Builder builder = CameraSettings.builder();
            defaults.forEach(set -> set.accept(builder));
            own.forEach(set -> set.accept(builder));
            try {
                CameraSettings settings = builder.build();
                renditions(place, key, settings.streams(key), mapping.entry(RENDITION)); // says what makes no sense
                cameras.put(key, settings);
            } catch (IllegalArgumentException e) {
                problems().add(place, path, e.getMessage());
            }
        }

        /** Claims a camera's renditions, which stand in its own list or among the defaults. */
        private void renditions(Entry place, String camera, List<String> streams, Entry own) {
            for (int i = 1; i < streams.size(); i++) {
                int line = place.line();
                int column = place.column();
                String path = CAMERAS + "." + camera;
                if (own != null && own.value() instanceof Sequence list) {
                    YamlNode item = list.items().get(i - 1);
                    line = item.line();
                    column = item.column();
                    path += "." + RENDITION + "[" + (i - 1) + "]";
                }
                claim(streams.get(i), new Owner(camera, true, line), line, column, path);
            }
        }

        private void claim(String stream, Owner owner, int line, int column, String path) {
            Owner before = owners.putIfAbsent(stream, owner);
            if (before != null) {
                String remedy = owner.rendition() || before.rendition()
                        ? "; a key is one stream's: give one of them another, such as .detect, which comes behind the camera's"
                        : "; a key is one camera's";
                problems()
                        .add(
                                line,
                                column,
                                path,
                                (owner.rendition() ? "its rendition " : "camera ") + stream + " has the key of "
                                        + before + remedy);
            }
        }

        /** What sets the fields of a group that are right. */
        private <B> List<Consumer<B>> fields(Mapping mapping, String path, List<Field<B>> fields, List<String> others) {
            List<Consumer<B>> setters = new ArrayList<>();
            for (Entry entry : mapping.entries()) {
                String full = path.isEmpty() ? entry.name() : path + "." + entry.name();
                Field<B> field = fields.stream()
                        .filter(one -> one.name().equals(entry.name()))
                        .findFirst()
                        .orElse(null);
                if (field != null) {
                    try {
                        setters.add(field.reading().read(entry.value(), full, scope));
                    } catch (IllegalArgumentException e) {
                        problems().add(entry.value(), full, e.getMessage());
                    }
                } else if (!others.contains(entry.name())) {
                    problems().add(entry, full, unknown(entry.name(), path, fields, others));
                }
            }
            return setters;
        }

        private static <B> String unknown(String name, String path, List<Field<B>> fields, List<String> others) {
            if (path.equals(DEFAULTS)
                    && CameraFields.SOURCES.stream().anyMatch(one -> one.name().equals(name))) {
                return "is a camera's own; give it to each camera";
            }
            String hint = path.isEmpty() ? null : CameraFields.HINTS.get(name);
            if (hint != null) {
                return hint;
            }
            List<String> names = Stream.concat(others.stream(), fields.stream().map(Field::name))
                    .toList();
            String near = names.stream()
                    .filter(one -> Names.isNear(one, name))
                    .findFirst()
                    .orElse(null);
            return "is no field"
                    + (near != null ? "; did you mean " + near + "?" : "; there are " + String.join(", ", names));
        }
    }
}

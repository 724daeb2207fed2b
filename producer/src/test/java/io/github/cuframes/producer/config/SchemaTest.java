package io.github.cuframes.producer.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.github.cuframes.producer.CameraSettings;
import io.github.cuframes.producer.ingest.SafeUrl;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code docs/cameras.schema.json} and the code say the same. */
class SchemaTest {

    private static final Path DOCS = Path.of("../docs");
    private static final ObjectMapper JSON = new ObjectMapper();

    private static JsonNode schema() throws Exception {
        return JSON.readTree(DOCS.resolve("cameras.schema.json").toFile());
    }

    private static List<Field<CameraSettings.Builder>> cameraFields() {
        return Stream.concat(CameraFields.SOURCES.stream(), CameraFields.SETTINGS.stream())
                .toList();
    }

    private static Set<String> names(JsonNode properties) {
        Set<String> names = new TreeSet<>();
        properties.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static <B> Set<String> names(List<Field<B>> fields, String... others) {
        Set<String> names = new TreeSet<>(List.of(others));
        fields.forEach(field -> names.add(field.name()));
        return names;
    }

    private static JsonNode resolve(JsonNode schema, JsonNode node) {
        return node.has("$ref") ? schema.at(node.get("$ref").asText().substring(1)) : node;
    }

    private static <B> void agree(JsonNode schema, JsonNode properties, List<Field<B>> fields) {
        for (Field<B> field : fields) {
            JsonNode property = resolve(schema, properties.get(field.name()));
            assertEquals(field.help(), property.path("description").asText(), field.name());
            assertEquals(field.otherwise() == null, property.path("default").isMissingNode(), field.name());
            if (field.otherwise() != null) {
                assertEquals(field.otherwise(), property.get("default").asText(), field.name());
            }
            if (field.list()) {
                assertEquals("array", property.path("type").asText(), field.name());
            }
            agree(field, field.list() ? property.get("items") : property);
        }
    }

    private static void agree(Field<?> field, JsonNode value) {
        FieldType<?> type = field.type();
        ObjectNode expected = JSON.createObjectNode();
        List<String> types = type.tags().stream()
                .map(tag -> switch (tag) {
                    case BOOLEAN -> "boolean";
                    case INTEGER -> "integer";
                    case DECIMAL -> "number";
                    default -> "string";
                })
                .toList();
        if (types.size() == 1) {
            expected.put("type", types.get(0));
        } else {
            types.forEach(expected.putArray("type")::add);
        }
        if (!type.values().isEmpty()) {
            ArrayNode choice = expected.putArray("oneOf"); // or a variable, whose value only the reader knows
            type.values().forEach(choice.addObject().putArray("enum")::add);
            choice.addObject().put("pattern", "\\$\\{");
        }
        if (type.least() != null) {
            expected.put("minimum", type.least().intValue());
        }
        if (type.most() != null) {
            expected.put("maximum", type.most().intValue());
        }
        if (type.pattern() != null) {
            expected.put("pattern", type.pattern());
        }
        ObjectNode said = ((ObjectNode) value).deepCopy();
        said.remove(List.of("description", "default", "examples"));
        assertEquals(expected, said, field.name());
    }

    @Test
    void fieldsTypesAndValuesAreTheSame() throws Exception {
        JsonNode schema = schema();
        JsonNode file = schema.get("properties");
        assertEquals(names(CamerasFile.GLOBALS, CamerasFile.DEFAULTS, CamerasFile.CAMERAS), names(file));
        agree(schema, file, CamerasFile.GLOBALS);

        JsonNode defaults = resolve(schema, file.get(CamerasFile.DEFAULTS)).get("properties");
        assertEquals(names(CameraFields.SETTINGS), names(defaults));
        agree(schema, defaults, CameraFields.SETTINGS);

        JsonNode camera = schema.at("/$defs/camera/properties");
        assertEquals(names(cameraFields()), names(camera));
        agree(schema, camera, cameraFields());

        JsonNode listed = schema.at("/$defs/listedCamera/properties");
        assertEquals(names(cameraFields(), CamerasFile.KEY), names(listed));
        agree(schema, listed, cameraFields());
        assertEquals(
                FieldType.STREAM_KEY.pattern(),
                resolve(schema, listed.get(CamerasFile.KEY)).get("pattern").asText());
    }

    @Test
    void defaultsAreWhatTheFieldsSay() throws Exception {
        StringBuilder all = new StringBuilder("cameras:\n  a:\n    input: x\n");
        CameraFields.SETTINGS.stream()
                .filter(field -> field.otherwise() != null)
                .forEach(field -> all.append("    ")
                        .append(field.name())
                        .append(": ")
                        .append(field.otherwise())
                        .append('\n'));
        CamerasFile file = CamerasFile.parse("defaults", all.toString(), Path.of(""), Map.of());
        assertEquals(
                CameraSettings.builder().input(SafeUrl.of("x")).build(),
                file.group().cameras().get("a"));
    }

    /** What a validator does with the keywords that the schema uses; an unknown one fails. */
    private static boolean accepts(JsonNode root, JsonNode schema, JsonNode value) {
        Set<String> known =
                new HashSet<>(Set.of("$schema", "$id", "$defs", "title", "description", "default", "examples"));
        boolean accepted = true;
        for (Map.Entry<String, JsonNode> keyword : schema.properties()) {
            JsonNode rule = keyword.getValue();
            accepted &= switch (keyword.getKey()) {
                case "$ref" -> accepts(root, resolve(root, schema), value);
                case "type" -> types(rule).contains(typeOf(value));
                case "enum" -> Stream.of(values(rule)).anyMatch(value::equals);
                case "minimum" -> !value.isInt() || value.asInt() >= rule.asInt();
                case "maximum" -> !value.isInt() || value.asInt() <= rule.asInt();
                case "pattern" ->
                    !value.isTextual()
                            || Pattern.compile(rule.asText())
                                    .matcher(value.asText())
                                    .find();
                case "required" ->
                    !value.isObject() || Stream.of(values(rule)).allMatch(name -> value.has(name.asText()));
                case "properties" ->
                    value.properties().stream()
                            .allMatch(entry -> !rule.has(entry.getKey())
                                    || accepts(root, rule.get(entry.getKey()), entry.getValue()));
                case "additionalProperties" ->
                    value.properties().stream()
                            .allMatch(entry -> schema.path("properties").has(entry.getKey())
                                    || rule.isObject() && accepts(root, rule, entry.getValue()));
                case "propertyNames" ->
                    value.properties().stream()
                            .allMatch(entry ->
                                    accepts(root, rule, JSON.getNodeFactory().textNode(entry.getKey())));
                case "items" ->
                    !value.isArray() || Stream.of(values(value)).allMatch(item -> accepts(root, rule, item));
                case "oneOf" ->
                    Stream.of(values(rule))
                                    .filter(one -> accepts(root, one, value))
                                    .count()
                            == 1;
                default -> {
                    assertTrue(known.contains(keyword.getKey()), keyword.getKey());
                    yield true;
                }
            };
        }
        return accepted;
    }

    private static JsonNode[] values(JsonNode array) {
        List<JsonNode> values = new ArrayList<>();
        array.forEach(values::add);
        return values.toArray(JsonNode[]::new);
    }

    private static Set<String> types(JsonNode rule) {
        return rule.isTextual()
                ? Set.of(rule.asText())
                : Set.copyOf(Stream.of(values(rule)).map(JsonNode::asText).toList());
    }

    private static String typeOf(JsonNode value) {
        return switch (value.getNodeType()) {
            case OBJECT -> "object";
            case ARRAY -> "array";
            case STRING -> "string";
            case BOOLEAN -> "boolean";
            case NUMBER -> value.isIntegralNumber() ? "integer" : "number";
            default -> "null";
        };
    }

    private static boolean isAccepted(String yaml) throws Exception {
        JsonNode schema = schema();
        return accepts(schema, schema, new YAMLMapper().readTree(yaml));
    }

    @Test
    void theSampleIsAsTheSchemaSays() throws Exception {
        assertTrue(isAccepted(Files.readString(DOCS.resolve("cameras.yaml"))));
    }

    /** Each text is judged by both, and ~ begins another line. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            true  | cameras: {}
            true  | cameras: []
            true  | cameras: {a: {input: x}}
            true  | cameras: [{key: a, input: x}]
            true  | 'cameras: {a: {rtsp: "rtsp://u:${PASSWORD}@h/s", rtsp-timeout: "${TIME}"}}'
            true  | 'cameras: {a: {input: x, gpu: 0, max-memory: 1073741824, allow-user: [1, a]}}'
            true  | 'defaults: {memory: host, credits: 1}~cameras: {a: {test-pattern: 640x360@10}}'
            true  | 'metrics: 9400~cameras: {a: {input: x, fps: 12.5, record: r, segment: 5m, retain: 1GB, retain-for: 30d}}'
            true  | 'metrics: "[::1]:9400"~cameras: {a: {input: x, fps: 30000/1001, packet-memory: 0}}'
            true  | 'defaults: {rendition: [".b:size=64x48,fps=5"]}~cameras: {a: {input: x}, c: {input: y, fps: 5}}'
            true  | 'log-format: "${FORMAT}"~cameras: {a: {input: x, memory: "${PLACE}"}}'
            false | 'metrics: here~cameras: {}'
            false | 'cameras: {a: {input: x, fps: often}}'
            false | 'cameras: {a: {input: x, rendition: "b:fps=5"}}'
            false | 'cameras: {a: {input: x, segment: 5}}'
            false | cameras
            false | 'run-dir: x'
            false | 'cameras: {a: {}}'
            false | 'cameras: {a: {input: x, rtsp: "rtsp://h/s"}}'
            false | 'cameras: {a: {rtsp: "http://h/s"}}'
            false | 'cameras: {a b: {input: x}}'
            false | 'cameras: [{input: x}]'
            false | 'cameras: {a: {key: a, input: x}}'
            false | 'cameras: {a: {input: x, credits: 0}}'
            false | 'cameras: {a: {input: x, credits: "1"}}'
            false | 'cameras: {a: {input: x, loop: "true"}}'
            false | 'cameras: {a: {input: x, memory: gpu}}'
            false | 'cameras: {a: {input: x, rtsp-timeout: 5}}'
            false | 'cameras: {a: {input: x, rtsp-timeout: 5x}}'
            false | 'cameras: {a: {input: x, max-memory: lots}}'
            false | 'cameras: {a: {input: x, allow-user: root}}'
            false | 'cameras: {a: {input: x, allow-user: [true]}}'
            false | 'cameras: {a: {input: x, retry: true}}'
            false | 'defaults: {input: x}~cameras: {}'
            false | 'log-format: xml~cameras: {}'
            false | 'metrix: 1~cameras: {}'
            """)
    void bothAcceptAndRefuseTheSame(boolean accepted, String text) throws Exception {
        String yaml = text.replace('~', '\n');
        Map<String, String> environment = Map.of("PASSWORD", "p", "TIME", "5s", "FORMAT", "json", "PLACE", "host");
        boolean read;
        try {
            CamerasFile.parse("file", yaml, Path.of(""), environment);
            read = true;
        } catch (ConfigException e) {
            read = false;
        }
        assertEquals(accepted, read, "the code");
        assertEquals(accepted, isAccepted(yaml), "the schema");
    }
}

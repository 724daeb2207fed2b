package io.github.cuframes.tests;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a producer's {@code /metrics} said at one moment.
 *
 * @param types counter, gauge or summary of each family by its name
 * @param samples the numbers
 */
public record Scrape(Map<String, String> types, List<Sample> samples) {

    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static final Pattern TYPE = Pattern.compile("# TYPE (\\S+) (\\S+)");
    private static final Pattern SAMPLE = Pattern.compile("([a-z_]+)(?:\\{(.*)})? (\\S+)");
    private static final Pattern LABEL = Pattern.compile("([a-z_]+)=\"((?:[^\"\\\\]|\\\\.)*)\"(?:,|$)");
    private static final Pattern ADDRESS = Pattern.compile("metrics at (http://127\\.0\\.0\\.1:\\d+)/metrics");

    /** One number. */
    public record Sample(String name, Map<String, String> labels, double value) {}

    /** Where a producer that was started with {@code --metrics 0} serves, as it logs. */
    public static String addressOf(Child producer) {
        String[] found = new String[1];
        Await.until(() -> "metrics are served; " + producer, () -> {
            for (String line : producer.errors()) {
                Matcher matcher = ADDRESS.matcher(line);
                if (matcher.find()) {
                    found[0] = matcher.group(1);
                }
            }
            return found[0] != null;
        });
        return found[0];
    }

    /** The answer to a GET. */
    public static HttpResponse<String> get(String url) throws IOException, InterruptedException {
        return CLIENT.send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString());
    }

    /** Scrapes now. */
    public static Scrape of(String address) throws IOException, InterruptedException {
        HttpResponse<String> answer = get(address + "/metrics");
        if (answer.statusCode() != 200
                || !answer.headers().firstValue("Content-Type").orElse("").startsWith("text/plain")) {
            throw new AssertionError(answer + " " + answer.headers() + "\n" + answer.body());
        }
        return parse(answer.body());
    }

    private static Scrape parse(String text) {
        Map<String, String> types = new HashMap<>();
        List<Sample> samples = new ArrayList<>();
        for (String line : text.split("\n")) {
            Matcher type = TYPE.matcher(line);
            Matcher sample = SAMPLE.matcher(line);
            if (type.matches()) {
                types.put(type.group(1), type.group(2));
            } else if (!line.startsWith("# HELP ")) {
                if (!sample.matches()) {
                    throw new AssertionError("no sample: " + line);
                }
                Map<String, String> labels = new HashMap<>();
                Matcher label = LABEL.matcher(sample.group(2) == null ? "" : sample.group(2));
                while (label.find()) {
                    labels.put(label.group(1), label.group(2));
                }
                samples.add(new Sample(sample.group(1), labels, Double.parseDouble(sample.group(3))));
            }
        }
        return new Scrape(types, samples);
    }

    /** The one number with that name and, among others, those labels: name, value, name, value … */
    public double value(String name, String... labels) {
        List<Sample> found = samples.stream()
                .filter(sample -> sample.name().equals(name))
                .filter(sample -> {
                    for (int i = 0; i < labels.length; i += 2) {
                        if (!labels[i + 1].equals(sample.labels().get(labels[i]))) {
                            return false;
                        }
                    }
                    return true;
                })
                .toList();
        if (found.size() != 1) {
            Supplier<String> known =
                    () -> samples.stream().map(Sample::name).distinct().collect(Collectors.joining(" "));
            throw new AssertionError(
                    name + List.of(labels) + ": " + (found.isEmpty() ? "not among " + known.get() : found));
        }
        return found.get(0).value();
    }

    /** The names of all numbers. */
    public Set<String> names() {
        return samples.stream().map(Sample::name).collect(Collectors.toCollection(TreeSet::new));
    }
}

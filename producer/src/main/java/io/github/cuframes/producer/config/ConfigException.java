package io.github.cuframes.producer.config;

import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;

/** A configuration file that cannot be used; has all that is wrong with it. */
public final class ConfigException extends IOException {

    private static final long serialVersionUID = 1L;

    private final transient List<ConfigProblem> problems;

    ConfigException(List<ConfigProblem> problems) {
        super(problems.stream().map(ConfigProblem::toString).collect(Collectors.joining("\n")));
        this.problems = List.copyOf(problems);
    }

    /** At least one, in the order of the file. */
    public List<ConfigProblem> problems() {
        return problems;
    }
}

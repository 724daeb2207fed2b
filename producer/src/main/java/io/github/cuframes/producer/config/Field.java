package io.github.cuframes.producer.config;

import java.nio.file.Path;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * A field of the file.
 *
 * @param <B> what it sets
 * @param name as in the file; for an option of the command, the option's without the hyphens
 * @param type of its value, or of each where it has a list
 * @param list whether it has a list
 * @param otherwise what it is by default, as in the file; null for nothing
 * @param help a sentence for the schema
 * @param reading reads and returns what sets it
 */
record Field<B>(String name, FieldType<?> type, boolean list, String otherwise, String help, Reading<B> reading) {

    /** Reads a value. */
    @FunctionalInterface
    interface Reading<B> {
        Consumer<B> read(YamlNode node, String path, Scope scope);
    }

    /** What a value may refer to, and where to complain. */
    record Scope(Variables variables, Path directory, Problems problems) {}

    static <B, T> Field<B> one(String name, FieldType<T> type, String otherwise, BiConsumer<B, T> set, String help) {
        return new Field<>(name, type, false, otherwise, help, (node, path, scope) -> {
            T value = type.read(node, scope.variables(), scope.directory());
            return target -> set.accept(target, value);
        });
    }

    static <B, T> Field<B> several(String name, FieldType<T> type, BiConsumer<B, List<T>> set, String help) {
        return new Field<>(name, type, true, null, help, (node, path, scope) -> {
            List<T> values = type.readAll(node, path, scope.variables(), scope.directory(), scope.problems());
            return target -> set.accept(target, values);
        });
    }
}

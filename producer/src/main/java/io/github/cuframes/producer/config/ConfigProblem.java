package io.github.cuframes.producer.config;

/**
 * Something wrong in a configuration file.
 *
 * @param file as it was named
 * @param line from 1; 0 if it concerns the file as a whole
 * @param column from 1
 * @param field as {@code cameras.cam1.rtsp-timeout}; empty if it concerns no field
 * @param message what is wrong and what to do, without secrets
 */
public record ConfigProblem(String file, int line, int column, String field, String message) {

    /** In the form of compilers, which editors understand. */
    @Override
    public String toString() {
        String place = line == 0 ? file : file + ":" + line + ":" + column;
        return place + ": " + (field.isEmpty() ? "" : field + ": ") + message;
    }
}

package io.github.cuframes.producer.config;

/** How a process writes its log. */
public enum LogFormat {
    /** A line for people. */
    TEXT,
    /** An object a line. */
    JSON
}

package io.github.cuframes.producer.publish;

/** What this implementation calls itself towards its peers. */
final class Library {

    static final String NAME = "cuframes-java/" + version();

    private Library() {}

    private static String version() {
        String version = Library.class.getPackage().getImplementationVersion();
        return version == null ? "development" : version;
    }
}

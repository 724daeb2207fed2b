package io.github.cuframes.producer;

/** A rendition as a configuration has it. Two that are equal make the same rendition. */
public interface CameraRendition {

    /**
     * Adds it to a camera.
     *
     * @throws IllegalArgumentException if it makes no sense, or the camera has a stream of that name; says why
     */
    void addTo(ProducerBuilder camera);
}

package io.github.cuframes.producer;

/**
 * Hears what becomes of the cameras of a {@link ProducerGroup}; of one camera in order, of several at the same time, each on a
 * thread of its own. Be quick, since the camera waits, and throw nothing. The group may be asked, but neither changed nor
 * closed from here.
 */
@FunctionalInterface
public interface GroupListener {

    /**
     * A camera's state changed, or stayed and has another error.
     *
     * @param before the state that it had; the same for another error
     * @param now what it is now
     */
    void cameraChanged(CameraState before, CameraStatus now);
}

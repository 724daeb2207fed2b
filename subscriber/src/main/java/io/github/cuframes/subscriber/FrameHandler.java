package io.github.cuframes.subscriber;

/** Gets the frames of a {@link Subscription}, one at a time, on its thread. */
public interface FrameHandler {

    /**
     * A frame has come. It is closed when this returns; {@link Frame#detach()} keeps it.
     *
     * @throws Exception goes to {@link #onFailure}; the next frame comes all the same
     */
    void onFrame(Frame frame) throws Exception;

    /**
     * Something went wrong: this handler has thrown, or the publisher refused, after which nothing will come.
     *
     * @param failure a {@link SubscriberException} if it is the end, else what the handler threw
     */
    void onFailure(Throwable failure);

    /** The source has ended; nothing will come any more. */
    default void onEnd() {}
}

package io.github.cuframes.protocol.layout;

/**
 * What a slot is used for, as an observer sees it; nobody decides anything by it. The numbers are those of the wire.
 *
 * <pre>
 *   UNUSED --memory allocated--&gt; FREE --acquired by the writer--&gt; WRITING --published--&gt; PUBLISHED
 *   WRITING   --given up--------------------------&gt; FREE
 *   PUBLISHED --last lease and last hold ended----&gt; FREE
 *   FREE      --generation retired----------------&gt; UNUSED
 * </pre>
 */
public enum SlotState {
    /** No memory belongs to it. */
    UNUSED(0),
    /** Nobody uses it. */
    FREE(1),
    /** Its writer fills it. */
    WRITING(2),
    /** It holds a finished frame. */
    PUBLISHED(3);

    private static final SlotState[] BY_CODE = values();

    private final int code;

    SlotState(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The state with a wire number; an unknown number is {@link #UNUSED}. */
    public static SlotState ofCode(int code) {
        return code >= 0 && code < BY_CODE.length ? BY_CODE[code] : UNUSED;
    }
}

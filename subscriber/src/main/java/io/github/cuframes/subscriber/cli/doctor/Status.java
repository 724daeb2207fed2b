package io.github.cuframes.subscriber.cli.doctor;

import java.util.Locale;

/** How bad a finding is. */
public enum Status {
    /** As it should be. */
    OK,
    /** To be known; nothing is missing that this machine could have. */
    NOTE,
    /** Something will be slow, small or refused in some cases. */
    WARNING,
    /** Something does not work. */
    PROBLEM;

    /** As it is printed. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}

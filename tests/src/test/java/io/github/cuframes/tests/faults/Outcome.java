package io.github.cuframes.tests.faults;

import java.util.ArrayList;
import java.util.List;

/** What one step brought about. */
final class Outcome {

    private final List<Long> recoveries = new ArrayList<>();
    private String detail = "";

    /** From the end of the fault until each received frames again. */
    void recovered(List<Long> nanos) {
        recoveries.addAll(nanos);
    }

    List<Long> recoveries() {
        return recoveries;
    }

    long slowest() {
        return recoveries.stream().mapToLong(Long::longValue).max().orElse(0);
    }

    void detail(String text) {
        detail += (detail.isEmpty() ? "" : ", ") + text;
    }

    String detail() {
        return detail;
    }
}

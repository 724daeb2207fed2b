package io.github.cuframes.conformance;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The clauses that nobody can check through socket and shared memory, with the reason. {@code docs/conformance.md} has them too. */
public final class NotChecked {

    private static final String ORDER = "an order of memory accesses inside the peer; no single run shows it";
    private static final String GPU = "about GPU memory, and the suite uses host memory";

    /** Reasons by the clauses' ids. */
    public static final Map<String, String> REASONS = reasons();

    private NotChecked() {}

    private static Map<String, String> reasons() {
        Map<String, String> reasons = new LinkedHashMap<>();
        reasons.put("run-dir", "a search over directories of the machine that the suite must not make");
        reasons.put("acquire-release", ORDER);
        reasons.put("discontinuity-order", ORDER);
        for (String clause : new String[] {
            "gpu-uuid",
            "gpu-read-only",
            "gpu-once",
            "published-finished",
            "released-finished",
            "no-shared-event",
            "pid-rule"
        }) {
            reasons.put(clause, GPU);
        }
        reasons.put("fence", ORDER);
        reasons.put("without-fence", "whether a client has a full fence cannot be seen");
        reasons.put("latest-answer", "which frames the application is given cannot be seen");
        reasons.put("latest-end", "which frames the application is given cannot be seen");
        reasons.put("after-error", "when the peer has read the ERROR, and what its application reads, cannot be seen");
        reasons.put("unknown-error", "what people are shown cannot be seen");
        reasons.put("packet-stream", "a change of codec or extradata, which the suite cannot bring about");
        reasons.put("packet-end", "what a client reads of its own page after the end is its own affair");
        for (String clause : new String[] {"packet-unknown", "packet-read", "packet-release", "packet-old"}) {
            reasons.put(clause, "about subscribers of packets, and the suite plays publisher for those of frames");
        }
        reasons.put("kinds-since-1-1", GPU);
        reasons.put("golden", "encoders and decoders are tested where they are, with these bytes");
        return Collections.unmodifiableMap(reasons);
    }
}

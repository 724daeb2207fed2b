package io.github.cuframes.subscriber.cli.doctor;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One thing that was found.
 *
 * @param id names the finding for scripts; {@code docs/doctor.md} lists them
 * @param status how bad it is
 * @param text one sentence: what was found
 * @param remedy what to do; null where nothing is to be done
 */
public record Finding(String id, Status status, String text, String remedy) {

    static Finding ok(String id, String text) {
        return new Finding(id, Status.OK, text, null);
    }

    static Finding note(String id, String text, String remedy) {
        return new Finding(id, Status.NOTE, text, remedy);
    }

    static Finding warning(String id, String text, String remedy) {
        return new Finding(id, Status.WARNING, text, remedy);
    }

    static Finding problem(String id, String text, String remedy) {
        return new Finding(id, Status.PROBLEM, text, remedy);
    }

    Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("id", id);
        map.put("status", status.label());
        map.put("text", text);
        map.put("remedy", remedy);
        return map;
    }
}

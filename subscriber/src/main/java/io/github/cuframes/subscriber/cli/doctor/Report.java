package io.github.cuframes.subscriber.cli.doctor;

import io.github.cuframes.protocol.frame.MemoryKind;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What the checks found, in their order. One thread at a time. */
public final class Report {

    private final List<Finding> findings = new ArrayList<>();
    private final Map<String, Object> facts = new LinkedHashMap<>();
    private final Set<MemoryKind> memory = EnumSet.noneOf(MemoryKind.class);

    Report() {}

    void add(Finding finding) {
        findings.add(finding);
    }

    /** A fact for scripts, as Jackson writes it. */
    void fact(String name, Object value) {
        facts.put(name, value);
    }

    /** Memory of this kind was allocated, exported and mapped. */
    void works(MemoryKind kind) {
        memory.add(kind);
    }

    /** All findings. */
    public List<Finding> findings() {
        return List.copyOf(findings);
    }

    /** The kinds of memory that frames can be shared in. */
    public Set<MemoryKind> memory() {
        return memory;
    }

    /** The findings without whose remedy no frame can be shared; empty if frames can be. */
    public List<Finding> fatal() {
        return findings.stream()
                .filter(finding -> finding.status() == Status.PROBLEM && Doctor.ESSENTIAL.contains(finding.id()))
                .toList();
    }

    /** All of it as one object for a script. */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("usable", fatal().isEmpty());
        map.put("memory", memory.stream().map(MemoryKind::label).toList());
        map.putAll(facts);
        map.put("findings", findings.stream().map(Finding::toMap).toList());
        return map;
    }
}

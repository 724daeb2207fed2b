package io.github.cuframes.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AvailableMemoryTest {

    private static final long MIB = 1 << 20;

    @TempDir
    Path root;

    private void file(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private AvailableMemory available() throws IOException {
        return AvailableMemory.below(root);
    }

    @BeforeEach
    void aMachineWithAGibibyte() throws IOException {
        file("proc/meminfo", "MemTotal:  9000000 kB\nMemFree: 10 kB\nMemAvailable:   1000448 kB\nSwapFree: 48128 kB\n");
    }

    @Test
    void withoutLimitsTheMachineIsTheBound() throws IOException {
        assertEquals(1024 * MIB, available().bytes());
        file("proc/self/cgroup", "0::/\n");
        assertEquals(1024 * MIB, available().bytes());
        file("proc/self/cgroup", "4:memory:/a\n0::/a\n");
        file("sys/fs/cgroup/a/memory.max", "max\n");
        file("sys/fs/cgroup/a/memory.current", "1\n");
        file("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
        file("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "1\n");
        assertEquals(new AvailableMemory(1024 * MIB, "this machine's memory"), available());
    }

    @Test
    void theTightestGroupOfAllAboveIsTheBound() throws IOException {
        file("proc/self/cgroup", "0::/pod/camera\n");
        file("sys/fs/cgroup/pod/memory.max", 100 * MIB + "\n");
        file("sys/fs/cgroup/pod/memory.current", 70 * MIB + "\n");
        file("sys/fs/cgroup/pod/memory.stat", "anon 5\ninactive_file " + 6 * MIB + "\nactive_file " + 4 * MIB + "\n");
        file("sys/fs/cgroup/pod/camera/memory.max", 200 * MIB + "\n");
        file("sys/fs/cgroup/pod/camera/memory.current", 70 * MIB + "\n");
        assertEquals(40 * MIB, available().bytes(), "caches are given up");
        assertTrue(
                available().limitedBy().endsWith("sys/fs/cgroup/pod/memory.max"),
                available().limitedBy());
        file("sys/fs/cgroup/pod/memory.current", 300 * MIB + "\n");
        assertEquals(0, available().bytes(), "a limit that was lowered below what is used");
    }

    @Test
    void firstVersionAndAnotherNamespacesPath() throws IOException {
        file("proc/self/cgroup", "12:cpu,cpuacct:/docker/1234\n4:memory:/docker/1234\n1:name=systemd:/x\n");
        file("sys/fs/cgroup/memory/memory.limit_in_bytes", 64 * MIB + "\n");
        file("sys/fs/cgroup/memory/memory.usage_in_bytes", 32 * MIB + "\n");
        file("sys/fs/cgroup/memory/memory.stat", "cache 7\ninactive_file 1\ntotal_inactive_file " + MIB + "\n");
        assertEquals(33 * MIB, available().bytes());
        file("proc/self/cgroup", "4:memory:/../../other\n");
        assertEquals(33 * MIB, available().bytes(), "what is outside of the mount cannot be seen");
    }

    @Test
    void thisMachineHasSome() throws IOException {
        AvailableMemory now = AvailableMemory.now();
        assertTrue(now.bytes() > 0 && now.bytes() < Long.MAX_VALUE, now.toString());
    }
}

package io.github.cuframes.memory.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AccountsTest {

    @Test
    void namesAreThoseOfThisMachine() throws IOException {
        assertEquals(0, Accounts.user("root"));
        assertEquals(0, Accounts.group("root"));
        for (String line : Files.readAllLines(Path.of("/etc/passwd"))) {
            String[] fields = line.split(":");
            assertEquals(Long.parseLong(fields[2]), Accounts.user(fields[0]), line);
        }
        for (String line : Files.readAllLines(Path.of("/etc/group"))) {
            String[] fields = line.split(":");
            assertEquals(Long.parseLong(fields[2]), Accounts.group(fields[0]), line);
        }
    }

    @Test
    void numbersNeedNoName() throws IOException {
        assertEquals(4_294_967_294L, Accounts.user("4294967294"));
        assertEquals(4_000_000, Accounts.group("4000000"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"no-such-name", "", "-1", "4294967295", "99999999999", "0x0", "root:", "1 2"})
    void whatNobodyHasIsRefused(String name) {
        IOException user = assertThrows(IOException.class, () -> Accounts.user(name));
        assertTrue(user.getMessage().contains(name), user.getMessage());
        assertThrows(IOException.class, () -> Accounts.group(name));
    }
}

package io.github.cuframes.tests.faults;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Closes descriptors behind the backs of those who own them; the JVM needs {@link #JVM_OPTION}. */
final class OwnDescriptors {

    static final String JVM_OPTION = "--add-opens=java.base/java.io=ALL-UNNAMED";

    private OwnDescriptors() {}

    /** Closes all sockets of this process. Returns how many there were. */
    static int closeSockets() throws IOException {
        List<Integer> numbers = new ArrayList<>();
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                if (Resources.target(descriptor).startsWith("socket:")) {
                    numbers.add(Integer.parseInt(descriptor.getFileName().toString()));
                }
            }
        }
        int closed = 0;
        for (int number : numbers) {
            if (number > 2) {
                close(number);
                closed++;
            }
        }
        return closed;
    }

    private static void close(int number) throws IOException {
        try {
            Constructor<FileDescriptor> constructor = FileDescriptor.class.getDeclaredConstructor(int.class);
            constructor.setAccessible(true);
            new FileInputStream(constructor.newInstance(number)).close();
        } catch (ReflectiveOperationException e) {
            throw new IOException(
                    "descriptor " + number + " cannot be closed by number; start the JVM with " + JVM_OPTION, e);
        }
    }
}

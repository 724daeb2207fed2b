package io.github.cuframes.standin;

import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** Another process, which finds the stand-in through {@code LD_LIBRARY_PATH}; it prints what the driver answered. */
final class Child {

    private static final int O_RDWR = 2;

    private Child() {}

    /** Runs a role to its end; each line that it prints is a string of the result. */
    static List<String> run(Map<String, String> environment, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Child.class.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment()
                .put("LD_LIBRARY_PATH", StandInDriver.build().getParent().toString());
        builder.environment().putAll(environment);
        Process process = builder.start();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        int status = process.waitFor();
        if (status != 0) throw new IOException("the child ended with status " + status + " after " + lines);
        return lines;
    }

    /** Roles: {@code init}, {@code descriptor PATH}, {@code handle HEX}. */
    public static void main(String[] arguments) {
        Cuda cuda = new Cuda(NativeLibrary.getInstance("libcuda.so.1"));
        switch (arguments[0]) {
            case "init" -> init(cuda);
            case "descriptor" -> descriptor(cuda, arguments[1]);
            case "handle" -> handle(cuda, HexFormat.of().parseHex(arguments[1]));
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void print(Object line) {
        PrintStream out = new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), true);
        out.println(line);
    }

    private static void init(Cuda cuda) {
        IntByReference count = new IntByReference();
        print(cuda.call("cuDeviceGetCount", count));
        print(cuda.call("cuInit", 0));
        print(cuda.call("cuInit", 0));
        print(cuda.call("cuDeviceGetCount", count));
        print(count.getValue());
        for (int i = 0; i < count.getValue(); i++) print(cuda.uuid(i));
        print(cuda.call("cuMemAlloc_v2", new LongByReference(), 1L));
        cuda.primary(0);
        print(cuda.call("cuMemAlloc_v2", new LongByReference(), 4097L));
    }

    private static void descriptor(Cuda cuda, String path) {
        cuda.primary(0);
        int fd = NativeLibrary.getProcess().getFunction("open").invokeInt(new Object[] {path, O_RDWR});
        long handle = cuda.out("cuMemImportFromShareableHandle", new Pointer(fd), 1);
        long address = cuda.map(handle, Cuda.GRANULARITY, 0, Cuda.READ);
        print(HexFormat.of().formatHex(cuda.read(address, 8)));
        print(cuda.write(address, new byte[8]));
        IntByReference device = new IntByReference();
        cuda.ok("cuPointerGetAttribute", device, 9, address);
        print(device.getValue());
    }

    private static void handle(Cuda cuda, byte[] bytes) {
        cuda.primary(0);
        LongByReference address = new LongByReference();
        int result = cuda.call("cuIpcOpenMemHandle_v2", address, new IpcHandle(bytes), 1);
        print(result);
        if (result != Cuda.SUCCESS) return;
        print(HexFormat.of().formatHex(cuda.read(address.getValue(), 8)));
        print(cuda.write(address.getValue(), new byte[] {42}));
        cuda.ok("cuIpcCloseMemHandle", address.getValue());
        print(cuda.write(address.getValue(), new byte[] {43}));
    }
}

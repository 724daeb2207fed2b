package io.github.cuframes.memory.cuda;

import java.nio.ByteBuffer;
import java.util.UUID;

/**
 * A GPU as this process sees it. Processes name it by its UUID: ordinals differ between them.
 *
 * @param ordinal its number in this process
 * @param uuid its name on this machine
 * @param name its model
 * @param totalMemory bytes
 */
public record CudaDevice(int ordinal, UUID uuid, String name, long totalMemory) {

    /** What is asked about a device; the numbers are the driver's. */
    public enum Attribute {
        /** Bytes to which FFmpeg and textures align rows. */
        TEXTURE_ALIGNMENT(14),
        /** Major number of the compute capability. */
        COMPUTE_CAPABILITY_MAJOR(75),
        /** Minor number of the compute capability. */
        COMPUTE_CAPABILITY_MINOR(76),
        /** 1 if the virtual-memory API works. */
        VIRTUAL_MEMORY_SUPPORTED(102),
        /** 1 if memory can be exported as a POSIX file descriptor. */
        POSIX_DESCRIPTOR_SUPPORTED(103);

        private final int number;

        Attribute(int number) {
            this.number = number;
        }
    }

    private static final String QUERY = "ask a GPU for its name and memory";

    static CudaDevice ofOrdinal(int ordinal) throws CudaException {
        Scratch scratch = Scratch.cleared();
        CudaException.check(Driver.cuDeviceGet(scratch.address(), ordinal), "cuDeviceGet", QUERY);
        int handle = scratch.getInt(0);
        CudaException.check(Driver.cuDeviceGetUuid(scratch.address(), handle), "cuDeviceGetUuid", QUERY);
        ByteBuffer uuid = ByteBuffer.wrap(scratch.getBytes(0, 16)); // big-endian, as it is printed
        CudaException.check(Driver.cuDeviceTotalMem(scratch.address(), handle), "cuDeviceTotalMem", QUERY);
        long total = scratch.getLong(0);
        CudaException.check(Driver.cuDeviceGetName(scratch.address(), 256, handle), "cuDeviceGetName", QUERY);
        return new CudaDevice(ordinal, new UUID(uuid.getLong(), uuid.getLong()), scratch.getText(0), total);
    }

    /** The driver's handle: in CUDA it is the ordinal. */
    int handle() {
        return ordinal;
    }

    /** One of the device's properties. */
    public int attribute(Attribute attribute) throws CudaException {
        Scratch scratch = Scratch.cleared();
        CudaException.check(
                Driver.cuDeviceGetAttribute(scratch.address(), attribute.number, handle()),
                "cuDeviceGetAttribute",
                "ask GPU " + this + " for " + attribute);
        return scratch.getInt(0);
    }

    /** Whether work of this device can read another's memory; true for itself. */
    public boolean canAccess(CudaDevice other) throws CudaException {
        if (other.ordinal == ordinal) {
            return true;
        }
        Scratch scratch = Scratch.cleared();
        CudaException.check(
                Driver.cuDeviceCanAccessPeer(scratch.address(), handle(), other.handle()),
                "cuDeviceCanAccessPeer",
                "find out whether GPU " + this + " can reach GPU " + other);
        return scratch.getInt(0) != 0;
    }

    @Override
    public String toString() {
        return ordinal + " (" + name + ", GPU-" + uuid + ")";
    }
}

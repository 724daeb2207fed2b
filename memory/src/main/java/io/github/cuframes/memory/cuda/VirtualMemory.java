package io.github.cuframes.memory.cuda;

/**
 * The pieces of the driver's virtual-memory API that owner and importer both need. The context must be current.
 */
final class VirtualMemory {

    static final int POSIX_DESCRIPTOR = 1;

    private static final int PINNED = 1;
    private static final int ON_DEVICE = 1;
    private static final int RECOMMENDED = 1;
    private static final int READ = 1;
    private static final int READ_AND_WRITE = 3;

    // CUmemAllocationProp
    private static final int TYPE = 0;
    private static final int HANDLE_TYPES = 4;
    private static final int LOCATION_TYPE = 8;
    private static final int LOCATION_ID = 12;
    private static final int PROPERTIES_SIZE = 32;

    /** Where results go, behind what parameters there are. */
    private static final int RESULT = 64;

    private VirtualMemory() {}

    private static Scratch properties(CudaDevice device) {
        return Scratch.cleared()
                .putInt(TYPE, PINNED)
                .putInt(HANDLE_TYPES, POSIX_DESCRIPTOR)
                .putInt(LOCATION_TYPE, ON_DEVICE)
                .putInt(LOCATION_ID, device.ordinal());
    }

    /** Sizes are multiples of this many bytes. */
    static long granularity(CudaDevice device) throws CudaException {
        Scratch scratch = properties(device);
        assert PROPERTIES_SIZE <= RESULT;
        CudaException.check(
                Driver.cuMemGetAllocationGranularity(scratch.at(RESULT), scratch.address(), RECOMMENDED),
                "cuMemGetAllocationGranularity",
                "find out in what pieces GPU " + device + " has memory");
        return scratch.getLong(RESULT);
    }

    /** Physical memory; the handle is the caller's to release. */
    static long create(CudaDevice device, long size) throws CudaException {
        Scratch scratch = properties(device);
        CudaException.check(
                Driver.cuMemCreate(scratch.at(RESULT), size, scratch.address(), 0),
                "cuMemCreate",
                "have " + size + " bytes of memory of GPU " + device
                        + "; use fewer or smaller frames, or end other programs on this GPU");
        return scratch.getLong(RESULT);
    }

    /**
     * Maps memory for a device at an address of the driver's choice.
     *
     * @return the address, the caller's to {@link #unmap}
     */
    static long map(long handle, long size, CudaDevice reader, boolean writable) throws CudaException {
        Scratch scratch = Scratch.cleared();
        CudaException.check(
                Driver.cuMemAddressReserve(scratch.at(RESULT), size, 0, 0, 0),
                "cuMemAddressReserve",
                "reserve " + size + " bytes of addresses");
        long address = scratch.getLong(RESULT);
        boolean mapped = false;
        try {
            CudaException.check(
                    Driver.cuMemMap(address, size, 0, handle, 0),
                    "cuMemMap",
                    "map " + size + " bytes of GPU memory; there may be fewer");
            mapped = true;
            scratch.putInt(0, ON_DEVICE)
                    .putInt(Integer.BYTES, reader.ordinal())
                    .putInt(2 * Integer.BYTES, writable ? READ_AND_WRITE : READ);
            CudaException.check(
                    Driver.cuMemSetAccess(address, size, scratch.address(), 1),
                    "cuMemSetAccess",
                    "make the memory accessible to GPU " + reader);
            return address;
        } catch (CudaException e) {
            if (mapped) {
                Cleanup.after(e, () -> unmap(address, size));
            } else {
                Cleanup.after(e, () -> free(address, size));
            }
            throw e;
        }
    }

    /** Undoes {@link #map}, once nothing on the GPU uses the addresses any more. */
    static void unmap(long address, long size) throws CudaException {
        CudaException.check(Driver.cuMemUnmap(address, size), "cuMemUnmap", "unmap GPU memory");
        free(address, size);
    }

    private static void free(long address, long size) throws CudaException {
        CudaException.check(
                Driver.cuMemAddressFree(address, size), "cuMemAddressFree", "give addresses of GPU memory back");
    }

    /** Zeroes memory and waits for it: the driver only queues that, and other streams do not wait for it. */
    static void zero(long address, long size) throws CudaException {
        CudaException.check(Driver.cuMemsetD8(address, (byte) 0, size), "cuMemsetD8", "zero new GPU memory");
        try {
            synchronize();
        } catch (CudaException e) {
            // the caller gives the memory back: work on its way there would break the context for the whole process
            Cleanup.after(e, VirtualMemory::synchronize);
            throw e;
        }
    }

    private static void synchronize() throws CudaException {
        CudaException.check(Driver.cuStreamSynchronize(0), "cuStreamSynchronize", "zero new GPU memory");
    }

    /** A new file descriptor for the memory. */
    static int export(long handle) throws CudaException {
        Scratch scratch = Scratch.cleared();
        CudaException.check(
                Driver.cuMemExportToShareableHandle(scratch.at(RESULT), handle, POSIX_DESCRIPTOR, 0),
                "cuMemExportToShareableHandle",
                "share GPU memory; use --memory cuda-ipc or host if this driver cannot");
        return scratch.getInt(RESULT);
    }

    /** The memory behind a descriptor, which stays the caller's; so is the handle, to be released. */
    static long adopt(int descriptor) throws CudaException {
        Scratch scratch = Scratch.cleared();
        // the descriptor's number is passed as if it were a pointer
        CudaException.check(
                Driver.cuMemImportFromShareableHandle(scratch.at(RESULT), descriptor, POSIX_DESCRIPTOR),
                "cuMemImportFromShareableHandle",
                "import the memory that the producer sent; it may be no GPU memory, or of another driver");
        return scratch.getLong(RESULT);
    }

    static void release(long handle) throws CudaException {
        CudaException.check(Driver.cuMemRelease(handle), "cuMemRelease", "let go of GPU memory");
    }
}

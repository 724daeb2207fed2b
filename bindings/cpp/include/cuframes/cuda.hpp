// Part of cuframes.hpp: the CUDA driver, loaded when there is one. No CUDA header is needed: the few types and functions are declared here,
// compatible with those of cuda.h (a CUstream is a CUstream_st*, a cudaStream_t too), and all are in drivers of CUDA 11.0 and later.
#pragma once

#include <dlfcn.h>

#include <array>
#include <cctype>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "message.hpp"
#include "system.hpp"

struct CUctx_st;
struct CUstream_st;
struct CUevent_st;

namespace cuframes {

/// What cuda.h calls CUdeviceptr, CUstream and so on.
namespace cuda {

using Result = int;
using Device = int;
using DevicePtr = unsigned long long;
using Context = CUctx_st*;
using Stream = CUstream_st*;
using Event = CUevent_st*;
using Handle = unsigned long long;  // CUmemGenericAllocationHandle

struct IpcHandle {
    std::array<char, 64> bytes;
};

struct AccessDescription {  // CUmemAccessDesc
    int location_type;
    int location_id;
    int flags;
};

struct Copy2D {  // CUDA_MEMCPY2D
    std::size_t source_x, source_y;
    int source_type;
    const void* source_host;
    DevicePtr source_device;
    void* source_array;
    std::size_t source_pitch;
    std::size_t target_x, target_y;
    int target_type;
    void* target_host;
    DevicePtr target_device;
    void* target_array;
    std::size_t target_pitch;
    std::size_t width_bytes, height;
};
static_assert(sizeof(Copy2D) == 128, "as in cuda.h");

constexpr Result success = 0;
constexpr Result invalid_context = 201;
constexpr Result not_ready = 600;

/// The driver's functions, by the names of cuda.h without their version.
struct Driver {
    Result (*cuInit)(unsigned);
    Result (*cuGetErrorName)(Result, const char**);
    Result (*cuGetErrorString)(Result, const char**);
    Result (*cuDeviceGetCount)(int*);
    Result (*cuDeviceGet)(Device*, int);
    Result (*cuDeviceGetName)(char*, int, Device);
    Result (*cuDeviceGetUuid)(std::uint8_t*, Device);
    Result (*cuDeviceCanAccessPeer)(int*, Device, Device);
    Result (*cuDevicePrimaryCtxRetain)(Context*, Device);
    Result (*cuDevicePrimaryCtxRelease)(Device);
    Result (*cuCtxPushCurrent)(Context);
    Result (*cuCtxPopCurrent)(Context*);
    Result (*cuMemImportFromShareableHandle)(Handle*, void*, int);
    Result (*cuMemRelease)(Handle);
    Result (*cuMemAddressReserve)(DevicePtr*, std::size_t, std::size_t, DevicePtr, unsigned long long);
    Result (*cuMemAddressFree)(DevicePtr, std::size_t);
    Result (*cuMemMap)(DevicePtr, std::size_t, std::size_t, Handle, unsigned long long);
    Result (*cuMemUnmap)(DevicePtr, std::size_t);
    Result (*cuMemSetAccess)(DevicePtr, std::size_t, const AccessDescription*, std::size_t);
    Result (*cuIpcOpenMemHandle)(DevicePtr*, IpcHandle, unsigned);
    Result (*cuIpcCloseMemHandle)(DevicePtr);
    Result (*cuMemGetAddressRange)(DevicePtr*, std::size_t*, DevicePtr);
    Result (*cuMemcpy2DAsync)(const Copy2D*, Stream);
    Result (*cuStreamCreate)(Stream*, unsigned);
    Result (*cuStreamDestroy)(Stream);
    Result (*cuStreamSynchronize)(Stream);
    Result (*cuEventCreate)(Event*, unsigned);
    Result (*cuEventDestroy)(Event);
    Result (*cuEventRecord)(Event, Stream);
    Result (*cuEventQuery)(Event);

    void* library = nullptr;
    /// Why there are no functions; empty if there are.
    std::string problem;

    /// The process's driver, loaded at the first call and never unloaded.
    static const Driver& get() {
        static const Driver& driver = *new Driver();  // kept: threads that end leases may outlive main
        return driver;
    }

    /// Any function of the driver by its symbol, such as "cuLaunchKernel"; null if it has none.
    template <typename Function>
    Function function(const char* symbol) const {
        return library == nullptr ? nullptr : reinterpret_cast<Function>(dlsym(library, symbol));
    }

    /// "CUDA_ERROR_INVALID_VALUE (1): invalid argument".
    std::string describe(Result result) const {
        const char* name = nullptr;
        const char* text = nullptr;
        if (cuGetErrorName(result, &name) != success || cuGetErrorString(result, &text) != success || name == nullptr || text == nullptr) {
            return "error " + std::to_string(result);
        }
        return std::string(name) + " (" + std::to_string(result) + "): " + text;
    }

    /// Throws what the driver says, unless it is success.
    void check(Result result, const char* function, const std::string& purpose) const {
        if (result != success) {
            throw Error(Code::cuda, "cannot " + purpose + " (" + function + ": " + describe(result) + ")");
        }
    }

private:
    Driver() {
        library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
        if (library == nullptr) {
            problem = "no CUDA driver (libcuda.so.1 cannot be loaded); install NVIDIA's driver, in a container run it with --gpus all";
            return;
        }
#define CUFRAMES_LOAD(name, symbol) find(name, symbol)
        CUFRAMES_LOAD(cuInit, "cuInit");
        CUFRAMES_LOAD(cuGetErrorName, "cuGetErrorName");
        CUFRAMES_LOAD(cuGetErrorString, "cuGetErrorString");
        CUFRAMES_LOAD(cuDeviceGetCount, "cuDeviceGetCount");
        CUFRAMES_LOAD(cuDeviceGet, "cuDeviceGet");
        CUFRAMES_LOAD(cuDeviceGetName, "cuDeviceGetName");
        CUFRAMES_LOAD(cuDeviceGetUuid, "cuDeviceGetUuid");
        CUFRAMES_LOAD(cuDeviceCanAccessPeer, "cuDeviceCanAccessPeer");
        CUFRAMES_LOAD(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain");
        CUFRAMES_LOAD(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2");
        CUFRAMES_LOAD(cuCtxPushCurrent, "cuCtxPushCurrent_v2");
        CUFRAMES_LOAD(cuCtxPopCurrent, "cuCtxPopCurrent_v2");
        CUFRAMES_LOAD(cuMemImportFromShareableHandle, "cuMemImportFromShareableHandle");
        CUFRAMES_LOAD(cuMemRelease, "cuMemRelease");
        CUFRAMES_LOAD(cuMemAddressReserve, "cuMemAddressReserve");
        CUFRAMES_LOAD(cuMemAddressFree, "cuMemAddressFree");
        CUFRAMES_LOAD(cuMemMap, "cuMemMap");
        CUFRAMES_LOAD(cuMemUnmap, "cuMemUnmap");
        CUFRAMES_LOAD(cuMemSetAccess, "cuMemSetAccess");
        CUFRAMES_LOAD(cuIpcOpenMemHandle, "cuIpcOpenMemHandle_v2");
        CUFRAMES_LOAD(cuIpcCloseMemHandle, "cuIpcCloseMemHandle");
        CUFRAMES_LOAD(cuMemGetAddressRange, "cuMemGetAddressRange_v2");
        CUFRAMES_LOAD(cuMemcpy2DAsync, "cuMemcpy2DAsync_v2");
        CUFRAMES_LOAD(cuStreamCreate, "cuStreamCreate");
        CUFRAMES_LOAD(cuStreamDestroy, "cuStreamDestroy_v2");
        CUFRAMES_LOAD(cuStreamSynchronize, "cuStreamSynchronize");
        CUFRAMES_LOAD(cuEventCreate, "cuEventCreate");
        CUFRAMES_LOAD(cuEventDestroy, "cuEventDestroy_v2");
        CUFRAMES_LOAD(cuEventRecord, "cuEventRecord");
        CUFRAMES_LOAD(cuEventQuery, "cuEventQuery");
#undef CUFRAMES_LOAD
        if (problem.empty()) {
            const Result result = cuInit(0);
            if (result != success) {
                problem = "a CUDA driver that cannot be used (cuInit: " + describe(result) + "); see what nvidia-smi says";
            }
        }
    }

    template <typename Function>
    void find(Function& function, const char* symbol) {
        function = reinterpret_cast<Function>(dlsym(library, symbol));
        if (function == nullptr && problem.empty()) {
            problem = std::string("a CUDA driver without ") + symbol + "; it is older than CUDA 11, install a newer one";
        }
    }
};

}  // namespace cuda

namespace detail {

/// A GPU as this process sees it. Processes name it by its UUID: numbers differ between them.
struct Gpu {
    cuda::Device device;
    Uuid uuid;
    std::string name;

    std::string describe() const { return std::to_string(device) + " (" + name + ", GPU-" + to_string(uuid) + ")"; }
};

/// The GPUs that this process sees, which does not change while it lives.
struct Gpus {
    std::vector<Gpu> all;
    std::string problem;  // why there are none

    static const Gpus& seen() {
        static const Gpus& gpus = *new Gpus(look());  // kept, as the driver is
        return gpus;
    }

    const Gpu* find(const Uuid& uuid) const {
        for (const Gpu& gpu : all) {
            if (gpu.uuid == uuid) {
                return &gpu;
            }
        }
        return nullptr;
    }

    /// By number, or UUID with or without "GPU-"; null if there is none.
    const Gpu* named(const std::string& name) const {
        std::string wanted = name.rfind("GPU-", 0) == 0 ? name.substr(4) : name;
        for (char& c : wanted) {
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        }
        for (const Gpu& gpu : all) {
            if (wanted == std::to_string(gpu.device) || wanted == to_string(gpu.uuid)) {
                return &gpu;
            }
        }
        return nullptr;
    }

private:
    static Gpus look() {
        const cuda::Driver& driver = cuda::Driver::get();
        Gpus gpus;
        gpus.problem = driver.problem;
        int count = 0;
        if (gpus.problem.empty()) {
            const cuda::Result result = driver.cuDeviceGetCount(&count);
            if (result != cuda::success) {
                gpus.problem = "a CUDA driver that cannot tell its GPUs (cuDeviceGetCount: " + driver.describe(result) + ")";
            } else if (count == 0) {
                gpus.problem = "a CUDA driver and no GPU; see CUDA_VISIBLE_DEVICES, in a container --gpus";
            }
        }
        for (int i = 0; i < count && gpus.problem.empty(); i++) {
            Gpu gpu{};
            char name[256] = "";
            if (driver.cuDeviceGet(&gpu.device, i) != cuda::success || driver.cuDeviceGetUuid(gpu.uuid.data(), gpu.device) != cuda::success ||
                driver.cuDeviceGetName(name, sizeof name, gpu.device) != cuda::success) {
                gpus.problem = "a CUDA driver that says nothing of GPU " + std::to_string(i) + "; see what nvidia-smi says";
            }
            gpu.name = name;
            gpus.all.push_back(gpu);
        }
        if (!gpus.problem.empty()) {
            gpus.all.clear();
        }
        return gpus;
    }
};

/// A hold on a GPU's primary context, the one that CUDA's runtime and everything else in the process use too.
class PrimaryContext {
public:
    explicit PrimaryContext(const Gpu& gpu) : gpu_(gpu) {
        driver_.check(driver_.cuDevicePrimaryCtxRetain(&context_, gpu.device), "cuDevicePrimaryCtxRetain", "use GPU " + gpu.describe());
    }
    PrimaryContext(const PrimaryContext&) = delete;
    PrimaryContext& operator=(const PrimaryContext&) = delete;
    ~PrimaryContext() { driver_.cuDevicePrimaryCtxRelease(gpu_.device); }

    const Gpu& gpu() const { return gpu_; }
    const cuda::Driver& driver() const { return driver_; }

    /// Makes it the thread's current context until it ends.
    class Current {
    public:
        explicit Current(const PrimaryContext& context) : driver_(context.driver_) {
            const cuda::Result result = driver_.cuCtxPushCurrent(context.context_);
            if (result != cuda::success) {  // no sentence is made for each frame
                driver_.check(result, "cuCtxPushCurrent", "use GPU " + context.gpu_.describe());
            }
        }
        Current(const Current&) = delete;
        Current& operator=(const Current&) = delete;
        ~Current() {
            cuda::Context popped;
            driver_.cuCtxPopCurrent(&popped);
        }

    private:
        const cuda::Driver& driver_;
    };

private:
    const cuda::Driver& driver_ = cuda::Driver::get();
    const Gpu& gpu_;
    cuda::Context context_ = nullptr;
};

/// A slab on a GPU as this process reads it. Unmapped by the last who needs it: the connection, frames, and work of the GPU.
class GpuMemory {
public:
    /// Maps a slab of kind CUDA, read-only: work that writes there fails. The descriptor may be closed afterwards.
    static std::shared_ptr<GpuMemory> map(std::shared_ptr<PrimaryContext> context, const Descriptor& file, std::uint64_t size) {
        const cuda::Driver& driver = context->driver();
        const PrimaryContext::Current current(*context);
        cuda::Handle handle = 0;
        // the descriptor's number is passed as if it were a pointer
        driver.check(driver.cuMemImportFromShareableHandle(&handle, reinterpret_cast<void*>(static_cast<std::intptr_t>(file.number())), 1),
                     "cuMemImportFromShareableHandle", "import the memory that the producer sent; it may be no GPU memory, or of another driver");
        try {
            auto memory = mapped(std::move(context), handle, size);
            driver.cuMemRelease(handle);  // the mapping keeps the memory
            return memory;
        } catch (...) {
            driver.cuMemRelease(handle);
            throw;
        }
    }

    /// Opens a slab of kind CUDA_IPC.
    static std::shared_ptr<GpuMemory> open(std::shared_ptr<PrimaryContext> context, const cuda::IpcHandle& handle, std::uint64_t size) {
        const cuda::Driver& driver = context->driver();
        const PrimaryContext::Current current(*context);
        std::shared_ptr<GpuMemory> memory(new GpuMemory(context, Made::opened, size));
        const cuda::Result result = driver.cuIpcOpenMemHandle(&memory->address_, handle, 1);
        driver.check(result, "cuIpcOpenMemHandle",
                     std::string("open the producer's GPU memory") +
                         (result == cuda::invalid_context ? ": a legacy handle cannot be opened by a process whose pid, as it sees itself, is the "
                                                            "producer's (the usual case of two containers); start the producer with --memory cuda"
                                                          : ""));
        memory->stage_ = 1;
        // a handle opens a whole allocation, whatever the publisher says of its size; beyond its end the GPU would fault
        cuda::DevicePtr base = 0;
        std::size_t whole = 0;
        driver.check(driver.cuMemGetAddressRange(&base, &whole, memory->address_), "cuMemGetAddressRange", "ask for the size of the producer's GPU memory");
        const std::uint64_t present = base + whole - memory->address_;
        if (present < size) {
            throw Error(Code::cuda, "the GPU memory opened has " + std::to_string(present) + " bytes where " + std::to_string(size) +
                                        " were announced; the producer does not keep to the protocol");
        }
        return memory;
    }

    GpuMemory(const GpuMemory&) = delete;
    GpuMemory& operator=(const GpuMemory&) = delete;

    /// What fails here fails because the context is broken, and the memory goes with it.
    ~GpuMemory() {
        const cuda::Driver& driver = context_->driver();
        try {
            const PrimaryContext::Current current(*context_);
            if (made_ == Made::opened) {
                if (stage_ >= 1) {
                    driver.cuIpcCloseMemHandle(address_);
                }
                return;
            }
            if (stage_ >= 2) {
                driver.cuMemUnmap(address_, static_cast<std::size_t>(size_));
            }
            if (stage_ >= 1) {
                driver.cuMemAddressFree(address_, static_cast<std::size_t>(size_));
            }
        } catch (const Error&) {
            return;
        }
    }

    cuda::DevicePtr address() const { return address_; }

private:
    enum class Made { mapped, opened };

    GpuMemory(std::shared_ptr<PrimaryContext> context, Made made, std::uint64_t size) : context_(std::move(context)), made_(made), size_(size) {}

    static std::shared_ptr<GpuMemory> mapped(std::shared_ptr<PrimaryContext> context, cuda::Handle handle, std::uint64_t size) {
        const cuda::Driver& driver = context->driver();
        const auto bytes = static_cast<std::size_t>(size);
        const std::string gpu = context->gpu().describe();
        const cuda::AccessDescription read_only{1, context->gpu().device, 1};
        std::shared_ptr<GpuMemory> memory(new GpuMemory(std::move(context), Made::mapped, size));
        driver.check(driver.cuMemAddressReserve(&memory->address_, bytes, 0, 0, 0), "cuMemAddressReserve",
                     "reserve " + std::to_string(size) + " bytes of addresses");
        memory->stage_ = 1;
        driver.check(driver.cuMemMap(memory->address_, bytes, 0, handle, 0), "cuMemMap",
                     "map " + std::to_string(size) + " bytes of GPU memory; there may be fewer");
        memory->stage_ = 2;
        driver.check(driver.cuMemSetAccess(memory->address_, bytes, &read_only, 1), "cuMemSetAccess", "make the memory readable for GPU " + gpu);
        return memory;
    }

    std::shared_ptr<PrimaryContext> context_;
    Made made_;
    std::uint64_t size_;
    cuda::DevicePtr address_ = 0;
    int stage_ = 0;  // how much of it is there, and to be undone
};

/// A stream of this library's own, for downloads. Guarded by its owner.
class OwnStream {
public:
    explicit OwnStream(std::shared_ptr<PrimaryContext> context) : context_(std::move(context)) {
        const PrimaryContext::Current current(*context_);
        context_->driver().check(context_->driver().cuStreamCreate(&stream_, 1), "cuStreamCreate", "make a stream for downloads");
    }
    OwnStream(const OwnStream&) = delete;
    OwnStream& operator=(const OwnStream&) = delete;
    ~OwnStream() {
        try {
            const PrimaryContext::Current current(*context_);
            context_->driver().cuStreamDestroy(stream_);
        } catch (const Error&) {
            return;  // the context is broken, and the stream goes with it
        }
    }

    /// Copies rows to host memory and waits for it.
    void download(cuda::DevicePtr from, std::size_t from_pitch, void* to, std::size_t to_pitch, std::size_t row_bytes, std::size_t rows) const {
        const cuda::Driver& driver = context_->driver();
        const PrimaryContext::Current current(*context_);
        cuda::Copy2D copy{};
        copy.source_type = 2;
        copy.source_device = from;
        copy.source_pitch = from_pitch;
        copy.target_type = 1;
        copy.target_host = to;
        copy.target_pitch = to_pitch;
        copy.width_bytes = row_bytes;
        copy.height = rows;
        driver.check(driver.cuMemcpy2DAsync(&copy, stream_), "cuMemcpy2DAsync", "copy a frame to host memory");
        driver.check(driver.cuStreamSynchronize(stream_), "cuStreamSynchronize", "copy a frame to host memory");
    }

private:
    std::shared_ptr<PrimaryContext> context_;
    cuda::Stream stream_ = nullptr;
};

}  // namespace detail
}  // namespace cuframes

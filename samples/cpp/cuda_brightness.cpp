// The same on a GPU: a kernel sums the samples where NVDEC wrote them. The frame is given away as soon as the kernel is queued; its lease ends when
// the GPU has done with it. The kernel is PTX, which the driver compiles, so that neither nvcc nor a CUDA toolkit is needed.
//   cuda_brightness KEY [RUN_DIR]
#include <cstdio>
#include <cuframes.hpp>

namespace {

// a thread for each column: neighbours read neighbouring bytes
const char* const kernel = R"(
.version 6.0
.target sm_50
.address_size 64

.visible .entry sum_luma(.param .u64 luma, .param .u32 pitch, .param .u32 width, .param .u32 rows, .param .u64 sum)
{
    .reg .pred %p;
    .reg .b32 %x, %a, %b, %pitch, %width, %rows;
    .reg .b64 %at, %step, %value, %total, %sum;

    mov.u32 %a, %ctaid.x;
    mov.u32 %b, %ntid.x;
    mov.u32 %x, %tid.x;
    mad.lo.s32 %x, %a, %b, %x;
    ld.param.u32 %width, [width];
    setp.ge.u32 %p, %x, %width;
    @%p bra done;
    ld.param.u64 %at, [luma];
    cvta.to.global.u64 %at, %at;
    cvt.u64.u32 %step, %x;
    add.u64 %at, %at, %step;
    ld.param.u32 %pitch, [pitch];
    cvt.u64.u32 %step, %pitch;
    ld.param.u32 %rows, [rows];
    mov.u64 %total, 0;
next:
    ld.global.u8 %value, [%at];
    add.u64 %total, %total, %value;
    add.u64 %at, %at, %step;
    sub.u32 %rows, %rows, 1;
    setp.ne.u32 %p, %rows, 0;
    @%p bra next;
    ld.param.u64 %sum, [sum];
    cvta.to.global.u64 %sum, %sum;
    red.global.add.u64 [%sum], %total;
done:
    ret;
}
)";

using cuframes::cuda::DevicePtr;
using cuframes::cuda::Result;
using cuframes::cuda::Stream;

/// Functions of the driver that the library itself does not need.
struct Functions {
    const cuframes::cuda::Driver& driver = cuframes::cuda::Driver::get();
    Result (*load)(void**, const void*) = find<Result (*)(void**, const void*)>("cuModuleLoadData");
    Result (*get)(void**, void*, const char*) = find<Result (*)(void**, void*, const char*)>("cuModuleGetFunction");
    Result (*launch)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Stream, void**, void**) =
        find<Result (*)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Stream, void**, void**)>("cuLaunchKernel");
    Result (*allocate)(DevicePtr*, std::size_t) = find<Result (*)(DevicePtr*, std::size_t)>("cuMemAlloc_v2");
    Result (*zero)(DevicePtr, unsigned char, std::size_t, Stream) = find<Result (*)(DevicePtr, unsigned char, std::size_t, Stream)>("cuMemsetD8Async");
    Result (*download)(void*, DevicePtr, std::size_t) = find<Result (*)(void*, DevicePtr, std::size_t)>("cuMemcpyDtoH_v2");

    template <typename Function>
    Function find(const char* symbol) const {
        const auto function = driver.function<Function>(symbol);
        if (function == nullptr) {
            throw cuframes::Error(cuframes::Code::cuda, std::string("the CUDA driver has no ") + symbol + "; install a newer one");
        }
        return function;
    }
};

/// A context that is current as long as this lives: any of the application's will do, if it is the GPU's primary one.
struct Context {
    const Functions& cuda;
    cuframes::cuda::Context context = nullptr;

    explicit Context(const Functions& functions) : cuda(functions) {
        cuda.driver.check(cuda.driver.cuDevicePrimaryCtxRetain(&context, 0), "cuDevicePrimaryCtxRetain", "use GPU 0");
        cuda.driver.check(cuda.driver.cuCtxPushCurrent(context), "cuCtxPushCurrent", "use GPU 0");
    }
    ~Context() {
        cuda.driver.cuCtxPopCurrent(&context);
        cuda.driver.cuDevicePrimaryCtxRelease(0);  // frees what was allocated, when nobody else holds it
    }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
};

void run(const char* key, const cuframes::Options& options) {
    cuframes::Subscriber subscriber(key, options);
    const Functions cuda;
    const Context context(cuda);
    void* module = nullptr;
    void* function = nullptr;
    Stream stream = nullptr;
    DevicePtr sum = 0;
    cuda.driver.check(cuda.load(&module, kernel), "cuModuleLoadData", "compile the kernel");
    cuda.driver.check(cuda.get(&function, module, "sum_luma"), "cuModuleGetFunction", "find the kernel");
    cuda.driver.check(cuda.driver.cuStreamCreate(&stream, 1), "cuStreamCreate", "make a stream");
    cuda.driver.check(cuda.allocate(&sum, sizeof(unsigned long long)), "cuMemAlloc", "have 8 bytes");
    for (int i = 0; i < 100; i++) {
        auto frame = subscriber.next();
        if (!frame) {
            break;  // the source has ended
        }
        if (frame->cuda_ptr == 0) {
            throw cuframes::Error(cuframes::Code::misuse, "the frames are in host memory; start the producer with --memory cuda");
        }
        const cuframes::Plane luma = frame->plane(0);
        DevicePtr address = luma.cuda_ptr;
        unsigned pitch = luma.pitch;
        unsigned width = luma.row_bytes;
        unsigned rows = luma.rows;
        void* arguments[] = {&address, &pitch, &width, &rows, &sum};
        frame->await_on(stream);
        cuda.driver.check(cuda.zero(sum, 0, sizeof(unsigned long long), stream), "cuMemsetD8Async", "zero the sum");
        cuda.driver.check(cuda.launch(function, (width + 127) / 128, 1, 1, 128, 1, 1, 0, stream, arguments, nullptr), "cuLaunchKernel", "start the kernel");
        const unsigned long long number = frame->sequence;
        const DevicePtr where = frame->cuda_ptr;
        frame->release_after(stream);
        cuda.driver.check(cuda.driver.cuStreamSynchronize(stream), "cuStreamSynchronize", "wait for the kernel");
        unsigned long long total = 0;
        cuda.driver.check(cuda.download(&total, sum, sizeof total), "cuMemcpyDtoH", "read the sum");
        std::printf("frame %llu at 0x%llx: mean %.1f\n", number, where, static_cast<double>(total) / rows / width);
    }
}

}  // namespace

int main(int count, char** values) {
    if (count < 2) {
        std::fprintf(stderr, "usage: cuda_brightness KEY [RUN_DIR]\n");
        return 2;
    }
    try {
        cuframes::Options options;
        options.run_dir = count > 2 ? values[2] : "";
        options.name = "cuda_brightness";
        options.gpu = "0";
        run(values[1], options);
        return 0;
    } catch (const cuframes::Error& error) {
        std::fprintf(stderr, "cuda_brightness: %s\n", error.what());
        return 1;
    }
}

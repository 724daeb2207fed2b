/*
 * Test code: copies and fills of the stand-in driver. A range is checked when the operation is queued (an error of the
 * call) and again when it runs (an error that breaks the context, as memory that was unmapped meanwhile does on a GPU).
 */
#include "standin.h"
#include <stdlib.h>
#include <string.h>

/* what an argument may be */
enum place { HOST = 1, DEVICE = 2, ANY = 4 };

static CUresult span_of(size_t pitch, size_t width, size_t height, size_t *span) {
    if (height > 1 && pitch < width) return CUDA_ERROR_INVALID_VALUE;
    if (__builtin_mul_overflow(pitch, height - 1, span) || __builtin_add_overflow(*span, width, span))
        return CUDA_ERROR_INVALID_VALUE;
    return CUDA_SUCCESS;
}

/* Finds out where a side is and whether it may be touched; with memory_lock. */
static CUresult settle(struct side *side, int place, size_t span, int access) {
    if (region_at(side->address) || reserved(side->address, 1)) {
        side->device = true;
        bool usable = place != HOST && accessible(side->accessor, side->address, span, access);
        return usable ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
    }
    side->device = false;
    if (side->address == 0) return CUDA_ERROR_INVALID_VALUE;
    struct host_range *range = host_range_at(side->address);
    bool pinned = range && span <= range->base + range->size - side->address;
    return place != DEVICE || pinned ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/* The bytes behind an address and, in length, how many of them lie there in a row. */
static char *reach(const struct side *side, size_t offset, size_t *length) {
    uintptr_t address = side->address + offset;
    if (!side->device) return (char *) address;
    struct region *region = region_at(address);
    size_t inside = address - region->base;
    if (*length > region->size - inside) *length = region->size - inside;
    return region->physical->bytes + inside;
}

static bool still_there(const struct side *side, size_t width, size_t height, int access) {
    return !side->device || accessible(side->accessor, side->address, side->pitch * (height - 1) + width, access);
}

CUresult run_copy(const struct operation *operation) {
    size_t width = operation->width, height = operation->height;
    CUresult result = CUDA_ERROR_ILLEGAL_ADDRESS;
    pthread_rwlock_rdlock(&memory_lock);
    if (still_there(&operation->source, width, height, ACCESS_READ)
        && still_there(&operation->target, width, height, ACCESS_READ_WRITE)) {
        for (size_t row = 0; row < height; row++)
            for (size_t done = 0, length; done < width; done += length) {
                length = width - done;
                const char *from = reach(&operation->source, row * operation->source.pitch + done, &length);
                char *to = reach(&operation->target, row * operation->target.pitch + done, &length);
                memmove(to, from, length);
            }
        result = CUDA_SUCCESS;
    }
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

CUresult run_fill(const struct operation *operation) {
    size_t width = operation->width, height = operation->height;
    CUresult result = CUDA_ERROR_ILLEGAL_ADDRESS;
    pthread_rwlock_rdlock(&memory_lock);
    if (still_there(&operation->target, width, height, ACCESS_READ_WRITE)) {
        for (size_t row = 0; row < height; row++)
            for (size_t done = 0, length; done < width; done += length) {
                length = operation->element == 1 ? width - done : operation->element;
                char *to = reach(&operation->target, row * operation->target.pitch + done, &length);
                if (operation->element == 1) memset(to, (int) operation->value, length);
                else memcpy(to, &operation->value, length);
            }
        result = CUDA_SUCCESS;
    }
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

/* The driver reads pageable memory before an asynchronous call returns, so its owner may change it at once. */
static CUresult stage(struct operation *operation) {
    size_t size;
    if (__builtin_mul_overflow(operation->width, operation->height, &size)) return CUDA_ERROR_INVALID_VALUE;
    char *copy = malloc(size);
    if (!copy) return CUDA_ERROR_OUT_OF_MEMORY;
    for (size_t row = 0; row < operation->height; row++)
        memcpy(copy + row * operation->width, (char *) operation->source.address + row * operation->source.pitch,
               operation->width);
    operation->staging = copy;
    operation->source.address = (uintptr_t) copy;
    operation->source.pitch = operation->width;
    return CUDA_SUCCESS;
}

static CUresult copy(CUstream stream, struct operation *operation, int source, int target, bool async) {
    struct context *context;
    TRY(current_context(&context));
    if (operation->width == 0 || operation->height == 0) return CUDA_SUCCESS;
    size_t source_span, target_span;
    TRY(span_of(operation->source.pitch, operation->width, operation->height, &source_span));
    TRY(span_of(operation->target.pitch, operation->width, operation->height, &target_span));
    if (operation->source.accessor < 0) operation->source.accessor = context->device;
    if (operation->target.accessor < 0) operation->target.accessor = context->device;
    pthread_rwlock_rdlock(&memory_lock);
    CUresult result = settle(&operation->source, source, source_span, ACCESS_READ);
    if (result == CUDA_SUCCESS) result = settle(&operation->target, target, target_span, ACCESS_READ_WRITE);
    bool pageable_source = !operation->source.device && !host_range_at(operation->source.address);
    bool pageable_target = !operation->target.device && !host_range_at(operation->target.address);
    pthread_rwlock_unlock(&memory_lock);
    TRY(result);
    /* a copy inside the device does not make the caller wait, not even in the functions without Async */
    bool wait = async ? pageable_target : !operation->source.device || !operation->target.device;
    if (async && pageable_source && !pageable_target) TRY(stage(operation));
    return submit(stream, operation, wait);
}

static CUresult copy_line(CUstream stream, CUdeviceptr to, int target, CUdeviceptr from, int source, size_t size,
                          bool async) {
    struct operation operation = {.kind = OP_COPY,
                                  .source = {.address = (uintptr_t) from, .pitch = size, .accessor = -1},
                                  .target = {.address = (uintptr_t) to, .pitch = size, .accessor = -1},
                                  .width = size,
                                  .height = 1};
    return copy(stream, &operation, source, target, async);
}

EXPORT CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t size) {
    ENTER_INITIALISED();
    return copy_line(NULL, to, ANY, from, ANY, size, false);
}

EXPORT CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream) {
    ENTER_INITIALISED();
    return copy_line(stream, to, ANY, from, ANY, size, true);
}

EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t size) {
    ENTER_INITIALISED();
    return copy_line(NULL, to, DEVICE, (uintptr_t) from, HOST, size, false);
}

EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t size, CUstream stream) {
    ENTER_INITIALISED();
    return copy_line(stream, to, DEVICE, (uintptr_t) from, HOST, size, true);
}

EXPORT CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t size) {
    ENTER_INITIALISED();
    return copy_line(NULL, (uintptr_t) to, HOST, from, DEVICE, size, false);
}

EXPORT CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t size, CUstream stream) {
    ENTER_INITIALISED();
    return copy_line(stream, (uintptr_t) to, HOST, from, DEVICE, size, true);
}

EXPORT CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t size) {
    ENTER_INITIALISED();
    return copy_line(NULL, to, DEVICE, from, DEVICE, size, false);
}

EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream stream) {
    ENTER_INITIALISED();
    return copy_line(stream, to, DEVICE, from, DEVICE, size, true);
}

static CUresult copy_peer(CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context, size_t size,
                          CUstream stream) {
    TRY(use_context(to_context));
    TRY(use_context(from_context));
    struct operation operation = {
        .kind = OP_COPY,
        .source = {.address = (uintptr_t) from, .pitch = size, .accessor = from_context->device},
        .target = {.address = (uintptr_t) to, .pitch = size, .accessor = to_context->device},
        .width = size,
        .height = 1};
    return copy(stream, &operation, DEVICE, DEVICE, true);
}

EXPORT CUresult cuMemcpyPeer(CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context,
                             size_t size) {
    ENTER_INITIALISED();
    return copy_peer(to, to_context, from, from_context, size, NULL);
}

EXPORT CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context,
                                  size_t size, CUstream stream) {
    ENTER_INITIALISED();
    return copy_peer(to, to_context, from, from_context, size, stream);
}

static CUresult place_of(int type, const void *host, CUdeviceptr device, uintptr_t *address, int *place) {
    switch (type) {
        case 1: *place = HOST; break;
        case 2: *place = DEVICE; break;
        case 3: return CUDA_ERROR_NOT_SUPPORTED; /* arrays */
        case 4: *place = ANY; break;
        default: return CUDA_ERROR_INVALID_VALUE;
    }
    *address = type == 1 ? (uintptr_t) host : (uintptr_t) device;
    return *address ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static CUresult copy_2d(CUstream stream, const CUDA_MEMCPY2D *c, bool async) {
    struct context *context;
    TRY(current_context(&context));
    if (!c) return CUDA_ERROR_INVALID_VALUE;
    struct operation operation = {.kind = OP_COPY,
                                  .source = {.pitch = c->srcPitch, .accessor = -1},
                                  .target = {.pitch = c->dstPitch, .accessor = -1},
                                  .width = c->WidthInBytes,
                                  .height = c->Height};
    int source, target;
    TRY(place_of(c->srcMemoryType, c->srcHost, c->srcDevice, &operation.source.address, &source));
    TRY(place_of(c->dstMemoryType, c->dstHost, c->dstDevice, &operation.target.address, &target));
    if (c->srcPitch && c->srcPitch < c->WidthInBytes + c->srcXInBytes) return CUDA_ERROR_INVALID_VALUE;
    if (c->dstPitch && c->dstPitch < c->WidthInBytes + c->dstXInBytes) return CUDA_ERROR_INVALID_VALUE;
    operation.source.address += c->srcY * c->srcPitch + c->srcXInBytes;
    operation.target.address += c->dstY * c->dstPitch + c->dstXInBytes;
    return copy(stream, &operation, source, target, async);
}

EXPORT CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *description) {
    ENTER_INITIALISED();
    return copy_2d(NULL, description, false);
}

EXPORT CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *description) {
    ENTER_INITIALISED();
    return copy_2d(NULL, description, false);
}

EXPORT CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *description, CUstream stream) {
    ENTER_INITIALISED();
    return copy_2d(stream, description, true);
}

/* width in elements; like the driver's, the fills without Async do not wait for the device either */
static CUresult fill(CUstream stream, CUdeviceptr to, size_t pitch, unsigned int value, size_t element, size_t width,
                     size_t height) {
    struct context *context;
    TRY(current_context(&context));
    if (width == 0 || height == 0) return CUDA_SUCCESS;
    size_t bytes, span;
    if (__builtin_mul_overflow(width, element, &bytes) || to % element != 0) return CUDA_ERROR_INVALID_VALUE;
    if (height > 1 && pitch % element != 0) return CUDA_ERROR_INVALID_VALUE;
    struct operation operation = {
        .kind = OP_FILL,
        .target = {.address = (uintptr_t) to, .pitch = pitch, .accessor = context->device},
        .width = bytes,
        .height = height,
        .value = value,
        .element = element};
    TRY(span_of(pitch, bytes, height, &span));
    pthread_rwlock_rdlock(&memory_lock);
    CUresult result = settle(&operation.target, DEVICE, span, ACCESS_READ_WRITE);
    pthread_rwlock_unlock(&memory_lock);
    TRY(result);
    return submit(stream, &operation, !operation.target.device);
}

#define FILLS(bits, type)                                                                                           \
    EXPORT CUresult cuMemsetD##bits##_v2(CUdeviceptr to, type value, size_t count) {                                \
        ENTER_INITIALISED();                                                                                        \
        return fill(NULL, to, 0, value, sizeof(type), count, 1);                                                    \
    }                                                                                                               \
    EXPORT CUresult cuMemsetD##bits##Async(CUdeviceptr to, type value, size_t count, CUstream stream) {             \
        ENTER_INITIALISED();                                                                                        \
        return fill(stream, to, 0, value, sizeof(type), count, 1);                                                  \
    }                                                                                                               \
    EXPORT CUresult cuMemsetD2D##bits##_v2(CUdeviceptr to, size_t pitch, type value, size_t width, size_t height) { \
        ENTER_INITIALISED();                                                                                        \
        return fill(NULL, to, pitch, value, sizeof(type), width, height);                                           \
    }                                                                                                               \
    EXPORT CUresult cuMemsetD2D##bits##Async(CUdeviceptr to, size_t pitch, type value, size_t width, size_t height, \
                                             CUstream stream) {                                                     \
        ENTER_INITIALISED();                                                                                        \
        return fill(stream, to, pitch, value, sizeof(type), width, height);                                         \
    }

FILLS(8, unsigned char)
FILLS(16, unsigned short)
FILLS(32, unsigned int)

/*
 * For tests: reads device memory as it is at this moment, past streams, contexts and rights. 0: done; -1: part of the
 * range is not mapped.
 */
EXPORT int standin_peek(CUdeviceptr from, void *to, size_t size) {
    int result = 0;
    const struct side side = {.device = true, .address = (uintptr_t) from};
    pthread_rwlock_rdlock(&memory_lock);
    for (size_t done = 0, length; done < size && result == 0; done += length) {
        length = size - done;
        if (region_at((uintptr_t) from + done)) memcpy((char *) to + done, reach(&side, done, &length), length);
        else result = -1;
    }
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

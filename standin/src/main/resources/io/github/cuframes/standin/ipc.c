/*
 * Test code: legacy IPC handles of the stand-in driver. A handle names a descriptor of the exporting process by the pid
 * that the exporter itself sees, and the importer refuses its own pid: the flaw of the real handles that shows when two
 * containers both run as pid 1.
 */
#include "standin.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAGIC 0x6d656d5f69706373ULL

struct contents {
    uint64_t magic;
    uint64_t id;
    uint64_t size;
    int32_t pid;
    int32_t fd;
};
_Static_assert(sizeof(struct contents) <= sizeof(CUipcMemHandle), "fits into the handle");

/* An address inside an allocation gives the handle of the whole, as with the real driver. */
EXPORT CUresult cuIpcGetMemHandle(CUipcMemHandle *handle, CUdeviceptr address) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    if (!handle) return CUDA_ERROR_INVALID_VALUE;
    pthread_rwlock_rdlock(&memory_lock);
    struct region *region = region_at((uintptr_t) address);
    bool usable = region && region->kind == REGION_ALLOCATION;
    if (usable) {
        struct contents contents = {MAGIC, region->physical->id, region->size, getpid(), region->physical->fd};
        memset(handle, 0, sizeof *handle);
        memcpy(handle, &contents, sizeof contents);
    }
    pthread_rwlock_unlock(&memory_lock);
    return usable ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/* -1: the exporter is gone, or has freed the memory */
static int open_memory(const struct contents *contents) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", contents->pid, contents->fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int device;
    uint64_t id;
    size_t size;
    bool vmm;
    if (fd >= 0 && (describe_memfd(fd, &device, &id, &size, &vmm) != CUDA_SUCCESS || id != contents->id || vmm)) {
        close(fd);
        return -1;
    }
    return fd;
}

static struct region *opened_before(const struct contents *contents, const struct context *context) {
    for (struct region *region = first_region(); region; region = region->next)
        if (region->kind == REGION_IPC && region->context == context && region->physical->id == contents->id)
            return region;
    return NULL;
}

static CUresult import(CUdeviceptr *address, const struct contents *contents, struct context *context) {
    int fd = open_memory(contents);
    if (fd < 0) return CUDA_ERROR_INVALID_HANDLE;
    struct physical *physical;
    CUresult result = adopt_physical(fd, &physical);
    if (result != CUDA_SUCCESS) {
        close(fd);
        return result;
    }
    uintptr_t base = can_access(context->device, physical->device) ? reserve_addresses(physical->size, PAGE, 0) : 0;
    if (contents->size > physical->size) {
        if (base) munmap((void *) base, physical->size);
        release_physical(physical);
        return CUDA_ERROR_INVALID_VALUE;
    }
    struct region *region = base ? add_region(REGION_IPC, base, contents->size, physical) : NULL;
    if (!region) {
        bool peer = can_access(context->device, physical->device);
        if (base) munmap((void *) base, physical->size);
        release_physical(physical);
        return peer ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
    }
    region->reserved = physical->size;
    region->context = context;
    region->opened = 1;
    *address = base;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuIpcOpenMemHandle_v2(CUdeviceptr *address, CUipcMemHandle handle, unsigned int flags) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    struct contents contents;
    memcpy(&contents, &handle, sizeof contents);
    if (!address || flags != 1) return CUDA_ERROR_INVALID_VALUE;
    if (contents.magic != MAGIC || contents.size == 0) return CUDA_ERROR_INVALID_VALUE;
    if (contents.pid == getpid()) return CUDA_ERROR_INVALID_CONTEXT;
    CUresult result = CUDA_SUCCESS;
    pthread_rwlock_wrlock(&memory_lock);
    struct region *region = opened_before(&contents, context);
    if (region) {
        region->opened++;
        *address = region->base;
    } else {
        result = import(address, &contents, context);
    }
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

EXPORT CUresult cuIpcCloseMemHandle(CUdeviceptr address) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    TRY(wait_for_context(context));
    pthread_rwlock_wrlock(&memory_lock);
    struct region *region = region_at((uintptr_t) address);
    bool usable = region && region->kind == REGION_IPC && region->base == address;
    if (usable && --region->opened == 0) remove_region(region);
    pthread_rwlock_unlock(&memory_lock);
    return usable ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/* Events of other processes are never waited for by design, so there is nothing to stand in for. */
EXPORT CUresult cuIpcGetEventHandle(CUipcMemHandle *handle, CUevent event) {
    ENTER_INITIALISED();
    (void) handle;
    (void) event;
    return CUDA_ERROR_NOT_SUPPORTED;
}

EXPORT CUresult cuIpcOpenEventHandle(CUevent *event, CUipcMemHandle handle) {
    ENTER_INITIALISED();
    (void) event;
    (void) handle;
    return CUDA_ERROR_NOT_SUPPORTED;
}

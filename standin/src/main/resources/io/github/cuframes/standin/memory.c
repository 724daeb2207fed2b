/*
 * Test code: the stand-in's memory: what is allocated, where it is seen, who may touch it; cuMemAlloc and host memory.
 */
#include "standin.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMFD_NAME "cuframes-standin-gpu"
enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW, PITCH_ALIGNMENT = 512 };

pthread_rwlock_t memory_lock = PTHREAD_RWLOCK_INITIALIZER;
static struct region *regions;
static struct physical *physicals;
static struct host_range *host_ranges;
static unsigned long long used[MAX_DEVICES];

struct region *first_region(void) {
    return regions;
}

struct physical *first_physical(void) {
    return physicals;
}

struct region *region_at(uintptr_t address) {
    for (struct region *region = regions; region; region = region->next)
        if (address - region->base < region->size) return region;
    return NULL;
}

struct host_range *host_range_at(uintptr_t address) {
    for (struct host_range *range = host_ranges; range; range = range->next)
        if (address - range->base < range->size) return range;
    return NULL;
}

bool accessible(int device, uintptr_t address, size_t size, int access) {
    while (size > 0) {
        struct region *region = region_at(address);
        if (!region || (region->access[device] & access) != access) return false;
        size_t here = region->base + region->size - address;
        if (here >= size) return true;
        address += here;
        size -= here;
    }
    return true;
}

/* A range of addresses that nothing can access; 0: none is left. */
uintptr_t reserve_addresses(size_t size, size_t alignment, uintptr_t hint) {
    size_t more = size + alignment;
    if (more < size) return 0;
    char *start = mmap((void *) hint, more, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return 0;
    uintptr_t base = ((uintptr_t) start + alignment - 1) & ~(alignment - 1);
    if (base > (uintptr_t) start) munmap(start, base - (uintptr_t) start);
    uintptr_t tail = base + size, end = (uintptr_t) start + more;
    if (end > tail) munmap((void *) tail, end - tail);
    return base;
}

static CUresult see(struct physical *physical) {
    physical->bytes = mmap(NULL, physical->size, PROT_READ | PROT_WRITE, MAP_SHARED, physical->fd, 0);
    if (physical->bytes == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
    physical->next = physicals;
    physicals = physical;
    return CUDA_SUCCESS;
}

CUresult make_physical(int device, size_t size, bool vmm, struct physical **made) {
    if (size > settings().memory || used[device] > settings().memory - size) return CUDA_ERROR_OUT_OF_MEMORY;
    struct physical *physical = calloc(1, sizeof *physical);
    if (!physical) return CUDA_ERROR_OUT_OF_MEMORY;
    char name[80];
    CUresult result = CUDA_ERROR_OPERATING_SYSTEM;
    physical->fd = -1;
    if (getrandom(&physical->id, sizeof physical->id, 0) == sizeof physical->id) {
        snprintf(name, sizeof name, MEMFD_NAME ":%d:%016llx:%d", device, (unsigned long long) physical->id, vmm);
        physical->fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }
    physical->device = device;
    physical->size = size;
    physical->own = true;
    physical->vmm = vmm;
    if (physical->fd >= 0 && ftruncate(physical->fd, (off_t) size) == 0 && fcntl(physical->fd, F_ADD_SEALS, SEALS) == 0)
        result = see(physical);
    if (result != CUDA_SUCCESS) {
        if (physical->fd >= 0) close(physical->fd);
        free(physical);
        return result;
    }
    used[device] += size;
    *made = physical;
    return CUDA_SUCCESS;
}

/* Whether a descriptor is device memory of a stand-in, of whichever process; what memory, if so. */
CUresult describe_memfd(int fd, int *device, uint64_t *id, size_t *size, bool *vmm) {
    char path[64], target[128];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(path, target, sizeof target - 1);
    struct stat status;
    if (length < 0 || fstat(fd, &status) != 0) return CUDA_ERROR_INVALID_VALUE;
    target[length] = 0;
    unsigned long long number;
    int is_vmm;
    if (sscanf(target, "/memfd:" MEMFD_NAME ":%d:%llx:%d", device, &number, &is_vmm) != 3)
        return CUDA_ERROR_INVALID_VALUE;
    if ((fcntl(fd, F_GET_SEALS) & SEALS) != SEALS || *device < 0 || *device >= MAX_DEVICES)
        return CUDA_ERROR_INVALID_VALUE;
    *id = number;
    *size = (size_t) status.st_size;
    *vmm = is_vmm != 0;
    return CUDA_SUCCESS;
}

CUresult adopt_physical(int fd, struct physical **adopted) {
    struct physical *physical = calloc(1, sizeof *physical);
    if (!physical) return CUDA_ERROR_OUT_OF_MEMORY;
    CUresult result = describe_memfd(fd, &physical->device, &physical->id, &physical->size, &physical->vmm);
    physical->fd = fd;
    if (result == CUDA_SUCCESS) result = see(physical);
    if (result != CUDA_SUCCESS) {
        free(physical);
        return result;
    }
    *adopted = physical;
    return CUDA_SUCCESS;
}

/* Frees it unless a handle or a mapping is left. */
void release_physical(struct physical *physical) {
    if (physical->handles > 0 || physical->mappings > 0) return;
    struct physical **at = &physicals;
    while (*at != physical) at = &(*at)->next;
    *at = physical->next;
    if (physical->own) used[physical->device] -= physical->size;
    munmap(physical->bytes, physical->size);
    close(physical->fd);
    free(physical);
}

struct region *add_region(enum region_kind kind, uintptr_t base, size_t size, struct physical *physical) {
    struct region *region = calloc(1, sizeof *region);
    if (!region) return NULL;
    region->kind = kind;
    region->base = base;
    region->size = size;
    region->physical = physical;
    if (kind != REGION_VMM) memset(region->access, ACCESS_READ_WRITE, sizeof region->access);
    physical->mappings++;
    region->next = regions;
    regions = region;
    return region;
}

void remove_region(struct region *region) {
    struct region **at = &regions;
    while (*at != region) at = &(*at)->next;
    *at = region->next;
    if (region->kind != REGION_VMM) munmap((void *) region->base, region->reserved);
    region->physical->mappings--;
    release_physical(region->physical);
    free(region);
}

void free_context_memory(struct context *context) {
    pthread_rwlock_wrlock(&memory_lock);
    for (struct region *region = regions, *next; region; region = next) {
        next = region->next;
        if (region->context == context) remove_region(region);
    }
    pthread_rwlock_unlock(&memory_lock);
}

unsigned long long used_memory(int device) {
    pthread_rwlock_rdlock(&memory_lock);
    unsigned long long bytes = used[device];
    pthread_rwlock_unlock(&memory_lock);
    return bytes;
}

long live_memory(const char *kind) {
    long live = 0;
    pthread_rwlock_rdlock(&memory_lock);
    if (strcmp(kind, "handles") == 0)
        for (struct physical *physical = physicals; physical; physical = physical->next) live += physical->handles;
    else if (strcmp(kind, "host") == 0)
        for (struct host_range *range = host_ranges; range; range = range->next) live++;
    else {
        int wanted = strcmp(kind, "mappings") == 0      ? REGION_VMM
                     : strcmp(kind, "allocations") == 0 ? REGION_ALLOCATION
                     : strcmp(kind, "imports") == 0     ? REGION_IPC
                                                        : -1;
        for (struct region *region = regions; region; region = region->next) live += (int) region->kind == wanted;
        if (wanted < 0) live = -1;
    }
    pthread_rwlock_unlock(&memory_lock);
    return live;
}

static CUresult allocate(CUdeviceptr *address, size_t size) {
    struct context *context;
    TRY(current_context(&context));
    if (!address || size == 0) return CUDA_ERROR_INVALID_VALUE;
    if (size > settings().memory) return CUDA_ERROR_OUT_OF_MEMORY;
    size_t whole = (size + PAGE - 1) / PAGE * PAGE;
    struct physical *physical;
    pthread_rwlock_wrlock(&memory_lock);
    CUresult result = make_physical(context->device, whole, false, &physical);
    if (result == CUDA_SUCCESS) {
        uintptr_t base = reserve_addresses(whole, PAGE, 0);
        struct region *region = base ? add_region(REGION_ALLOCATION, base, size, physical) : NULL;
        if (region) {
            region->reserved = whole;
            region->context = context;
            *address = base;
        } else {
            if (base) munmap((void *) base, whole);
            release_physical(physical);
            result = CUDA_ERROR_OUT_OF_MEMORY;
        }
    }
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t size) {
    ENTER_INITIALISED();
    return allocate(address, size);
}

EXPORT CUresult cuMemAllocPitch_v2(CUdeviceptr *address, size_t *pitch, size_t width, size_t height,
                                   unsigned int element) {
    ENTER_INITIALISED();
    if (!pitch || width == 0 || height == 0 || (element != 4 && element != 8 && element != 16))
        return CUDA_ERROR_INVALID_VALUE;
    size_t wide = (width + PITCH_ALIGNMENT - 1) / PITCH_ALIGNMENT * PITCH_ALIGNMENT;
    if (wide < width || wide > SIZE_MAX / height) return CUDA_ERROR_INVALID_VALUE;
    TRY(allocate(address, wide * height));
    *pitch = wide;
    return CUDA_SUCCESS;
}

/* Waits for all work of the context first, as the driver does. */
EXPORT CUresult cuMemFree_v2(CUdeviceptr address) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    pthread_rwlock_rdlock(&memory_lock);
    struct region *region = region_at((uintptr_t) address);
    bool usable = region && region->kind == REGION_ALLOCATION && region->base == address;
    struct context *owner = usable ? region->context : NULL;
    pthread_rwlock_unlock(&memory_lock);
    if (!usable) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = wait_for_context(owner);
    pthread_rwlock_wrlock(&memory_lock);
    region = region_at((uintptr_t) address);
    if (region && region->kind == REGION_ALLOCATION && region->base == address) remove_region(region);
    else result = CUDA_ERROR_INVALID_VALUE; /* freed by another thread meanwhile */
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

EXPORT CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    if (!free_bytes || !total) return CUDA_ERROR_INVALID_VALUE;
    unsigned long long taken = used_memory(context->device), all = settings().memory;
    *free_bytes = taken < all ? all - taken : 0;
    *total = all;
    return CUDA_SUCCESS;
}

static CUresult add_host_range(uintptr_t base, size_t size, bool registered) {
    struct host_range *range = calloc(1, sizeof *range);
    if (!range) return CUDA_ERROR_OUT_OF_MEMORY;
    *range = (struct host_range) {.next = host_ranges, .base = base, .size = size, .registered = registered};
    host_ranges = range;
    return CUDA_SUCCESS;
}

static CUresult allocate_host(void **address, size_t size) {
    struct context *context;
    TRY(current_context(&context));
    if (!address || size == 0) return CUDA_ERROR_INVALID_VALUE;
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
    pthread_rwlock_wrlock(&memory_lock);
    CUresult result = add_host_range((uintptr_t) bytes, size, false);
    pthread_rwlock_unlock(&memory_lock);
    if (result == CUDA_SUCCESS) *address = bytes;
    else munmap(bytes, size);
    return result;
}

EXPORT CUresult cuMemHostAlloc(void **address, size_t size, unsigned int flags) {
    ENTER_INITIALISED();
    return flags > 7 ? CUDA_ERROR_INVALID_VALUE : allocate_host(address, size);
}

EXPORT CUresult cuMemAllocHost_v2(void **address, size_t size) {
    ENTER_INITIALISED();
    return allocate_host(address, size);
}

static CUresult drop_host_range(void *address, bool registered, CUresult otherwise) {
    struct context *context;
    TRY(current_context(&context));
    TRY(wait_for_context(context));
    CUresult result = otherwise;
    pthread_rwlock_wrlock(&memory_lock);
    for (struct host_range **at = &host_ranges; *at; at = &(*at)->next) {
        struct host_range *range = *at;
        if (range->base != (uintptr_t) address || range->registered != registered) continue;
        *at = range->next;
        if (!registered) munmap(address, range->size);
        free(range);
        result = CUDA_SUCCESS;
        break;
    }
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

EXPORT CUresult cuMemFreeHost(void *address) {
    ENTER_INITIALISED();
    return drop_host_range(address, false, CUDA_ERROR_INVALID_VALUE);
}

EXPORT CUresult cuMemHostRegister_v2(void *address, size_t size, unsigned int flags) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    if (!address || size == 0 || flags > 15) return CUDA_ERROR_INVALID_VALUE;
    pthread_rwlock_wrlock(&memory_lock);
    CUresult result = CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
    uintptr_t base = (uintptr_t) address;
    if (!host_range_at(base) && !host_range_at(base + size - 1)) result = add_host_range(base, size, true);
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

EXPORT CUresult cuMemHostUnregister(void *address) {
    ENTER_INITIALISED();
    return drop_host_range(address, true, CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
}

/* One address space: the device sees host memory where the CPU does. */
EXPORT CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *device, void *address, unsigned int flags) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    if (!device || flags != 0) return CUDA_ERROR_INVALID_VALUE;
    pthread_rwlock_rdlock(&memory_lock);
    bool known = host_range_at((uintptr_t) address) != NULL;
    pthread_rwlock_unlock(&memory_lock);
    if (known) *device = (uintptr_t) address;
    return known ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

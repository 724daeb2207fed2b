/* Test code: the virtual-memory functions of the stand-in driver. */
#include "standin.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOCATION_DEVICE = 1, ALLOCATION_PINNED = 1, HANDLE_POSIX_FD = 1 };

struct reservation {
    struct reservation *next;
    uintptr_t base;
    size_t size;
};

static struct reservation *reservations; /* memory_lock */

long live_reservations(void) {
    long live = 0;
    pthread_rwlock_rdlock(&memory_lock);
    for (struct reservation *reservation = reservations; reservation; reservation = reservation->next) live++;
    pthread_rwlock_unlock(&memory_lock);
    return live;
}

static CUresult check(const CUmemAllocationProp *prop, int *physical) {
    if (!prop || prop->type != ALLOCATION_PINNED || prop->location.type != LOCATION_DEVICE)
        return CUDA_ERROR_INVALID_VALUE;
    *physical = physical_of(prop->location.id);
    if (*physical < 0) return CUDA_ERROR_INVALID_DEVICE;
    if (prop->requestedHandleTypes & ~HANDLE_POSIX_FD) return CUDA_ERROR_NOT_SUPPORTED;
    if (prop->requestedHandleTypes && settings().no_vmm_fd) return CUDA_ERROR_NOT_SUPPORTED;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuMemGetAllocationGranularity(size_t *granularity, const CUmemAllocationProp *prop, int option) {
    ENTER_INITIALISED();
    int physical;
    if (!granularity || option < 0 || option > 1) return CUDA_ERROR_INVALID_VALUE;
    TRY(check(prop, &physical));
    *granularity = GRANULARITY;
    return CUDA_SUCCESS;
}

static struct physical *by_handle(CUmemGenericAllocationHandle handle) {
    for (struct physical *physical = first_physical(); physical; physical = physical->next)
        if ((uintptr_t) physical == handle && physical->handles > 0) return physical;
    return NULL;
}

EXPORT CUresult cuMemCreate(CUmemGenericAllocationHandle *handle, size_t size, const CUmemAllocationProp *prop,
                            unsigned long long flags) {
    ENTER_INITIALISED();
    int device;
    if (!handle || size == 0 || size % GRANULARITY != 0 || flags != 0) return CUDA_ERROR_INVALID_VALUE;
    TRY(check(prop, &device));
    struct physical *physical;
    pthread_rwlock_wrlock(&memory_lock);
    CUresult result = make_physical(device, size, true, &physical);
    if (result == CUDA_SUCCESS) {
        physical->handles = 1;
        physical->handle_types = prop->requestedHandleTypes;
        *handle = (uintptr_t) physical;
    }
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

EXPORT CUresult cuMemRelease(CUmemGenericAllocationHandle handle) {
    ENTER_INITIALISED();
    pthread_rwlock_wrlock(&memory_lock);
    struct physical *physical = by_handle(handle);
    if (physical) {
        physical->handles--;
        release_physical(physical);
    }
    pthread_rwlock_unlock(&memory_lock);
    return physical ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuMemExportToShareableHandle(void *shareable, CUmemGenericAllocationHandle handle, int type,
                                             unsigned long long flags) {
    ENTER_INITIALISED();
    if (!shareable || flags != 0 || type != HANDLE_POSIX_FD) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = CUDA_ERROR_INVALID_VALUE;
    pthread_rwlock_rdlock(&memory_lock);
    struct physical *physical = by_handle(handle);
    if (physical && (physical->handle_types & HANDLE_POSIX_FD)) {
        int fd = fcntl(physical->fd, F_DUPFD_CLOEXEC, 0);
        if (fd >= 0) *(int *) shareable = fd;
        result = fd >= 0 ? CUDA_SUCCESS : CUDA_ERROR_OPERATING_SYSTEM;
    }
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

/* The descriptor stays the caller's. The memory may be of a device that this process does not see. */
EXPORT CUresult cuMemImportFromShareableHandle(CUmemGenericAllocationHandle *handle, void *shareable, int type) {
    ENTER_INITIALISED();
    if (!handle || type != HANDLE_POSIX_FD) return CUDA_ERROR_INVALID_VALUE;
    if (settings().no_vmm_fd) return CUDA_ERROR_NOT_SUPPORTED;
    int fd = fcntl((int) (intptr_t) shareable, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return CUDA_ERROR_INVALID_VALUE;
    struct physical *physical = NULL;
    pthread_rwlock_wrlock(&memory_lock);
    CUresult result = adopt_physical(fd, &physical);
    if (result == CUDA_SUCCESS) {
        physical->handles = 1;
        physical->handle_types = HANDLE_POSIX_FD;
        if (!physical->vmm) { /* memory of cuMemAlloc has no such handle */
            physical->handles = 0;
            release_physical(physical);
            result = CUDA_ERROR_INVALID_VALUE;
        } else {
            *handle = (uintptr_t) physical;
        }
    } else {
        close(fd);
    }
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

EXPORT CUresult cuMemRetainAllocationHandle(CUmemGenericAllocationHandle *handle, void *address) {
    ENTER_INITIALISED();
    if (!handle) return CUDA_ERROR_INVALID_VALUE;
    pthread_rwlock_wrlock(&memory_lock);
    struct region *region = region_at((uintptr_t) address);
    bool usable = region && region->kind == REGION_VMM;
    if (usable) {
        region->physical->handles++;
        *handle = (uintptr_t) region->physical;
    }
    pthread_rwlock_unlock(&memory_lock);
    return usable ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuMemGetAllocationPropertiesFromHandle(CUmemAllocationProp *prop, CUmemGenericAllocationHandle handle) {
    ENTER_INITIALISED();
    if (!prop) return CUDA_ERROR_INVALID_VALUE;
    pthread_rwlock_rdlock(&memory_lock);
    struct physical *physical = by_handle(handle);
    if (physical)
        *prop = (CUmemAllocationProp) {.type = ALLOCATION_PINNED,
                                       .requestedHandleTypes = physical->handle_types,
                                       .location = {LOCATION_DEVICE, ordinal_of(physical->device)}};
    pthread_rwlock_unlock(&memory_lock);
    return physical ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuMemAddressReserve(CUdeviceptr *address, size_t size, size_t alignment, CUdeviceptr hint,
                                    unsigned long long flags) {
    ENTER_INITIALISED();
    if (!address || size == 0 || size % GRANULARITY != 0 || flags != 0 || (alignment & (alignment - 1)) != 0)
        return CUDA_ERROR_INVALID_VALUE;
    struct reservation *reservation = calloc(1, sizeof *reservation);
    if (!reservation) return CUDA_ERROR_OUT_OF_MEMORY;
    uintptr_t base = reserve_addresses(size, alignment > GRANULARITY ? alignment : GRANULARITY, (uintptr_t) hint);
    if (!base) {
        free(reservation);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    reservation->base = base;
    reservation->size = size;
    pthread_rwlock_wrlock(&memory_lock);
    reservation->next = reservations;
    reservations = reservation;
    pthread_rwlock_unlock(&memory_lock);
    *address = base;
    return CUDA_SUCCESS;
}

static bool overlaps_region(uintptr_t base, size_t size) {
    for (struct region *region = first_region(); region; region = region->next)
        if (base < region->base + region->size && region->base < base + size) return true;
    return false;
}

EXPORT CUresult cuMemAddressFree(CUdeviceptr address, size_t size) {
    ENTER_INITIALISED();
    CUresult result = CUDA_ERROR_INVALID_VALUE;
    pthread_rwlock_wrlock(&memory_lock);
    for (struct reservation **at = &reservations; *at; at = &(*at)->next) {
        struct reservation *reservation = *at;
        if (reservation->base != address || reservation->size != size || overlaps_region(address, size)) continue;
        *at = reservation->next;
        munmap((void *) reservation->base, size);
        free(reservation);
        result = CUDA_SUCCESS;
        break;
    }
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

bool reserved(uintptr_t base, size_t size) {
    for (struct reservation *reservation = reservations; reservation; reservation = reservation->next)
        if (base >= reservation->base && size <= reservation->size
            && base - reservation->base <= reservation->size - size)
            return true;
    return false;
}

/* Nobody has access until cuMemSetAccess. */
EXPORT CUresult cuMemMap(CUdeviceptr address, size_t size, size_t offset, CUmemGenericAllocationHandle handle,
                         unsigned long long flags) {
    ENTER_INITIALISED();
    if (size == 0 || size % GRANULARITY != 0 || address % GRANULARITY != 0 || offset != 0 || flags != 0)
        return CUDA_ERROR_INVALID_VALUE;
    CUresult result = CUDA_ERROR_INVALID_VALUE;
    pthread_rwlock_wrlock(&memory_lock);
    struct physical *physical = by_handle(handle);
    if (physical && size <= physical->size && reserved((uintptr_t) address, size)
        && !overlaps_region((uintptr_t) address, size))
        result = add_region(REGION_VMM, (uintptr_t) address, size, physical) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

/* Whether the range consists of whole mappings. */
static bool whole_mappings(uintptr_t base, size_t size) {
    if (size == 0) return false;
    while (size > 0) {
        struct region *region = region_at(base);
        if (!region || region->kind != REGION_VMM || region->base != base || region->size > size) return false;
        base += region->size;
        size -= region->size;
    }
    return true;
}

EXPORT CUresult cuMemUnmap(CUdeviceptr address, size_t size) {
    ENTER_INITIALISED();
    pthread_rwlock_wrlock(&memory_lock);
    bool usable = whole_mappings((uintptr_t) address, size);
    while (usable && size > 0) {
        struct region *region = region_at((uintptr_t) address);
        address += region->size;
        size -= region->size;
        remove_region(region);
    }
    pthread_rwlock_unlock(&memory_lock);
    return usable ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuMemSetAccess(CUdeviceptr address, size_t size, const CUmemAccessDesc *descriptors, size_t count) {
    ENTER_INITIALISED();
    if (!descriptors || count == 0) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = CUDA_SUCCESS;
    pthread_rwlock_wrlock(&memory_lock);
    if (!whole_mappings((uintptr_t) address, size)) result = CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < count && result == CUDA_SUCCESS; i++) {
        int device = physical_of(descriptors[i].location.id), flags = descriptors[i].flags;
        bool known = flags == 0 || flags == ACCESS_READ || flags == ACCESS_READ_WRITE;
        if (descriptors[i].location.type != LOCATION_DEVICE || !known)
            result = CUDA_ERROR_INVALID_VALUE;
        else if (device < 0) result = CUDA_ERROR_INVALID_DEVICE;
        for (size_t at = 0; at < size && result == CUDA_SUCCESS;) {
            struct region *region = region_at((uintptr_t) address + at);
            if (flags != 0 && !can_access(device, region->physical->device)) result = CUDA_ERROR_INVALID_DEVICE;
            else region->access[device] = (unsigned char) flags;
            at += region->size;
        }
    }
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

EXPORT CUresult cuMemGetAccess(unsigned long long *flags, const CUmemLocation *location, CUdeviceptr address) {
    ENTER_INITIALISED();
    if (!flags || !location || location->type != LOCATION_DEVICE) return CUDA_ERROR_INVALID_VALUE;
    int device = physical_of(location->id);
    if (device < 0) return CUDA_ERROR_INVALID_DEVICE;
    pthread_rwlock_rdlock(&memory_lock);
    struct region *region = region_at((uintptr_t) address);
    if (region) *flags = region->access[device];
    pthread_rwlock_unlock(&memory_lock);
    return region ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

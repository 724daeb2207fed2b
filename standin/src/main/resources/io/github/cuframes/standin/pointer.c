/* Test code: what the stand-in driver knows about an address. */
#include "standin.h"
#include <string.h>

enum { MEMORY_HOST = 1, MEMORY_DEVICE = 2 };

EXPORT CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *size, CUdeviceptr address) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    pthread_rwlock_rdlock(&memory_lock);
    struct region *region = region_at((uintptr_t) address);
    if (region && base) *base = region->base;
    if (region && size) *size = region->size;
    pthread_rwlock_unlock(&memory_lock);
    return region ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

static CUresult of_region(void *data, int attribute, struct region *region, CUdeviceptr address) {
    struct context *current;
    switch (attribute) {
        case 1: *(CUcontext *) data = region->context; break; /* none for memory that was mapped by hand */
        case 2: *(unsigned int *) data = MEMORY_DEVICE; break;
        case 3: *(CUdeviceptr *) data = address; break;
        case 7: *(unsigned long long *) data = region->physical->id; break;
        case 8: *(unsigned int *) data = 0; break;
        case 9: *(int *) data = ordinal_of(region->physical->device); break;
        case 10: *(unsigned char *) data = region->kind == REGION_ALLOCATION; break;
        case 11: *(CUdeviceptr *) data = region->base; break;
        case 12: *(size_t *) data = region->size; break;
        case 13: *(unsigned char *) data = 1; break;
        case 14: *(unsigned long long *) data = (unsigned) region->physical->handle_types; break;
        case 16:
            TRY(current_context(&current));
            *(unsigned int *) data = region->access[current->device];
            break;
        default: return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}

static CUresult of_host(void *data, int attribute, struct host_range *range, CUdeviceptr address) {
    switch (attribute) {
        case 2: *(unsigned int *) data = MEMORY_HOST; break;
        case 3: *(CUdeviceptr *) data = address; break;
        case 4: *(void **) data = (void *) (uintptr_t) address; break;
        case 8: *(unsigned int *) data = 0; break;
        case 10: *(unsigned char *) data = 0; break;
        case 11: *(CUdeviceptr *) data = range->base; break;
        case 12: *(size_t *) data = range->size; break;
        case 13: *(unsigned char *) data = 1; break;
        default: return CUDA_ERROR_INVALID_VALUE;
    }
    return CUDA_SUCCESS;
}

static CUresult attribute_of(void *data, int attribute, CUdeviceptr address) {
    if (!data) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = CUDA_ERROR_INVALID_VALUE;
    pthread_rwlock_rdlock(&memory_lock);
    struct region *region = region_at((uintptr_t) address);
    struct host_range *range = region ? NULL : host_range_at((uintptr_t) address);
    if (region) result = of_region(data, attribute, region, address);
    else if (range) result = of_host(data, attribute, range, address);
    pthread_rwlock_unlock(&memory_lock);
    return result;
}

EXPORT CUresult cuPointerGetAttribute(void *data, int attribute, CUdeviceptr address) {
    ENTER_INITIALISED();
    return attribute_of(data, attribute, address);
}

static size_t size_of_attribute(int attribute) {
    switch (attribute) {
        case 2:
        case 8:
        case 9:
        case 16: return 4;
        case 10:
        case 13: return 1;
        default: return 8;
    }
}

/* An address that is not CUDA's is no error here: each attribute is zero then. */
EXPORT CUresult cuPointerGetAttributes(unsigned int count, int *attributes, void **data, CUdeviceptr address) {
    ENTER_INITIALISED();
    if (!attributes || !data) return CUDA_ERROR_INVALID_VALUE;
    for (unsigned int i = 0; i < count; i++) {
        if (!data[i]) return CUDA_ERROR_INVALID_VALUE;
        if (attribute_of(data[i], attributes[i], address) != CUDA_SUCCESS)
            memset(data[i], 0, size_of_attribute(attributes[i]));
    }
    return CUDA_SUCCESS;
}

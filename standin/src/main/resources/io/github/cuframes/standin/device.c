/* Test code: devices of the stand-in driver, and what it says about itself. */
#include "standin.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool cu_initialised;

static void uuid_of(int physical, unsigned char uuid[16]) {
    static const unsigned char pattern[16] = "cuframes\x40\x00\x80stan";
    memcpy(uuid, pattern, 15);
    uuid[15] = (unsigned char) physical;
}

static void uuid_text(int physical, char text[48]) {
    unsigned char u[16];
    uuid_of(physical, u);
    const char *format = "GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x";
    snprintf(text, 48, format, u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
             u[13], u[14], u[15]);
}

/* The device that an item of CUDA_VISIBLE_DEVICES names, by index or by the beginning of its UUID; -1: none. */
static int named(const char *item, int gpus) {
    if (strncasecmp(item, "GPU-", 4) == 0) {
        for (int i = 0; i < gpus; i++) {
            char text[48];
            uuid_text(i, text);
            if (strncasecmp(text, item, strlen(item)) == 0) return i;
        }
        return -1;
    }
    char *end;
    long index = strtol(item, &end, 10);
    return end == item || *end || index < 0 || index >= gpus ? -1 : (int) index;
}

/* As with the real driver, the list ends at the first item that names no device. */
static int visible(int devices[MAX_DEVICES]) {
    int gpus = settings().gpus, count = 0;
    const char *list = getenv("CUDA_VISIBLE_DEVICES");
    if (!list) {
        for (; count < gpus; count++) devices[count] = count;
        return count;
    }
    char copy[512], *rest = copy, *item;
    snprintf(copy, sizeof copy, "%s", list);
    while (count < gpus && (item = strsep(&rest, ",")) != NULL) {
        int device = named(item, gpus);
        if (device < 0) break;
        devices[count++] = device;
    }
    return count;
}

int device_count(void) {
    int devices[MAX_DEVICES];
    return visible(devices);
}

int physical_of(CUdevice ordinal) {
    int devices[MAX_DEVICES], count = visible(devices);
    return ordinal < 0 || ordinal >= count ? -1 : devices[ordinal];
}

int ordinal_of(int physical) {
    int devices[MAX_DEVICES], count = visible(devices);
    for (int i = 0; i < count; i++)
        if (devices[i] == physical) return i;
    return -2;
}

bool can_access(int physical, int peer) {
    return physical == peer || !settings().no_peer;
}

bool initialised(void) {
    pthread_mutex_lock(&lock);
    bool is = cu_initialised;
    pthread_mutex_unlock(&lock);
    return is;
}

EXPORT CUresult cuInit(unsigned int flags) {
    ENTER();
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    if (device_count() == 0) return CUDA_ERROR_NO_DEVICE;
    pthread_mutex_lock(&lock);
    cu_initialised = true;
    pthread_mutex_unlock(&lock);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDriverGetVersion(int *version) {
    ENTER();
    if (!version) return CUDA_ERROR_INVALID_VALUE;
    *version = settings().version;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetCount(int *count) {
    ENTER_INITIALISED();
    if (!count) return CUDA_ERROR_INVALID_VALUE;
    *count = device_count();
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    ENTER_INITIALISED();
    if (!device) return CUDA_ERROR_INVALID_VALUE;
    if (physical_of(ordinal) < 0) return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetName(char *name, int size, CUdevice device) {
    ENTER_INITIALISED();
    if (!name || size <= 0) return CUDA_ERROR_INVALID_VALUE;
    int physical = physical_of(device);
    if (physical < 0) return CUDA_ERROR_INVALID_DEVICE;
    snprintf(name, (size_t) size, "Stand-in GPU %d", physical);
    return CUDA_SUCCESS;
}

static CUresult get_uuid(CUuuid *uuid, CUdevice device) {
    if (!uuid) return CUDA_ERROR_INVALID_VALUE;
    int physical = physical_of(device);
    if (physical < 0) return CUDA_ERROR_INVALID_DEVICE;
    uuid_of(physical, (unsigned char *) uuid->bytes);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
    ENTER_INITIALISED();
    return get_uuid(uuid, device);
}

EXPORT CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) {
    ENTER_INITIALISED();
    return get_uuid(uuid, device);
}

EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
    ENTER_INITIALISED();
    if (!bytes) return CUDA_ERROR_INVALID_VALUE;
    if (physical_of(device) < 0) return CUDA_ERROR_INVALID_DEVICE;
    *bytes = settings().memory;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute, CUdevice device) {
    ENTER_INITIALISED();
    if (!value) return CUDA_ERROR_INVALID_VALUE;
    int physical = physical_of(device);
    if (physical < 0) return CUDA_ERROR_INVALID_DEVICE;
    switch (attribute) {
        case 1: *value = 1024; break;         /* MAX_THREADS_PER_BLOCK */
        case 10: *value = 32; break;          /* WARP_SIZE */
        case 11: *value = 2147483647; break;  /* MAX_PITCH */
        case 14: *value = 512; break;         /* TEXTURE_ALIGNMENT */
        case 16: *value = 1; break;           /* MULTIPROCESSOR_COUNT */
        case 19: *value = 1; break;           /* CAN_MAP_HOST_MEMORY */
        case 30: *value = 512; break;         /* SURFACE_ALIGNMENT */
        case 31: *value = 1; break;           /* CONCURRENT_KERNELS */
        case 33: *value = physical + 1; break; /* PCI_BUS_ID */
        case 40: *value = 1; break;           /* ASYNC_ENGINE_COUNT */
        case 41: *value = 1; break;           /* UNIFIED_ADDRESSING */
        case 51: *value = 32; break;          /* TEXTURE_PITCH_ALIGNMENT */
        case 75: *value = 9; break;           /* COMPUTE_CAPABILITY_MAJOR */
        case 76: *value = 0; break;           /* COMPUTE_CAPABILITY_MINOR */
        case 78: *value = 1; break;           /* STREAM_PRIORITIES_SUPPORTED */
        case 102: *value = 1; break;          /* VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED */
        case 103: *value = settings().no_vmm_fd ? 0 : 1; break; /* HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED */
        default:
            if (attribute < 1 || attribute > 160) return CUDA_ERROR_INVALID_VALUE;
            *value = 0; /* a device that can nothing more; events of other processes (125) too */
    }
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
    ENTER_INITIALISED();
    if (!major || !minor) return CUDA_ERROR_INVALID_VALUE;
    if (physical_of(device) < 0) return CUDA_ERROR_INVALID_DEVICE;
    *major = 9;
    *minor = 0;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer) {
    ENTER_INITIALISED();
    if (!can) return CUDA_ERROR_INVALID_VALUE;
    int one = physical_of(device), other = physical_of(peer);
    if (one < 0 || other < 0) return CUDA_ERROR_INVALID_DEVICE;
    *can = one != other && can_access(one, other);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetPCIBusId(char *id, int size, CUdevice device) {
    ENTER_INITIALISED();
    if (!id || size < 13) return CUDA_ERROR_INVALID_VALUE;
    int physical = physical_of(device);
    if (physical < 0) return CUDA_ERROR_INVALID_DEVICE;
    snprintf(id, (size_t) size, "0000:%02X:00.0", (unsigned char) (physical + 1));
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDeviceGetByPCIBusId(CUdevice *device, const char *id) {
    ENTER_INITIALISED();
    if (!device || !id) return CUDA_ERROR_INVALID_VALUE;
    unsigned int domain, bus, slot, function;
    if (sscanf(id, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4) return CUDA_ERROR_INVALID_VALUE;
    int ordinal = domain || slot || function || bus == 0 ? -2 : ordinal_of((int) bus - 1);
    if (ordinal < 0) return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
}

static const struct {
    int code;
    const char *name, *text;
} errors[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "device(s) is/are busy or unavailable"},
    {100, "CUDA_ERROR_NO_DEVICE", "no device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {205, "CUDA_ERROR_MAP_FAILED", "mapping of buffer object failed"},
    {215, "CUDA_ERROR_UNSUPPORTED_LIMIT", "limit is not supported on this architecture"},
    {217, "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED", "peer access is not supported between these two devices"},
    {304, "CUDA_ERROR_OPERATING_SYSTEM", "OS call failed or operation not supported on this OS"},
    {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {401, "CUDA_ERROR_ILLEGAL_STATE", "the operation cannot be performed in the present state"},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {600, "CUDA_ERROR_NOT_READY", "device not ready"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {704, "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED", "peer access is already enabled"},
    {705, "CUDA_ERROR_PEER_ACCESS_NOT_ENABLED", "peer access has not been enabled"},
    {709, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {712, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED", "part or all of the requested memory range is already mapped"},
    {713, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED", "pointer does not correspond to a registered memory region"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {800, "CUDA_ERROR_NOT_PERMITTED", "operation not permitted"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

EXPORT CUresult cuGetErrorName(CUresult error, const char **name) {
    ENTER();
    if (!name) return CUDA_ERROR_INVALID_VALUE;
    *name = NULL;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].code == error) *name = errors[i].name;
    return *name ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

EXPORT CUresult cuGetErrorString(CUresult error, const char **text) {
    ENTER();
    if (!text) return CUDA_ERROR_INVALID_VALUE;
    *text = NULL;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].code == error) *text = errors[i].text;
    return *text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

static void *own_symbol(const char *symbol, int version) {
    static const char *const suffixes[] = {"_v3", "_v2", ""};
    Dl_info self;
    if (!dladdr((void *) own_symbol, &self)) return NULL;
    void *library = dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!library) return NULL;
    void *found = NULL;
    /* from 11.4 on that name means a function of other parameters, which is not here */
    bool other = strcmp(symbol, "cuCtxCreate") == 0 && version >= 11040;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes && !found && !other; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", symbol, suffixes[i]);
        found = strncmp(name, "cu", 2) == 0 ? dlsym(library, name) : NULL;
    }
    dlclose(library);
    return found;
}

EXPORT CUresult cuGetProcAddress_v2(const char *symbol, void **function, int version, uint64_t flags, int *status) {
    ENTER();
    if (!symbol || !function || flags > 2) return CUDA_ERROR_INVALID_VALUE;
    *function = own_symbol(symbol, version);
    if (status) *status = *function ? 0 : 1;
    return *function || status ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

EXPORT CUresult cuGetProcAddress(const char *symbol, void **function, int version, uint64_t flags) {
    ENTER();
    if (!symbol || !function || flags > 2) return CUDA_ERROR_INVALID_VALUE;
    *function = own_symbol(symbol, version);
    return *function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

/*
 * Test code: a stand-in for NVIDIA's management library with three GPUs: one that tells everything, one whose decoder's use is not
 * supported, and one that is lost. See StandInNvml.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7, GPU_IS_LOST = 15 };

struct memory {
    unsigned long long total, free, used;
};

static char devices[3];

int nvmlInit_v2(void) {
    const char *code = getenv("CUFRAMES_STANDIN_NVML_START");
    return code ? atoi(code) : SUCCESS;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    *count = sizeof devices;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, char **device) {
    if (index >= sizeof devices) return INVALID_ARGUMENT;
    if (index == 2) return GPU_IS_LOST;
    *device = &devices[index];
    return SUCCESS;
}

int nvmlDeviceGetUUID(char *device, char *text, unsigned length) {
    const char *whole = getenv("CUFRAMES_STANDIN_NVML_WHOLE");
    if (!whole) whole = "GPU-00112233-4455-6677-8899-aabbccddeeff";
    const char *uuid = device == devices ? whole : "GPU-f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f";
    if (length <= strlen(uuid)) return INSUFFICIENT_SIZE;
    strcpy(text, uuid);
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(char *device, struct memory *memory) {
    unsigned long long n = device - devices + 1;
    memory->total = n * 85899345920ull;
    memory->used = n * 1234567890123ull / 1000;
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

int nvmlDeviceGetDecoderUtilization(char *device, unsigned *percent, unsigned *period_us) {
    if (device != devices) return NOT_SUPPORTED;
    *percent = 37;
    *period_us = 1000000;
    return SUCCESS;
}

const char *nvmlErrorString(int code) {
    return code == GPU_IS_LOST ? "GPU is lost" : code == 9 ? "Driver Not Loaded" : "Unknown Error";
}

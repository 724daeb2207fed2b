/*
 * Test code: a stand-in for the CUDA driver library (libcuda.so.1) on machines without a GPU. "Device memory" lies in
 * memfds, "streams" are threads. It needs no cuda.h; the few types and values of the driver's interface are below.
 *
 * A device address is never backed by memory that the CPU can reach: it is reserved without access, as the address of
 * real device memory would be, so that code which forgets to copy crashes here too. Copies go through a second, hidden
 * mapping (physical.bytes).
 *
 * Locks: objects_lock guards contexts, streams and events; memory_lock guards reservations, regions, physical memory
 * and host ranges (copies hold it for reading while they run). memory_lock may be taken while objects_lock is held,
 * never the other way round.
 */
#ifndef CUFRAMES_STANDIN_H
#define CUFRAMES_STANDIN_H

#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef unsigned long long CUmemGenericAllocationHandle;
typedef struct context *CUcontext;
typedef struct stream *CUstream;
typedef struct event *CUevent;
typedef struct {
    char bytes[16];
} CUuuid;
typedef struct {
    char reserved[64];
} CUipcMemHandle;
typedef struct {
    int type;
    int id;
} CUmemLocation;
typedef struct {
    int type;
    int requestedHandleTypes;
    CUmemLocation location;
    void *win32HandleMetaData;
    struct {
        unsigned char compressionType;
        unsigned char gpuDirectRDMACapable;
        unsigned short usage;
        unsigned char reserved[4];
    } allocFlags;
} CUmemAllocationProp;
typedef struct {
    CUmemLocation location;
    int flags;
} CUmemAccessDesc;
typedef struct {
    size_t srcXInBytes, srcY;
    int srcMemoryType;
    const void *srcHost;
    CUdeviceptr srcDevice;
    void *srcArray;
    size_t srcPitch;
    size_t dstXInBytes, dstY;
    int dstMemoryType;
    void *dstHost;
    CUdeviceptr dstDevice;
    void *dstArray;
    size_t dstPitch;
    size_t WidthInBytes, Height;
} CUDA_MEMCPY2D;

_Static_assert(sizeof(CUmemAllocationProp) == 32, "layout of cuda.h");
_Static_assert(sizeof(CUmemAccessDesc) == 12, "layout of cuda.h");
_Static_assert(sizeof(CUDA_MEMCPY2D) == 128, "layout of cuda.h");

enum {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_INVALID_VALUE = 1,
    CUDA_ERROR_OUT_OF_MEMORY = 2,
    CUDA_ERROR_NOT_INITIALIZED = 3,
    CUDA_ERROR_NO_DEVICE = 100,
    CUDA_ERROR_INVALID_DEVICE = 101,
    CUDA_ERROR_INVALID_CONTEXT = 201,
    CUDA_ERROR_UNSUPPORTED_LIMIT = 215,
    CUDA_ERROR_PEER_ACCESS_UNSUPPORTED = 217,
    CUDA_ERROR_OPERATING_SYSTEM = 304,
    CUDA_ERROR_INVALID_HANDLE = 400,
    CUDA_ERROR_NOT_FOUND = 500,
    CUDA_ERROR_NOT_READY = 600,
    CUDA_ERROR_ILLEGAL_ADDRESS = 700,
    CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED = 704,
    CUDA_ERROR_PEER_ACCESS_NOT_ENABLED = 705,
    CUDA_ERROR_CONTEXT_IS_DESTROYED = 709,
    CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED = 712,
    CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED = 713,
    CUDA_ERROR_NOT_PERMITTED = 800,
    CUDA_ERROR_NOT_SUPPORTED = 801,
};

enum { MAX_DEVICES = 16, ACCESS_READ = 1, ACCESS_READ_WRITE = 3 };

#define GRANULARITY ((size_t) 2 << 20)
#define PAGE ((size_t) 4096)
#define EXPORT __attribute__((visibility("default")))

/* One exported function: how often it was called, and thereby the place where errors are injected. */
struct entry {
    const char *name;
    unsigned long long calls;
    struct entry *next;
    bool listed;
};

/* What each function of the driver begins with. NEEDS_INIT is for all but those that work before cuInit. */
#define ENTER()                                                    \
    do {                                                           \
        static struct entry entry_ = {.name = __func__};           \
        CUresult injected_ = entry_called(&entry_);                \
        if (injected_ != CUDA_SUCCESS) return injected_;           \
    } while (0)
#define ENTER_INITIALISED()                                        \
    do {                                                           \
        ENTER();                                                   \
        if (!initialised()) return CUDA_ERROR_NOT_INITIALIZED;     \
    } while (0)
#define TRY(call)                                                  \
    do {                                                           \
        CUresult result_ = (call);                                 \
        if (result_ != CUDA_SUCCESS) return result_;               \
    } while (0)

/* control.c */
struct settings {
    int gpus;
    bool no_peer;
    bool no_vmm_fd;
    int version;
    unsigned long long memory;
    unsigned long long delay_us;
};
struct settings settings(void);
CUresult entry_called(struct entry *entry);
/* true while this thread runs a host function, which must not call the driver */
extern _Thread_local bool in_host_function;

/* device.c: devices are "physical" inside and "ordinals" (what CUDA_VISIBLE_DEVICES leaves) at the interface */
bool initialised(void);
int device_count(void);
int physical_of(CUdevice ordinal); /* -1: no such device */
int ordinal_of(int physical);      /* -2: not visible to this process */
bool can_access(int physical, int peer);

/* context.c */
struct context {
    struct context *next;
    int device; /* physical */
    bool primary;
    bool alive;
    unsigned int retained;
    unsigned int flags;
    unsigned long long sequence; /* of the last operation queued in any stream */
    CUresult broken;             /* what an operation failed with; every later call reports it */
    bool peers[MAX_DEVICES];
    struct stream *default_stream;
};
extern pthread_mutex_t objects_lock;
CUresult current_context(struct context **context);
CUresult use_context(struct context *context); /* checks a handle; takes objects_lock */
bool context_alive_locked(const struct context *context);
struct context *first_context_locked(void);
void mend_contexts(void);

/* stream.c */
struct stream {
    struct stream *next;
    struct context *context;
    unsigned int flags;
    bool is_default;
    bool destroyed;         /* its handle is; what is queued still runs */
    bool running;           /* has a thread, which frees the stream */
    bool blocked;           /* by standin_block */
    unsigned int allowance; /* operations that may pass although blocked */
    unsigned int pending;
    struct operation *head, *tail; /* the head stays until it is done */
};
enum operation_kind { OP_COPY, OP_FILL, OP_RECORD, OP_WAIT, OP_HOST, OP_CALLBACK };
struct side {
    bool device; /* else the CPU's memory */
    uintptr_t address;
    size_t pitch;
    int accessor; /* physical: the device whose access counts */
};
struct operation {
    struct operation *next;
    enum operation_kind kind;
    unsigned long long sequence; /* in the context */
    struct side source, target;
    size_t width, height;
    void *staging; /* a copy of the source, freed with the operation */
    unsigned int value;
    size_t element;
    struct event *event; /* holds a reference */
    unsigned long long generation;
    void (*host)(void *);
    void (*callback)(CUstream, CUresult, void *);
    void *user;
    CUstream handle;
};
extern pthread_cond_t objects_changed; /* anything that a thread might wait for */
CUresult find_stream_locked(CUstream handle, struct context *current, struct stream **stream);
CUresult queue_locked(struct stream *stream, const struct operation *operation);
/* Queues a copy of the operation; it owns the staging memory even if this fails. */
CUresult submit(CUstream handle, const struct operation *operation, bool wait);
CUresult wait_for_context(struct context *context);
void destroy_context_objects(struct context *context);
void unblock_everything(void);
long live_streams(void);

/* event.c */
struct event {
    struct event *next;
    struct context *context;
    unsigned int flags;
    unsigned int references; /* the handle's and one of each queued operation or waiter */
    bool destroyed;
    unsigned long long recorded, completed; /* generations */
    uint64_t nanos;
};
void record_done_locked(struct event *event, unsigned long long generation);
void release_event_locked(struct event *event);
void destroy_events_locked(struct context *context);
long live_events(void);

/* copy.c */
CUresult run_copy(const struct operation *operation);
CUresult run_fill(const struct operation *operation);

/* memory.c */
struct physical {
    struct physical *next;
    uint64_t id;
    int fd;
    int device;
    size_t size;
    char *bytes; /* the hidden mapping */
    unsigned int handles, mappings;
    int handle_types;
    bool own; /* counted in the device's budget: made here, not imported */
    bool vmm;
};
enum region_kind { REGION_ALLOCATION, REGION_VMM, REGION_IPC };
struct region {
    struct region *next;
    enum region_kind kind;
    uintptr_t base;
    size_t size; /* as asked for */
    size_t reserved;
    struct physical *physical;
    struct context *context; /* of allocations and legacy IPC mappings */
    unsigned int opened;     /* legacy IPC: how often */
    unsigned char access[MAX_DEVICES];
};
struct host_range {
    struct host_range *next;
    uintptr_t base;
    size_t size;
    bool registered; /* the application's own memory */
};
extern pthread_rwlock_t memory_lock;
struct region *first_region(void);
struct region *region_at(uintptr_t address);
struct host_range *host_range_at(uintptr_t address);
bool accessible(int device, uintptr_t address, size_t size, int access);
uintptr_t reserve_addresses(size_t size, size_t alignment, uintptr_t hint);
CUresult make_physical(int device, size_t size, bool vmm, struct physical **physical);
CUresult adopt_physical(int fd, struct physical **physical); /* takes the descriptor on success */
CUresult describe_memfd(int fd, int *device, uint64_t *id, size_t *size, bool *vmm);
void release_physical(struct physical *physical);
struct physical *first_physical(void);
struct region *add_region(enum region_kind kind, uintptr_t base, size_t size, struct physical *physical);
void remove_region(struct region *region);
void free_context_memory(struct context *context);
unsigned long long used_memory(int device);
long live_memory(const char *kind); /* -1: not a kind of memory */

/* vmm.c */
long live_reservations(void);
bool reserved(uintptr_t base, size_t size); /* with memory_lock */

#endif

/* Test code: contexts of the stand-in driver. A handle is a pointer that is looked up before it is followed. */
#include "standin.h"
#include <stdlib.h>

enum { STACK_DEPTH = 64 };

pthread_mutex_t objects_lock = PTHREAD_MUTEX_INITIALIZER;
static struct context *contexts; /* never freed, so that a stale handle is known to be one */
/* Held while a primary context is retained or ended, so that nobody is given one that is coming to its end. */
static pthread_mutex_t primary_lock = PTHREAD_MUTEX_INITIALIZER;
static struct context *primaries[MAX_DEVICES];
static unsigned int primary_flags[MAX_DEVICES];
static _Thread_local struct context *stack[STACK_DEPTH];
static _Thread_local int depth;

struct context *first_context_locked(void) {
    return contexts;
}

bool context_alive_locked(const struct context *wanted) {
    for (struct context *context = contexts; context; context = context->next)
        if (context == wanted) return context->alive;
    return false;
}

static bool known_locked(const struct context *wanted) {
    for (struct context *context = contexts; context; context = context->next)
        if (context == wanted) return true;
    return false;
}

CUresult use_context(struct context *context) {
    pthread_mutex_lock(&objects_lock);
    CUresult result = context_alive_locked(context)  ? CUDA_SUCCESS
                      : context && known_locked(context) ? CUDA_ERROR_CONTEXT_IS_DESTROYED
                                                         : CUDA_ERROR_INVALID_CONTEXT;
    if (result == CUDA_SUCCESS) result = context->broken;
    pthread_mutex_unlock(&objects_lock);
    return result;
}

CUresult current_context(struct context **context) {
    *context = depth == 0 ? NULL : stack[depth - 1];
    return *context ? use_context(*context) : CUDA_ERROR_INVALID_CONTEXT;
}

void mend_contexts(void) {
    pthread_mutex_lock(&objects_lock);
    for (struct context *context = contexts; context; context = context->next) context->broken = CUDA_SUCCESS;
    pthread_mutex_unlock(&objects_lock);
}

/* Breaks the contexts of a device, as a GPU that fell off the bus does: each later call in them reports the code. */
EXPORT void standin_break(int device, int code) {
    int physical = physical_of(device);
    pthread_mutex_lock(&objects_lock);
    for (struct context *context = contexts; context; context = context->next)
        if (context->device == physical) context->broken = code;
    pthread_cond_broadcast(&objects_changed);
    pthread_mutex_unlock(&objects_lock);
}

static struct context *make_locked(int device, bool primary, unsigned int flags) {
    struct context *context = calloc(1, sizeof *context);
    if (!context) return NULL;
    context->device = device;
    context->primary = primary;
    context->alive = true;
    context->flags = flags;
    context->next = contexts;
    contexts = context;
    return context;
}

/* Waits for the context's work, then frees what lives in it. */
static void end(struct context *context) {
    wait_for_context(context);
    destroy_context_objects(context);
    free_context_memory(context);
    pthread_mutex_lock(&objects_lock);
    context->alive = false;
    context->retained = 0;
    context->broken = CUDA_SUCCESS;
    for (int i = 0; i < MAX_DEVICES; i++) context->peers[i] = false;
    pthread_mutex_unlock(&objects_lock);
}

EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    ENTER_INITIALISED();
    if (!context) return CUDA_ERROR_INVALID_VALUE;
    int physical = physical_of(device);
    if (physical < 0) return CUDA_ERROR_INVALID_DEVICE;
    pthread_mutex_lock(&primary_lock);
    pthread_mutex_lock(&objects_lock);
    struct context *primary = primaries[physical];
    if (!primary) primary = primaries[physical] = make_locked(physical, true, 0);
    if (primary) {
        primary->alive = true;
        primary->flags = primary_flags[physical];
        primary->retained++;
        *context = primary;
    }
    pthread_mutex_unlock(&objects_lock);
    pthread_mutex_unlock(&primary_lock);
    return primary ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    ENTER_INITIALISED();
    int physical = physical_of(device);
    if (physical < 0) return CUDA_ERROR_INVALID_DEVICE;
    pthread_mutex_lock(&primary_lock);
    pthread_mutex_lock(&objects_lock);
    struct context *primary = primaries[physical];
    bool retained = primary && primary->retained > 0;
    bool last = retained && primary->retained == 1;
    if (retained && !last) primary->retained--;
    pthread_mutex_unlock(&objects_lock);
    if (last) end(primary);
    pthread_mutex_unlock(&primary_lock);
    return retained ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

/* FFmpeg still looks this name up. */
EXPORT CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
    return cuDevicePrimaryCtxRelease_v2(device);
}

static CUresult set_flags(CUdevice device, unsigned int flags) {
    int physical = physical_of(device);
    if (physical < 0) return CUDA_ERROR_INVALID_DEVICE;
    if (flags > 0xff) return CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&objects_lock);
    primary_flags[physical] = flags;
    if (primaries[physical]) primaries[physical]->flags = flags;
    pthread_mutex_unlock(&objects_lock);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned int flags) {
    ENTER_INITIALISED();
    return set_flags(device, flags);
}

EXPORT CUresult cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned int flags) {
    ENTER_INITIALISED();
    return set_flags(device, flags);
}

EXPORT CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned int *flags, int *active) {
    ENTER_INITIALISED();
    int physical = physical_of(device);
    if (physical < 0) return CUDA_ERROR_INVALID_DEVICE;
    if (!flags || !active) return CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&objects_lock);
    *flags = primary_flags[physical];
    *active = primaries[physical] && primaries[physical]->alive;
    pthread_mutex_unlock(&objects_lock);
    return CUDA_SUCCESS;
}

static CUresult reset(CUdevice device) {
    int physical = physical_of(device);
    if (physical < 0) return CUDA_ERROR_INVALID_DEVICE;
    pthread_mutex_lock(&primary_lock);
    pthread_mutex_lock(&objects_lock);
    struct context *primary = primaries[physical];
    bool active = primary && primary->alive;
    pthread_mutex_unlock(&objects_lock);
    if (active) end(primary);
    pthread_mutex_unlock(&primary_lock);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
    ENTER_INITIALISED();
    return reset(device);
}

EXPORT CUresult cuDevicePrimaryCtxReset(CUdevice device) {
    ENTER_INITIALISED();
    return reset(device);
}

static CUresult push(struct context *context) {
    if (depth == STACK_DEPTH) return CUDA_ERROR_INVALID_CONTEXT;
    stack[depth++] = context;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxCreate_v2(CUcontext *context, unsigned int flags, CUdevice device) {
    ENTER_INITIALISED();
    if (!context || flags > 0xff) return CUDA_ERROR_INVALID_VALUE;
    int physical = physical_of(device);
    if (physical < 0) return CUDA_ERROR_INVALID_DEVICE;
    if (depth == STACK_DEPTH) return CUDA_ERROR_INVALID_CONTEXT;
    pthread_mutex_lock(&objects_lock);
    *context = make_locked(physical, false, flags);
    pthread_mutex_unlock(&objects_lock);
    return *context ? push(*context) : CUDA_ERROR_OUT_OF_MEMORY;
}

EXPORT CUresult cuCtxDestroy_v2(CUcontext context) {
    ENTER_INITIALISED();
    pthread_mutex_lock(&objects_lock);
    bool usable = context_alive_locked(context) && !context->primary;
    pthread_mutex_unlock(&objects_lock);
    if (!usable) return CUDA_ERROR_INVALID_CONTEXT;
    if (depth > 0 && stack[depth - 1] == context) depth--;
    end(context);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxPushCurrent_v2(CUcontext context) {
    ENTER_INITIALISED();
    pthread_mutex_lock(&objects_lock);
    bool alive = context_alive_locked(context);
    pthread_mutex_unlock(&objects_lock);
    return alive ? push(context) : CUDA_ERROR_INVALID_CONTEXT;
}

EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *context) {
    ENTER_INITIALISED();
    if (depth == 0) return CUDA_ERROR_INVALID_CONTEXT;
    depth--;
    if (context) *context = stack[depth];
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetCurrent(CUcontext *context) {
    ENTER_INITIALISED();
    if (!context) return CUDA_ERROR_INVALID_VALUE;
    *context = depth == 0 ? NULL : stack[depth - 1];
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetCurrent(CUcontext context) {
    ENTER_INITIALISED();
    pthread_mutex_lock(&objects_lock);
    bool alive = !context || context_alive_locked(context);
    pthread_mutex_unlock(&objects_lock);
    if (!alive) return CUDA_ERROR_INVALID_CONTEXT;
    if (depth > 0) depth--;
    return context ? push(context) : CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetDevice(CUdevice *device) {
    ENTER_INITIALISED();
    if (!device) return CUDA_ERROR_INVALID_VALUE;
    struct context *context;
    TRY(current_context(&context));
    *device = ordinal_of(context->device);
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxGetFlags(unsigned int *flags) {
    ENTER_INITIALISED();
    if (!flags) return CUDA_ERROR_INVALID_VALUE;
    struct context *context;
    TRY(current_context(&context));
    *flags = context->flags;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSetLimit(int limit, size_t value) {
    ENTER_INITIALISED();
    (void) value;
    struct context *context;
    TRY(current_context(&context));
    return limit < 0 || limit > 6 ? CUDA_ERROR_UNSUPPORTED_LIMIT : CUDA_SUCCESS;
}

EXPORT CUresult cuCtxSynchronize(void) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    return wait_for_context(context);
}

EXPORT CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned int flags) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    if (peer == context) return CUDA_ERROR_INVALID_CONTEXT;
    TRY(use_context(peer));
    if (!can_access(context->device, peer->device)) return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
    pthread_mutex_lock(&objects_lock);
    bool enabled = context->peers[peer->device];
    context->peers[peer->device] = true;
    pthread_mutex_unlock(&objects_lock);
    return enabled ? CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED : CUDA_SUCCESS;
}

EXPORT CUresult cuCtxDisablePeerAccess(CUcontext peer) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    TRY(use_context(peer));
    pthread_mutex_lock(&objects_lock);
    bool enabled = context->peers[peer->device];
    context->peers[peer->device] = false;
    pthread_mutex_unlock(&objects_lock);
    return enabled ? CUDA_SUCCESS : CUDA_ERROR_PEER_ACCESS_NOT_ENABLED;
}

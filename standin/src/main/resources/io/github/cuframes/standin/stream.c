/*
 * Test code: streams of the stand-in driver. Each has a queue and, from its first operation on, a thread of its own, so
 * that work is as asynchronous as on a GPU. The default stream waits for the blocking streams of its context and they
 * for it: every operation has a number in its context, and the heads of the queues are compared.
 */
#include "standin.h"
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { NON_BLOCKING = 1, GREATEST_PRIORITY = -5 };

pthread_cond_t objects_changed = PTHREAD_COND_INITIALIZER;
static struct stream *streams;
static bool all_blocked, defaults_blocked;

static bool orders_itself(const struct stream *stream) {
    return !stream->is_default && (stream->flags & NON_BLOCKING) != 0;
}

/* Whether the one has to wait for older work of the other. */
static bool ordered(const struct stream *one, const struct stream *other) {
    return one != other && one->context == other->context && one->is_default != other->is_default
           && !orders_itself(one) && !orders_itself(other);
}

static bool ready_locked(const struct stream *stream, const struct operation *operation) {
    if (stream->context->broken) return true;
    bool blocked = all_blocked || stream->blocked || (stream->is_default && defaults_blocked);
    if (blocked && stream->allowance == 0) return false;
    if (operation->kind == OP_WAIT && operation->event->completed < operation->generation) return false;
    for (struct stream *other = streams; other; other = other->next)
        if (other->head && other->head->sequence < operation->sequence && ordered(stream, other)) return false;
    return true;
}

static void delay(void) {
    unsigned long long micros = settings().delay_us;
    if (micros == 0) return;
    struct timespec time = {(time_t) (micros / 1000000), (long) (micros % 1000000 * 1000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &time) != 0) continue;
}

/* Runs without a lock; broken: what the context failed with before. */
static CUresult run(const struct operation *operation, CUresult broken) {
    if (operation->kind == OP_CALLBACK) {
        in_host_function = true;
        operation->callback(operation->handle, broken, operation->user);
        in_host_function = false;
    }
    if (broken) return broken;
    delay();
    switch (operation->kind) {
        case OP_COPY: return run_copy(operation);
        case OP_FILL: return run_fill(operation);
        case OP_HOST:
            in_host_function = true;
            operation->host(operation->user);
            in_host_function = false;
            return CUDA_SUCCESS;
        default: return CUDA_SUCCESS;
    }
}

static void free_operation_locked(struct operation *operation) {
    if (operation->event) release_event_locked(operation->event);
    free(operation->staging);
    free(operation);
}

static void unlink_locked(struct stream *stream) {
    struct stream **at = &streams;
    while (*at != stream) at = &(*at)->next;
    *at = stream->next;
    free(stream);
}

static void *work(void *argument) {
    struct stream *stream = argument;
    pthread_mutex_lock(&objects_lock);
    while (stream->head || !stream->destroyed) {
        struct operation *operation = stream->head;
        if (!operation || !ready_locked(stream, operation)) {
            pthread_cond_wait(&objects_changed, &objects_lock);
            continue;
        }
        if (stream->allowance > 0) stream->allowance--;
        CUresult broken = stream->context->broken;
        pthread_mutex_unlock(&objects_lock);
        CUresult result = run(operation, broken);
        pthread_mutex_lock(&objects_lock);
        if (operation->kind == OP_RECORD) record_done_locked(operation->event, operation->generation);
        if (result != CUDA_SUCCESS && !stream->context->broken) stream->context->broken = result;
        stream->head = operation->next;
        if (!stream->head) stream->tail = NULL;
        stream->pending--;
        free_operation_locked(operation);
        pthread_cond_broadcast(&objects_changed);
    }
    unlink_locked(stream);
    pthread_cond_broadcast(&objects_changed);
    pthread_mutex_unlock(&objects_lock);
    return NULL;
}

/* Signals are the application's threads' business. */
static bool start(struct stream *stream) {
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    bool started = pthread_create(&thread, &attributes, work, stream) == 0;
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

CUresult queue_locked(struct stream *stream, const struct operation *operation) {
    struct operation *queued = malloc(sizeof *queued);
    if (!queued) return CUDA_ERROR_OUT_OF_MEMORY;
    if (!stream->running && !(stream->running = start(stream))) {
        free(queued);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *queued = *operation;
    queued->next = NULL;
    queued->sequence = ++stream->context->sequence;
    if (queued->event) queued->event->references++;
    if (stream->tail) stream->tail->next = queued;
    else stream->head = queued;
    stream->tail = queued;
    stream->pending++;
    pthread_cond_broadcast(&objects_changed);
    return CUDA_SUCCESS;
}

static struct stream *make_locked(struct context *context, unsigned int flags) {
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream) return NULL;
    stream->context = context;
    stream->flags = flags;
    stream->next = streams;
    streams = stream;
    return stream;
}

/* NULL and CU_STREAM_LEGACY are the current context's default stream; there is no stream per thread. */
CUresult find_stream_locked(CUstream handle, struct context *current, struct stream **found) {
    if ((uintptr_t) handle <= 1) {
        if (!current->default_stream && (current->default_stream = make_locked(current, 0)) != NULL)
            current->default_stream->is_default = true;
        *found = current->default_stream;
        return *found ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
    }
    for (struct stream *stream = streams; stream; stream = stream->next) {
        if (stream != handle || stream->destroyed || stream->is_default) continue;
        *found = stream;
        return stream->context->broken;
    }
    return CUDA_ERROR_INVALID_HANDLE;
}

/*
 * Whether work up to a number is not done yet: of all streams (NULL), of one, or, for the default stream, of all that
 * it is ordered with. The stream may have been freed: it is compared, not followed.
 */
static bool pending_locked(const struct context *context, const struct stream *wanted, bool is_default,
                           unsigned long long sequence) {
    for (struct stream *stream = streams; stream; stream = stream->next) {
        if (stream->context != context || !stream->head || stream->head->sequence > sequence) continue;
        if (!wanted || stream == wanted || (is_default && !orders_itself(stream))) return true;
    }
    return false;
}

static CUresult wait_locked(struct context *context, const struct stream *stream) {
    unsigned long long sequence = context->sequence;
    bool is_default = stream && stream->is_default;
    while (!context->broken && pending_locked(context, stream, is_default, sequence))
        pthread_cond_wait(&objects_changed, &objects_lock);
    return context->broken;
}

CUresult wait_for_context(struct context *context) {
    pthread_mutex_lock(&objects_lock);
    CUresult result = wait_locked(context, NULL);
    pthread_mutex_unlock(&objects_lock);
    return result;
}

CUresult submit(CUstream handle, const struct operation *operation, bool wait) {
    struct context *current;
    struct stream *stream = NULL;
    CUresult result = current_context(&current);
    pthread_mutex_lock(&objects_lock);
    if (result == CUDA_SUCCESS) result = find_stream_locked(handle, current, &stream);
    if (result == CUDA_SUCCESS) result = queue_locked(stream, operation);
    if (result != CUDA_SUCCESS) free(operation->staging);
    else if (wait) result = wait_locked(stream->context, stream);
    pthread_mutex_unlock(&objects_lock);
    return result;
}

static void destroy_locked(struct stream *stream) {
    if (stream->is_default) stream->context->default_stream = NULL;
    stream->destroyed = true;
    if (!stream->running) unlink_locked(stream);
    pthread_cond_broadcast(&objects_changed);
}

void destroy_context_objects(struct context *context) {
    pthread_mutex_lock(&objects_lock);
    for (struct stream *stream = streams, *next; stream; stream = next) {
        next = stream->next;
        if (stream->context == context && !stream->destroyed) destroy_locked(stream);
    }
    destroy_events_locked(context);
    pthread_mutex_unlock(&objects_lock);
}

long live_streams(void) {
    long live = 0;
    pthread_mutex_lock(&objects_lock);
    for (struct stream *stream = streams; stream; stream = stream->next)
        live += !stream->destroyed && !stream->is_default;
    pthread_mutex_unlock(&objects_lock);
    return live;
}

static CUresult create(CUstream *handle, unsigned int flags) {
    struct context *context;
    TRY(current_context(&context));
    if (!handle || flags > 1) return CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&objects_lock);
    struct stream *stream = make_locked(context, flags);
    pthread_mutex_unlock(&objects_lock);
    if (stream) *handle = stream;
    return stream ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

EXPORT CUresult cuStreamCreate(CUstream *handle, unsigned int flags) {
    ENTER_INITIALISED();
    return create(handle, flags);
}

EXPORT CUresult cuStreamCreateWithPriority(CUstream *handle, unsigned int flags, int priority) {
    ENTER_INITIALISED();
    (void) priority;
    return create(handle, flags);
}

/* Priorities are accepted and change nothing. */
EXPORT CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    if (least) *least = 0;
    if (greatest) *greatest = GREATEST_PRIORITY;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuStreamDestroy_v2(CUstream handle) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    if ((uintptr_t) handle <= 1) return CUDA_ERROR_INVALID_HANDLE;
    struct stream *stream;
    pthread_mutex_lock(&objects_lock);
    CUresult result = find_stream_locked(handle, context, &stream);
    if (result == CUDA_SUCCESS) destroy_locked(stream);
    pthread_mutex_unlock(&objects_lock);
    return result;
}

EXPORT CUresult cuStreamQuery(CUstream handle) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    struct stream *stream;
    pthread_mutex_lock(&objects_lock);
    CUresult result = find_stream_locked(handle, context, &stream);
    if (result == CUDA_SUCCESS) {
        struct context *owner = stream->context;
        if (pending_locked(owner, stream, stream->is_default, owner->sequence)) result = CUDA_ERROR_NOT_READY;
    }
    pthread_mutex_unlock(&objects_lock);
    return result;
}

EXPORT CUresult cuStreamSynchronize(CUstream handle) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    struct stream *stream;
    pthread_mutex_lock(&objects_lock);
    CUresult result = find_stream_locked(handle, context, &stream);
    if (result == CUDA_SUCCESS) result = wait_locked(stream->context, stream);
    pthread_mutex_unlock(&objects_lock);
    return result;
}

EXPORT CUresult cuStreamGetCtx(CUstream handle, CUcontext *owner) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    if (!owner) return CUDA_ERROR_INVALID_VALUE;
    struct stream *stream;
    pthread_mutex_lock(&objects_lock);
    CUresult result = find_stream_locked(handle, context, &stream);
    if (result == CUDA_SUCCESS) *owner = stream->context;
    pthread_mutex_unlock(&objects_lock);
    return result;
}

EXPORT CUresult cuStreamGetFlags(CUstream handle, unsigned int *flags) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    if (!flags) return CUDA_ERROR_INVALID_VALUE;
    struct stream *stream;
    pthread_mutex_lock(&objects_lock);
    CUresult result = find_stream_locked(handle, context, &stream);
    if (result == CUDA_SUCCESS) *flags = stream->flags;
    pthread_mutex_unlock(&objects_lock);
    return result;
}

EXPORT CUresult cuStreamAddCallback(CUstream handle, void (*callback)(CUstream, CUresult, void *), void *user,
                                    unsigned int flags) {
    ENTER_INITIALISED();
    if (!callback || flags != 0) return CUDA_ERROR_INVALID_VALUE;
    struct operation operation = {.kind = OP_CALLBACK, .callback = callback, .user = user, .handle = handle};
    return submit(handle, &operation, false);
}

EXPORT CUresult cuLaunchHostFunc(CUstream handle, void (*function)(void *), void *user) {
    ENTER_INITIALISED();
    if (!function) return CUDA_ERROR_INVALID_VALUE;
    struct operation operation = {.kind = OP_HOST, .host = function, .user = user};
    return submit(handle, &operation, false);
}

/* Holds a stream before its next operation; NULL: the default streams of all contexts. -1: no such stream. */
static int set_blocked(CUstream handle, bool blocked, unsigned int allowance) {
    int result = -1;
    pthread_mutex_lock(&objects_lock);
    if (!handle) {
        defaults_blocked = blocked;
        result = 0;
    }
    for (struct stream *stream = streams; stream; stream = stream->next) {
        if (handle ? stream != handle || stream->destroyed : !stream->is_default) continue;
        if (handle) stream->blocked = blocked;
        stream->allowance = allowance;
        result = 0;
    }
    pthread_cond_broadcast(&objects_changed);
    pthread_mutex_unlock(&objects_lock);
    return result;
}

EXPORT int standin_block(CUstream handle) {
    return set_blocked(handle, true, 0);
}

EXPORT int standin_unblock(CUstream handle) {
    return set_blocked(handle, false, 0);
}

/* Lets so many operations of a blocked stream pass; those that it still waits for count too. */
EXPORT int standin_step(CUstream handle, unsigned int operations) {
    return set_blocked(handle, true, operations);
}

/* Holds every stream, also those that are made later, until told otherwise. */
EXPORT void standin_block_all(int blocked) {
    pthread_mutex_lock(&objects_lock);
    all_blocked = blocked != 0;
    pthread_cond_broadcast(&objects_changed);
    pthread_mutex_unlock(&objects_lock);
}

void unblock_everything(void) {
    pthread_mutex_lock(&objects_lock);
    all_blocked = false;
    defaults_blocked = false;
    for (struct stream *stream = streams; stream; stream = stream->next) {
        stream->blocked = false;
        stream->allowance = 0;
    }
    pthread_cond_broadcast(&objects_changed);
    pthread_mutex_unlock(&objects_lock);
}

/* Operations that are queued or running in a stream; NULL: in all streams. */
EXPORT long standin_pending(CUstream handle) {
    long pending = 0;
    pthread_mutex_lock(&objects_lock);
    for (struct stream *stream = streams; stream; stream = stream->next)
        if (!handle || stream == handle) pending += stream->pending;
    pthread_mutex_unlock(&objects_lock);
    return pending;
}

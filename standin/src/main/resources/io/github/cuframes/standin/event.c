/* Test code: events of the stand-in driver. Recording one again begins a new generation. */
#include "standin.h"
#include <stdlib.h>
#include <time.h>

enum { DISABLE_TIMING = 2, INTERPROCESS = 4, ALL_FLAGS = 7 };

static struct event *events;

static struct event *find_locked(CUevent handle) {
    for (struct event *event = events; event; event = event->next)
        if (event == handle && !event->destroyed) return event;
    return NULL;
}

void release_event_locked(struct event *released) {
    if (--released->references > 0) return;
    struct event **at = &events;
    while (*at != released) at = &(*at)->next;
    *at = released->next;
    free(released);
}

void record_done_locked(struct event *event, unsigned long long generation) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    if (generation > event->completed) event->completed = generation;
    event->nanos = (uint64_t) time.tv_sec * 1000000000 + (uint64_t) time.tv_nsec;
}

void destroy_events_locked(struct context *context) {
    for (struct event *event = events, *next; event; event = next) {
        next = event->next;
        if (event->context != context || event->destroyed) continue;
        event->destroyed = true;
        release_event_locked(event);
    }
}

long live_events(void) {
    long live = 0;
    pthread_mutex_lock(&objects_lock);
    for (struct event *event = events; event; event = event->next) live += !event->destroyed;
    pthread_mutex_unlock(&objects_lock);
    return live;
}

EXPORT CUresult cuEventCreate(CUevent *handle, unsigned int flags) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    bool untimed = (flags & DISABLE_TIMING) != 0;
    if (!handle || (flags & ~(unsigned) ALL_FLAGS) || ((flags & INTERPROCESS) && !untimed))
        return CUDA_ERROR_INVALID_VALUE;
    struct event *event = calloc(1, sizeof *event);
    if (!event) return CUDA_ERROR_OUT_OF_MEMORY;
    event->context = context;
    event->flags = flags;
    event->references = 1;
    pthread_mutex_lock(&objects_lock);
    event->next = events;
    events = event;
    pthread_mutex_unlock(&objects_lock);
    *handle = event;
    return CUDA_SUCCESS;
}

EXPORT CUresult cuEventDestroy_v2(CUevent handle) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    pthread_mutex_lock(&objects_lock);
    struct event *event = find_locked(handle);
    if (event) {
        event->destroyed = true;
        release_event_locked(event);
    }
    pthread_mutex_unlock(&objects_lock);
    return event ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}

/* The event and the stream have to be of one context. */
EXPORT CUresult cuEventRecord(CUevent handle, CUstream stream_handle) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    struct stream *stream;
    pthread_mutex_lock(&objects_lock);
    struct event *event = find_locked(handle);
    CUresult result = event ? find_stream_locked(stream_handle, context, &stream) : CUDA_ERROR_INVALID_HANDLE;
    if (result == CUDA_SUCCESS && stream->context != event->context) result = CUDA_ERROR_INVALID_HANDLE;
    if (result == CUDA_SUCCESS) {
        struct operation operation = {.kind = OP_RECORD, .event = event, .generation = event->recorded + 1};
        result = queue_locked(stream, &operation);
        if (result == CUDA_SUCCESS) event->recorded++;
    }
    pthread_mutex_unlock(&objects_lock);
    return result;
}

/* Needs no current context; an event that was never recorded is done. */
EXPORT CUresult cuEventQuery(CUevent handle) {
    ENTER_INITIALISED();
    pthread_mutex_lock(&objects_lock);
    struct event *event = find_locked(handle);
    CUresult result = !event                               ? CUDA_ERROR_INVALID_HANDLE
                      : event->context->broken             ? event->context->broken
                      : event->completed < event->recorded ? CUDA_ERROR_NOT_READY
                                                           : CUDA_SUCCESS;
    pthread_mutex_unlock(&objects_lock);
    return result;
}

EXPORT CUresult cuEventSynchronize(CUevent handle) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    CUresult result = CUDA_ERROR_INVALID_HANDLE;
    pthread_mutex_lock(&objects_lock);
    struct event *event = find_locked(handle);
    if (event) {
        unsigned long long generation = event->recorded;
        event->references++;
        while (event->completed < generation && !event->context->broken)
            pthread_cond_wait(&objects_changed, &objects_lock);
        result = event->context->broken;
        release_event_locked(event);
    }
    pthread_mutex_unlock(&objects_lock);
    return result;
}

/* The stream waits for what is recorded now; the event may be recorded again, or destroyed, before. */
EXPORT CUresult cuStreamWaitEvent(CUstream stream_handle, CUevent handle, unsigned int flags) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    if (flags > 1) return CUDA_ERROR_INVALID_VALUE;
    struct stream *stream;
    pthread_mutex_lock(&objects_lock);
    struct event *event = find_locked(handle);
    CUresult result = event ? find_stream_locked(stream_handle, context, &stream) : CUDA_ERROR_INVALID_HANDLE;
    if (result == CUDA_SUCCESS && event->recorded > 0) {
        struct operation operation = {.kind = OP_WAIT, .event = event, .generation = event->recorded};
        result = queue_locked(stream, &operation);
    }
    pthread_mutex_unlock(&objects_lock);
    return result;
}

EXPORT CUresult cuEventElapsedTime(float *millis, CUevent from, CUevent to) {
    ENTER_INITIALISED();
    struct context *context;
    TRY(current_context(&context));
    if (!millis) return CUDA_ERROR_INVALID_VALUE;
    pthread_mutex_lock(&objects_lock);
    struct event *begin = find_locked(from), *end = find_locked(to);
    CUresult result = CUDA_SUCCESS;
    if (!begin || !end || ((begin->flags | end->flags) & DISABLE_TIMING) || !begin->recorded || !end->recorded)
        result = CUDA_ERROR_INVALID_HANDLE;
    else if (begin->completed < begin->recorded || end->completed < end->recorded) result = CUDA_ERROR_NOT_READY;
    else *millis = (float) ((double) ((int64_t) (end->nanos - begin->nanos)) / 1e6);
    pthread_mutex_unlock(&objects_lock);
    return result;
}

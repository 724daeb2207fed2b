/* Test code: settings, error injection and counters of the stand-in driver. */
#include "standin.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct rule {
    struct rule *next;
    char function[64];
    unsigned long long call; /* the call that fails; 0: every one */
    int code;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *entries;
static struct rule *rules;
static struct settings now = {.gpus = 1, .version = 13000, .memory = 4ULL << 30};
_Thread_local bool in_host_function;

/* "cuMemAlloc_v2" is "cuMemAlloc" to who controls the stand-in, as it is to who includes cuda.h */
static size_t base_length(const char *name) {
    size_t length = strlen(name);
    if (length > 3 && strncmp(name + length - 3, "_v", 2) == 0) return length - 3;
    return length;
}

static bool same_function(const char *one, const char *other) {
    size_t length = base_length(one);
    return length == base_length(other) && strncmp(one, other, length) == 0;
}

static unsigned long long calls_locked(const char *function) {
    unsigned long long calls = 0;
    for (struct entry *entry = entries; entry; entry = entry->next)
        if (same_function(entry->name, function)) calls += entry->calls;
    return calls;
}

CUresult entry_called(struct entry *entry) {
    CUresult result = in_host_function ? CUDA_ERROR_NOT_PERMITTED : CUDA_SUCCESS;
    pthread_mutex_lock(&lock);
    if (!entry->listed) {
        entry->listed = true;
        entry->next = entries;
        entries = entry;
    }
    entry->calls++;
    for (struct rule **at = &rules; *at; at = &(*at)->next) {
        struct rule *rule = *at;
        if (!same_function(rule->function, entry->name)) continue;
        if (rule->call != 0 && rule->call != calls_locked(entry->name)) continue;
        result = rule->code;
        if (rule->call != 0) {
            *at = rule->next;
            free(rule);
        }
        break;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

struct settings settings(void) {
    pthread_mutex_lock(&lock);
    struct settings copy = now;
    pthread_mutex_unlock(&lock);
    return copy;
}

/* Fails the nth call from now (1: the next one; 0: every call) of a function, its _v suffix left out or not. */
EXPORT int standin_fail(const char *function, int nth, int code) {
    if (!function || nth < 0 || strlen(function) >= sizeof(((struct rule *) 0)->function)) return -1;
    struct rule *rule = calloc(1, sizeof *rule);
    if (!rule) return -1;
    strcpy(rule->function, function);
    rule->code = code;
    pthread_mutex_lock(&lock);
    rule->call = nth == 0 ? 0 : calls_locked(function) + (unsigned) nth;
    struct rule **end = &rules;
    while (*end) end = &(*end)->next;
    *end = rule;
    pthread_mutex_unlock(&lock);
    return 0;
}

/* How many injected failures have not happened yet; those for every call do not count. */
EXPORT int standin_failures_left(void) {
    int left = 0;
    pthread_mutex_lock(&lock);
    for (struct rule *rule = rules; rule; rule = rule->next) left += rule->call != 0;
    pthread_mutex_unlock(&lock);
    return left;
}

EXPORT long long standin_calls(const char *function) {
    pthread_mutex_lock(&lock);
    long long calls = (long long) calls_locked(function);
    pthread_mutex_unlock(&lock);
    return calls;
}

/* Writes "function calls\n" for each function that was called; returns the length needed, the final zero included. */
EXPORT long long standin_called(char *buffer, long long size) {
    long long needed = 1;
    pthread_mutex_lock(&lock);
    if (size > 0) buffer[0] = 0;
    for (struct entry *entry = entries; entry; entry = entry->next) {
        if (entry->calls == 0) continue;
        char line[96];
        int length = snprintf(line, sizeof line, "%s %llu\n", entry->name, entry->calls);
        if (needed + length <= size) memcpy(buffer + needed - 1, line, (size_t) length + 1);
        needed += length;
    }
    pthread_mutex_unlock(&lock);
    return needed;
}

/* A setting of the environment by its name without the prefix, such as GPUS or DELAY_US. 0: done; -1: no such one. */
EXPORT int standin_set(const char *name, long long value) {
    int result = 0;
    if (value < 0) return -1;
    pthread_mutex_lock(&lock);
    if (strcmp(name, "GPUS") == 0 && value <= MAX_DEVICES) now.gpus = (int) value;
    else if (strcmp(name, "MEMORY") == 0) now.memory = (unsigned long long) value;
    else if (strcmp(name, "DELAY_US") == 0) now.delay_us = (unsigned long long) value;
    else if (strcmp(name, "NO_PEER") == 0) now.no_peer = value != 0;
    else if (strcmp(name, "NO_VMM_FD") == 0) now.no_vmm_fd = value != 0;
    else if (strcmp(name, "VERSION") == 0) now.version = (int) value;
    else result = -1;
    pthread_mutex_unlock(&lock);
    return result;
}

static void complain(const char *name, const char *value) {
    fprintf(stderr, "stand-in CUDA driver: cannot use %s=%s\n", name, value);
    abort(); /* a test that is not set up as it says would prove nothing */
}

static void read_failures(void) {
    const char *value = getenv("CUFRAMES_STANDIN_FAIL");
    if (!value || !*value) return;
    char *copy = strdup(value), *rest = copy, *item;
    while (copy && (item = strsep(&rest, ",")) != NULL) {
        char *name = strsep(&item, ":"), *nth = strsep(&item, ":");
        char *nth_end = NULL, *code_end = NULL;
        long call = nth ? strtol(nth, &nth_end, 10) : -1, code = item ? strtol(item, &code_end, 10) : 0;
        if (!item || *nth_end || *code_end || code == 0 || standin_fail(name, (int) call, (int) code) != 0)
            complain("CUFRAMES_STANDIN_FAIL", value);
    }
    free(copy);
}

static void read_settings(void) {
    static const char *const names[] = {"GPUS", "MEMORY", "DELAY_US", "NO_PEER", "NO_VMM_FD", "VERSION"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char variable[64];
        snprintf(variable, sizeof variable, "CUFRAMES_STANDIN_%s", names[i]);
        const char *value = getenv(variable);
        if (!value || !*value) continue;
        char *end;
        long long number = strtoll(value, &end, 10);
        if (*end || standin_set(names[i], number) != 0) complain(variable, value);
    }
}

__attribute__((constructor)) static void load(void) {
    read_settings();
    read_failures();
}

/*
 * Forgets injected failures and counts, lets blocked streams go, mends broken contexts and reads the settings of the
 * environment again. Objects stay: what a test leaks, the next one sees.
 */
EXPORT void standin_reset(void) {
    pthread_mutex_lock(&lock);
    while (rules) {
        struct rule *next = rules->next;
        free(rules);
        rules = next;
    }
    for (struct entry *entry = entries; entry; entry = entry->next) entry->calls = 0;
    now = (struct settings) {.gpus = 1, .version = 13000, .memory = 4ULL << 30};
    pthread_mutex_unlock(&lock);
    read_settings();
    read_failures();
    unblock_everything();
    mend_contexts();
}

EXPORT unsigned long long standin_allocated(int device) {
    int physical = physical_of(device);
    return physical < 0 ? 0 : used_memory(physical);
}

static long live_contexts(void) {
    long live = 0;
    pthread_mutex_lock(&objects_lock);
    for (struct context *context = first_context_locked(); context; context = context->next)
        if (context->alive) live += context->primary ? (long) context->retained : 1;
    pthread_mutex_unlock(&objects_lock);
    return live;
}

/*
 * Live objects of a kind: contexts (a primary one counts as often as it is retained), streams, events, handles,
 * mappings, reservations, allocations (cuMemAlloc), imports (legacy IPC), host. -1: no such kind.
 */
EXPORT long standin_live(const char *kind) {
    if (strcmp(kind, "contexts") == 0) return live_contexts();
    if (strcmp(kind, "streams") == 0) return live_streams();
    if (strcmp(kind, "events") == 0) return live_events();
    if (strcmp(kind, "reservations") == 0) return live_reservations();
    return live_memory(kind);
}

EXPORT long standin_live_objects(void) {
    static const char *const kinds[] = {"contexts", "streams", "events", "handles", "mappings", "reservations",
                                        "allocations", "imports", "host"};
    long live = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) live += standin_live(kinds[i]);
    return live;
}

/* facts.c - what a loop is asked about itself, and its small services. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/backend.h"
#include "core/loop.h"
#include "core/remote.h"
#include "process/process.h"
#include "threads/executor.h"
#include "threads/file_source.h"
#include "threads/lookup.h"

#include <string.h>

/* ---- memory ---- */

void *loop_alloc(rondo_loop *loop, size_t size)
{
    loop->metrics.allocations++;
    return loop->allocator.malloc_fn(size, loop->allocator.context);
}

void *loop_realloc(rondo_loop *loop, void *p, size_t size)
{
    if (!p)
        return loop_alloc(loop, size);
    loop->metrics.allocations++;
    return loop->allocator.realloc_fn(p, size, loop->allocator.context);
}

void loop_free(rondo_loop *loop, void *p)
{
    if (p)
        loop->allocator.free_fn(p, loop->allocator.context);
}

void *loop_take_spare(rondo_loop *loop, enum spare_kind kind, size_t size)
{
    struct grave *spare = loop->spares[kind];
    if (spare)
        loop->spares[kind] = spare->next;
    else
        spare = loop_alloc(loop, size);
    if (spare)
        memset(spare, 0, size);
    return spare;
}

void loop_spare(rondo_loop *loop, enum spare_kind kind, void *p)
{
    struct grave *spare = p;
    spare->next = loop->spares[kind];
    loop->spares[kind] = spare;
}

void loop_free_spares(rondo_loop *loop)
{
    for (int kind = 0; kind < SPARE_KINDS; kind++)
        while (loop->spares[kind]) {
            struct grave *spare = loop->spares[kind];
            loop->spares[kind] = spare->next;
            loop_free(loop, spare);
        }
}

/* ---- checks ---- */

/* Everyday calls compare one number: debug mode, closing and a fork all make
 * it differ from what is current. */
void loop_set_guard(rondo_loop *loop)
{
    bool look = loop->debug || loop->closing;
    loop->guard = look ? UINT32_MAX : loop->generation;
}

int loop_check_slowly(const rondo_loop *loop, const char *what)
{
    if (!loop)
        return error_set(RONDO_EINVAL, "%s: NULL", what);
    if (loop->generation != sys_fork_generation)
        return error_set(RONDO_EFORKED,
                         "%s: the loop is the parent process's until "
                         "rondo_loop_after_fork",
                         what);
    if (loop->debug && !sys_thread_is_self(loop->thread))
        return error_set(RONDO_ETHREAD,
                         "%s: called from a thread that the loop does not "
                         "belong to",
                         what);
    return 0;
}

int loop_check_create_slowly(const rondo_loop *loop, const char *what)
{
    int error = loop_check(loop, what);
    if (!error && loop->closing)
        return error_set(RONDO_ECLOSED, "%s: the loop is being closed", what);
    return error;
}

int loop_options(void *to, size_t known, const void *from, const char *what)
{
    size_t size;
    memset(to, 0, known);
    if (!from)
        return 0;
    memcpy(&size, from, sizeof size); /* every option struct begins with it */
    if (size < sizeof size)
        return error_set(RONDO_EINVAL, "%s: options.size is not set", what);
    const unsigned char *bytes = from;
    for (size_t i = known; i < size; i++)
        if (bytes[i])
            return error_set(RONDO_ENOTSUP,
                             "%s: an option that this version of the library "
                             "does not know",
                             what);
    memcpy(to, from, size < known ? size : known);
    return 0;
}

/* ---- small questions ---- */

bool rondo_loop_is_running(const rondo_loop *loop)
{
    return loop && loop->depth > 0;
}

int64_t rondo_loop_time(const rondo_loop *loop)
{
    (void)loop;
    return sys_clock();
}

int64_t rondo_loop_iteration_time(const rondo_loop *loop)
{
    return loop ? loop->now : 0;
}

void rondo_loop_set_data(rondo_loop *loop, void *data)
{
    if (!loop_check(loop, "loop_set_data"))
        loop->data = data;
}

void *rondo_loop_data(const rondo_loop *loop)
{
    return loop ? loop->data : NULL;
}

bool rondo_loop_supports(const rondo_loop *loop, rondo_capability what)
{
    if (!loop || (unsigned)what > RONDO_CAN_PASS_DESCRIPTORS)
        return false;
    return sys_supports(what) && !(loop->backend->cannot >> what & 1);
}

int64_t rondo_loop_limit(const rondo_loop *loop, rondo_limit what)
{
    int error = loop_check(loop, "loop_limit");
    if (error)
        return error;
    const struct backend *b = loop->backend;
    int64_t numbers = b->max_number ? b->max_number : INT64_MAX;
    int64_t most =
        b->max_descriptors ? b->max_descriptors : sys_descriptor_limit();
    switch (what) {
    case RONDO_LIMIT_DESCRIPTORS:
        return most < numbers ? most : numbers;
    case RONDO_LIMIT_DESCRIPTOR_NUMBER:
        return numbers;
    case RONDO_LIMIT_UNIX_PATH:
        return sys_unix_path_limit();
    case RONDO_LIMIT_DATAGRAM:
        return (int64_t)sys_datagram_most(RONDO_FAMILY_INET);
    }
    return error_set(RONDO_EINVAL, "loop_limit: no limit of number %d",
                     (int)what);
}

int loop_give(void *to, const void *from, size_t known, const char *what)
{
    size_t size;
    if (!to)
        return error_set(RONDO_EINVAL, "%s: NULL", what);
    memcpy(&size, to, sizeof size);
    if (size < sizeof size)
        return error_set(RONDO_EINVAL, "%s: size is not set", what);
    memcpy((char *)to + sizeof size, (const char *)from + sizeof size,
           (size < known ? size : known) - sizeof size);
    return 0;
}

int rondo_get_clock_info(const rondo_loop *loop, rondo_clock_info *info)
{
    int error = loop_check(loop, "get_clock_info");
    if (error)
        return error;
    rondo_clock_info facts = {.size = sizeof facts, .monotonic = true};
    sys_clock_facts(&facts.name, &facts.resolution_ns);
    facts.wait_resolution_ns = loop->backend->resolution(loop);
    if (facts.wait_resolution_ns < facts.resolution_ns)
        facts.wait_resolution_ns = facts.resolution_ns;
    return loop_give(info, &facts, sizeof facts, "get_clock_info");
}

int rondo_loop_get_metrics(const rondo_loop *loop, rondo_loop_metrics *metrics)
{
    int error = loop_check(loop, "loop_get_metrics");
    if (error)
        return error;
    rondo_loop_metrics m = loop->metrics;
    m.allocations += remote_allocations(loop);
    m.live_timers = loop->timers.live - loop->timers.hidden;
    m.live_watchers = loop->watching;
    m.live_transports = loop->live[HANDLE_TRANSPORT];
    m.live_servers = loop->live[HANDLE_SERVER];
    m.live_datagrams = loop->live[HANDLE_DATAGRAM];
    m.live_processes = loop->live[HANDLE_PROCESS];
    m.live_operations =
        loop->live[HANDLE_OPERATION] + loop->live[HANDLE_LOOKUP] +
        loop->live[HANDLE_SOCK_CALL] + loop->live[HANDLE_SENDFILE];
    m.live_jobs = loop->live[HANDLE_JOB] + resolve_live(loop);
    return loop_give(metrics, &m, sizeof m, "loop_get_metrics");
}

/* ---- moving between threads and processes ---- */

int rondo_loop_take(rondo_loop *loop)
{
    if (!loop)
        return error_set(RONDO_EINVAL, "loop_take: NULL");
    if (loop->generation != sys_fork_generation)
        return loop_check_slowly(loop, "loop_take");
    if (loop->depth)
        return error_set(RONDO_EBUSY, "loop_take: the loop runs");
    loop->thread = sys_thread_self();
    return 0;
}

int rondo_loop_after_fork(rondo_loop *loop)
{
    if (!loop)
        return error_set(RONDO_EINVAL, "loop_after_fork: NULL");
    if (loop->generation == sys_fork_generation)
        return 0;
    int error = remote_reopen(loop);
    if (!error)
        error = loop->backend->reopen(loop);
    if (error)
        return error;
    resolve_after_fork(loop);
    executor_after_fork(loop);
    source_after_fork(loop);
    handles_inherit(loop);
    process_after_fork(loop);
    loop->thread = sys_thread_self();
    loop->generation = sys_fork_generation;
    atomic_store(&loop->sleeping, false);
    loop_set_guard(loop);
    return 0;
}

#define TEXT_OF(x) #x
#define VERSION(major, minor, patch)                                           \
    TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *rondo_version(void)
{
    return VERSION(RONDO_VERSION_MAJOR, RONDO_VERSION_MINOR,
                   RONDO_VERSION_PATCH);
}

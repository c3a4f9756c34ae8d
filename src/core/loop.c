/* loop.c - one iteration, running, stopping, handles, opening, closing. */
/* SPDX-License-Identifier: MIT */
#include "core/loop.h"

#include "base/error.h"
#include "core/backend.h"
#include "core/hooks.h"
#include "core/id.h"
#include "core/observe.h"
#include "core/part.h"
#include "core/probe.h"
#include "core/quarantine.h"
#include "core/release.h"
#include "core/remote.h"
#include "core/signals.h"

#include <stddef.h>
#include <string.h>

/* What one iteration runs at most, so that a flood of one kind delays the
 * others by a few milliseconds only. */
enum { CALLBACKS_LIMIT = 4096, TIMERS_LIMIT = 1024 };

/* While callbacks keep the loop busy and the kernel had nothing the last time,
 * it is not asked before each iteration: so many go by at most, in so short a
 * time. A descriptor that stays ready is told in each. */
enum { RESTS_LIMIT = 15, RESTS_NS = 20000 };

/* How long a closing loop goes on although its waits fail: about 5 s. */
enum { FAILED_WAITS_LIMIT = 1000, FAILED_WAIT_MS = 5 };

/* ---- what always holds ---- */

#ifndef NDEBUG
static bool loop_counts_are_sound(const rondo_loop *loop)
{
    size_t alive = 0, all = 0;
    for (int kind = 0; kind < HANDLE_KINDS; kind++) {
        size_t live = 0;
        for (struct handle *h = loop->handles[kind]; h; h = h->next) {
            alive += !h->background;
            live++;
        }
        if (live != loop->live[kind])
            return false;
        all += live;
    }
    return all == loop->live_handles &&
           alive + timers_count_alive(&loop->timers) == loop->alive;
}

/* What holds between iterations. With n handles and timers these are counted
 * each n iterations, so that many of them do not make a test slow. */
static bool loop_is_sound(const rondo_loop *loop)
{
    uint64_t ring = loop->ring_tail - loop->ring_head;
    uint64_t things = loop->timers.slots_used + 1 + loop->live_handles;
    return ring <= loop->ring_mask + 1 && loop->ring_background <= ring &&
           !*loop->ready_last && loop->table_used <= loop->table_room &&
           (loop->metrics.iterations % things || loop_counts_are_sound(loop));
}
#endif

/* ---- one iteration ---- */

static bool loop_has_work(rondo_loop *loop)
{
    return loop->ring_head != loop->ring_tail || loop->ready_first ||
           loop->posts_left || atomic_load(&loop->requests);
}

/* There is nothing to run, so the next timer says. */
static inline int64_t loop_time_left(rondo_loop *loop, int64_t most_ns,
                                     int64_t now)
{
    int64_t next = timers_next(loop, &loop->timers);
    if (next == RONDO_NEVER)
        return most_ns;
    int64_t left = next <= now ? 0 : next - now;
    assert(most_ns > 0 && left >= 0);
    return left < most_ns ? left : most_ns;
}

int64_t loop_wait_time(rondo_loop *loop, int64_t most_ns, int64_t now)
{
    return most_ns > 0 && !loop_has_work(loop)
               ? loop_time_left(loop, most_ns, now)
               : 0;
}

/* Nothing is to be run. */
static bool loop_is_idle(rondo_loop *loop)
{
    return loop_wait_time(loop, RONDO_NEVER, loop->now) > 0;
}

/* After a wait. The idle ones come when it has found nothing. */
static COLD void loop_run_hooks(rondo_loop *loop)
{
    hooks_run(loop, RONDO_AFTER_WAIT);
    if (hooks_have(loop, RONDO_IDLE) && loop_is_idle(loop))
        hooks_run(loop, RONDO_IDLE);
}

/* Before a wait; says how long it may take. */
static COLD int64_t loop_prepare_hooks(rondo_loop *loop, int64_t most_ns)
{
    hooks_run(loop, RONDO_BEFORE_WAIT);
    return hooks_have(loop, RONDO_IDLE) ? 0 : most_ns;
}

/* There is something to run. true: the kernel need not be asked before. */
static INLINED bool loop_rests(rondo_loop *loop)
{
    if (!loop->rests_left || loop->ready_first ||
        atomic_load_explicit(&loop->requests, memory_order_relaxed))
        return false;
    loop->rests_left--;
    loop->now = sys_clock();
    return loop->now - loop->asked < RESTS_NS;
}

/* unusual: there are hooks, or it is observed. */
static INLINED int loop_collect_as(rondo_loop *loop, int64_t most_ns,
                                   bool unusual)
{
    struct doing wait = {.loop = NULL};
    if (unusual)
        most_ns = loop_prepare_hooks(loop, most_ns);
    int64_t start = 0, timeout = 0;
    if (most_ns > 0 && !loop_has_work(loop)) {
        start = sys_clock();
        timeout = loop_time_left(loop, most_ns, start);
    } else if (!unusual && loop_rests(loop)) {
        return 0;
    }
    assert(loop->depth == 1);
    assert(timeout >= 0 && (!timeout || !loop->ready_first));
    if (timeout) {
        /* A thread that requests, wakes or posts after this store sees it and
         * sends a wake-up. What was sent before the store is seen below. */
        atomic_store(&loop->sleeping, true);
        if (atomic_load(&loop->requests))
            timeout = 0;
    }
    if (unusual && loop->observed)
        observe_wait(loop, &wait, timeout);
    int error = loop->backend->wait(loop, timeout);
    atomic_store_explicit(&loop->sleeping, false, memory_order_relaxed);
    /* The wait is over: what wakes from now on wakes the next one. */
    if (atomic_load_explicit(&loop->requests, memory_order_relaxed) & LOOP_WAKE)
        atomic_fetch_and(&loop->requests, ~(unsigned)LOOP_WAKE);
    loop->prepared = false;
    loop->now = loop->asked = sys_clock();
    loop->rests_left = loop->ready_first ? 0 : loop->rests_most;
    if (timeout) {
        loop->metrics.idle_ns += loop->now - start;
        PROBE3(wait_end, loop, timeout, loop->now - start);
    }
    if (unusual && wait.loop)
        observe_end(&wait, error);
    if (unusual)
        loop_run_hooks(loop);
    return error;
}

static COLD int loop_collect(rondo_loop *loop, int64_t most_ns)
{
    return loop_collect_as(loop, most_ns, true);
}

/* `next` is read before done, which may free its own task. It stays valid,
 * since a task that is READY is never freed. */
static INLINED void loop_run_ready_as(rondo_loop *loop, bool unusual)
{
    struct task *task = loop->ready_first;
    loop->ready_first = NULL;
    loop->ready_last = &loop->ready_first;
    while (task) {
        struct task *next = task->next;
        assert(task->state == TASK_READY);
        task->state = TASK_IDLE;
        loop->metrics.callbacks++;
        if (unusual && loop->observed)
            observe_task(loop, task);
        else
            task->done(loop, task);
        task = next;
    }
}

static COLD void loop_run_ready(rondo_loop *loop)
{
    loop_run_ready_as(loop, true);
}

/* Up to which place this iteration runs the ring. */
static inline uint64_t loop_ring_end(const rondo_loop *loop)
{
    uint64_t end = loop->ring_tail;
    return end - loop->ring_head > CALLBACKS_LIMIT
               ? loop->ring_head + CALLBACKS_LIMIT
               : end;
}

/* The order that programs see. What a callback adds to any of these queues is
 * left for the next iteration. */
static INLINED int loop_iterate_as(rondo_loop *loop, int64_t most_ns,
                                   bool unusual)
{
    assert(loop->depth == 1 && !loop->closing);
    int error = unusual ? loop_collect(loop, most_ns)
                        : loop_collect_as(loop, most_ns, false);
    loop->metrics.iterations++;
    timers_mark(&loop->timers);
    if (remote_has_work(loop) && remote_take(loop))
        remote_run_in_order(loop, CALLBACKS_LIMIT, loop_ring_end(loop));
    else if (loop->ring_head != loop->ring_tail)
        loop_run_ring_here(loop, loop_ring_end(loop));
    if (unusual)
        loop_run_ready(loop);
    else if (loop->ready_first)
        loop_run_ready_as(loop, false);
    if (loop->timers.next <= loop->now)
        timers_run(loop, TIMERS_LIMIT);
    if (unusual && loop->observed)
        observe_iteration(loop);
    assert(loop->depth == 1 && loop_is_sound(loop));
    assert(error <= 0);
    return error;
}

static COLD int loop_iterate_unusual(rondo_loop *loop, int64_t most_ns)
{
    return loop_iterate_as(loop, most_ns, true);
}

static INLINED int loop_iterate(rondo_loop *loop, int64_t most_ns)
{
    return loop->hooks || loop->observed
               ? loop_iterate_unusual(loop, most_ns)
               : loop_iterate_as(loop, most_ns, false);
}

/* ---- running ---- */

/* A signal's hook may call rondo_loop_stop: that ends this run, too. */
static COLD bool loop_handle_requests(rondo_loop *loop)
{
    const unsigned keep = LOOP_WAKE | LOOP_POSTED;
    unsigned requests = atomic_fetch_and(&loop->requests, keep);
    if (requests & LOOP_SIGNALS) {
        signals_run(loop);
        requests |= atomic_fetch_and(&loop->requests, ~(unsigned)LOOP_STOP);
    }
    return requests & LOOP_STOP;
}

/* Calls signal hooks; returns true if the run must end. The flags are taken
 * before the signals' bits: one that arrives in between sets its flag again. */
static bool loop_take_requests(rondo_loop *loop)
{
    const unsigned some = LOOP_STOP | LOOP_SIGNALS;
    return atomic_load(&loop->requests) & some && loop_handle_requests(loop);
}

static int loop_enter(rondo_loop *loop, const char *what)
{
    int error = loop_check(loop, what);
    if (error)
        return error;
    if (loop->depth || loop->held)
        return error_set(RONDO_EBUSY, "%s: the loop is %s", what,
                         loop->closing ? "being closed"
                         : loop->depth
                             ? "running; stop it, and wait until that call has "
                               "returned"
                             : "in a call of the program");
    assert(!loop->closing);
    loop->depth = 1;
    loop->rests_left = loop->rests_most = 0;
    return 0;
}

/* A run ends: what was put off leaves now. */
static void loop_leave(rondo_loop *loop)
{
    if (loop->backend->send_now)
        loop->backend->send_now(loop, NULL);
    loop->depth = 0;
}

static NOINLINE int loop_run(rondo_loop *loop, bool forever, const char *what)
{
    SYS_STOP_EXCEPTIONS();
    int result = loop_enter(loop, what);
    if (result)
        return result;
    loop->told_ns = 0;
    if (!loop->backend->send_now) /* each wait sends what it keeps */
        loop->rests_most = RESTS_LIMIT;
    for (;;) {
        if (!forever && !atomic_load(&loop->requests) && !loop_is_alive(loop))
            break;
        result = loop_iterate(loop, RONDO_NEVER);
        if (loop_take_requests(loop) && !result)
            result = 1;
        if (result)
            break;
    }
    loop_leave(loop);
    return result;
}

int rondo_loop_run(rondo_loop *loop)
{
    return loop_run(loop, false, "loop_run");
}

int rondo_loop_run_forever(rondo_loop *loop)
{
    return loop_run(loop, true, "loop_run_forever");
}

void loop_wake(rondo_loop *loop)
{
    if (atomic_exchange(&loop->sleeping, false))
        loop->backend->wake(loop);
}

void loop_nudge(rondo_loop *loop)
{
    if (loop->prepared && !loop->depth)
        loop_wake(loop);
}

void rondo_loop_stop(rondo_loop *loop)
{
    if (!loop || loop->generation != sys_fork_generation)
        return;
    atomic_fetch_or(&loop->requests, LOOP_STOP);
    loop_wake(loop);
}

void rondo_loop_wake(rondo_loop *loop)
{
    if (!loop || loop->generation != sys_fork_generation)
        return;
    atomic_fetch_or(&loop->requests, LOOP_WAKE);
    loop_wake(loop);
}

NOINLINE int rondo_loop_run_once(rondo_loop *loop, int64_t timeout_ns)
{
    SYS_STOP_EXCEPTIONS();
    int error = loop_enter(loop, "loop_run_once");
    if (error)
        return error;
    if (timeout_ns > 0)
        loop->told_ns = 0; /* it is run alone */
    error = loop_iterate(loop, loop_is_alive(loop) ? timeout_ns : 0);
    (void)loop_take_requests(loop);
    loop_leave(loop);
    if (loop->told_ns)
        embed_go_on_waiting(loop);
    return error ? error : loop_is_alive(loop);
}

/* ---- opening and closing ---- */

static void loop_close_parts(rondo_loop *loop)
{
    for (int i = 0; i < LOOP_PARTS; i++)
        if (loop_parts[i]->close)
            loop_parts[i]->close(loop);
}

static void loop_expire_parts(rondo_loop *loop)
{
    for (int i = 0; i < LOOP_PARTS; i++)
        if (loop_parts[i]->expire)
            loop_parts[i]->expire(loop);
}

static void loop_free_all(rondo_loop *loop)
{
    assert(loop->depth == loop->closing); /* closed, or never opened */
    loop_close_parts(loop);
    signals_close(loop);
    while (loop->free_at_close) {
        struct loop_block *block = loop->free_at_close;
        loop->free_at_close = block->next;
        loop_free(loop, block->memory);
    }
    free_list_clear(loop);
    timers_free(loop);
    quarantine_close(loop);
    remote_close(loop);
    release_free(loop);
    observe_close(loop);
    if (loop->backend_data)
        loop->backend->close(loop);
    loop_free(loop, loop->ring);
    if (loop->table != loop->first_table)
        loop_free(loop, loop->table);
    loop_free(loop, loop->ids);
    loop_free(loop, loop);
}

static bool loop_wants_debug(int option, bool has_env)
{
    const char *env = has_env && !option ? sys_env("RONDO_DEBUG") : NULL;
    return option ? option > 0 : env && strcmp(env, "1") == 0;
}

static size_t loop_aligned_size(size_t size)
{
    size_t unit = sizeof(max_align_t);
    return (size + unit - 1) / unit * unit;
}

/* The loop, the state of each part, that of the backend and the scratch buffer
 * are one block. This is the size of the first two. */
static size_t loop_size(void)
{
    size_t size = loop_aligned_size(sizeof(rondo_loop));
    for (int i = 0; i < LOOP_PARTS; i++)
        size += loop_aligned_size(loop_parts[i]->size);
    return size;
}

static size_t loop_backend_size(const struct backend *backend)
{
    return backend->size ? loop_aligned_size(backend->size(backend)) : 0;
}

static void loop_place_parts(rondo_loop *loop)
{
    char *at = (char *)loop + loop_aligned_size(sizeof *loop);
    for (int i = 0; i < LOOP_PARTS; i++) {
        loop->part[i] = at;
        at += loop_aligned_size(loop_parts[i]->size);
    }
    loop->backend_room = at;
    loop->scratch = at + loop_backend_size(loop->backend);
}

_Atomic uint32_t loops_made;

static void loop_init(rondo_loop *loop, const rondo_loop_options *o,
                      const rondo_allocator *allocator)
{
    loop_place_parts(loop);
    loop->allocator = *allocator;
    loop->ready_last = &loop->ready_first;
    loop->table = loop->first_table;
    loop->table_room = LOOP_TABLE;
    loop->ids_free = ID_NO_SLOT;
    uint32_t number = atomic_fetch_add(&loops_made, 1);
    loop->tag = number & ((1U << ID_TAG_BITS) - 1);
    loop->first_generation = id_first_generation(number);
    assert(loop->first_generation <= ID_GENERATION_MAX);
    loop->ring_head = loop->ring_tail = loop->ring_full =
        (uint64_t)id_make(loop, ID_SOON, id_first_place(number));
    atomic_init(&loop->ring_seen, (uint32_t)loop->ring_tail);
    timers_init(&loop->timers);
    loop->born = loop->now = sys_clock();
    loop->thread = sys_thread_self();
    loop->slow_ns =
        o->slow_callback_ns > 0 ? o->slow_callback_ns : RONDO_MS(100);
    loop->close_grace_ns = o->close_grace_ns > 0   ? o->close_grace_ns
                           : o->close_grace_ns < 0 ? 0
                                                   : RONDO_SEC(5);
    sys_fork_watch();
    loop->generation = sys_fork_generation;
    loop_set_guard(loop);
    loop->tell_thread = quarantine_tell_thread;
    atomic_init(&loop->sleeping, false);
    atomic_init(&loop->requests, 0);
    atomic_init(&loop->thread_told, false);
}

static int loop_check_parts(const rondo_loop_options *o)
{
    for (int i = 0; i < LOOP_PARTS; i++) {
        int error =
            loop_parts[i]->check ? loop_parts[i]->check(o, "loop_new") : 0;
        if (error)
            return error;
    }
    return 0;
}

static int loop_open_parts(rondo_loop *loop, const rondo_loop_options *o)
{
    for (int i = 0; i < LOOP_PARTS; i++) {
        int error = loop_parts[i]->open ? loop_parts[i]->open(loop, o) : 0;
        if (error)
            return error;
    }
    return 0;
}

static int loop_open_all(rondo_loop *loop, const rondo_loop_options *o)
{
    int error = loop_open_parts(loop, o);
    if (!error)
        error = remote_open(loop);
    if (!error)
        error = loop->backend->open(loop);
    assert(error || loop->backend_data);
    return error;
}

int rondo_loop_new(rondo_loop **loop, const rondo_loop_options *options)
{
    rondo_loop_options o;
    const struct backend *backend;
    if (!loop)
        return error_set(RONDO_EINVAL, "loop_new: nowhere to put the loop");
    *loop = NULL;
    int error = loop_options(&o, sizeof o, options, "loop_new");
    bool has_env = sys_env_has("RONDO_");
    if (!error)
        error = loop_check_parts(&o);
    if (!error)
        error = backend_choose(o.backend, has_env, &backend);
    if (error)
        return error;
    const rondo_allocator *a = o.allocator ? o.allocator : &memory_of_libc;
    if (!a->malloc_fn || !a->realloc_fn || !a->free_fn)
        return error_set(RONDO_EINVAL, "loop_new: the allocator lacks one of "
                                       "malloc_fn, realloc_fn, free_fn");
    size_t size = loop_size();
    rondo_loop *made = a->malloc_fn(
        size + loop_backend_size(backend) + LOOP_SCRATCH, a->context);
    if (!made)
        return error_set(RONDO_ENOMEM, "loop_new: out of memory");
    memset(made, 0, size); /* the rest is left alone */
    made->backend = backend;
    made->debug = made->observed = loop_wants_debug(o.debug, has_env);
    loop_init(made, &o, a);
    error = loop_open_all(made, &o);
    if (error)
        loop_free_all(made);
    else
        *loop = made;
    PROBE2(loop_new, made, error);
    return error;
}

/* A handle comes before those that it uses: a process before the transports of
 * its pipes, a call on a socket before the socket. */
static void loop_close_handles(rondo_loop *loop)
{
    static const enum handle_kind order[] = {
        HANDLE_GROUP,     HANDLE_PUMP,      HANDLE_JOB,       HANDLE_LOOKUP,
        HANDLE_OPERATION, HANDLE_SOCK_CALL, HANDLE_SENDFILE,  HANDLE_DRAIN,
        HANDLE_PROCESS,   HANDLE_SERVER,    HANDLE_TRANSPORT, HANDLE_DATAGRAM,
        HANDLE_WATCHER,   HANDLE_SOCK,      HANDLE_SIGNAL,    HANDLE_HOOK,
        HANDLE_SEND,      HANDLE_WALK,      HANDLE_FILE_CALL, HANDLE_FILE,
        HANDLE_PATH,      HANDLE_NETWORK,   HANDLE_TERMINAL};
    _Static_assert(sizeof order / sizeof *order == HANDLE_KINDS,
                   "each kind of handle is closed");
    for (size_t i = 0; i < sizeof order / sizeof *order && loop->live_handles;
         i++) {
        struct handle_walk walk;
        struct handle *h;
        if (!loop->live[order[i]])
            continue;
        handle_walk_begin(loop, order[i], &walk);
        while ((h = handle_walk_next(loop, &walk)))
            handle_classes[order[i]]->close(loop, h);
    }
}

static bool loop_any_live(const rondo_loop *loop)
{
    return loop->live_handles || loop->ready_first;
}

/* A wait of a closing loop has failed, which is reported once. The next one may
 * work; without it a reactor tries what is pending, and what threads send is
 * found all the same. false: it has failed for so long that what still lives is
 * given up. Jobs and groups have a time of their own, and a file's threads use memory of the
 * program's until they end. */
static bool loop_wait_failed(rondo_loop *loop, int error, int failures)
{
    if (failures == 1) {
        rondo_exception e = loop_exception(error);
        rondo_loop_call_exception_handler(loop, &e);
    } else {
        sys_sleep(RONDO_MS(FAILED_WAIT_MS));
    }
    return failures < FAILED_WAITS_LIMIT || loop->live[HANDLE_JOB] ||
           loop->live[HANDLE_FILE_CALL] || loop->live[HANDLE_GROUP] ||
           loop->live[HANDLE_PATH];
}

/* All handles are closing: waits until their operations have ended, and until
 * threads have sent back the jobs that they run. */
static int loop_drain(rondo_loop *loop)
{
    int64_t start = loop->now;
    int failures = 0, error = 0;
    assert(loop->closing && !loop->timers.live);
    while (loop_any_live(loop)) {
        bool threads = loop->live[HANDLE_JOB] || loop->live[HANDLE_GROUP];
        int64_t left =
            threads ? loop->close_grace_ns - (loop->now - start) : RONDO_NEVER;
        error = loop_collect(loop, left);
        if (error && !loop_wait_failed(loop, error, ++failures))
            break;
        if (remote_take(loop))
            remote_run(loop, CALLBACKS_LIMIT);
        loop_run_ready(loop);
        (void)loop_take_requests(loop);
        if (left <= 0)
            loop_expire_parts(loop);
    }
    if (!loop_any_live(loop))
        return 0;
    loop_expire_parts(loop);
    return loop_any_live(loop) ? error : 0;
}

NOINLINE int rondo_loop_close(rondo_loop *loop)
{
    SYS_STOP_EXCEPTIONS();
    int error = loop_enter(loop, "loop_close");
    if (error)
        return error;
    if (loop->debug)
        loop_report_open(loop);
    PROBE1(loop_close, loop);
    loop->closing = true;
    loop_set_guard(loop);
    loop->now = sys_clock();
    remote_refuse_posts(loop);
    while (remote_take(loop))
        remote_run(loop, CALLBACKS_LIMIT);
    loop->ring_head = loop->ring_tail;
    timers_free(loop);
    release_all(loop);
    loop_close_handles(loop);
    error = loop_drain(loop);
    loop_free_all(loop);
    return error;
}

/* loop.h - the loop object, its ready list, and what every handle has. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_LOOP_H
#define RONDO_CORE_LOOP_H

#include "core/timer.h"
#include "rondo.h"
#include "sys.h"

#include <assert.h>

#include <stdatomic.h>

/* Off the everyday path: kept out of it, so that it stays short. */
#if defined(__GNUC__)
#define COLD     __attribute__((cold, noinline))
#define NOINLINE __attribute__((noinline)) /* an everyday path of its own */
#else
#define COLD
#define NOINLINE
#endif

struct backend;
struct io;
struct remote;
struct signals;

/* Something to run from the loop: a finished operation or a handle's deferred
 * callbacks. IDLE just before it runs, so it may be queued again or freed. */
enum task_state { TASK_IDLE = 0, TASK_PENDING, TASK_READY };

struct task {
    struct task *next;
    void (*done)(rondo_loop *loop, struct task *task);
    unsigned char state;
    unsigned char kind; /* enum op_kind, for operations */
    uint16_t owed;      /* callbacks that are due, for a dispatch */
    int error;
};

/* What every live handle has: its place in the loop's list. */
enum handle_kind {
    HANDLE_TRANSPORT,
    HANDLE_SERVER,
    HANDLE_DATAGRAM,
    HANDLE_PROCESS,
    HANDLE_WATCHER,
    HANDLE_OPERATION,
    HANDLE_LOOKUP,
    HANDLE_JOB,
    HANDLE_SOCK_CALL,
    HANDLE_SENDFILE,
    HANDLE_SOCK, /* not the program's: until the kernel is done with it */
    HANDLE_SIGNAL,
    HANDLE_KINDS
};

struct handle {
    struct handle *next, **link;
    uint32_t born_ms; /* since the loop was made */
    unsigned char kind;
    bool background;
    bool inherited; /* the parent process has it too */
};

/* Memory that stays valid until the loop is freed. */
struct loop_block {
    struct loop_block *next;
    void *memory;
};

/* What is made and done with all the time is kept for the next of its kind,
 * so that nothing is allocated for each. */
enum free_list_kind {
    FREE_LIST_SOCK,
    FREE_LIST_SOCK_CALL,
    FREE_LIST_SENDFILE,
    FREE_LISTS
};

/* How the loop treats handles of a kind, without knowing them. */
struct handle_class {
    const char *name;
    void (*close)(rondo_loop *loop, struct handle *handle); /* loop close */
    /* false: the program has ended it already, it is nothing to tell of; NULL:
     * it never is */
    bool (*describe)(const struct handle *handle, char *text, size_t size);
};

struct soon {
    rondo_fn fn; /* NULL: cancelled */
    void *arg;
    bool background;
};

/* What an id of the operation kind names (id.c). */
struct id_slot {
    struct handle *object; /* NULL: free */
    void (*cancel)(rondo_loop *loop, struct handle *object);
    uint32_t generation;
    uint32_t next_free;
};

/* The parts above the core; a closing loop closes them in this order. */
enum loop_part_id {
    PART_LOOKUP,
    PART_EXECUTOR,
    PART_FILE_SOURCE,
    PART_STREAM,
    PART_DATAGRAM,
    PART_PROCESS,
    LOOP_PARTS
};

enum { LOOP_SCRATCH = 65536 };

/* What any thread and any signal handler may ask of a loop. */
enum { LOOP_STOP = 1, LOOP_SIGNALS = 2 };

struct rondo_loop {
    /* an iteration's own */
    struct task *ready_first, **ready_last;
    const struct backend *backend;
    void *backend_data;
    char *scratch; /* what a handle reads into when it tries */
    int64_t now;
    uint32_t guard; /* differs from sys_fork_generation: look closer */
    unsigned depth; /* run calls under way: 0 or 1 */
    bool debug, closing, prepared;
    struct soon *ring;
    uint64_t ring_head, ring_tail;
    size_t ring_room, ring_background;
    size_t alive; /* what keeps run from returning, the ring apart */
    struct timers timers;
    struct remote *remote;
    atomic_bool sleeping;
    atomic_uint asked; /* LOOP_STOP, LOOP_SIGNALS */

    /* handles and ids */
    struct io **table; /* by descriptor, open addressing */
    size_t table_room, table_used;
    struct handle *handles[HANDLE_KINDS];
    size_t live[HANDLE_KINDS];
    size_t watching; /* readers and writers */
    struct id_slot *ids;
    size_t ids_used, ids_room;
    uint32_t ids_free, tag;
    uint32_t first_generation; /* of a slot; another for loops of one tag */
    struct signals *signals;   /* made with the first handler */
    struct loop_block *free_at_close, *free_list[FREE_LISTS];
    void *part[LOOP_PARTS]; /* the state of each: part.h */

    /* the program's */
    void *data;
    rondo_exception_fn exception_fn;
    void *exception_arg;
    rondo_allocator allocator;
    int64_t slow_ns, close_grace_ns, born;
    sys_thread_id thread;
    uint32_t generation; /* forks seen when it was made or taken over */
    rondo_loop_metrics metrics;
};

/* ---- memory: the loop's allocator, counted ---- */

void *loop_alloc(rondo_loop *loop, size_t size);
void *loop_realloc(rondo_loop *loop, void *p, size_t size);
void loop_free(rondo_loop *loop, void *p);

/* A block of a kind whose blocks are all of that size, zeroed; NULL: out of
 * memory. */
void *free_list_take(rondo_loop *loop, enum free_list_kind kind, size_t size);
void free_list_put(rondo_loop *loop, enum free_list_kind kind, void *p);
void free_list_clear(rondo_loop *loop);

/* ---- may this call be made? ---- */

/* 0, RONDO_EINVAL (NULL), RONDO_EFORKED, RONDO_ETHREAD; sets last error. */
void loop_set_guard(rondo_loop *loop);
COLD int loop_check_slow(const rondo_loop *loop, const char *what);

static inline int loop_check(const rondo_loop *loop, const char *what)
{
    if (loop && loop->guard == sys_fork_generation)
        return 0;
    int error = loop_check_slow(loop, what);
    assert(loop || error < 0);
    return error;
}

/* For what creates something: RONDO_ECLOSED while the loop closes, too. */
COLD int loop_check_create_slow(const rondo_loop *loop, const char *what);

static inline int loop_check_create(const rondo_loop *loop, const char *what)
{
    if (loop && loop->guard == sys_fork_generation)
        return 0;
    int error = loop_check_create_slow(loop, what);
    assert(loop || error < 0);
    return error;
}

/* Takes an option struct of the caller's size into one of ours, `known` bytes
 * long: what the caller's header lacks is zero. NULL is all zero. */
int loop_options(void *to, size_t known, const void *from, const char *what);
/* Fills a struct of the caller's size from ours, `known` bytes long. */
int loop_give(void *to, const void *from, size_t known, const char *what);

/* ---- running things ---- */

static inline void loop_push(rondo_loop *loop, struct task *task)
{
    task->state = TASK_READY;
    task->next = NULL;
    *loop->ready_last = task;
    loop->ready_last = &task->next;
}

/* Runs what one turn may run of the ring. */
void loop_run_ring(rondo_loop *loop, uint64_t most);
/* For what schedules from outside a run: an embedding loop must notice. */
void loop_nudge(rondo_loop *loop);
/* Any thread, signal handlers: ends a wait that is under way or next. */
void loop_wake(rondo_loop *loop);
/* Calls a callback of the program's and reports it if it took long. */
void loop_report_slow(rondo_loop *loop, rondo_fn fn, int64_t start_ns);
void loop_call_timed(rondo_loop *loop, rondo_fn fn, void *arg);

static inline void loop_call(rondo_loop *loop, rondo_fn fn, void *arg)
{
    loop->metrics.callbacks++;
    if (loop->debug)
        loop_call_timed(loop, fn, arg);
    else
        fn(loop, arg);
}

/* Tells the exception handler what nobody else can be told; the sentence is
 * this thread's last error. */
struct rondo_exception loop_exception(int error);
/* Debug: tells what is still open. */
void loop_report_open(rondo_loop *loop);
/* Puts a callback on the ring; false: out of memory. */
bool loop_soon(rondo_loop *loop, rondo_fn fn, void *arg);

/* ---- handles ---- */

void handle_open(rondo_loop *loop, struct handle *handle,
                 enum handle_kind kind);
void handle_close(rondo_loop *loop, struct handle *handle);
void handle_set_background(rondo_loop *loop, struct handle *handle,
                           bool background);
/* In a forked child: what there is, is shared. */
void handles_inherit(rondo_loop *loop);
extern const struct handle_class *const handle_classes[HANDLE_KINDS];

#endif

/* loop.h - the loop object, its ready list, and what every handle has. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_LOOP_H
#define RONDO_CORE_LOOP_H

#include "core/timer.h"
#include "rondo.h"
#include "sys.h"

#include <assert.h>

#include <stdatomic.h>

/* COLD: the function is on a slow path only, so its code stays out of the fast
 * path. NOINLINE: the function is a fast path of its own; inlined into another
 * it would make that one save more registers. */
#if defined(__GNUC__)
#define COLD     __attribute__((cold, noinline))
#define NOINLINE __attribute__((noinline))
#define INLINED  __attribute__((always_inline)) inline
#else
#define COLD
#define NOINLINE
#define INLINED inline
#endif

struct backend;
struct io;
struct remote;
struct signals;
struct handle_walk;
struct hook;
struct releases;
struct meter;
struct doing;
struct ended;

/* IDLE: not started, or done. PENDING: the backend has it; operations only.
 * READY: on the ready list. */
enum task_state { TASK_IDLE = 0, TASK_PENDING, TASK_READY };

/* An item of the ready list: an operation that has ended, or a handle with
 * callbacks that are owed. The loop sets it to IDLE just before it calls done,
 * so done may start it again or free it. It must not be freed while it is
 * PENDING or READY. */

struct task {
    struct task *next;
    void (*done)(rondo_loop *loop, struct task *task);
    unsigned char state;
    unsigned char kind; /* enum op_kind, for operations */
    uint16_t owed; /* a handle's: the callbacks that it owes (dispatch.h) */
    int error;
};

/* The order is that of a dump. loop_close_handles has the order of a close. */
enum handle_kind {
    HANDLE_TRANSPORT,
    HANDLE_SERVER,
    HANDLE_DATAGRAM,
    HANDLE_PROCESS,
    HANDLE_WATCHER,
    HANDLE_OPERATION, /* a connect */
    HANDLE_LOOKUP,
    HANDLE_JOB,
    HANDLE_SOCK_CALL,
    HANDLE_SENDFILE,
    HANDLE_DRAIN,
    HANDLE_SEND, /* of a datagram */
    HANDLE_SOCK, /* a socket of the program while operations on it pend */
    HANDLE_SIGNAL,
    HANDLE_HOOK,
    HANDLE_FILE_CALL, /* an operation on a file, or by path */
    HANDLE_FILE,      /* an open file, in the background */
    HANDLE_GROUP,     /* loops on threads, whose home this loop is */
    HANDLE_WALK,      /* through directories */
    HANDLE_PUMP,      /* between two transports */
    HANDLE_PATH,      /* a watched path */
    HANDLE_NETWORK,   /* watched network interfaces */
    HANDLE_TERMINAL,  /* the watched size of a terminal */
    HANDLE_KINDS
};

/* The first member of each handle: its place in the loop's list of its kind. */
struct handle {
    struct handle *next, **link;
    uint32_t born_ms;   /* when it was opened, since the loop was made */
    unsigned char kind; /* enum handle_kind */
    bool background;    /* does not keep rondo_loop_run running */
    bool inherited;     /* by a fork: the parent process has it, too */
};

/* A link of free_at_close, whose `memory` loop_close frees, and of the free
 * lists, whose blocks begin with it and leave `memory` unset. */
struct loop_block {
    struct loop_block *next;
    void *memory;
};

/* Types whose freed blocks the loop keeps for the next use. */
enum free_list_kind {
    FREE_LIST_SOCK,
    FREE_LIST_SOCK_CALL,
    FREE_LIST_SENDFILE,
    FREE_LIST_TRANSPORT,
    FREE_LISTS
};

/* What the core knows of the handles of a kind. */
struct handle_class {
    const char *name; /* in a dump */
    /* For rondo_loop_close: ends the handle, at once or from the ready list.
     * May free this handle, but no other one of its kind. */
    void (*close)(rondo_loop *loop, struct handle *handle);
    /* Writes the state of the handle for a dump. false leaves the handle out;
     * NULL: handles of this kind are never listed. */
    bool (*describe)(const struct handle *handle, char *text, size_t size);
};

enum soon_flag {
    SOON_BACKGROUND = 1, /* does not keep rondo_loop_run running */
    SOON_RELEASE = 2,    /* has a release (release.h) */
    SOON_CANCELLED = 4   /* no other flag then */
};

/* A callback on the ring: rondo_call_soon's. */
struct soon {
    rondo_fn fn;
    void *arg;
    unsigned flags; /* enum soon_flag; 0 on the fast path */
};

/* The slot of an operation's id (id.c). */
struct id_slot {
    struct handle *object; /* NULL: no id names this slot now */
    void (*cancel)(rondo_loop *loop, struct handle *object);
    uint32_t generation;
    uint32_t next_free; /* while it is free */
};

/* The parts above the core (part.h), in the order in which each hook is called
 * for them; a loop that closes closes them in this order, too. */
enum loop_part_id {
    PART_LOOKUP,
    PART_EXECUTOR,
    PART_FILE_SOURCE,
    PART_FILE,
    PART_PATH,
    PART_NETWORK,
    PART_STREAM,
    PART_DATAGRAM,
    PART_PROCESS,
    PART_GROUP,
    LOOP_PARTS
};

enum {
    LOOP_SCRATCH = 65536, /* the size of the scratch buffer */
    LOOP_TABLE = 16       /* of the first table of descriptors */
};

/* What any thread and any signal handler may request of a loop. LOOP_SIGNALS:
 * signals have arrived, signals_run is to call their hooks. LOOP_WAKE: the next
 * wait returns at once. LOOP_POSTED: threads have sent something (remote.c). */
enum { LOOP_STOP = 1, LOOP_SIGNALS = 2, LOOP_WAKE = 4, LOOP_POSTED = 8 };

/* What is always counted, for the metrics. */
struct loop_counts {
    uint64_t iterations, events, callbacks, allocations, timers_skipped;
    int64_t idle_ns;
};

/* All fields belong to the loop's thread, except `ring_seen`, `sleeping` and
 * `requests`, and except `generation`, which any thread may read. */
struct rondo_loop {
    /* what an iteration touches */
    struct task *ready_first, **ready_last; /* the ready list */
    const struct backend *backend;
    void *backend_data, *backend_room;
    char *scratch;   /* one read at a time; valid during one dispatch */
    int64_t now;     /* the clock, read after each wait */
    int64_t asked;   /* ... after the last wait that asked the kernel */
    uint32_t guard;  /* loop_set_guard: what a call checks on the fast path */
    unsigned depth;  /* calls of run, run_once and close under way: 0 or 1 */
    unsigned held;   /* see loop_hold */
    bool debug;      /* debug mode */
    bool observed;   /* debug mode, a tracer or a meter is on (observe.h) */
    bool closing;    /* rondo_loop_close has begun */
    bool prepared;   /* a main loop is to be woken, as prepare promised */
    bool told_list;  /* by prepare_poll: descriptors, and not one alone */
    bool posts_left; /* some of what was taken from the inbox has not run */
    /* iterations that need not ask the kernel now, and after a wait */
    unsigned char rests_left, rests_most;
    struct soon *ring; /* a power of two of callbacks; NULL: none so far */
    /* Places are counted over all callbacks, above the bits of an id that name
     * the loop: one more than its place is the callback's id. */
    uint64_t ring_head;     /* the place of the next callback */
    uint64_t ring_tail;     /* one behind the last */
    uint64_t ring_full;     /* no callback is put there; the head may have moved
                           since this was found out */
    size_t ring_mask;       /* the number of places minus 1 */
    size_t ring_background; /* of the ring: those that do not keep run running,
                               cancelled ones among them */
    size_t alive; /* handles and timers that keep rondo_loop_run running */
    struct timers timers;
    struct remote *remote;
    struct hook *hooks; /* the first one; NULL: there are none */
    int64_t told_ns;    /* until then a main loop waits, as prepare told it, on
                        the clock; 0: none does */
    _Atomic uint32_t ring_seen; /* the low half of ring_tail, for senders */
    atomic_bool sleeping;       /* a wake-up is needed to end the wait */
    atomic_uint requests;       /* LOOP_STOP and so on */

    /* handles and ids */
    struct io **table;                    /* by descriptor (op.c) */
    struct io *first_table[LOOP_TABLE];   /* which it begins as */
    size_t table_room, table_used;        /* room: 0 or a power of two */
    struct handle *handles[HANDLE_KINDS]; /* the latest first */
    struct handle_walk *walk;             /* the innermost under way */
    size_t live[HANDLE_KINDS];            /* the length of each list */
    size_t live_handles;                  /* of all */
    size_t live_watchers;                 /* readers plus writers (watch.c) */
    struct id_slot *ids;                  /* the slots of operations (id.c) */
    size_t ids_used, ids_room;
    uint32_t ids_free;         /* the first free slot, or ID_NO_SLOT */
    uint32_t tag;              /* the 12 bits of an id that name this loop */
    uint32_t first_generation; /* of each slot: id_first_generation */
    struct signals *signals;   /* made with the first signal hook */
    struct releases *releases; /* made with the first one */
    struct hook *next_hook;    /* to be called next, while hooks run */
    uint64_t hook_round;       /* how often hooks have been run */
    struct loop_block *free_at_close, *free_list[FREE_LISTS];
    unsigned kept_some;     /* blocks of the lists that have a limit */
    void *part[LOOP_PARTS]; /* the state of each part: loop_part_state */

    /* what the program has set, and what it asks for */
    uint32_t interest_grown; /* how often a poller with a list has watched
                                more */
    uint32_t told_grown;     /* ... when prepare_poll told the list */
    void *data;
    rondo_exception_fn exception_fn; /* NULL: the default handler */
    void *exception_arg;
    rondo_allocator allocator;
    int64_t slow_ns, close_grace_ns, born;
    sys_thread_id thread; /* the loop's; checked in debug mode only */
    uint32_t generation;  /* sys_fork_generation when made or taken over */
    struct loop_counts metrics;

    /* who looks at it (observe.h) */
    rondo_tracer_fn tracer; /* NULL: there is none */
    void *tracer_arg;
    struct doing *doing; /* the innermost under way */
    struct meter *meter; /* NULL: metering was never on */
    bool metering;

    /* debug mode (quarantine.h) */
    struct ended *ended; /* this is no loop, but a stone in place of one */
    struct ended *quarantine, *quarantine_last; /* the oldest first */
    unsigned quarantined;
    void (*tell_thread)(rondo_loop *loop, const char *what);
    atomic_bool thread_told; /* a call of a wrong thread is being told */
};

/* ---- memory ---- */

/* How many loops were made so far: their ids differ by it. */
extern _Atomic uint32_t loops_made;
extern const rondo_allocator memory_of_libc; /* malloc(3)'s */

/* The loop's allocator, counted in the metrics. NULL: out of memory, without a
 * sentence. The loop's thread only: what another thread frees, or what outlives
 * the loop, comes from malloc. */
void *loop_alloc(rondo_loop *loop, size_t size);
void *loop_realloc(rondo_loop *loop, void *p, size_t size);
void loop_free(rondo_loop *loop, void *p); /* NULL: nothing to do */

COLD void *free_list_new(rondo_loop *loop, size_t size);
/* Returns a kept block, with its bytes as they were except the link, or a zeroed
 * new one; NULL: out of memory. All blocks of a kind have the same size, at
 * least that of struct loop_block. */
static inline void *free_list_take(rondo_loop *loop, enum free_list_kind kind,
                                   size_t size)
{
    struct loop_block *block = loop->free_list[kind];
    assert(kind < FREE_LISTS && size >= sizeof *block);
    if (!block)
        return free_list_new(loop, size);
    loop->free_list[kind] = block->next;
    return block;
}

/* Keeps the block until the next take, or until the loop is freed. */
static inline void free_list_put(rondo_loop *loop, enum free_list_kind kind,
                                 void *p)
{
    struct loop_block *block = p;
    assert(block && block != loop->free_list[kind]);
    block->next = loop->free_list[kind];
    loop->free_list[kind] = block;
}

/* The same of a type of which there may be many, and whose blocks are not
 * zeroed: so many are kept at most. None where a sanitizer looks for uses after
 * the end. */
#if defined(__SANITIZE_ADDRESS__)
enum { FREE_LIST_MOST = 0 };
#elif defined(__has_feature)
enum { FREE_LIST_MOST = __has_feature(address_sanitizer) ? 0 : 64 };
#else
enum { FREE_LIST_MOST = 64 };
#endif

static inline void *free_list_take_some(rondo_loop *loop,
                                        enum free_list_kind kind, size_t size)
{
    struct loop_block *block = loop->free_list[kind];
    assert(kind < FREE_LISTS && size >= sizeof *block);
    if (!block)
        return loop_alloc(loop, size);
    loop->free_list[kind] = block->next;
    loop->kept_some--;
    return block;
}

static inline void free_list_put_some(rondo_loop *loop,
                                      enum free_list_kind kind, void *p)
{
    if (loop->kept_some + 1 > FREE_LIST_MOST) { /* which may be 0 */
        loop_free(loop, p);
        return;
    }
    loop->kept_some++;
    free_list_put(loop, kind, p);
}

/* Frees the blocks of all lists. */
void free_list_clear(rondo_loop *loop);

/* ---- may this call be made? ---- */

/* Sets loop->guard. It equals sys_fork_generation if a call may proceed without
 * a look: the loop is not in debug mode, is not closing, and belongs to this
 * process. One comparison on the fast path covers the three, and the slow path
 * tells them apart. */
void loop_set_guard(rondo_loop *loop);
COLD int loop_check_slow(const rondo_loop *loop, const char *what);

/* Any call may proceed. */
static inline bool loop_is_plain(const rondo_loop *loop)
{
    return sys_fork_generation == loop->guard;
}

/* What each public call begins with. Returns 0, or an error whose sentence
 * begins with `what`:
 * RONDO_EINVAL: NULL;
 * RONDO_EFORKED: the loop is the parent process's;
 * RONDO_ETHREAD: debug mode, and the calling thread is not the loop's. */
static inline int loop_check(const rondo_loop *loop, const char *what)
{
    if (loop && loop_is_plain(loop))
        return 0;
    int error = loop_check_slow(loop, what);
    assert(loop || error < 0);
    return error;
}

COLD int loop_check_create_slow(const rondo_loop *loop, const char *what);

/* For calls that create something. As loop_check, and RONDO_ECLOSED: the loop
 * is closing. */
static inline int loop_check_create(const rondo_loop *loop, const char *what)
{
    if (loop && loop_is_plain(loop))
        return 0;
    int error = loop_check_create_slow(loop, what);
    assert(loop || error < 0);
    return error;
}

/* Copies the program's option struct `from`, of the size that its first member
 * states, to `to`, `known` bytes long. Bytes that the program's header does not
 * have yet become zero; NULL means all zero. Returns 0, or with a sentence
 * RONDO_EINVAL: no size is stated; RONDO_ENOTSUP: a byte is set that is beyond
 * `known`, so the program wants an option that this library does not have. */
int loop_options(void *to, size_t known, const void *from, const char *what);

/* Whether a table of the program's functions can be used. what: the function
 * that it was given to; noun: "protocol". NULL is RONDO_EINVAL, a member that
 * this version does not know RONDO_ENOTSUP. */
int loop_check_table(const rondo_reserved *reserved, size_t count,
                     const char *what, const char *noun);
#define LOOP_CHECK_TABLE(table, what, noun)                                    \
    loop_check_table((table) ? (table)->reserved : NULL,                       \
                     sizeof(table)->reserved / sizeof *(table)->reserved,      \
                     what, noun)
/* The same, and NULL is allowed. */
#define LOOP_CHECK_TABLE_OR_NULL(table, what, noun)                            \
    ((table) ? LOOP_CHECK_TABLE(table, what, noun) : 0)
/* The other way: fills the program's struct `to`, of the size that its first
 * member states, from `from`, `known` bytes long. Bytes of it beyond `known`
 * stay as they are. Returns 0, or RONDO_EINVAL with a sentence: NULL or no
 * size. */
int loop_give(void *to, const void *from, size_t known, const char *what);

/* Around a call of the program from inside one of its own calls (a resolver, the
 * exception handler, a line of the dump): until loop_let_go the loop can neither
 * run nor close, RONDO_EBUSY, so all objects of the loop outlive the call,
 * except those that the program frees by a call of its own. The function is
 * NOINLINE and has SYS_STOP_EXCEPTIONS. */
static inline void loop_hold(rondo_loop *loop)
{
    loop->held++;
}

static inline void loop_let_go(rondo_loop *loop)
{
    assert(loop->held);
    loop->held--;
}

/* ---- running things ---- */

/* Puts a task at the end of the ready list; the next iteration calls its done.
 * The task must not be on the list already. */
static inline void loop_push(rondo_loop *loop, struct task *task)
{
    assert(task->state != TASK_READY && task->done);
    assert(!*loop->ready_last);
    task->state = TASK_READY;
    task->next = NULL;
    *loop->ready_last = task;
    loop->ready_last = &task->next;
}

/* How long a wait may take, but not longer than most_ns, by what is to run, what
 * is requested and the next timer. */
int64_t loop_wait_time(rondo_loop *loop, int64_t most_ns, int64_t now);

/* After a run_once of an embedded loop, whose main loop may be about to wait as
 * prepare has told it. */
COLD void embed_go_on_waiting(rondo_loop *loop);

/* Wakes an embedded loop when something was scheduled outside a run: the wait
 * that rondo_loop_prepare computed would be too long. Else does nothing. */
void loop_nudge(rondo_loop *loop);

/* Ends the wait that is under way, or the next one. Any thread and any signal
 * handler. Costs a system call once a wait. */
void loop_wake(rondo_loop *loop);

/* Calls a callback of the program that an observed loop is to see. */
COLD void loop_call_observed(rondo_loop *loop, rondo_activity activity,
                             rondo_fn fn, void *arg);

/* Calls a callback of the program, and counts it. */
static inline void loop_call(rondo_loop *loop, rondo_activity activity,
                             rondo_fn fn, void *arg)
{
    loop->metrics.callbacks++;
    if (loop->observed)
        loop_call_observed(loop, activity, fn, arg);
    else
        fn(loop, arg);
}

/* The callback that has just been taken off the ring has flags. Returns false
 * if it was cancelled. */
COLD bool loop_run_marked(rondo_loop *loop, unsigned flags);

/* Runs the callbacks of the ring whose place is before `end`. */
void loop_run_ring(rondo_loop *loop, uint64_t end);
static INLINED void loop_run_ring_here(rondo_loop *loop, uint64_t end)
{
    assert(end - loop->ring_head <= loop->ring_tail - loop->ring_head);
    while (loop->ring_head != end) {
        /* Read first: the callback may make the ring grow. */
        const struct soon *soon =
            &loop->ring[loop->ring_head++ & loop->ring_mask];
        rondo_fn fn = soon->fn;
        void *arg = soon->arg;
        if (!soon->flags || loop_run_marked(loop, soon->flags))
            loop_call(loop, RONDO_DOES_CALLBACK, fn, arg);
    }
}

/* The value to pass to the exception handler: `error` with this thread's
 * sentence and system code, which it points at. */
struct rondo_exception loop_exception(int error);

/* In debug mode: reports what is open to the exception handler. */
void loop_report_open(rondo_loop *loop);

/* ---- handles ---- */

/* Enters a handle in the list of its kind; it counts as alive from now on. The
 * memory stays the caller's, until handle_close. */
void handle_open(rondo_loop *loop, struct handle *handle,
                 enum handle_kind kind);
/* Takes it out. Its operations must be idle and its tasks off the ready list
 * before its memory is freed. */
void handle_close(rondo_loop *loop, struct handle *handle);
/* Of one that was open, or whose bytes are zero. */
static inline bool handle_is_open(const struct handle *handle)
{
    return handle->link;
}

/* A walk over the handles of a kind that calls the program, which may close any
 * of them meanwhile, and walk itself. It lives on the stack of its caller. */
struct handle_walk {
    struct handle *next;
    struct handle_walk *outer;
};
void handle_walk_begin(rondo_loop *loop, enum handle_kind kind,
                       struct handle_walk *walk);
/* NULL: there is no more, and the walk has ended. */
struct handle *handle_walk_next(rondo_loop *loop, struct handle_walk *walk);
/* Says whether the handle keeps rondo_loop_run running. */
void handle_set_background(rondo_loop *loop, struct handle *handle,
                           bool background);
/* In a forked child: marks all handles as inherited. */
void handles_inherit(rondo_loop *loop);

/* By enum handle_kind; parts.c lists them. */
extern const struct handle_class *const handle_classes[HANDLE_KINDS];
/* For rondo_set_release: returns the arg of a callback that may never be called.
 * NULL: the callback of this kind is always called. */
typedef void *(*handle_arg_fn)(const struct handle *handle);
extern const handle_arg_fn handle_args[HANDLE_KINDS];

#endif

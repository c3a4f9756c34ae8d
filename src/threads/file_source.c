/* file_source.c - a file that is sent: by the kernel, or read on a thread. */
/* SPDX-License-Identifier: MIT */
#include "threads/file_source.h"

#include "base/error.h"
#include "base/pool.h"
#include "core/part.h"
#include "core/remote.h"

enum {
    SEND_MOST = 4 << 20, /* bytes asked of the kernel in one dispatch */
    READ_MOST = 65536,   /* bytes that a thread reads at a time */
    FILE_THREADS = 4
};

struct file_source_state {
    struct pool *pool;          /* made with the first read on a thread */
    struct file_reading *first; /* those that are under way */
    uint64_t quiet_asked; /* the iteration, from 1, that asked sys_is_quiet */
    bool quiet;           /* its answer */
};

/* Where a thread reads to. From malloc and counted: a thread may still use it
 * when its source, or even the loop, is gone. While it is under way the thread
 * uses `work`, `completion`, `remote`, `file`, and all from `stop` on. */
struct file_reading {
    struct work work;
    struct completion completion; /* brings what was read */
    struct task task;             /* in a forked child: brings RONDO_EFORKED */
    struct file_reading *next,
        **link;                 /* in the loop's list while it is under way */
    struct file_source *source; /* NULL: the source was closed */
    struct pool *pool;          /* the loop's; valid while under way */
    rondo_remote *remote;
    atomic_uint refs; /* the source has one, and one is the read's */
    atomic_bool stop; /* do not wait any longer for a pipe's bytes */
    sys_fd file;      /* a copy: the program may close its own any time */
    int64_t offset, count;
    int64_t os_error;
    size_t size;
    char bytes[READ_MOST];
};

static struct file_source_state *file_source_state_of(const rondo_loop *loop)
{
    return loop_part_state(loop, PART_FILE_SOURCE);
}

/* ---- beginning and ending ---- */

static int file_source_refuse(int error, const char *what, sys_fd file,
                              const char *why)
{
    return error_set(error, "%s: descriptor %lld %s", what, (long long)file,
                     why);
}

/* sys_is_quiet is a system call, so it is made once an iteration. */
static bool file_source_is_quiet(rondo_loop *loop)
{
    struct file_source_state *state = file_source_state_of(loop);
    if (state->quiet_asked != loop->metrics.iterations + 1) {
        state->quiet_asked = loop->metrics.iterations + 1;
        state->quiet = sys_is_quiet();
    }
    return state->quiet;
}

int file_source_open(struct file_source *s, rondo_loop *loop, rondo_fd file,
                     int64_t offset, int64_t size, const char *what)
{
    if (offset < 0 || size < 0)
        return error_set(RONDO_EINVAL, "%s: a negative %s", what,
                         offset < 0 ? "offset" : "size");
    *s = (struct file_source){.loop = loop,
                              .file = sys_fd_of(file),
                              .offset = offset,
                              .generation = sys_fork_generation};
    s->left = size < INT64_MAX - offset ? size : INT64_MAX - offset;
    return 0;
}

int file_source_check(struct file_source *s, const char *what)
{
    switch (sys_source(s->file)) {
    case SYS_SOURCE_BAD:
        return file_source_refuse(RONDO_EBADF, what, s->file,
                                  "is not open for reading");
    case SYS_SOURCE_NONE:
        return file_source_refuse(RONDO_EINVAL, what, s->file, "is not a file");
    case SYS_SOURCE_FILE:
        return 0;
    case SYS_SOURCE_FLOW:
        break;
    }
    if (s->offset)
        return file_source_refuse(RONDO_EINVAL, what, s->file,
                                  "has no positions");
    s->offset = -1;
    s->by_thread = true;
    return 0;
}

static void file_source_unref(struct file_reading *r)
{
    unsigned before = atomic_fetch_sub(&r->refs, 1);
    assert(before > 0);
    if (before != 1)
        return;
    assert(!r->source);
    sys_file_close(r->file);
    rondo_remote_release(r->remote);
    sys_free(r);
}

static void file_source_unlink(struct file_reading *r)
{
    assert(*r->link == r && r->source->reading && r->source->room == r);
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    r->source->reading = false;
}

void file_source_close(struct file_source *s, bool failed)
{
    struct file_reading *r = s->room;
    bool inherited = s->generation != sys_fork_generation;
    if (failed && s->offset >= 0 && !inherited)
        sys_file_seek(s->file, s->offset);
    if (!r)
        return;
    if (s->reading)
        file_source_unlink(r);
    assert(r->source == s);
    atomic_store(&r->stop, true);
    r->source = NULL;
    s->room = NULL;
    file_source_unref(r);
}

/* ---- sent by the kernel ---- */

size_t file_source_next(const struct file_source *s, size_t most,
                        struct sys_part *part)
{
    size_t size = s->left < (int64_t)most ? (size_t)s->left : most;
    *part = (struct sys_part){s->file, s->offset, size};
    return size;
}

void file_source_advance(struct file_source *s, size_t count)
{
    assert(s->left >= 0 && count <= (uint64_t)s->left);
    if (s->offset >= 0)
        s->offset += (int64_t)count;
    s->left -= (int64_t)count;
    s->sent += (int64_t)count;
}

void file_source_take_back(struct file_source *s, size_t count)
{
    assert(s->sent >= 0 && count <= (uint64_t)s->sent);
    if (s->offset >= 0)
        s->offset -= (int64_t)count;
    s->sent -= (int64_t)count;
}

bool file_source_blames_stream(int error)
{
    switch (error) {
    case RONDO_EPIPE:
    case RONDO_ECONNRESET:
    case RONDO_ECONNABORTED:
    case RONDO_ECANCELED:
    case RONDO_ENOTCONN:
    case RONDO_ETIMEDOUT:
    case RONDO_EHOSTUNREACH:
    case RONDO_ENETUNREACH:
    case RONDO_ENETDOWN:
        return true;
    default:
        return false;
    }
}

int64_t file_source_send(struct file_source *s, sys_fd to)
{
    struct sys_part part;
    if (!file_source_next(s, SEND_MOST, &part))
        return 0;
    int64_t count = sys_sendfile(to, &part, file_source_is_quiet(s->loop));
    if (count > 0)
        file_source_advance(s, (size_t)count);
    if (count >= 0 || count == RONDO_EAGAIN ||
        file_source_blames_stream((int)count))
        return count;
    s->by_thread = true;
    return RONDO_ENOTSUP;
}

/* ---- read on a thread ---- */

static void file_source_arrive(struct file_reading *r)
{
    struct file_source *s = r->source;
    assert(r->task.state == TASK_IDLE);
    if (s) {
        assert(r->count <= (int64_t)r->size);
        file_source_unlink(r);
        error_keep_os(r->count < 0 ? r->os_error : 0);
        if (r->count > 0)
            file_source_advance(s, (size_t)r->count);
        s->came(s, r->bytes, r->count > 0 ? (size_t)r->count : 0,
                r->count < 0 ? (int)r->count : 0);
    }
    file_source_unref(r);
}

static void file_source_completed(rondo_loop *loop,
                                  struct completion *completion)
{
    (void)loop;
    file_source_arrive(
        (struct file_reading *)(void *)((char *)completion -
                                        offsetof(struct file_reading,
                                                 completion)));
}

static void file_source_forked(rondo_loop *loop, struct task *task)
{
    (void)loop;
    file_source_arrive(
        (struct file_reading *)(void *)((char *)task -
                                        offsetof(struct file_reading, task)));
}

/* This one and the next run on a thread of the pool. */
static void file_source_run(struct work *work)
{
    struct file_reading *r = (struct file_reading *)(void *)work;
    error_no_os();
    r->count = sys_file_read(r->file, r->bytes, r->size, r->offset);
    r->os_error = rondo_last_os_error();
}

static void file_source_hand_back(struct work *work)
{
    struct file_reading *r = (struct file_reading *)(void *)work;
    bool silent = r->count == RONDO_EAGAIN && !atomic_load(&r->stop);
    /* A pipe without bytes goes to the end of the queue: the threads are few,
     * and its bytes may never come. */
    if (silent && pool_submit(r->pool, work) == 0)
        return;
    if (!remote_deliver(r->remote, &r->completion))
        file_source_unref(r);
}

static int file_source_make_room(struct file_source *s)
{
    struct file_source_state *state = file_source_state_of(s->loop);
    if (!state->pool)
        state->pool = pool_new(FILE_THREADS);
    struct file_reading *r = state->pool ? sys_alloc(sizeof *r) : NULL;
    error_no_os();
    if (!r)
        return RONDO_ENOMEM;
    int error = sys_file_copy(s->file, &r->file);
    if (error) {
        sys_free(r);
        return error;
    }
    r->work =
        (struct work){.run = file_source_run, .end = file_source_hand_back};
    r->completion.done = file_source_completed;
    r->task = (struct task){.done = file_source_forked};
    r->source = s;
    r->remote = rondo_loop_remote(s->loop);
    assert(r->remote);
    atomic_init(&r->refs, 1);
    atomic_init(&r->stop, false);
    s->room = r;
    return 0;
}

int file_source_read(struct file_source *s)
{
    assert(!s->reading && s->left > 0 && s->came);
    int error = s->room ? 0 : file_source_make_room(s);
    if (error)
        return error;
    struct file_source_state *state = file_source_state_of(s->loop);
    struct file_reading *r = s->room;
    r->size = s->left < READ_MOST ? (size_t)s->left : (size_t)READ_MOST;
    r->offset = s->offset;
    r->pool = state->pool;
    atomic_fetch_add(&r->refs, 1);
    error = pool_submit(state->pool, &r->work);
    if (error) {
        file_source_unref(r);
        return error;
    }
    s->reading = true;
    r->next = state->first;
    r->link = &state->first;
    if (r->next)
        r->next->link = &r->next;
    state->first = r;
    return 0;
}

/* ---- the part ---- */

/* The threads are the parent's, and one may hold the lock of the pool, which is
 * leaked. */
static void file_source_after_fork(rondo_loop *loop)
{
    struct file_source_state *state = file_source_state_of(loop);
    state->pool = NULL;
    for (struct file_reading *r = state->first; r; r = r->next) {
        r->count = RONDO_EFORKED;
        r->os_error = 0;
        if (r->task.state == TASK_IDLE) /* else of an earlier fork */
            loop_push(loop, &r->task);
    }
}

/* Reads that are under way end on their thread, which frees them. */
static void file_source_close_pool(rondo_loop *loop)
{
    struct file_source_state *state = file_source_state_of(loop);
    if (state->pool)
        pool_release(state->pool);
    state->pool = NULL;
}

const struct loop_part file_source_part = {
    .size = sizeof(struct file_source_state),
    .close = file_source_close_pool,
    .after_fork = file_source_after_fork};

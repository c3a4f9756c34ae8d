/* pipe_thread.c - a thread that reads or writes what cannot be waited for. */
/* SPDX-License-Identifier: MIT */
#include "threads/pipe_thread.h"

#include "base/error.h"
#include "base/pool.h"
#include "core/backend.h"

#include <string.h>

/* BUSY: the thread has the call. ENDED: its result was not taken yet. */
enum state { IDLE, BUSY, ENDED };

/* The thread may be just about to wait, and would miss one cancel. On a busy
 * machine it may be a while before it runs on: then each pause is longer. What
 * cannot be ended, as a read of some consoles, must not stop the loop. */
enum { CANCEL_YIELDS = 1000, CANCEL_MOST = 1100 };

struct pipe_thread {
    struct work work; /* first */
    atomic_int state;
    /* While it is BUSY these belong to the thread, else to the loop's. */
    struct sys_pipe *pipe;
    const void *written; /* NULL: the call is a read */
    size_t size;
    int64_t result, os_error;
    char bytes[LOOP_SCRATCH];
    /* These belong to the loop's thread always. */
    rondo_loop *loop;
    struct pool *pool; /* of one thread */
    struct wake wake;
    uint32_t generation; /* sys_fork_generation */
};

bool pipe_thread_is_forked(const struct pipe_thread *b)
{
    return b->generation != sys_fork_generation;
}

static void pipe_thread_keep(struct pipe_thread *b, int64_t result)
{
    b->result = result;
    b->os_error = result < 0 ? rondo_last_os_error() : 0;
}

static void pipe_thread_run(struct work *work)
{
    struct pipe_thread *b = (struct pipe_thread *)(void *)work;
    pipe_thread_keep(
        b, b->written ? sys_pipe_write_waiting(b->pipe, b->written, b->size)
                      : sys_pipe_read_waiting(b->pipe, b->bytes, b->size));
}

/* The state comes last, since the loop may free all of it from then on. A loop
 * that wakes a moment before finds nothing, and the descriptor stays readable.
 */
static void pipe_thread_end(struct work *work)
{
    struct pipe_thread *b = (struct pipe_thread *)(void *)work;
    assert(atomic_load(&b->state) == BUSY);
    wake_send(&b->wake);
    atomic_store(&b->state, ENDED);
}

static void pipe_thread_start(struct pipe_thread *b, const void *written,
                              size_t size)
{
    if (pipe_thread_is_forked(b) || atomic_load(&b->state) != IDLE)
        return;
    assert(!b->work.link && (written ? size > 0 : size == sizeof b->bytes));
    b->written = written;
    b->size = size;
    atomic_store(&b->state, BUSY);
    int error = pool_submit(b->pool, &b->work);
    if (error) {
        pipe_thread_keep(b, error);
        pipe_thread_end(&b->work);
    }
}

void pipe_thread_read(struct pipe_thread *b)
{
    pipe_thread_start(b, NULL, sizeof b->bytes);
}

void pipe_thread_write(struct pipe_thread *b, const void *data, size_t size)
{
    pipe_thread_start(b, data, size);
}

bool pipe_thread_is_busy(const struct pipe_thread *b)
{
    return !pipe_thread_is_forked(b) && atomic_load(&b->state) == BUSY;
}

static void pipe_thread_pause(unsigned tries)
{
    if (tries < CANCEL_YIELDS)
        sys_thread_yield();
    else
        sys_sleep(RONDO_MS(1));
}

void pipe_thread_cancel(struct pipe_thread *b)
{
    for (unsigned tries = 0; tries < CANCEL_MOST; tries++) {
        if (!pipe_thread_is_busy(b) || !sys_pipe_cancel(b->pipe))
            return;
        pipe_thread_pause(tries);
    }
}

int64_t pipe_thread_take(struct pipe_thread *b, void *data)
{
    if (atomic_load(&b->state) != ENDED)
        return RONDO_EAGAIN;
    assert(b->result <= (int64_t)b->size);
    (void)wake_drain(&b->wake);
    atomic_store(&b->state, IDLE);
    if (b->result < 0)
        (void)error_from_os(b->os_error);
    else if (!b->written)
        memcpy(data, b->bytes, (size_t)b->result);
    return b->result;
}

sys_fd pipe_thread_fd(const struct pipe_thread *b)
{
    return b->wake.fd[0];
}

int pipe_thread_new(rondo_loop *loop, struct sys_pipe *pipe,
                    struct pipe_thread **made)
{
    struct pipe_thread *b = loop_alloc(loop, sizeof *b);
    struct pool *pool = b ? pool_new(1) : NULL;
    if (!pool) {
        loop_free(loop, b);
        return error_set(RONDO_ENOMEM, "out of memory for a thread");
    }
    b->work = (struct work){.run = pipe_thread_run, .end = pipe_thread_end};
    b->pipe = pipe;
    b->loop = loop;
    b->pool = pool;
    b->generation = sys_fork_generation;
    atomic_init(&b->state, IDLE);
    int error = wake_open(&b->wake);
    if (error) {
        pool_release(pool);
        loop_free(loop, b);
        return error;
    }
    *made = b;
    return 0;
}

void pipe_thread_join(struct pipe_thread *b)
{
    unsigned tries = 0;
    bool again = true;
    while (pipe_thread_is_busy(b)) {
        again = again && sys_pipe_cancel(b->pipe);
        pipe_thread_pause(tries);
        if (tries < CANCEL_YIELDS)
            tries++;
    }
}

void pipe_thread_free(struct pipe_thread *b)
{
    pipe_thread_join(b);
    assert(!pipe_thread_is_busy(b));
    /* In a forked child a thread that does not exist here may hold the lock of
     * the pool, whose memory is left alone. */
    if (!pipe_thread_is_forked(b))
        pool_release(b->pool);
    wake_close(&b->wake);
    loop_free(b->loop, b);
}

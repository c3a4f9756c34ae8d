/* embed.c - what a foreign main loop waits for, which our loop is a part of. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/backend.h"
#include "core/hooks.h"
#include "core/remote.h"

/* From now on whatever comes ends the wait of a main loop. Returns how long that
 * wait may take, `most` at most, and sets *end to when it is over. */
static int64_t embed_begin_wait(rondo_loop *loop, int64_t most, int64_t *end)
{
    loop->prepared = true;
    atomic_store(&loop->sleeping, true);
    int64_t now = sys_clock();
    bool busy = remote_has_work(loop) || hooks_have(loop, RONDO_IDLE);
    int64_t timeout = busy ? 0 : loop_wait_time(loop, most, now);
    assert(timeout >= 0);
    *end = timeout > RONDO_NEVER - now ? RONDO_NEVER : now + timeout;
    return timeout;
}

static int embed_check(rondo_loop *loop, const char *what)
{
    int error = loop_check(loop, what);
    if (!error && loop->depth)
        return error_set(RONDO_EBUSY, "%s: the loop is running", what);
    return error;
}

int rondo_loop_prepare(rondo_loop *loop, rondo_loop_wait *wait)
{
    int64_t most;
    int error = loop_check(loop, "loop_prepare");
    if (error)
        return error;
    if (!wait || wait->size < sizeof *wait)
        return error_set(RONDO_EINVAL, "loop_prepare: wait.size is not set");
    error = embed_check(loop, "loop_prepare");
    if (!error)
        error = loop->backend->embed(loop, &wait->fd, &most);
    if (error)
        return error;
    loop->told_list = false;
    wait->timeout_ns = embed_begin_wait(loop, most, &loop->told_ns);
    return 0;
}

static int embed_list(rondo_loop *loop, rondo_poll_entry *entries, size_t room,
                      int64_t *most)
{
    rondo_fd fd;
    if (loop->backend->list)
        return loop->backend->list(loop, entries, room, most);
    int error = loop->backend->embed(loop, &fd, most);
    if (!error && room)
        entries[0] = (rondo_poll_entry){fd, RONDO_READABLE};
    return error ? error : 1;
}

int rondo_loop_prepare_poll(rondo_loop *loop, rondo_poll_entry *entries,
                            size_t room, int64_t *timeout_ns)
{
    static const char what[] = "loop_prepare_poll";
    int64_t most;
    int error = embed_check(loop, what);
    if (error)
        return error;
    if ((!entries && room) || !timeout_ns)
        return error_set(RONDO_EINVAL, "%s: nowhere to put the answer", what);
    int count = embed_list(loop, entries, room, &most);
    if (count < 0)
        return count;
    loop->told_list = true;
    loop->told_grown = loop->interest_grown;
    *timeout_ns = embed_begin_wait(loop, most, &loop->told_ns);
    return count;
}

/* A run has ended which the main loop may not know of: it may still be about to
 * wait as prepare told it. If that is too long now, or for too few descriptors,
 * it is woken. */
void embed_go_on_waiting(rondo_loop *loop)
{
    int64_t end = 0, most;
    rondo_fd fd;
    if (loop->generation != sys_fork_generation)
        return; /* a child, whose loop is its parent's still */
    int error = loop->told_list ? embed_list(loop, NULL, 0, &most)
                                : loop->backend->embed(loop, &fd, &most);
    if (error >= 0)
        (void)embed_begin_wait(loop, most, &end);
    else
        atomic_store(&loop->sleeping, true); /* the next prepare fails, too */
    if (end < loop->told_ns ||
        (loop->told_list && loop->told_grown != loop->interest_grown))
        loop_wake(loop);
}

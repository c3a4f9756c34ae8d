/* reactor.c - makes a backend of any poller. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/backend.h"

#include <string.h>

enum { BOTH_SIDES = SIDE_READ | SIDE_WRITE };

/* How often a loop without a wake-up looks whether something has come. */
enum { LOOK_MS = 100 };

struct reactor {
    void *poller_state; /* state, for reactor_state */
    bool poller_wakes;  /* it ends a wait itself: the next three are not used */
    struct wake wake;
    struct io wake_io;
    struct op wake_op;
    const struct poller *poller; /* NULL: not open */
    union {
        int64_t align;
        char bytes[1];
    } state; /* the poller's: poller->size bytes */
};

static struct reactor *reactor_of(const rondo_loop *loop)
{
    return loop->backend_data;
}

static int reactor_set(rondo_loop *loop, struct io *io, unsigned sides)
{
    struct reactor *r = reactor_of(loop);
    assert(sides <= BOTH_SIDES || sides & WATCH_ALWAYS);
    int error = r->poller->set(loop, r->state.bytes, io, sides);
    if (r->poller->list && sides & ~(unsigned)io->armed) {
        loop->interest_grown++;
        loop_nudge(loop); /* a main loop waits for fewer descriptors */
    }
    if (!error)
        io->armed = (unsigned char)sides;
    return error;
}

static void reactor_end(rondo_loop *loop, struct op *op, int error)
{
    struct op **side = &op->io->op[op_index(op->task.kind)];
    assert(*side == op && op->task.state == TASK_PENDING);
    *side = NULL;
    op_finish(loop, op, error);
}

/* The reactor itself carries out CONNECT; for all other kinds the handle makes
 * the call. Some kernels report a socket writable before the connect is over:
 * then the operation stays pending. */
static void reactor_connect_ready(rondo_loop *loop, struct op *op)
{
    assert(op->task.kind == OP_CONNECT);
    int error = sys_connect_result(op->io->fd);
    if (error != RONDO_EAGAIN)
        reactor_end(loop, op, error);
}

/* Of one io several events may come in a wait, each by a call of its own. */
static void reactor_watched(rondo_loop *loop, struct io *io, unsigned sides)
{
    struct reactor *r = reactor_of(loop);
    unsigned events = sides;
    if (r->poller->events)
        events = r->poller->events(loop, r->state.bytes, io, sides);
    events &= io->armed;
    io->seen |= (unsigned char)events;
    if (events && io->op[1])
        reactor_end(loop, io->op[1], 0);
}

/* Writing sides, and sides that no operation waits for. Those are disarmed here
 * and not when their operation ends: a handle that submits again after each
 * read then costs no call of set. */
static void reactor_ready_otherwise(rondo_loop *loop, struct io *io,
                                    unsigned sides)
{
    struct op *writing = io->op[1];
    unsigned unwanted = sides & io->armed;
    assert(sides && (!writing || writing->task.state == TASK_PENDING));
    if (io->armed & WATCH_ALWAYS) {
        reactor_watched(loop, io, sides);
        return;
    }
    if (sides & SIDE_WRITE && writing) {
        unwanted &= ~(unsigned)SIDE_WRITE;
        if (writing->task.kind == OP_CONNECT)
            reactor_connect_ready(loop, writing);
        else
            reactor_end(loop, writing, 0);
    }
    if (unwanted)
        (void)reactor_set(loop, io, io->armed & ~unwanted);
}

COLD void reactor_ready_slow(rondo_loop *loop, struct io *io, unsigned sides)
{
    assert(sides <= BOTH_SIDES || io->armed & WATCH_ALWAYS);
    if (sides & SIDE_READ && io->op[0]) {
        sides &= ~(unsigned)SIDE_READ;
        reactor_end(loop, io->op[0], 0);
    }
    if (sides)
        reactor_ready_otherwise(loop, io, sides);
}

void reactor_refused(rondo_loop *loop, struct io *io, unsigned side, int error)
{
    struct op *op = io->op[side == SIDE_WRITE];
    assert(side == SIDE_READ || side == SIDE_WRITE);
    io->armed &= (unsigned char)~side;
    if (op)
        reactor_end(loop, op, error);
}

static void reactor_end_both(rondo_loop *loop, struct io *io, int error)
{
    for (int i = 0; i < 2; i++)
        if (io->op[i])
            reactor_end(loop, io->op[i], error);
}

void reactor_lost(rondo_loop *loop, struct io *io)
{
    (void)reactor_set(loop, io, 0);
    io->armed = 0;
    error_no_os();
    reactor_end_both(loop, io, RONDO_EBADF);
}

static void reactor_arm_watch(rondo_loop *loop, struct op *op)
{
    unsigned wanted = io_wanted(op->io);
    int error = op->io->armed == wanted ? 0 : reactor_set(loop, op->io, wanted);
    if (!error)
        return;
    if (error == POLLER_READY)
        op->io->seen |=
            (unsigned char)(wanted & (RONDO_WRITABLE | RONDO_ERROR));
    reactor_end(loop, op, error == POLLER_READY ? 0 : error);
}

static COLD void reactor_arm(rondo_loop *loop, struct op *op)
{
    if (op->task.kind == OP_WATCH) {
        reactor_arm_watch(loop, op);
        return;
    }
    unsigned side = 1U << op_index(op->task.kind);
    int error = RONDO_EAGAIN;
    assert(!(op->io->armed & side));
    if (op->task.kind == OP_CONNECT)
        error = sys_connect(op->io->fd, op->buffer);
    if (error == RONDO_EAGAIN)
        error = reactor_set(loop, op->io, op->io->armed | side);
    if (error == POLLER_READY)
        error = 0;
    if (error || !(op->io->armed & side))
        reactor_end(loop, op, error);
}

void reactor_submit(rondo_loop *loop, struct op *op)
{
    struct io *io = op->io;
    unsigned index = op_index(op->task.kind);
    assert(op_is_idle(op) && !io->op[index]);
    op->task.state = TASK_PENDING;
    io->op[index] = op;
    if (!(io->armed & 1U << index))
        reactor_arm(loop, op);
}

void reactor_cancel(rondo_loop *loop, struct op *op)
{
    const struct reactor *r = reactor_of(loop);
    if (op->task.state != TASK_PENDING)
        return;
    reactor_end(loop, op, RONDO_ECANCELED);
    if (r->poller && r->poller->canceled)
        r->poller->canceled(loop, reactor_state(loop), op->io);
}

int reactor_attach(rondo_loop *loop, struct io *io)
{
    struct reactor *r = reactor_of(loop);
    return r->poller->attach ? r->poller->attach(loop, r->state.bytes, io) : 0;
}

/* As a watcher it is registered at once. */
int reactor_probe(rondo_loop *loop, struct io *io)
{
    assert(!io->op[0] && !io->op[1] && !io->armed);
    io->owner = IO_WATCHER;
    int error = reactor_set(loop, io, SIDE_READ);
    if (!error)
        (void)reactor_set(loop, io, 0);
    return error == POLLER_READY ? 0 : error;
}

void reactor_detach(rondo_loop *loop, struct io *io)
{
    struct reactor *r = reactor_of(loop);
    assert(!io->op[0] && !io->op[1]);
    if (io->armed)
        (void)reactor_set(loop, io, 0);
    io->armed = 0;
    if (r->poller->detach)
        r->poller->detach(loop, r->state.bytes, io);
}

/* The kernel does not say what is ready, but a closing loop has to come to its
 * end: each operation that is pending tries by itself. */
static COLD void reactor_try_all(rondo_loop *loop)
{
    for (size_t i = 0; i < loop->table_room; i++) {
        struct io *io = loop->table[i];
        unsigned sides = io ? io_wanted(io) : 0;
        if (sides)
            reactor_ready(loop, io, sides);
    }
}

void reactor_wake(rondo_loop *loop)
{
    const struct reactor *r = reactor_of(loop);
    const struct poller *poller = loop->backend->poller;
    if (!r->poller_wakes)
        wake_send(&r->wake);
    if (r->poller_wakes || (poller->wake && !poller->wakes))
        poller->wake(r->state.bytes);
}

int64_t reactor_resolution(const rondo_loop *loop)
{
    const struct reactor *r = reactor_of(loop);
    return r->poller->resolution(r->state.bytes);
}

/* ---- the wake-up ---- */

static void reactor_woken(rondo_loop *loop, struct task *task);

static int reactor_watch_wake(rondo_loop *loop, struct reactor *r)
{
    io_init(&r->wake_io, r->wake.fd[0], IO_INTERNAL);
    int error = io_attach(loop, &r->wake_io);
    /* After a fork it may be on the ready list: reactor_woken submits it. */
    if (error || r->wake_op.task.state == TASK_READY)
        return error;
    op_init(&r->wake_op, &r->wake_io, OP_READ, reactor_woken);
    reactor_submit(loop, &r->wake_op);
    return 0;
}

/* Leaves it unattached if there is no descriptor or no memory for it. */
static COLD void reactor_mend_wake(rondo_loop *loop, struct reactor *r)
{
    assert(!r->wake_io.attached && r->wake_op.task.state != TASK_PENDING);
    if (r->wake.fd[0] != SYS_NO_FD || wake_open(&r->wake) == 0)
        (void)reactor_watch_wake(loop, r);
}

static void reactor_woken(rondo_loop *loop, struct task *task)
{
    struct reactor *r = reactor_of(loop);
    (void)task;
    assert(task == &r->wake_op.task && !r->poller_wakes);
    int error = wake_drain(&r->wake);
    if (!error) {
        reactor_submit(loop, &r->wake_op);
        return;
    }
    /* The program has closed it: a wait would return at once for ever. */
    error_in("loop: the wake-up is broken and made anew", error);
    rondo_exception e = loop_exception(error);
    rondo_loop_call_exception_handler(loop, &e);
    io_detach(loop, &r->wake_io);
    wake_close(&r->wake);
    reactor_mend_wake(loop, r);
}

static bool reactor_lacks_wake(const struct reactor *r)
{
    return !r->poller_wakes && !r->wake_io.attached;
}

/* Where there was no descriptor for it, or no memory, each wait tries again. */
static COLD int64_t reactor_wait_without_wake(rondo_loop *loop,
                                              struct reactor *r,
                                              int64_t timeout_ns)
{
    reactor_mend_wake(loop, r);
    if (!reactor_lacks_wake(r) || timeout_ns < RONDO_MS(LOOK_MS))
        return timeout_ns;
    return RONDO_MS(LOOK_MS);
}

static COLD int reactor_wait_slow(rondo_loop *loop, int64_t timeout_ns)
{
    struct reactor *r = reactor_of(loop);
    if (reactor_lacks_wake(r))
        timeout_ns = reactor_wait_without_wake(loop, r, timeout_ns);
    int error = r->poller->wait(loop, r->state.bytes, timeout_ns);
    if (error && loop->closing)
        reactor_try_all(loop);
    return error;
}

int reactor_wait(rondo_loop *loop, int64_t timeout_ns)
{
    struct reactor *r = reactor_of(loop);
    assert(timeout_ns >= 0);
    return reactor_lacks_wake(r) || loop->closing
               ? reactor_wait_slow(loop, timeout_ns)
               : r->poller->wait(loop, r->state.bytes, timeout_ns);
}

int reactor_embed(rondo_loop *loop, rondo_fd *fd, int64_t *timeout_ns)
{
    struct reactor *r = reactor_of(loop);
    if (!r->poller->embed)
        return error_set(RONDO_ENOTSUP,
                         "loop_prepare: backend \"%s\" has no descriptor to "
                         "wait for (rondo_loop_prepare_poll lists all); "
                         "\"epoll\", \"io_uring\", \"kqueue\" and \"iocp\" "
                         "have",
                         loop->backend->name);
    int64_t most = RONDO_NEVER;
    if (reactor_lacks_wake(r))
        most = reactor_wait_without_wake(loop, r, most);
    int error = r->poller->embed(loop, r->state.bytes, fd, timeout_ns);
    if (!error && most < *timeout_ns)
        *timeout_ns = most;
    return error;
}

int reactor_list(rondo_loop *loop, rondo_poll_entry *entries, size_t room,
                 int64_t *timeout_ns)
{
    struct reactor *r = reactor_of(loop);
    int64_t most = RONDO_NEVER;
    rondo_fd fd;
    if (r->poller->embed) {
        int error = reactor_embed(loop, &fd, timeout_ns);
        if (!error && room)
            entries[0] = (rondo_poll_entry){fd, RONDO_READABLE};
        return error ? error : 1;
    }
    if (reactor_lacks_wake(r))
        most = reactor_wait_without_wake(loop, r, most);
    *timeout_ns = most;
    return r->poller->list(loop, r->state.bytes, entries, room, timeout_ns);
}

static void reactor_close_wake(rondo_loop *loop, struct reactor *r)
{
    r->wake_io.op[0] = NULL;
    io_detach(loop, &r->wake_io);
    if (!r->poller_wakes)
        wake_close(&r->wake);
}

static void reactor_close_poller(rondo_loop *loop, struct reactor *r)
{
    if (r->poller)
        r->poller->close(loop, r->state.bytes);
    r->poller = NULL;
}

static int reactor_open_poller(rondo_loop *loop, struct reactor *r)
{
    const struct poller *poller = loop->backend->poller;
    assert(poller && !r->poller);
    int error = poller->open(loop, r->state.bytes);
    if (!error)
        r->poller = poller;
    return error;
}

static int reactor_reopen_poller(rondo_loop *loop, struct reactor *r)
{
    if (r->poller && r->poller->reopen)
        return r->poller->reopen(loop, r->state.bytes);
    reactor_close_poller(loop, r);
    memset(r->state.bytes, 0,
           loop->backend->poller->size - loop->backend->poller->unset);
    return reactor_open_poller(loop, r);
}

static int reactor_open_wake(rondo_loop *loop, struct reactor *r)
{
    r->poller_wakes = r->poller->wakes && r->poller->wakes(r->state.bytes);
    if (r->poller_wakes)
        return 0;
    int error = wake_open(&r->wake);
    return error ? error_in("loop_new", error) : reactor_watch_wake(loop, r);
}

size_t reactor_size(const struct backend *backend)
{
    return sizeof(struct reactor) + backend->poller->size;
}

int reactor_open(rondo_loop *loop)
{
    struct reactor *r = loop->backend_room;
    assert(!loop->backend_data);
    memset(r, 0, reactor_size(loop->backend) - loop->backend->poller->unset);
    r->poller_state = r->state.bytes;
    loop->backend_data = r;
    r->wake.fd[0] = r->wake.fd[1] = SYS_NO_FD;
    int error = reactor_open_poller(loop, r);
    if (!error)
        error = reactor_open_wake(loop, r);
    if (error)
        reactor_close(loop);
    return error;
}

void reactor_close(rondo_loop *loop)
{
    struct reactor *r = reactor_of(loop);
    if (r && r->poller) {
        /* the poller goes with all that it knows, and the loop's table next */
        reactor_close_poller(loop, r);
        if (!r->poller_wakes)
            wake_close(&r->wake);
    }
    loop->backend_data = NULL;
}

/* Watches in a forked child what is pending. What cannot be watched any more,
 * because the child has closed it, ends with that error and concerns nothing
 * else. */
static void reactor_rewatch(rondo_loop *loop, struct io *io)
{
    unsigned sides = io_wanted(io);
    assert(!io->armed && io->attached);
    error_no_os();
    int error = io->owner == IO_THREAD ? RONDO_EFORKED : 0;
    if (!error)
        error = reactor_attach(loop, io);
    if (!error && sides)
        error = reactor_set(loop, io, sides);
    if (error == POLLER_READY)
        reactor_ready(loop, io, sides);
    else if (error)
        reactor_end_both(loop, io, error);
}

/* In a forked child the poller and the wake-up are shared with the parent. Here
 * their descriptors are closed, without removing the entries, which would be
 * removed from the parent's poller, too. A new poller then watches what is
 * pending. After an error it can be called again. */
int reactor_reopen(rondo_loop *loop)
{
    struct reactor *r = reactor_of(loop);
    assert(loop->generation != sys_fork_generation);
    for (size_t i = 0; i < loop->table_room; i++)
        if (loop->table[i]) {
            loop->table[i]->armed = 0;
            loop->table[i]->slot = -1;
            loop->table[i]->registered = 0;
        }
    reactor_close_wake(loop, r);
    int error = reactor_reopen_poller(loop, r);
    if (!error)
        error = reactor_open_wake(loop, r);
    if (error)
        return error;
    for (size_t i = 0; i < loop->table_room; i++)
        if (loop->table[i] && loop->table[i]->attached &&
            loop->table[i] != &r->wake_io)
            reactor_rewatch(loop, loop->table[i]);
    return 0;
}

/* done.c - the backend "done": it carries operations out, in any order. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include "base/error.h"
#include "core/backend.h"
#include "sim/waiter.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD = 16384, LATE_NS = 20000 };

/* What goes on for one pending operation. */
struct sim_request {
    struct sim_watch watch;
    struct sim_event event;           /* carries it out */
    struct sim_request *next, **link; /* of its process */
    struct sim_process *process;
    struct done *of;
    struct op *op;
};

/* What was read of a stream and not taken. */
struct ahead {
    char *bytes; /* NULL: nothing */
    size_t start, end;
    bool ended, stopped;
    int error;
    int64_t os_error;
};

struct done {
    struct sim_waiter waiter;
    struct op *ended, **ended_last;
    bool any_stopped;       /* a stream is not read ahead until the next wait */
    struct sim_slots slots; /* of struct ahead; io->slot is the index */
};

static struct done *done_of(const rondo_loop *loop)
{
    return loop->backend_data;
}

static struct ahead *done_ahead(const struct done *d, const struct io *io)
{
    return io->slot < 0 ? NULL : d->slots.items[io->slot];
}

/* ---- requests ---- */

static struct sim_request *done_request_of(struct sim_event *event)
{
    return (void *)((char *)event - offsetof(struct sim_request, event));
}

static void done_free_request(struct sim_request *r)
{
    net_unwatch(&r->watch);
    sim_drop(&r->event);
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    free(r);
}

void done_forget(struct sim_process *process)
{
    struct sim_request *next;
    for (struct sim_request *r = process->requests; r; r = next) {
        next = r->next;
        done_free_request(r);
    }
}

/* At either end of the list, by chance: so completions come in any order. */
static void done_end(struct sim_request *r, int error, size_t count)
{
    struct op *op = r->op;
    struct done *d = r->of;
    op->sim.request = NULL;
    op->sim.error = error;
    op->sim.count = count;
    op->sim.os_error = rondo_last_os_error();
    op->sim.next = NULL;
    if (sim_below(2) || !d->ended) {
        *d->ended_last = op;
        d->ended_last = &op->sim.next;
    } else {
        op->sim.next = d->ended;
        d->ended = op;
    }
    sim_note(r->process->host, NOTE_DONE, op->task.kind,
             error ? error : (int64_t)count);
    done_free_request(r);
    sim_waiter_poke(&d->waiter);
}

/* ---- carrying out: each returns a count, an error, or RONDO_EAGAIN ---- */

/* The stream takes the bytes when its operation has ended. */
static int64_t done_read(const struct sim_request *r, struct sim_socket *s)
{
    struct ahead *a = done_ahead(r->of, r->op->io);
    char bytes[AHEAD];
    if (!a || a->bytes || a->ended || sim_fault(SIM_FAULT_again))
        return 0; /* try now */
    if (a->stopped)
        return RONDO_EAGAIN;
    int64_t count = flow_take(s, bytes, sizeof bytes);
    if (count == RONDO_EAGAIN)
        return count;
    if (count > 0) {
        a->bytes = sim_alloc_for(r->process, (size_t)count);
        memcpy(a->bytes, bytes, (size_t)count);
        a->start = 0;
        a->end = (size_t)count;
    } else {
        a->ended = true;
        a->error = (int)count;
        a->os_error = rondo_last_os_error();
    }
    return 0;
}

static int64_t done_write(const struct sim_request *r, struct sim_socket *s)
{
    rondo_buffer part = {r->op->buffer, r->op->size};
    return part.data ? flow_send(s, &part, 1) : 0;
}

static int64_t done_accept(const struct sim_request *r, struct sim_socket *s)
{
    struct accept_op *a = (struct accept_op *)(void *)r->op;
    int error = dial_accept(r->process, s, &a->accepted, &a->peer);
    return error ? error : 1;
}

static int64_t done_watch(const struct sim_request *r, struct sim_socket *s)
{
    unsigned wanted = (unsigned)r->op->size | WATCH_ALWAYS;
    unsigned events = net_events(s) & wanted;
    r->op->io->seen |= (unsigned char)events;
    return events ? 0 : RONDO_EAGAIN;
}

static int64_t done_act(const struct sim_request *r, struct sim_socket *s)
{
    switch (r->op->task.kind) {
    case OP_READ:
        return s->kind == SIM_STREAM ? done_read(r, s) : 0;
    case OP_WRITE:
        return done_write(r, s);
    case OP_ACCEPT:
        return done_accept(r, s);
    case OP_CONNECT:
        return dial_result(s);
    case OP_SEND:
        return r->op->buffer ? packets_send_out(s, r->op->buffer) : 0;
    case OP_SENDFILE:
        return files_send(s, r->op->buffer);
    case OP_WATCH:
        return done_watch(r, s);
    default:
        return 0;
    }
}

/* Is the socket ready for it? */
static bool done_can(const struct sim_request *r)
{
    const struct sim_socket *s = r->watch.socket;
    const struct ahead *a = NULL;
    unsigned events = s ? net_events(s) : 0;
    if (s && r->op->task.kind == OP_READ)
        a = done_ahead(r->of, r->op->io);
    if (a && (a->bytes || a->ended))
        return true; /* an earlier operation has read it */
    if (r->op->task.kind == OP_WATCH)
        return events & ((unsigned)r->op->size | WATCH_ALWAYS);
    if (r->op->task.kind == OP_CONNECT)
        return s && !s->connecting;
    unsigned way = RONDO_WRITABLE;
    if (op_index(r->op->task.kind) == 0)
        way = ~(unsigned)RONDO_WRITABLE;
    return events & (way | RONDO_ERROR | RONDO_HANG_UP);
}

static void done_plan(struct sim_request *r)
{
    if (r->event.place != SIM_NOWHERE || !done_can(r))
        return;
    int64_t late = sim_below(2) ? 0 : (int64_t)sim_below(LATE_NS);
    sim_at(&r->event, sim.now + late);
}

/* On whatever thread has the baton: its error number is another's. */
static void done_carry_out(struct sim_event *event)
{
    struct sim_request *r = done_request_of(event);
    int64_t before = rondo_last_os_error();
    error_no_os();
    if (done_can(r)) {
        int64_t result = done_act(r, r->watch.socket);
        if (result != RONDO_EAGAIN)
            done_end(r, result < 0 ? (int)result : 0,
                     result > 0 ? (size_t)result : 0);
        else
            done_plan(r); /* EAGAIN by chance: once more */
    }
    error_keep_os(before);
}

static void done_changed(struct sim_watch *watch)
{
    done_plan((void *)watch);
}

static void done_lost(struct sim_watch *watch)
{
    (void)sim_fail(EBADF);
    done_end((void *)watch, RONDO_EBADF, 0);
}

/* ---- the backend ---- */

static struct sim_request *done_new_request(rondo_loop *loop, struct op *op)
{
    struct sim_request *r = calloc(1, sizeof *r);
    if (!r)
        sim_die("out of memory for operations");
    r->process = sim_process();
    r->next = r->process->requests;
    r->link = &r->process->requests;
    if (r->next)
        r->next->link = &r->next;
    r->process->requests = r;
    r->of = done_of(loop);
    r->op = op;
    r->watch.fd = op->io->fd;
    r->watch.changed = done_changed;
    r->watch.lost = done_lost;
    r->event.run = done_carry_out;
    r->event.place = SIM_NOWHERE;
    return r;
}

static void done_submit(rondo_loop *loop, struct op *op)
{
    struct sim_request *r = done_new_request(loop, op);
    struct sim_socket *s = net_get(op->io->fd);
    op->task.state = TASK_PENDING;
    op->sim.request = r;
    if (!s) {
        done_end(r, RONDO_EBADF, 0);
        return;
    }
    if (s->is && s->is->refuses_waits) {
        done_end(r, sim_fail(EPERM), 0);
        return;
    }
    int error = RONDO_EAGAIN;
    if (op->task.kind == OP_CONNECT)
        error = sys_connect(op->io->fd, op->buffer);
    if (error != RONDO_EAGAIN) {
        done_end(r, error, 0);
        return;
    }
    net_watch(&r->watch, s);
    done_plan(r);
}

/* What has ended stays so. What could end now may do so instead. */
static void done_cancel(rondo_loop *loop, struct op *op)
{
    struct sim_request *r = op->sim.request;
    (void)loop;
    if (!r)
        return;
    assert(r->op == op);
    if (r->event.place != SIM_NOWHERE && sim_below(4) == 0) {
        sim_drop(&r->event);
        done_carry_out(&r->event);
    }
    r = op->sim.request;
    if (!r)
        return;
    (void)sim_fail(ECANCELED);
    done_end(r, RONDO_ECANCELED, 0); /* NOLINT: freed, it is NULL here */
}

static int done_attach(rondo_loop *loop, struct io *io)
{
    struct done *d = done_of(loop);
    struct sim_socket *s = net_get(io->fd);
    io->slot = -1;
    if (!s)
        return error_os(RONDO_EBADF, "done: descriptor %d", io->fd);
    if (io->owner != IO_TRANSPORT)
        return 0;
    s->sticky = true;
    struct ahead *a = loop_alloc(loop, sizeof *a);
    int slot = a ? sim_slots_put(loop, &d->slots, a) : -1;
    if (slot < 0) {
        loop_free(loop, a);
        return error_set(RONDO_ENOMEM, "out of memory for descriptors");
    }
    memset(a, 0, sizeof *a);
    io->slot = slot;
    return 0;
}

static void done_detach(rondo_loop *loop, struct io *io)
{
    struct done *d = done_of(loop);
    struct ahead *a = done_ahead(d, io);
    if (!a)
        return;
    sim_free(a->bytes);
    loop_free(loop, a);
    sim_slots_take(&d->slots, io->slot);
    io->slot = -1;
}

static size_t done_take(struct ahead *a, void *data, size_t size)
{
    size_t part = a->end - a->start;
    if (!a->bytes)
        return 0;
    if (part > size)
        part = size;
    memcpy(data, a->bytes + a->start, part);
    a->start += part;
    if (a->start == a->end) {
        sim_free(a->bytes);
        a->bytes = NULL;
    }
    return part;
}

static int64_t done_receive(rondo_loop *loop, struct io *io, void *data,
                            size_t size)
{
    struct ahead *a = done_ahead(done_of(loop), io);
    if (a && a->bytes)
        return (int64_t)done_take(a, data, size);
    if (!a || !a->ended)
        return sys_recv(io->fd, data, size);
    if (a->error)
        error_keep_os(a->os_error);
    return a->error;
}

static size_t done_take_rest(rondo_loop *loop, struct io *io, void *data,
                             size_t size)
{
    struct ahead *a = done_ahead(done_of(loop), io);
    if (!a)
        return 0;
    if (data)
        return done_take(a, data, size);
    a->stopped = done_of(loop)->any_stopped = true;
    return a->bytes ? a->end - a->start : 0;
}

static void done_allow_ahead(const struct done *d)
{
    for (int i = 0; i < d->slots.used; i++) {
        struct ahead *a = d->slots.items[i];
        if (a)
            a->stopped = false;
    }
}

static int done_collect(rondo_loop *loop, struct done *d)
{
    struct op *op = d->ended;
    int count = 0;
    d->ended = NULL;
    d->ended_last = &d->ended;
    for (struct op *next; op; op = next) {
        next = op->sim.next;
        if (sim_fault(SIM_FAULT_late)) {
            op->sim.next = NULL;
            *d->ended_last = op;
            d->ended_last = &op->sim.next;
            sim_waiter_poke_later(&d->waiter);
            continue;
        }
        if (op->sim.error)
            error_keep_os(op->sim.os_error);
        else
            op->count = op->sim.count;
        op_finish(loop, op, op->sim.error);
        loop->metrics.events++;
        count++;
    }
    return count;
}

static int done_wait(rondo_loop *loop, int64_t timeout_ns)
{
    struct done *d = done_of(loop);
    int64_t until = sim_host_deadline(sim_host(), timeout_ns);
    if (d->any_stopped) {
        d->any_stopped = false;
        done_allow_ahead(d);
    }
    sim_spin(false);
    int found = done_collect(loop, d);
    while (!found && sim_waiter_wait(&d->waiter, until))
        found = done_collect(loop, d);
    d->waiter.woken = false;
    sim_note(sim_host(), NOTE_WAIT, found, 0);
    return 0;
}

static void done_wake(rondo_loop *loop)
{
    sim_waiter_wake(&done_of(loop)->waiter);
}

static int64_t done_resolution(const rondo_loop *loop)
{
    (void)loop;
    return 1;
}

static int done_embed(rondo_loop *loop, rondo_fd *fd, int64_t *timeout_ns)
{
    (void)loop;
    (void)fd;
    (void)timeout_ns;
    return error_set(RONDO_ENOTSUP,
                     "loop_prepare: a simulated loop has no descriptor");
}

static int done_open(rondo_loop *loop)
{
    int error = sim_check_host("loop_new");
    if (error)
        return error;
    struct done *d = loop_alloc(loop, sizeof *d);
    if (!d)
        return error_set(RONDO_ENOMEM, "loop_new: out of memory");
    memset(d, 0, sizeof *d);
    d->ended_last = &d->ended;
    loop->backend_data = d;
    return 0;
}

static void done_close(rondo_loop *loop)
{
    struct done *d = done_of(loop);
    sim_slots_free(loop, &d->slots);
    loop_free(loop, d);
    loop->backend_data = NULL;
}

static int done_reopen(rondo_loop *loop)
{
    (void)loop;
    return 0; /* no forks */
}

const struct backend backend_done = {
    .name = "done",
    .cannot = UINT64_C(1) << RONDO_CAN_EMBED,
    .accepts = 4,
    .sends_files = true,
    .open = done_open,
    .close = done_close,
    .reopen = done_reopen,
    .attach = done_attach,
    .detach = done_detach,
    .receive = done_receive,
    .take_rest = done_take_rest,
    .submit = done_submit,
    .cancel = done_cancel,
    .wait = done_wait,
    .wake = done_wake,
    .resolution = done_resolution,
    .embed = done_embed,
};
#endif

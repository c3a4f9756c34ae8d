/* op.c - operations, and the table of descriptors that they use. */
/* SPDX-License-Identifier: MIT */
#include "core/op.h"

#include "base/error.h"
#include "core/backend.h"
#include "core/part.h"

#include <assert.h>

void op_init(struct op *op, struct io *io, enum op_kind kind,
             void (*done)(rondo_loop *loop, struct task *task))
{
    assert(done);
    *op = (struct op){.io = io};
    op->task.kind = (unsigned char)kind;
    op->task.done = done;
}

int op_accepts(const rondo_loop *loop)
{
    return loop->backend->accepts;
}

/* Bound to another loop, if backends do that. */
static bool io_is_moved(const rondo_loop *loop, const struct io *io)
{
    unsigned char mode = loop->backend->moved_mode;
    return mode && io->mode == mode;
}

bool op_sends_files(const rondo_loop *loop, const struct io *io)
{
    return loop->backend->sends_files && !io_is_moved(loop, io);
}

bool op_may_leave(const rondo_loop *loop, const struct op *op)
{
    bool writes = op->task.kind == OP_WRITE || op->task.kind == OP_SENDFILE;
    return !writes || !loop->backend->moved_mode || io_is_moved(loop, op->io);
}

void op_submit(rondo_loop *loop, struct op *op)
{
    assert(op_is_idle(op) && op->io && op->io->attached);
    op->count = 0; /* an earlier failure has left its code there */
    loop->backend->submit(loop, op);
    assert(!op_is_idle(op)); /* PENDING, or READY if it has ended */
}

void op_cancel(rondo_loop *loop, struct op *op)
{
    if (op->task.state != TASK_PENDING)
        return;
    loop->backend->cancel(loop, op);
    assert(!op_is_idle(op)); /* its done is still to come */
    loop_nudge(loop);
}

void io_init(struct io *io, sys_fd fd, enum io_owner owner)
{
    *io = (struct io){.fd = fd, .owner = (unsigned char)owner, .slot = -1};
}

/* After each removal assertions look at the whole table if it is this small. */
enum { IO_CHECKED_ROOM = 64 };

struct io *io_find_used(const rondo_loop *loop, sys_fd fd)
{
    struct io *io = io_find(loop, fd);
    return io && io->owner != IO_UNUSED ? io : NULL;
}

#ifndef NDEBUG
/* A search finds each descriptor: no hole hides it, none is there twice. */
static bool io_table_is_sound(const rondo_loop *loop)
{
    size_t used = 0;
    for (size_t i = 0; i < loop->table_room; i++)
        if (loop->table[i]) {
            if (io_find(loop, loop->table[i]->fd) != loop->table[i])
                return false;
            used++;
        }
    return used == loop->table_used && used * 4 <= loop->table_room * 3;
}
#endif

static int io_grow(rondo_loop *loop)
{
    struct io **old = loop->table;
    size_t old_room = loop->table_room, room = old_room * 2;
    struct io **table = loop_alloc(loop, room * sizeof(struct io *));
    if (!table)
        return error_set(RONDO_ENOMEM, "out of memory for descriptors");
    for (size_t i = 0; i < room; i++)
        table[i] = NULL;
    loop->table = table;
    loop->table_room = room;
    for (size_t i = 0; i < old_room; i++)
        if (old[i])
            table[io_probe(loop, old[i]->fd)] = old[i];
    if (old != loop->first_table)
        loop_free(loop, old);
    assert(io_table_is_sound(loop));
    return 0;
}

/* Empties its place and moves back what the hole would hide from a search. */
static INLINED void io_leave_table(rondo_loop *loop, struct io *io)
{
    size_t mask = loop->table_room - 1, hole = io_probe(loop, io->fd);
    assert(loop->table[hole] == io && loop->table_used > 0);
    io->entered = false;
    loop->table[hole] = NULL;
    loop->table_used--;
    for (size_t i = (hole + 1) & mask; loop->table[i]; i = (i + 1) & mask) {
        size_t at = io_home(loop, loop->table[i]->fd);
        if (((i - at) & mask) >= ((i - hole) & mask)) {
            loop->table[hole] = loop->table[i];
            loop->table[i] = NULL;
            hole = i;
        }
    }
    assert(loop->table_room > IO_CHECKED_ROOM || io_table_is_sound(loop));
}

/* The program has closed a watched descriptor and its number has come back as a
 * new file of ours. The cancelled operations make the watcher, or the operation
 * on a socket, report that. */
static void io_evict(rondo_loop *loop, struct io *io)
{
    for (int i = 0; i < 2; i++)
        if (io->op[i])
            op_cancel(loop, io->op[i]);
    io_detach(loop, io);
}

static bool io_gives_way(const struct io *io, const struct io *to)
{
    return io->owner == IO_UNUSED ||
           (io_is_of_program(io) && !io_is_of_program(to));
}

static INLINED int io_put(rondo_loop *loop, struct io *io)
{
    assert(!io->entered && !io->attached && !io->op[0] && !io->op[1]);
    if ((loop->table_used + 1) * 4 > loop->table_room * 3) {
        int error = io_grow(loop);
        if (error)
            return error;
    }
    size_t place = io_probe(loop, io->fd);
    if (loop->table[place]) {
        if (!io_gives_way(loop->table[place], io))
            return error_set(RONDO_EBUSY,
                             "descriptor %lld is in use by the loop",
                             (long long)io->fd);
        io_evict(loop, loop->table[place]);
        place = io_probe(loop, io->fd);
    }
    loop->table[place] = io;
    loop->table_used++;
    io->entered = true;
    assert(io_find(loop, io->fd) == io);
    return 0;
}

int io_enter(rondo_loop *loop, struct io *io)
{
    return io_put(loop, io);
}

int io_attach(rondo_loop *loop, struct io *io)
{
    bool enters = !io->entered;
    assert(!io->attached && !io->op[0] && !io->op[1]);
    int error = enters ? io_put(loop, io) : 0;
    if (error)
        return error;
    error = loop->backend->attach(loop, io);
    io->attached = !error;
    if (error && enters)
        io_leave_table(loop, io);
    return error;
}

void io_detach(rondo_loop *loop, struct io *io)
{
    if (!io->entered)
        return;
    assert(io_find(loop, io->fd) == io);
    assert(!io->op[0] && !io->op[1]); /* of a reactor; else always NULL */
    if (io->attached)
        loop->backend->detach(loop, io);
    io->attached = false;
    io_leave_table(loop, io);
}

void io_leave(rondo_loop *loop, struct io *io)
{
    io_detach(loop, io);
    io_init(io, io->fd, (enum io_owner)io->owner);
    io->mode = loop->backend->moved_mode;
}

bool io_reads_ahead(const rondo_loop *loop)
{
    return loop->backend->receive;
}

int64_t io_receive(rondo_loop *loop, struct io *io, void *data, size_t size)
{
    return loop->backend->receive ? loop->backend->receive(loop, io, data, size)
                                  : sys_recv(io->fd, data, size);
}

int64_t io_lend(rondo_loop *loop, struct io *io, char **data)
{
    const struct backend *backend = loop->backend;
    return backend->lend ? backend->lend(loop, io, data)
                         : backend->receive(loop, io, *data, LOOP_SCRATCH);
}

size_t io_take_rest(rondo_loop *loop, struct io *io, void *data, size_t size)
{
    assert(io->attached);
    return loop->backend->take_rest
               ? loop->backend->take_rest(loop, io, data, size)
               : 0;
}

bool io_reads_datagrams(const rondo_loop *loop)
{
    return loop->backend->lend_datagrams;
}

int io_lend_datagrams(rondo_loop *loop, struct io *io,
                      struct sys_received *list, unsigned count, size_t room)
{
    return loop->backend->lend_datagrams(loop, io, list, count, room);
}

bool io_sends_later(const rondo_loop *loop)
{
    return loop->backend->send_later;
}

bool io_send_later(rondo_loop *loop, struct io *io, const void *data,
                   size_t size)
{
    assert(io->attached && io->owner == IO_TRANSPORT && size);
    return loop->backend->send_later(loop, io, data, size);
}

bool io_sends_datagrams_later(const rondo_loop *loop)
{
    return loop->backend->send_datagram_later;
}

bool io_send_datagram_later(rondo_loop *loop, struct io *io,
                            const struct sys_outgoing *out)
{
    assert(io->attached && io->owner == IO_DATAGRAM && !io->kept);
    return loop->backend->send_datagram_later(loop, io, out);
}

void io_send_kept(rondo_loop *loop, const struct io *io)
{
    loop->backend->send_now(loop, io);
    assert(!io->kept);
}

void io_unsent(rondo_loop *loop, struct io *io, const struct sys_outgoing *rest,
               int error)
{
    bool stream = io->owner == IO_TRANSPORT;
    assert(!io->kept && (stream || io->owner == IO_DATAGRAM) && error);
    loop_parts[stream ? PART_STREAM : PART_DATAGRAM]->unsent(loop, io, rest,
                                                             error);
}

int io_try(rondo_loop *loop, sys_fd fd)
{
    struct io io;
    if (!loop->backend->probe)
        return 0;
    io_init(&io, fd, IO_PIPE);
    int error = io_attach(loop, &io);
    if (error)
        return error;
    error = loop->backend->probe(loop, &io);
    io_detach(loop, &io);
    return error;
}

void io_reattach(rondo_loop *loop, struct io *io)
{
    assert(io->attached && !io->op[0] && !io->op[1]);
    loop->backend->detach(loop, io);
    /* The number was within the backend's limit before, so it still is. */
    (void)loop->backend->attach(loop, io);
}

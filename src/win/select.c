/* select.c - the Windows poller that needs no port: at most 512 sockets. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "core/backend.h"
#include "win/win.h"

#include <string.h>

enum {
    SELECT_MOST = 512,            /* sockets of the program's */
    SELECT_ROOM = SELECT_MOST + 1 /* and the wake-up */
};

/* io->mode. */
enum {
    MODE_UNKNOWN,
    MODE_CONNECTED /* exceptfds can only mean urgent data */
};

/* Winsock takes sets of any size: a count and an array. FD_SETSIZE is only the
 * size of the fd_set in its header. */
struct set {
    u_int count;
    SOCKET sockets[SELECT_ROOM];
};

struct select {
    struct io *ios[SELECT_ROOM]; /* what is armed; the place is io->slot */
    size_t used, attached;
    struct set reading, writing, failing;
};

static void select_check(const struct select *s)
{
    assert(s->attached <= SELECT_MOST);
    assert(s->used <= s->attached + 1); /* the wake-up is not counted */
    (void)s;
}

static int select_open(rondo_loop *loop, void *state)
{
    const struct select *s = state;
    (void)loop;
    (void)s;
    assert(!s->used && !s->attached);
    return 0;
}

static void select_close(rondo_loop *loop, void *state)
{
    (void)loop;
    (void)state;
}

static int select_attach(rondo_loop *loop, void *state, struct io *io)
{
    struct select *s = state;
    (void)loop;
    assert(io->slot < 0);
    select_check(s);
    io->mode = MODE_UNKNOWN; /* attached again it may be another socket */
    if (io->owner == IO_INTERNAL)
        return 0;
    if (s->attached == SELECT_MOST)
        return error_set(RONDO_EMFILE,
                         "select takes no more than %d sockets (backend "
                         "\"iocp\" has no limit)",
                         SELECT_MOST);
    s->attached++;
    return 0;
}

static void select_detach(rondo_loop *loop, void *state, struct io *io)
{
    struct select *s = state;
    (void)loop;
    assert(io->slot < 0);
    assert(s->attached || io->owner == IO_INTERNAL);
    if (io->owner != IO_INTERNAL)
        s->attached--;
}

static int select_set(rondo_loop *loop, void *state, struct io *io,
                      unsigned sides)
{
    struct select *s = state;
    (void)loop;
    assert(sides <= (SIDE_READ | SIDE_WRITE) || io->owner == IO_WATCHER);
    if (sides && io->slot < 0) {
        assert(s->used < SELECT_ROOM);
        io->slot = (int)s->used;
        s->ios[s->used++] = io;
    } else if (!sides && io->slot >= 0) {
        assert(s->ios[io->slot] == io);
        struct io *last = s->ios[--s->used];
        s->ios[io->slot] = last;
        last->slot = io->slot;
        io->slot = -1;
    }
    assert((io->slot >= 0) == (sides != 0));
    return 0;
}

static void select_fill(struct select *s)
{
    select_check(s);
    s->reading.count = s->writing.count = s->failing.count = 0;
    for (size_t i = 0; i < s->used; i++) {
        const struct io *io = s->ios[i];
        assert(io->slot == (int)i);
        assert(io->armed);
        if (io->armed & SIDE_READ)
            s->reading.sockets[s->reading.count++] = io->fd;
        if (io->armed & SIDE_WRITE)
            s->writing.sockets[s->writing.count++] = io->fd;
        /* Windows reports a failed connect here and nowhere else. */
        if (io->armed & RONDO_PRIORITY ||
            (io->armed & SIDE_WRITE && io->mode != MODE_CONNECTED &&
             io->op[1] && io->op[1]->task.kind != OP_WRITE))
            s->failing.sockets[s->failing.count++] = io->fd;
    }
}

static void select_tell(rondo_loop *loop, const struct set *set, unsigned side)
{
    assert(set->count <= SELECT_ROOM);
    assert(side == SIDE_READ || side == SIDE_WRITE);
    for (u_int i = 0; i < set->count; i++) {
        struct io *io = io_find(loop, set->sockets[i]);
        if (io)
            reactor_ready(loop, io, side);
    }
}

/* Windows reports urgent data in the same way, for as long as nobody reads it.
 * Urgent data is neither an error nor room to write. */
static void select_tell_failed(rondo_loop *loop, const struct set *set)
{
    rondo_address peer;
    assert(set->count <= SELECT_ROOM);
    for (u_int i = 0; i < set->count; i++) {
        struct io *io = io_find(loop, set->sockets[i]);
        if (io && sys_peer_address(io->fd, &peer) == 0) {
            io->mode = MODE_CONNECTED;
            if (io->armed & RONDO_PRIORITY)
                reactor_ready(loop, io, RONDO_PRIORITY);
        } else if (io)
            reactor_ready(loop, io, SIDE_READ | SIDE_WRITE);
    }
}

/* WSAENOTSOCK does not say which socket the program has closed. The number may
 * be a file's or an event's by now. */
static int select_drop_closed(rondo_loop *loop, struct select *s)
{
    for (size_t i = s->used; i-- > 0;)
        if (!win_knows_socket(s->ios[i]->fd))
            reactor_lost(loop, s->ios[i]);
    return 0;
}

static struct timeval *select_timeval_of(int64_t timeout_ns,
                                         struct timeval *room)
{
    const int64_t day = RONDO_SEC(86400);
    assert(timeout_ns >= 0);
    if (timeout_ns == RONDO_NEVER)
        return NULL;
    int64_t us = ((timeout_ns < day ? timeout_ns : day) + 999) / 1000;
    room->tv_sec = (long)(us / 1000000);
    room->tv_usec = (long)(us % 1000000);
    assert(room->tv_sec >= 0 && room->tv_usec >= 0);
    return room;
}

/* Windows refuses to wait for no sockets (WSAEINVAL). There are none only if
 * the wake-up has broken and could not be made again: the reactor keeps the
 * waits short then. */
static int select_wait_for_nothing(int64_t timeout_ns)
{
    assert(timeout_ns >= 0 && timeout_ns != RONDO_NEVER);
    Sleep(win_timeout_ms(timeout_ns));
    return 0;
}

static int select_wait(rondo_loop *loop, void *state, int64_t timeout_ns)
{
    struct select *s = state;
    struct timeval timeout;
    assert(timeout_ns >= 0);
    select_check(s);
    if (!s->used)
        return select_wait_for_nothing(timeout_ns);
    select_fill(s);
    int count = select(
        0, (fd_set *)(void *)&s->reading, (fd_set *)(void *)&s->writing,
        (fd_set *)(void *)&s->failing, select_timeval_of(timeout_ns, &timeout));
    if (count == SOCKET_ERROR) {
        int os_error = WSAGetLastError();
        if (os_error == WSAENOTSOCK)
            return select_drop_closed(loop, s);
        return error_os(error_from_os(os_error), "select");
    }
    if (!count)
        return 0;
    select_tell(loop, &s->reading, SIDE_READ);
    select_tell(loop, &s->writing, SIDE_WRITE);
    select_tell_failed(loop, &s->failing);
    return 0;
}

static int64_t select_resolution(const void *state)
{
    (void)state;
    return win_wait_resolution();
}

static int select_list(rondo_loop *loop, void *state, rondo_poll_entry *entries,
                       size_t room, int64_t *timeout_ns)
{
    const struct select *s = state;
    (void)loop;
    (void)timeout_ns;
    for (size_t i = 0; i < s->used && i < room; i++)
        entries[i] =
            (rondo_poll_entry){(rondo_fd)s->ios[i]->fd,
                               s->ios[i]->armed & ~(unsigned)WATCH_ALWAYS};
    return (int)s->used;
}

static const struct poller select_poller = {
    .size = sizeof(struct select),
    .open = select_open,
    .close = select_close,
    .attach = select_attach,
    .detach = select_detach,
    .set = select_set,
    .wait = select_wait,
    .resolution = select_resolution,
    .list = select_list,
};

const struct backend backend_select = {
    .name = "select",
    .cannot = UINT64_C(1) << RONDO_CAN_EMBED_FD |
              UINT64_C(1) << RONDO_CAN_PIPES |
              UINT64_C(1) << RONDO_CAN_NAMED_PIPES |
              UINT64_C(1) << RONDO_CAN_SUBPROCESS |
              UINT64_C(1) << RONDO_CAN_TERMINALS |
              UINT64_C(1) << RONDO_CAN_WATCH_HALF_CLOSE |
              UINT64_C(1) << RONDO_CAN_WATCH_ERRORS |
              UINT64_C(1) << RONDO_CAN_JOB_OBJECTS |
              UINT64_C(1) << RONDO_CAN_DIE_WITH_PARENT,
    .max_descriptors = SELECT_MOST,
    REACTOR(&select_poller),
};
#endif

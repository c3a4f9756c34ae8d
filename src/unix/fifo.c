/* fifo.c - asks pipes and FIFOs, whose end not every kernel reports. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#if defined(SYSTEM_UNIX) && !defined(__linux__)
#define _GNU_SOURCE
#include "unix/fifo.h"

#include "base/error.h"
#include "unix/unix.h"

#include <assert.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What no event reports:
 * - macOS: to the reader of a FIFO, that the last writer has left; to its
 *   writer, that the last reader has (filt_vnode_common: only bytes and room
 *   count). Its poll(2) is a kqueue, and reports no more.
 * - NetBSD: to who waits to write to a pipe, that the reader has left. Its
 *   kqueue calls each FIFO writable (filt_fifowrite asks the reading socket),
 *   and so does its poll(2) if it is asked for both sides (fifo_poll).
 * - FreeBSD, NetBSD, OpenBSD: to the idle writer of a FIFO, that the last
 *   reader has left. The filter for reading is mute (FreeBSD), refused
 *   (OpenBSD) or reports the writer's own bytes (NetBSD, macOS).
 * So, while somebody waits for one of these, the loop asks now and then. */

enum {
    END_MS = 100, /* how late an end may be noticed */
    ROOM_MS = 10  /* ... and room, where no event can be trusted */
};

/* All pipes without a name are on a device of their own. */
static bool fifo_has_name(const struct stat *status)
{
    struct stat nameless;
    int fds[2];
    if (unix_pipe(fds) != 0)
        return true; /* which costs a question now and then, and no more */
    bool same =
        fstat(fds[0], &nameless) == 0 && nameless.st_dev == status->st_dev;
    sys_close(fds[0]);
    sys_close(fds[1]);
    return !same;
}

static unsigned char fifo_kind(const struct io *io, const struct stat *status)
{
    if (!fifo_has_name(status))
        return FIFO_ANY;
    int flags = fcntl(io->fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) == O_WRONLY
               ? FIFO_ANY | FIFO_NAMED | FIFO_ONLY_WRITE
               : FIFO_ANY | FIFO_NAMED;
}

int fifo_attach(rondo_loop *loop, struct fifos *f, struct io *io)
{
    struct stat status;
    assert(!(io->registered & FIFO_ANY) && f->count <= f->room);
    if ((io->owner != IO_WATCHER && io->owner != IO_PIPE) ||
        fstat(io->fd, &status) != 0 || !S_ISFIFO(status.st_mode))
        return 0;
    if (f->count == f->room) {
        unsigned room = f->room ? f->room * 2 : 8;
        struct io **ios =
            loop_realloc(loop, f->ios, room * sizeof(struct io *));
        if (!ios)
            return error_set(RONDO_ENOMEM, "out of memory for descriptors");
        f->ios = ios;
        f->room = room;
    }
    f->ios[f->count++] = io;
    io->registered |= fifo_kind(io, &status);
    return 0;
}

void fifo_detach(struct fifos *f, struct io *io)
{
    if (!(io->registered & FIFO_ANY))
        return;
    unsigned i = 0;
    while (f->ios[i] != io) {
        i++;
        assert(i < f->count);
    }
    f->ios[i] = f->ios[--f->count];
    io->registered &= SIDE_READ | SIDE_WRITE;
}

void fifo_close(rondo_loop *loop, struct fifos *f)
{
    loop_free(loop, f->ios);
}

unsigned fifo_sides(const struct io *io, unsigned sides)
{
    if (io->registered & FIFO_ONLY_WRITE)
        sides &= ~(unsigned)SIDE_READ;
    if (io->registered & FIFO_NOT_WRITE)
        sides &= ~(unsigned)SIDE_WRITE;
    return sides;
}

bool fifo_is_false_alarm(struct io *io)
{
    assert(!(io->registered & FIFO_NAMED) || io->registered & FIFO_ANY);
    if (!(io->registered & FIFO_NAMED) || unix_ready(io->fd, SIDE_WRITE, -1, 0))
        return false;
    io->registered |= FIFO_NOT_WRITE;
    return true;
}

/* The sides that somebody waits for and that may be ready without an event. */
static unsigned fifo_unsure_sides(const struct io *io)
{
    unsigned wanted = io_wanted(io), sides = wanted & SIDE_WRITE;
    if (wanted & SIDE_READ && io->registered & FIFO_NAMED)
        sides |= SIDE_READ;
    return sides;
}

int64_t fifo_shorten(const struct fifos *f, int64_t timeout_ns)
{
    int64_t most = timeout_ns;
    for (unsigned i = 0; i < f->count; i++) {
        unsigned sides = fifo_unsure_sides(f->ios[i]);
        bool room =
            sides & SIDE_WRITE && f->ios[i]->registered & FIFO_NOT_WRITE;
        int64_t own = room ? RONDO_MS(ROOM_MS) : RONDO_MS(END_MS);
        if (sides && most > own)
            most = own;
    }
    assert(most <= timeout_ns);
    return most;
}

/* Asking a writer takes several calls, so a busy loop does it now and then. */
static bool fifo_may_be_read(struct io *io, bool again)
{
    if (!(io->registered & FIFO_ONLY_WRITE))
        return unix_ready(io->fd, SIDE_READ, -1, 0) != 0;
    if (again && unix_reader_left(io->fd, false))
        io->registered |= FIFO_LEFT;
    else if (again)
        io->registered &= (unsigned char)~FIFO_LEFT;
    return io->registered & FIFO_LEFT;
}

void fifo_ask(rondo_loop *loop, struct fifos *f)
{
    int64_t now = f->count ? sys_clock() : 0;
    bool again = now >= f->next_ns;
    if (again)
        f->next_ns = now + RONDO_MS(ROOM_MS);
    for (unsigned i = 0; i < f->count; i++) {
        struct io *io = f->ios[i];
        unsigned sides = fifo_unsure_sides(io), ready = 0;
        assert(io->registered & FIFO_ANY);
        if (sides & SIDE_READ && fifo_may_be_read(io, again))
            ready |= SIDE_READ;
        if (sides & SIDE_WRITE && unix_ready(io->fd, SIDE_WRITE, -1, 0))
            ready |= SIDE_WRITE;
        if (ready)
            reactor_ready(loop, io, ready);
    }
}
#endif

/* pipes.c - pipes, and one direction of any descriptor: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/disk.h"

#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Linux has 64 KiB of room, and takes up to PIPE_BUF bytes whole or not. */
enum { PIPE_ROOM = 65536, PIPE_ATOMIC = 4096 };

struct sim_pipe;

/* One open end. */
struct pipe_end {
    struct sim_pipe *pipe;
    struct sim_socket *socket;
    struct pipe_end *next; /* of the pipe */
    bool had_writer;       /* since it was opened */
};

struct sim_pipe {
    struct pipe_end *ends;
    struct sim_pipe **fifo; /* of a FIFO: where it is known; else NULL */
    unsigned readers, writers;
    size_t start, used, room;
    char bytes[];
};

static struct pipe_end *pipes_end(const struct sim_socket *s)
{
    return s->of_class;
}

/* ---- readiness ---- */

static size_t pipes_left(const struct sim_pipe *p)
{
    return p->room - p->used;
}

static unsigned pipes_events(const struct sim_socket *s)
{
    const struct pipe_end *end = pipes_end(s);
    const struct sim_pipe *p = end->pipe;
    unsigned events = 0;
    if (s->sides & SIDE_READ) {
        if (p->used)
            events |= RONDO_READABLE;
        if (!p->writers && end->had_writer)
            events |= RONDO_HANG_UP;
    }
    if (s->sides & SIDE_WRITE) {
        if (pipes_left(p) >= PIPE_ATOMIC)
            events |= RONDO_WRITABLE;
        if (!p->readers)
            events |= RONDO_ERROR;
    }
    return events;
}

/* Tells the ends of that side. */
static void pipes_tell(const struct sim_pipe *p, unsigned side)
{
    struct pipe_end *next;
    for (struct pipe_end *e = p->ends; e; e = next) {
        next = e->next;
        if (e->socket->sides & side)
            net_changed(e->socket);
    }
}

/* ---- bytes ---- */

static void pipes_copy_out(struct sim_pipe *p, char *to, size_t size)
{
    size_t first = p->room - p->start;
    if (first > size)
        first = size;
    memcpy(to, p->bytes + p->start, first);
    memcpy(to + first, p->bytes, size - first);
    p->start = (p->start + size) % p->room;
    p->used -= size;
}

static void pipes_copy_in(struct sim_pipe *p, const char *from, size_t size)
{
    size_t at = (p->start + p->used) % p->room;
    size_t first = p->room - at;
    if (first > size)
        first = size;
    memcpy(p->bytes + at, from, first);
    memcpy(p->bytes, from + first, size - first);
    p->used += size;
}

static int64_t pipes_read(struct sim_socket *s, void *data, size_t size)
{
    struct sim_pipe *p = pipes_end(s)->pipe;
    if (!(s->sides & SIDE_READ))
        return sim_fail(EBADF);
    if (!p->used)
        return p->writers ? sim_fail(EAGAIN) : 0;
    if (sim_fault(SIM_FAULT_again))
        return sim_fail(EAGAIN);
    if (size > p->used)
        size = p->used;
    if (size > 1 && sim_fault(SIM_FAULT_short_read))
        size = 1 + (size_t)sim_below(size - 1);
    pipes_copy_out(p, data, size);
    sim_note(s->host, NOTE_RECEIVE, s->number, (int64_t)size);
    if (pipes_left(p) >= PIPE_ATOMIC)
        pipes_tell(p, SIDE_WRITE);
    return (int64_t)size;
}

/* How many of so many bytes it takes now; 0: none. */
static size_t pipes_takes(const struct sim_pipe *p, size_t size)
{
    size_t left = pipes_left(p);
    if (size <= PIPE_ATOMIC)
        return size <= left ? size : 0;
    if (left > PIPE_ATOMIC && sim_fault(SIM_FAULT_short_write))
        left = 1 + (size_t)sim_below(left);
    return size < left ? size : left;
}

static int64_t pipes_write(struct sim_socket *s, const rondo_buffer *buffers,
                           size_t count)
{
    struct sim_pipe *p = pipes_end(s)->pipe;
    size_t whole = 0, written = 0;
    if (!(s->sides & SIDE_WRITE))
        return sim_fail(EBADF);
    if (!p->readers)
        return sim_fail(EPIPE);
    for (size_t i = 0; i < count; i++)
        whole += buffers[i].size;
    size_t takes = sim_fault(SIM_FAULT_again) ? 0 : pipes_takes(p, whole);
    if (whole && !takes)
        return sim_fail(EAGAIN);
    for (size_t i = 0; i < count && written < takes; i++) {
        size_t size = buffers[i].size;
        if (size > takes - written)
            size = takes - written;
        if (size)
            pipes_copy_in(p, buffers[i].data, size);
        written += size;
    }
    sim_note(s->host, NOTE_SEND, s->number, (int64_t)written);
    pipes_tell(p, SIDE_READ);
    return (int64_t)written;
}

/* ---- ends ---- */

static void pipes_free(struct sim_pipe *p)
{
    if (p->fifo)
        *p->fifo = NULL;
    free(p);
}

static void pipes_close(struct sim_socket *s)
{
    struct pipe_end *end = pipes_end(s), **link = &end->pipe->ends;
    struct sim_pipe *p = end->pipe;
    while (*link != end)
        link = &(*link)->next;
    *link = end->next;
    p->readers -= (s->sides & SIDE_READ) != 0;
    p->writers -= (s->sides & SIDE_WRITE) != 0;
    s->of_class = NULL;
    free(end);
    pipes_tell(p, SIDE_READ | SIDE_WRITE);
    if (!p->ends)
        pipes_free(p);
}

static void pipes_report(FILE *to, const struct sim_socket *s)
{
    const struct sim_pipe *p = pipes_end(s)->pipe;
    fprintf(to, "%s:   socket %u is a pipe's end for %s, unread %zu%s\n",
            s->host->name, s->number,
            s->sides == SIDE_READ    ? "reading"
            : s->sides == SIDE_WRITE ? "writing"
                                     : "both",
            p->used,
            !p->readers   ? ", no reader"
            : !p->writers ? ", no writer"
                          : "");
}

static const struct sim_class pipes_class = {
    .kind = SYS_KIND_OTHER,
    .events = pipes_events,
    .read = pipes_read,
    .write = pipes_write,
    .close = pipes_close,
    .report = pipes_report,
};

static int pipes_open_end(struct sim_pipe *p, unsigned sides, sys_fd *fd)
{
    int error = net_make(SIM_OTHER, RONDO_FAMILY_ANY, fd);
    if (error)
        return error;
    struct sim_socket *s = net_get(*fd);
    struct pipe_end *end = calloc(1, sizeof *end);
    if (!end)
        sim_die("out of memory for pipes");
    s->is = &pipes_class;
    s->of_class = end;
    s->sides = sides;
    s->blocking = true;
    end->pipe = p;
    end->socket = s;
    end->next = p->ends;
    end->had_writer = p->writers;
    p->ends = end;
    p->readers += (sides & SIDE_READ) != 0;
    p->writers += (sides & SIDE_WRITE) != 0;
    for (struct pipe_end *e = p->ends; e && sides & SIDE_WRITE; e = e->next)
        e->had_writer = true;
    return 0;
}

static struct sim_pipe *pipes_new(void)
{
    size_t room = sim.options.window;
    room = room > PIPE_ROOM     ? PIPE_ROOM
           : room < PIPE_ATOMIC ? PIPE_ATOMIC
                                : room;
    struct sim_pipe *p = calloc(1, sizeof *p + room);
    if (!p)
        sim_die("out of memory for pipes");
    p->room = room;
    return p;
}

int pipes_make(sys_fd ends[2])
{
    struct sim_pipe *p = pipes_new();
    int error = pipes_open_end(p, SIDE_READ, &ends[0]);
    ends[1] = SYS_NO_FD;
    if (error) {
        free(p);
        return error;
    }
    error = pipes_open_end(p, SIDE_WRITE, &ends[1]);
    if (error) {
        sys_close(ends[0]);
        ends[0] = SYS_NO_FD;
    }
    return error;
}

/* As with O_NONBLOCK: it does not wait for the other side. */
int pipes_open_fifo(struct sim_pipe **pipe, unsigned sides, sys_fd *fd)
{
    *fd = SYS_NO_FD;
    if (sides == SIDE_WRITE && (!*pipe || !(*pipe)->readers))
        return sim_fail(ENXIO);
    if (!*pipe) {
        *pipe = pipes_new();
        (*pipe)->fifo = pipe;
    }
    int error = pipes_open_end(*pipe, sides, fd);
    if (error && !(*pipe)->ends)
        pipes_free(*pipe);
    return error;
}

/* ---- to a child ---- */

int sys_child_pipe(unsigned sides, sys_fd *ours, sys_fd *theirs)
{
    sys_fd ends[2];
    bool both = sides == (SIDE_READ | SIDE_WRITE);
    int error = both ? descriptors_pair(ends) : pipes_make(ends);
    int own = sides == SIDE_WRITE;
    if (error)
        return error;
    *ours = ends[own];
    *theirs = ends[!own];
    net_get(*theirs)->blocking = true;
    return 0;
}

void sys_child_close(sys_fd fd)
{
    sys_close(fd);
}

/* ---- one direction of a descriptor ---- */

unsigned sys_pipe_sides(sys_fd fd)
{
    const struct sim_socket *s = net_get(fd);
    if (!s)
        return 0;
    return s->is ? s->sides : SIDE_READ | SIDE_WRITE;
}

int sys_pipe_open(sys_fd fd, unsigned side, bool shared, struct sys_pipe *pipe)
{
    struct sim_socket *s = net_get(fd);
    (void)side;
    (void)shared;
    *pipe = (struct sys_pipe){.given = fd, .fd = fd};
    if (!s)
        return RONDO_EBADF;
    pipe->socket = !s->is;
    pipe->tells = !s->is || s->is->kind == SYS_KIND_OTHER;
    pipe->blocks = s->is && s->is->kind == SYS_KIND_FILE;
    pipe->restores = s->is && s->blocking && !pipe->blocks;
    if (pipe->restores)
        s->blocking = false;
    return 0;
}

void sys_pipe_close(struct sys_pipe *pipe, bool close, bool inherited)
{
    struct sim_socket *s = net_get(pipe->given);
    (void)inherited;
    if (close)
        sys_close(pipe->given);
    else if (s && pipe->restores)
        s->blocking = true;
    pipe->fd = pipe->given = SYS_NO_FD;
}

/* The end of that descriptor. A loop's calls may not block. */
static struct sim_socket *pipes_of(const struct sys_pipe *pipe)
{
    struct sim_socket *s = net_get(pipe->fd);
    if (s && s->blocking && !pipe->blocks)
        sim_die("a loop uses descriptor %d in blocking mode", pipe->fd);
    return s;
}

int64_t sys_pipe_read(struct sys_pipe *pipe, void *data, size_t size)
{
    if (pipe->socket)
        return sys_recv(pipe->fd, data, size);
    struct sim_socket *s = pipes_of(pipe);
    return s ? s->is->read(s, data, size) : RONDO_EBADF;
}

int64_t sys_pipe_write(struct sys_pipe *pipe, const rondo_buffer *buffers,
                       size_t count)
{
    if (pipe->socket)
        return sys_sendv(pipe->fd, buffers, count);
    struct sim_socket *s = pipes_of(pipe);
    return s ? s->is->write(s, buffers, count) : RONDO_EBADF;
}

bool sys_pipe_tries(const struct sys_pipe *pipe)
{
    (void)pipe;
    return true;
}

bool sys_pipe_blocks(const struct sys_pipe *pipe)
{
    return pipe->blocks;
}

int sys_pipe_block(struct sys_pipe *pipe)
{
    pipe->canceled = false;
    return 0;
}

/* ---- for a thread: how often it looks again ---- */

enum { LOOK_NS = 10000 };

static bool pipes_wait(const struct sys_pipe *pipe)
{
    (void)sim_block("a pipe", sim.now + LOOK_NS);
    return !pipe->canceled;
}

int64_t sys_pipe_read_waiting(struct sys_pipe *pipe, void *data, size_t size)
{
    int64_t count;
    while ((count = sys_pipe_read(pipe, data, size)) == RONDO_EAGAIN)
        if (!pipes_wait(pipe))
            return sim_fail(ECANCELED);
    return count;
}

int64_t sys_pipe_write_waiting(struct sys_pipe *pipe, const void *data,
                               size_t size)
{
    const rondo_buffer one = {data, size};
    int64_t count;
    while ((count = sys_pipe_write(pipe, &one, 1)) == RONDO_EAGAIN)
        if (!pipes_wait(pipe))
            return sim_fail(ECANCELED);
    return count;
}

bool sys_pipe_cancel(struct sys_pipe *pipe)
{
    pipe->canceled = true;
    return false;
}

/* ---- has the reader left? ---- */

bool sys_pipe_tells(const struct sys_pipe *pipe)
{
    return pipe->tells;
}

/* A socket's: poll(2) says POLLERR or POLLHUP, not that the peer writes no
 * more. */
bool sys_pipe_hung_up(const struct sys_pipe *pipe)
{
    const struct sim_socket *s = net_get(pipe->fd);
    return s && net_events(s) & (RONDO_ERROR | RONDO_HANG_UP);
}
#endif

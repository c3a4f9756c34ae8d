/* stream_timeout.c - what few transports have: timeouts, held bytes, and the
 * addresses of all. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "stream/stream.h"

#include <string.h>

struct stream_extra *stream_extra(rondo_transport *t)
{
    if (!t->extra) {
        t->extra = loop_alloc(t->loop, sizeof *t->extra);
        if (t->extra)
            *t->extra = (struct stream_extra){0};
    }
    return t->extra;
}

static void stream_timeout_stop_timer(rondo_transport *t)
{
    if (t->extra->timer > 0)
        (void)timers_cancel(t->loop, t->extra->timer);
    t->extra->timer = 0;
}

void stream_extra_free(rondo_transport *t)
{
    if (!t->extra)
        return;
    stream_timeout_stop_timer(t);
    loop_free(t->loop, t->extra->held);
    stream_drop_fds(t);
    stream_drop_arrived(t);
    loop_free(t->loop, t->extra->fd_queue);
    loop_free(t->loop, t->extra->peer);
    loop_free(t->loop, t->extra->local);
    loop_free(t->loop, t->extra);
    t->extra = NULL;
}

/* ---- addresses ---- */

static int stream_timeout_keep(rondo_transport *t, struct small_address *which,
                               const rondo_address *a)
{
    if (address_keep(which, a))
        return 0;
    struct stream_extra *x = stream_extra(t);
    rondo_address *copy = x ? loop_alloc(t->loop, sizeof *copy) : NULL;
    if (!copy)
        return error_set(RONDO_ENOMEM, "out of memory for an address");
    *copy = *a;
    *(which == &t->peer ? &x->peer : &x->local) = copy;
    return 0;
}

int stream_remember(rondo_transport *t, const rondo_address *peer)
{
    rondo_address address;
    bool is_pipe = t->flags & STREAM_PIPE;
    /* a pipe may be waited for by another descriptor */
    sys_fd fd = is_pipe ? (sys_fd)stream_pipe_fd(t) : t->io.fd;
    int error = 0;
    if (peer)
        error = stream_timeout_keep(t, &t->peer, peer);
    else if (sys_peer_address(fd, &address) == 0)
        error = stream_timeout_keep(t, &t->peer, &address);
    if (error || sys_local_address(fd, &address) != 0)
        return error;
    if (rondo_address_family(&address) == RONDO_FAMILY_UNIX && !is_pipe) {
        t->flags |= STREAM_UNIX;
        /* a backend that reads by itself would lose descriptors */
        t->read.task.kind = OP_WAIT_READ;
    }
    return stream_timeout_keep(t, &t->local, &address);
}

int stream_address(const rondo_transport *t, const struct small_address *which,
                   rondo_address *a)
{
    const struct stream_extra *x = t->extra;
    const rondo_address *large = !x                  ? NULL
                                 : which == &t->peer ? x->peer
                                                     : x->local;
    if (!large)
        return address_recall(which, a);
    *a = *large;
    return 0;
}

/* ---- held bytes ---- */

bool stream_hold(rondo_transport *t, const void *data, size_t size)
{
    struct stream_extra *extra = stream_extra(t);
    struct held *held = extra ? extra->held : NULL;
    if (!extra)
        return false;
    if (!held || held->room - held->size < size) {
        /* twice as much each time, so that many small pieces cost no more
         * than a large one */
        size_t has = held ? held->size : 0;
        size_t room = has + (size > has ? size : has);
        held = loop_realloc(t->loop, held, sizeof *held + room);
        if (!held)
            return false;
        held->size = has;
        held->room = room;
        extra->held = held;
    }
    memcpy(held->bytes + held->size, data, size);
    held->size += size;
    t->flags |= STREAM_HELD;
    t->held = true;
    return true;
}

bool stream_hold_before(rondo_transport *t, const void *data, size_t size)
{
    struct held *later = t->flags & STREAM_HELD ? stream_take_held(t) : NULL;
    bool kept = stream_hold(t, data, size) &&
                (!later || stream_hold(t, later->bytes, later->size));
    loop_free(t->loop, later);
    return kept;
}

struct held *stream_take_held(rondo_transport *t)
{
    struct held *held = t->extra->held;
    t->extra->held = NULL;
    t->flags &= ~(uint32_t)STREAM_HELD;
    t->held = false;
    return held;
}

/* ---- timeouts ---- */

void stream_note_read(rondo_transport *t)
{
    t->extra->read_start = t->loop->now;
}

void stream_note_write(rondo_transport *t)
{
    t->extra->write_start = t->loop->now;
}

static int64_t stream_timeout_after(int64_t start, int64_t length)
{
    return length > RONDO_NEVER - start ? RONDO_NEVER : start + length;
}

static int64_t stream_timeout_read_deadline(const rondo_transport *t)
{
    const struct stream_extra *x = t->extra;
    return x->read_ns && stream_reads(t)
               ? stream_timeout_after(x->read_start, x->read_ns)
               : RONDO_NEVER;
}

static int64_t stream_timeout_write_deadline(const rondo_transport *t)
{
    const struct stream_extra *x = t->extra;
    bool waits = t->flags & STREAM_QUEUED && !stream_file_is_slow(t);
    return x->write_ns && waits
               ? stream_timeout_after(x->write_start, x->write_ns)
               : RONDO_NEVER;
}

/* The program may end the connection, or change its times, in timed_out. */
static void stream_timeout_ran_out(rondo_transport *t,
                                   rondo_direction direction)
{
    if (direction == RONDO_READING)
        stream_note_read(t);
    else
        stream_note_write(t);
    bool go_on =
        t->protocol->timed_out && t->protocol->timed_out(t, t->self, direction);
    if (go_on || t->flags & STREAM_ENDING)
        return;
    error_no_os();
    stream_fail(t, RONDO_ETIMEDOUT,
                STREAM_RESET |
                    (direction == RONDO_WRITING ? STREAM_WRITE_FAILED : 0U));
}

static void stream_timeout_on_timer(rondo_loop *loop, void *arg)
{
    rondo_transport *t = arg;
    t->extra->timer = 0;
    t->flags |= STREAM_RUNNING;
    t->running = true;
    if (t->flags & STREAM_MADE && !(t->flags & STREAM_ENDING)) {
        if (stream_timeout_read_deadline(t) <= loop->now)
            stream_timeout_ran_out(t, RONDO_READING);
        if (!(t->flags & STREAM_ENDING) &&
            stream_timeout_write_deadline(t) <= loop->now)
            stream_timeout_ran_out(t, RONDO_WRITING);
    }
    stream_finish(t);
}

void stream_watch_time(rondo_transport *t)
{
    struct stream_extra *x = t->extra;
    if (t->flags & STREAM_ENDING) {
        stream_timeout_stop_timer(t);
        return;
    }
    int64_t reading = stream_timeout_read_deadline(t),
            writing = stream_timeout_write_deadline(t);
    int64_t next = reading < writing ? reading : writing;
    /* a timer that fires too early finds out and starts again */
    if (next == RONDO_NEVER || (x->timer > 0 && x->timer_when <= next))
        return;
    stream_timeout_stop_timer(t);
    x->timer_when = next;
    x->timer = timers_start_hidden(t->loop, next, stream_timeout_on_timer, t);
    if (x->timer < 0) {
        error_no_os();
        stream_fail(t, RONDO_ENOMEM, STREAM_RESET);
        stream_settle(t);
    }
}

int rondo_transport_set_timeouts(rondo_transport *t, int64_t read_ns,
                                 int64_t write_ns)
{
    int error = loop_check(t ? t->loop : NULL, "transport_set_timeouts");
    if (error)
        return error;
    if (read_ns < 0 || write_ns < 0)
        return error_set(RONDO_EINVAL,
                         "transport_set_timeouts: a negative time");
    if (t->flags & STREAM_ENDING)
        return 0;
    struct stream_extra *x = stream_extra(t);
    if (!x)
        return error_set(RONDO_ENOMEM, "transport_set_timeouts: out of memory");
    x->read_ns = read_ns == RONDO_NEVER ? 0 : read_ns;
    x->write_ns = write_ns == RONDO_NEVER ? 0 : write_ns;
    x->read_start = x->write_start = sys_clock();
    t->flags |= STREAM_TIMED;
    t->timed = true;
    stream_settle(t);
    return 0;
}

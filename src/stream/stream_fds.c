/* stream_fds.c - descriptors that travel with a unix socket's bytes. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "stream/stream.h"

#include <string.h>

enum { FD_BATCH_MOST = 64 };

/* Descriptors that leave with one byte: the one at this place of the stream.
 * They are duplicates, the program's are its own. */
struct fd_batch {
    struct fd_batch *next;
    uint64_t at;
    size_t count;
    sys_fd fds[FD_BATCH_MOST];
};

struct fd_queue {
    struct fd_batch *first, *last;
    uint64_t front; /* the place of the next byte to leave */
};

/* Descriptors that came with the bytes at hand. */
struct arrived {
    bool delivered; /* the protocol has been given bytes since */
    size_t next, count;
    sys_fd fds[];
};

/* ---- sending ---- */

static void stream_fds_close_all(const sys_fd *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sys_close(fds[i]);
}

static void stream_fds_drop_first(rondo_transport *t)
{
    struct fd_queue *p = t->extra->fd_queue;
    struct fd_batch *gone = p->first;
    stream_fds_close_all(gone->fds, gone->count);
    p->first = gone->next;
    if (!p->first)
        p->last = NULL;
    loop_free(t->loop, gone);
}

bool stream_fds_are_queued(const rondo_transport *t)
{
    return t->extra && t->extra->fd_queue && t->extra->fd_queue->first;
}

void stream_fds_drop_queued(rondo_transport *t)
{
    while (stream_fds_wait(t))
        stream_fds_drop_first(t);
}

void stream_fds_passed(rondo_transport *t, size_t count)
{
    struct fd_queue *p = t->extra->fd_queue;
    p->front += count;
    if (count && p->first->at < p->front)
        stream_fds_drop_first(t);
}

/* One message carries its descriptors with its first byte, so it begins with
 * the byte that has some, and ends before the next one that has. */
int64_t stream_fds_sendv(rondo_transport *t, const rondo_buffer *pieces,
                         size_t count)
{
    if (!stream_fds_wait(t))
        return sys_sendv(t->io.fd, pieces, count);
    const struct fd_queue *p = t->extra->fd_queue;
    const struct fd_batch *with = p->first->at == p->front ? p->first : NULL;
    const struct fd_batch *next = with ? with->next : p->first;
    uint64_t room = next ? next->at - p->front : UINT64_MAX;
    rondo_buffer part[BUF_GATHER];
    size_t used = 0;
    for (; used < count && used < BUF_GATHER && room; used++) {
        part[used] = pieces[used];
        if (part[used].size > room)
            part[used].size = (size_t)room;
        room -= part[used].size;
    }
    int64_t sent =
        with ? sys_send_fds(t->io.fd, part, used, with->fds, with->count)
             : sys_sendv(t->io.fd, part, used);
    if (sent > 0)
        stream_fds_passed(t, (size_t)sent);
    return sent;
}

/* The batch for the byte that is written next; NULL: out of memory. */
static struct fd_batch *stream_fds_open_batch(rondo_transport *t)
{
    struct stream_extra *x = stream_extra(t);
    if (x && !x->fd_queue) {
        x->fd_queue = loop_alloc(t->loop, sizeof *x->fd_queue);
        if (x->fd_queue)
            *x->fd_queue = (struct fd_queue){0};
    }
    if (!x || !x->fd_queue)
        return NULL;
    struct fd_queue *p = x->fd_queue;
    uint64_t at = p->front + stream_unsent(t);
    if (p->last && p->last->at == at)
        return p->last;
    struct fd_batch *made = loop_alloc(t->loop, sizeof *made);
    if (!made)
        return NULL;
    made->next = NULL;
    made->at = at;
    made->count = 0;
    return made;
}

static void stream_fds_keep(rondo_transport *t, struct fd_batch *batch)
{
    struct fd_queue *p = t->extra->fd_queue;
    if (p->last == batch)
        return;
    if (p->last)
        p->last->next = batch;
    else
        p->first = batch;
    p->last = batch;
}

/* Puts a duplicate in; on an error the batch is as it was. */
static int stream_fds_put(struct fd_batch *batch, rondo_fd fd, const char *what)
{
    if (batch->count == FD_BATCH_MOST)
        return error_set(RONDO_ETOOMUCH,
                         "%s: more than %d descriptors with one byte", what,
                         FD_BATCH_MOST);
    int error = sys_duplicate(sys_fd_of(fd), &batch->fds[batch->count]);
    if (error)
        return error_os(error, "%s: descriptor %lld", what, (long long)fd);
    batch->count++;
    return 0;
}

bool stream_fds_lack_byte(const rondo_transport *t)
{
    const struct fd_queue *p = t->extra ? t->extra->fd_queue : NULL;
    return p && p->last && p->last->at == p->front + stream_unsent(t);
}

/* 0: this transport passes descriptors. */
static int stream_fds_refuse(const rondo_transport *t, const char *what)
{
    if (!stream_is_unix(t))
        return error_set(RONDO_ENOTSUP,
                         "%s: only unix sockets that read and write carry "
                         "descriptors",
                         what);
    return 0;
}

int rondo_transport_send_fd(rondo_transport *t, rondo_fd fd)
{
    const char *what = "transport_send_fd";
    int error = loop_check(t ? t->loop : NULL, what);
    if (!error)
        error = stream_fds_refuse(t, what);
    if (!error)
        error = stream_may_write(t, what);
    if (!error && t->handshaking) /* the next byte to leave is a filter's */
        error = error_set(RONDO_EBUSY, "%s: a filter is getting ready", what);
    if (error)
        return error;
    struct fd_batch *batch = stream_fds_open_batch(t);
    if (!batch)
        return error_set(RONDO_ENOMEM, "%s: out of memory", what);
    error = stream_fds_put(batch, fd, what);
    if (batch->count) {
        stream_fds_keep(t, batch);
        stream_settle(t);
    } else
        loop_free(t->loop, batch);
    return error;
}

/* ---- receiving ---- */

void stream_fds_note_delivered(rondo_transport *t)
{
    if (t->extra && t->extra->arrived)
        t->extra->arrived->delivered = true;
}

void stream_fds_drop_delivered(rondo_transport *t)
{
    if (t->extra && t->extra->arrived && t->extra->arrived->delivered)
        stream_fds_drop_arrived(t);
}

void stream_fds_drop_arrived(rondo_transport *t)
{
    struct arrived *a = t->extra ? t->extra->arrived : NULL;
    if (!a)
        return;
    stream_fds_close_all(a->fds + a->next, a->count - a->next);
    loop_free(t->loop, a);
    t->extra->arrived = NULL;
}

/* Behind those that were not taken yet. 0; RONDO_ENOMEM; RONDO_ETOOMUCH: a peer
 * cannot fill the table of descriptors with bytes that nobody takes. */
static int stream_fds_keep_arrived(rondo_transport *t, const sys_fd *fds,
                                   size_t count)
{
    struct stream_extra *x = stream_extra(t);
    struct arrived *old = x ? x->arrived : NULL;
    size_t before = old ? old->count - old->next : 0;
    if (before + count > SYS_FDS_MOST)
        return RONDO_ETOOMUCH;
    struct arrived *a =
        x ? loop_alloc(t->loop, sizeof *a + (before + count) * sizeof *fds)
          : NULL;
    if (!a)
        return RONDO_ENOMEM;
    a->delivered = false;
    a->next = 0;
    a->count = before + count;
    if (before)
        memcpy(a->fds, old->fds + old->next, before * sizeof *fds);
    memcpy(a->fds + before, fds, count * sizeof *fds);
    loop_free(t->loop, old);
    x->arrived = a;
    return 0;
}

/* They are to be dropped after the bytes: no fast path does that. */
static COLD int64_t stream_fds_recv_some(rondo_transport *t, int64_t received,
                                         const sys_fd *fds, size_t count)
{
    int error = stream_fds_keep_arrived(t, fds, count);
    stream_leave_fast(t);
    if (!error)
        return received;
    stream_fds_close_all(fds, count);
    error_no_os();
    return error;
}

int64_t stream_fds_recv(rondo_transport *t, void *data, size_t size)
{
    sys_fd fds[SYS_FDS_MOST];
    size_t count;
    int64_t received = sys_recv_fds(t->io.fd, data, size, fds, &count);
    return count ? stream_fds_recv_some(t, received, fds, count) : received;
}

rondo_fd rondo_transport_take_fd(rondo_transport *t)
{
    const char *what = "transport_take_fd";
    if (loop_check(t ? t->loop : NULL, what))
        return RONDO_NO_FD;
    if (stream_fds_refuse(t, what))
        return RONDO_NO_FD;
    struct arrived *a = t->extra ? t->extra->arrived : NULL;
    if (!a || a->next == a->count) {
        error_set(RONDO_ENOENT, "%s: none, or no more, came with these bytes",
                  what);
        return RONDO_NO_FD;
    }
    return (rondo_fd)a->fds[a->next++];
}

void stream_fds_free(rondo_transport *t)
{
    stream_fds_drop_queued(t);
    stream_fds_drop_arrived(t);
    loop_free(t->loop, t->extra->fd_queue);
}

/* uring.c - the poller of Linux that reads by itself, by io_uring. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef __linux__
#define _GNU_SOURCE
#include "base/error.h"
#include "core/backend.h"
#include "unix/epoll.h"
#include "unix/ring.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#ifdef RING_IS_BUILT
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/*
 * The ring reads the sockets of streams: one multishot receive for each, which
 * the kernel goes on with as bytes come. They lie in our buffers until the
 * stream takes them, by uring_receive. All other descriptors, and the writing
 * sides of these, are epoll's, whose descriptor the ring polls in its turn.
 *
 * The ring's work is deferred: the kernel receives nothing but while this
 * thread is inside of ring_enter. So between two of these a plain recv(2) keeps
 * the order, if it comes after the bytes that lie here.
 */

/* Of one descriptor, found by its number. */
enum uring_state { URING_IDLE, URING_READS, URING_CANCELED };
struct reading {
    struct io *io;       /* NULL: it is not read */
    unsigned char state; /* what the kernel has of it */
    bool wanted;         /* the reactor has armed the reading side */
    bool ended;          /* no bytes come after these: `error`, or 0 */
    bool try_now;        /* there was no buffer */
    bool has_news;       /* in the list of news */
    bool is_due;         /* in the list of receives to begin */
    int error;
    int64_t os_error;
    int first, last; /* its bytes: a chain of buffers; NONE: no bytes */
    int next_news, next_due;
};

enum { NONE = -1 };

/* io->mode. What a forked child has from its parent may still be the parent's:
 * it reads no more of it than it delivers. */
enum { URING_OWN, URING_INHERITED };

struct buffer {
    int next;
    unsigned start, end; /* of the bytes that are not taken yet */
};

struct uring {
    struct ring ring;
    void *epoll;       /* state of unix_epoll_poller */
    unsigned poll;     /* of the ring on epoll's descriptor: its number */
    unsigned renewals; /* of epoll, before that poll */
    bool epoll_is_open;
    bool poll_is_set;
    bool epoll_ready; /* and not yet asked what is */
    struct reading *readings;
    int room;      /* of these */
    int reads;     /* how many receives the kernel has */
    int news, due; /* first of each list */
    char *memory;  /* of all buffers; NULL: nothing was read yet */
    struct buffer buffers[RING_BUFFERS];
    atomic_int event; /* an eventfd that tells an embedding loop; NONE: none */
};

/* What an answer is of: the upper half of its number. The lower one is of a
 * descriptor; of epoll, which of its polls. */
enum { OF_READING = 1, OF_EPOLL, OF_CANCEL };

static uint64_t uring_number(unsigned of, unsigned which)
{
    return (uint64_t)of << 32 | which;
}

/* ---- buffers ---- */

static int uring_open_memory(struct uring *u)
{
    if (u->memory)
        return 0;
    void *memory =
        mmap(NULL, (size_t)RING_BUFFERS * RING_BUFFER_SIZE,
             PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return RONDO_ENOMEM;
    u->memory = memory;
    for (int i = 0; i < RING_BUFFERS; i++)
        ring_offer(&u->ring, (unsigned)i,
                   u->memory + (size_t)i * RING_BUFFER_SIZE);
    return 0;
}

static void uring_give_back(struct uring *u, int buffer)
{
    ring_offer(&u->ring, (unsigned)buffer,
               u->memory + (size_t)buffer * RING_BUFFER_SIZE);
}

static void uring_keep(struct uring *u, struct reading *r, int buffer,
                       unsigned size)
{
    u->buffers[buffer] = (struct buffer){.next = NONE, .end = size};
    if (r->first == NONE)
        r->first = buffer;
    else
        u->buffers[r->last].next = buffer;
    r->last = buffer;
}

static void uring_drop_bytes(struct uring *u, struct reading *r)
{
    while (r->first != NONE) {
        int buffer = r->first;
        r->first = u->buffers[buffer].next;
        uring_give_back(u, buffer);
    }
}

/* As many as there is room for; how many they were. */
static size_t uring_take_bytes(struct uring *u, struct reading *r, char *to,
                               size_t room)
{
    size_t size = 0;
    while (r->first != NONE && size < room) {
        int buffer = r->first;
        struct buffer *b = &u->buffers[buffer];
        size_t part = b->end - b->start;
        if (part > room - size)
            part = room - size;
        memcpy(to + size,
               u->memory + (size_t)buffer * RING_BUFFER_SIZE + b->start, part);
        size += part;
        b->start += (unsigned)part;
        if (b->start == b->end) {
            r->first = b->next;
            uring_give_back(u, buffer);
        }
    }
    return size;
}

/* ---- which descriptors are read ---- */

static bool uring_has_news(const struct reading *r)
{
    return r->first != NONE || r->ended || r->try_now;
}

/* The receive of a stream's socket may take bytes before they are asked for. An
 * operation that only waits (of a unix socket, for the descriptors beside the
 * bytes) leaves them in the kernel. */
static bool uring_may_read(const struct io *io)
{
    return io->mode == URING_OWN && io->owner == IO_TRANSPORT && io->op[0] &&
           io->op[0]->task.kind == OP_READ;
}

static struct reading *uring_find(const struct uring *u, const struct io *io)
{
    struct reading *r = NULL;
    if (io->fd < u->room)
        r = &u->readings[io->fd];
    return r && r->io == io ? r : NULL;
}

static bool uring_grow(rondo_loop *loop, struct uring *u, int fd)
{
    int room = u->room ? u->room : 16;
    while (room <= fd)
        room += room / 2;
    struct reading *readings =
        loop_realloc(loop, u->readings, (size_t)room * sizeof *readings);
    if (!readings)
        return false;
    for (int i = u->room; i < room; i++)
        readings[i] = (struct reading){.first = NONE};
    u->readings = readings;
    u->room = room;
    return true;
}

/* NULL: out of memory. */
static struct reading *uring_begin_reading(rondo_loop *loop, struct uring *u,
                                           struct io *io)
{
    struct reading *r = uring_find(u, io);
    if (r)
        return r;
    if (uring_open_memory(u) < 0 ||
        (io->fd >= u->room && !uring_grow(loop, u, io->fd)))
        return NULL;
    r = &u->readings[io->fd];
    assert(!r->io && r->state == URING_IDLE && r->first == NONE);
    r->io = io;
    r->ended = false;
    return r;
}

/* ---- receives ---- */

static void uring_add_due(struct uring *u, struct reading *r, int fd)
{
    if (r->is_due)
        return;
    r->is_due = true;
    r->next_due = u->due;
    u->due = fd;
}

static void uring_add_news(struct uring *u, struct reading *r, int fd)
{
    if (r->has_news)
        return;
    r->has_news = true;
    r->next_news = u->news;
    u->news = fd;
}

/* false: the kernel takes no question now. */
static bool uring_receive_begin(struct uring *u, struct reading *r, int fd)
{
    struct io_uring_sqe *q = ring_ask(&u->ring);
    assert(r->state == URING_IDLE);
    if (!q)
        return false;
    q->opcode = IORING_OP_RECV;
    q->ioprio = IORING_RECV_MULTISHOT;
    q->fd = fd;
    q->flags = IOSQE_BUFFER_SELECT;
    q->buf_group = RING_GROUP;
    q->user_data = uring_number(OF_READING, (unsigned)fd);
    r->state = URING_READS;
    u->reads++;
    return true;
}

static void uring_begin_due(struct uring *u)
{
    int fd = u->due;
    u->due = NONE;
    while (fd != NONE) {
        struct reading *r = &u->readings[fd];
        int next = r->next_due;
        r->is_due = false;
        if (r->wanted && r->state == URING_IDLE && !r->ended &&
            !uring_receive_begin(u, r, fd))
            uring_add_due(u, r, fd);
        fd = next;
    }
}

/* Its last answer comes in the next ring_enter, if it has been begun. */
static void uring_receive_cancel(struct uring *u, struct reading *r, int fd)
{
    struct io_uring_sqe *q = NULL;
    if (r->state == URING_READS)
        q = ring_ask(&u->ring);
    if (!q)
        return;
    q->opcode = IORING_OP_ASYNC_CANCEL;
    q->fd = -1;
    q->addr = uring_number(OF_READING, (unsigned)fd);
    q->user_data = uring_number(OF_CANCEL, 0);
    r->state = URING_CANCELED;
}

/* What a receive ends with that says nothing of the connection: cancelled, or
 * there was no buffer. */
static bool uring_is_passing(int result)
{
    return result == -ECANCELED || result == -ENOBUFS || result == -EINTR ||
           result == -EAGAIN;
}

static void uring_received(struct uring *u, const struct io_uring_cqe *answer,
                           int fd)
{
    struct reading *r = &u->readings[fd];
    int result = answer->res;
    assert(fd < u->room && r->io && r->state != URING_IDLE);
    if (answer->flags & IORING_CQE_F_BUFFER) {
        int buffer = (int)(answer->flags >> IORING_CQE_BUFFER_SHIFT);
        if (result > 0)
            uring_keep(u, r, buffer, (unsigned)result);
        else
            uring_give_back(u, buffer);
    }
    if (!(answer->flags & IORING_CQE_F_MORE)) {
        r->state = URING_IDLE;
        u->reads--;
        uring_add_due(u, r, fd);
    }
    if (result <= 0 && !uring_is_passing(result)) {
        r->ended = true;
        r->error = result < 0 ? error_from_os(-result) : 0;
        r->os_error = -result;
    }
    r->try_now |= result == -ENOBUFS;
    if (result != -ECANCELED)
        uring_add_news(u, r, fd);
}

static void uring_collect(struct uring *u)
{
    struct io_uring_cqe answer;
    while (ring_answer(&u->ring, &answer)) {
        unsigned which = (unsigned)answer.user_data;
        if (answer.user_data >> 32 == OF_READING) {
            uring_received(u, &answer, (int)which);
        } else if (answer.user_data == uring_number(OF_EPOLL, u->poll)) {
            u->poll_is_set = false;
            u->epoll_ready = true;
        }
    }
}

/* Nothing is read any more, and all that was read lies here. The kernel cancels
 * a receive within the call that asks for it, unless it has no memory for the
 * question. */
static void uring_stop(struct uring *u, struct reading *r, int fd)
{
    for (int64_t wait = 0; r->state != URING_IDLE; wait = RONDO_MS(1)) {
        uring_receive_cancel(u, r, fd);
        (void)ring_enter(&u->ring, wait);
        uring_collect(u);
    }
}

/* ---- epoll, in the ring ---- */

/* A poll of the ring is over when it has told once. */
static void uring_poll_epoll(rondo_loop *loop, struct uring *u)
{
    rondo_fd fd = NONE;
    int64_t most;
    unsigned renewals = unix_epoll_renewals(u->epoll);
    if (u->poll_is_set && u->renewals == renewals)
        return;
    (void)unix_epoll_poller.embed(loop, u->epoll, &fd, &most);
    struct io_uring_sqe *q = ring_ask(&u->ring);
    if (!q)
        return;
    if (u->poll_is_set) { /* of an epoll that another has replaced */
        q->opcode = IORING_OP_POLL_REMOVE;
        q->fd = -1;
        q->addr = uring_number(OF_EPOLL, u->poll);
        q->user_data = uring_number(OF_CANCEL, 0);
        u->poll_is_set = false;
        u->poll++;
        uring_poll_epoll(loop, u);
        return;
    }
    q->opcode = IORING_OP_POLL_ADD;
    q->fd = (int)fd;
    q->poll32_events = POLLIN;
    q->user_data = uring_number(OF_EPOLL, ++u->poll);
    u->poll_is_set = true;
    u->renewals = renewals;
}

/* ---- the poller's functions ---- */

static int uring_open_epoll(rondo_loop *loop, struct uring *u)
{
    memset(u->epoll, 0, unix_epoll_poller.size);
    int error = unix_epoll_poller.open(loop, u->epoll);
    u->epoll_is_open = !error;
    return error;
}

static int uring_open(rondo_loop *loop, void *state)
{
    struct uring *u = state;
    u->event = u->news = u->due = NONE;
    u->epoll = loop_alloc(loop, unix_epoll_poller.size);
    if (!u->epoll)
        return error_set(RONDO_ENOMEM, "loop_new: out of memory");
    int error = ring_open(&u->ring);
    if (!error)
        error = uring_open_epoll(loop, u);
    if (error) {
        ring_close(&u->ring);
        loop_free(loop, u->epoll);
    }
    return error;
}

static void uring_close(rondo_loop *loop, void *state)
{
    struct uring *u = state;
    ring_close(&u->ring);
    if (u->epoll_is_open)
        unix_epoll_poller.close(loop, u->epoll);
    loop_free(loop, u->epoll);
    loop_free(loop, u->readings);
    if (u->memory)
        munmap(u->memory, (size_t)RING_BUFFERS * RING_BUFFER_SIZE);
    sys_close(u->event);
}

/* Another ring takes the place of this one, for this thread or this process.
 * What was read stays. */
static int uring_renew(struct uring *u)
{
    struct ring ring;
    bool lent[RING_BUFFERS] = {false};
    int error = ring_open(&ring);
    if (error)
        return error;
    ring_close(&u->ring);
    u->ring = ring;
    u->poll_is_set = false;
    u->reads = 0;
    for (int fd = 0; fd < u->room; fd++) {
        struct reading *r = &u->readings[fd];
        for (int i = r->first; i != NONE; i = u->buffers[i].next)
            lent[i] = true;
        r->state = URING_IDLE;
        uring_add_due(u, r, fd);
    }
    for (int i = 0; i < RING_BUFFERS && u->memory; i++)
        if (!lent[i])
            uring_give_back(u, i);
    if (u->event != NONE)
        (void)ring_tell_event(&u->ring, u->event);
    return 0;
}

/* epoll is opened last: after an error it can be done again. */
static int uring_reopen(rondo_loop *loop, void *state)
{
    struct uring *u = state;
    int error = uring_renew(u);
    if (error)
        return error;
    for (int fd = 0; fd < u->room; fd++)
        u->readings[fd].wanted = false;
    for (size_t i = 0; i < loop->table_room; i++)
        if (loop->table[i])
            loop->table[i]->mode = URING_INHERITED;
    sys_close(u->event); /* the parent's, too */
    u->event = NONE;
    u->epoll_ready = false;
    if (u->epoll_is_open)
        unix_epoll_poller.close(loop, u->epoll);
    return uring_open_epoll(loop, u);
}

static int uring_attach(rondo_loop *loop, void *state, struct io *io)
{
    struct uring *u = state;
    return unix_epoll_poller.attach(loop, u->epoll, io);
}

static void uring_detach(rondo_loop *loop, void *state, struct io *io)
{
    struct uring *u = state;
    struct reading *r = uring_find(u, io);
    unix_epoll_poller.detach(loop, u->epoll, io);
    if (!r)
        return;
    r->wanted = false;
    uring_stop(u, r, io->fd);
    uring_drop_bytes(u, r);
    r->ended = r->try_now = false;
    r->io = NULL;
}

static int uring_set_reading(struct uring *u, struct reading *r, int fd,
                             bool wanted)
{
    if (wanted && !r->wanted) {
        if (uring_has_news(r))
            return POLLER_READY;
        uring_add_due(u, r, fd);
    } else if (!wanted && r->wanted) {
        uring_receive_cancel(u, r, fd);
    }
    r->wanted = wanted;
    return 0;
}

static int uring_set(rondo_loop *loop, void *state, struct io *io,
                     unsigned sides)
{
    struct uring *u = state;
    struct reading *r = uring_find(u, io);
    if (r && io->mode == URING_INHERITED && !uring_has_news(r)) {
        r->io = NULL;
        r = NULL;
    }
    if (!r && sides & SIDE_READ && uring_may_read(io)) {
        r = uring_begin_reading(loop, u, io);
        if (!r)
            return error_set(RONDO_ENOMEM, "out of memory for descriptors");
    }
    int error = 0;
    if (r) {
        error = uring_set_reading(u, r, io->fd, sides & SIDE_READ);
        sides &= SIDE_WRITE;
    }
    if (error || (r && sides == io->registered))
        return error;
    return unix_epoll_poller.set(loop, u->epoll, io, sides);
}

static bool uring_is_ready(const struct uring *u)
{
    bool ready = u->epoll_ready;
    for (int fd = u->news; fd != NONE && !ready; fd = u->readings[fd].next_news)
        ready = u->readings[fd].wanted && uring_has_news(&u->readings[fd]);
    return ready;
}

/* All whose bytes lie here, until they are taken. */
static void uring_tell_news(rondo_loop *loop, struct uring *u)
{
    int *link = &u->news;
    while (*link != NONE) {
        int fd = *link;
        struct reading *r = &u->readings[fd];
        bool tell = r->io && r->wanted && uring_has_news(r);
        if (tell)
            reactor_ready(loop, r->io, SIDE_READ);
        r->try_now = false;
        if (tell && uring_has_news(r)) {
            link = &r->next_news;
        } else {
            r->has_news = false;
            *link = r->next_news;
        }
    }
}

/* Of what has happened the kernel tells a part at a time, in its order: each
 * receive has its turn in so many calls. */
enum { URING_TELLS = 16 };

static int uring_enter(struct uring *u, int64_t timeout_ns)
{
    int calls = 2 + u->reads / URING_TELLS;
    do {
        if (ring_enter(&u->ring, timeout_ns) < 0 && errno != EINTR &&
            errno != ETIME && errno != EAGAIN && errno != EBUSY)
            return error_os(error_from_os(errno), "io_uring_enter");
        uring_collect(u);
        timeout_ns = 0;
    } while (--calls && ring_wants_enter(&u->ring));
    return 0;
}

static int uring_wait(rondo_loop *loop, void *state, int64_t timeout_ns)
{
    struct uring *u = state;
    int error = 0;
    uring_begin_due(u);
    uring_poll_epoll(loop, u);
    if (uring_is_ready(u))
        timeout_ns = 0;
    if (timeout_ns > 0 || ring_wants_enter(&u->ring))
        error = uring_enter(u, timeout_ns);
    if (u->epoll_ready && !error) {
        u->epoll_ready = false;
        error = unix_epoll_poller.wait(loop, u->epoll, 0);
    }
    uring_tell_news(loop, u);
    return error;
}

static unsigned uring_events(rondo_loop *loop, void *state, const struct io *io,
                             unsigned sides)
{
    struct uring *u = state;
    return unix_epoll_poller.events(loop, u->epoll, io, sides);
}

static int64_t uring_resolution(const void *state)
{
    (void)state;
    return 1;
}

/* An epoll of the program's would not be woken by the ring itself, since the
 * ring's work is deferred; by an eventfd it is. */
static int uring_open_event(struct uring *u)
{
    int event = unix_keep(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (event < 0)
        return error_os(error_from_os(errno), "loop_prepare: eventfd");
    if (ring_tell_event(&u->ring, event) < 0) {
        int error = error_os(error_from_os(errno), "loop_prepare: io_uring");
        sys_close(event);
        return error;
    }
    u->event = event;
    return 0;
}

static int uring_embed(rondo_loop *loop, void *state, rondo_fd *fd,
                       int64_t *timeout_ns)
{
    struct uring *u = state;
    int error = u->event == NONE ? uring_open_event(u) : 0;
    if (error)
        return error;
    /* What comes after this makes it readable anew. */
    const struct wake event = {{u->event, u->event}};
    error = wake_drain(&event);
    uring_begin_due(u);
    uring_poll_epoll(loop, u);
    if (!error)
        error = uring_enter(u, 0);
    if (uring_is_ready(u))
        wake_send(&event);
    *timeout_ns = RONDO_NEVER;
    *fd = u->event;
    return error;
}

/* The wake-up is an eventfd, and the kernel puts off the news of one that goes
 * by way of another. */
static void uring_wake(const void *state)
{
    int fd = ((const struct uring *)state)->event;
    const struct wake event = {{fd, fd}};
    if (fd != NONE)
        wake_send(&event);
}

static const struct poller uring_poller = {
    .size = sizeof(struct uring),
    .open = uring_open,
    .close = uring_close,
    .reopen = uring_reopen,
    .attach = uring_attach,
    .detach = uring_detach,
    .set = uring_set,
    .wait = uring_wait,
    .events = uring_events,
    .resolution = uring_resolution,
    .embed = uring_embed,
    .wake = uring_wake,
};

/* ---- what the backend has read ---- */

static int64_t uring_receive(rondo_loop *loop, struct io *io, void *data,
                             size_t size)
{
    struct uring *u = reactor_state(loop);
    struct reading *r = uring_find(u, io);
    if (r && r->first != NONE)
        return (int64_t)uring_take_bytes(u, r, data, size);
    if (!r || !r->ended)
        return sys_recv(io->fd, data, size);
    if (r->error)
        error_keep_os(r->os_error);
    return r->error;
}

static size_t uring_take_rest(rondo_loop *loop, struct io *io, void *data,
                              size_t size)
{
    struct uring *u = reactor_state(loop);
    struct reading *r = uring_find(u, io);
    if (!r)
        return 0;
    if (data)
        return uring_take_bytes(u, r, data, size);
    uring_stop(u, r, io->fd);
    for (int i = r->first; i != NONE; i = u->buffers[i].next)
        size += u->buffers[i].end - u->buffers[i].start;
    return size;
}

/* A ring is of the thread that made it. */
static int uring_move(rondo_loop *loop)
{
    return uring_renew(reactor_state(loop));
}
#else
static int uring_open(rondo_loop *loop, void *state)
{
    (void)loop;
    (void)state;
    return error_set(RONDO_ENOTSUP,
                     "loop_new: built with headers of a Linux before 6.1, "
                     "which do not know enough of io_uring");
}

static const struct poller uring_poller = {.open = uring_open};
#endif

const struct backend backend_io_uring = {
    .name = "io_uring",
    .cannot = UINT64_C(1) << RONDO_CAN_WATCH_CHAR_DEVICES, /* as epoll */
    REACTOR(&uring_poller),
#ifdef RING_IS_BUILT
    .receive = uring_receive,
    .take_rest = uring_take_rest,
    .move = uring_move,
#endif
};
#endif

/* uring_read.c - what the ring of io_uring reads, until streams take it. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef __linux__
#define _GNU_SOURCE
#include "unix/uring.h"
#ifdef RING_IS_BUILT
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* ---- buffers ---- */

/* The kernel goes through all of them in turn. Few stay in the caches of the
 * processor; when they have run out there are twice as many. */
enum { SMALL_AT_FIRST = 128, LARGE_AT_FIRST = 64 };

static void uring_give_back_any(struct uring *u, unsigned group, int buffer)
{
    if (group == RING_LARGE)
        uring_give_back_large(u, RING_BUFFERS + buffer);
    else
        uring_give_back(u, buffer);
}

static void uring_offer_more(struct uring *u, unsigned group)
{
    static const int at_first[] = {SMALL_AT_FIRST, LARGE_AT_FIRST};
    static const int most[] = {RING_BUFFERS, RING_LARGE_BUFFERS};
    struct stock *s = &u->stocks[group];
    int count = s->in_use ? 2 * s->in_use : at_first[group];
    s->lacked = false;
    if (count > most[group])
        return;
    for (; s->in_use < count; s->in_use++)
        uring_give_back_any(u, group, s->in_use);
}

static int uring_open_memory(struct uring *u, unsigned group)
{
    struct stock *s = &u->stocks[group];
    if (s->memory)
        return 0;
    if (!u->ring.offers[group].ring && ring_open_offers(&u->ring, group) < 0)
        return RONDO_ENOTSUP;
    void *memory = mmap(NULL, uring_stock_size(group), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return RONDO_ENOMEM;
    s->memory = memory;
    uring_offer_more(u, group);
    return 0;
}

void uring_close_memory(struct uring *u)
{
    for (unsigned group = 0; group < RING_GROUPS; group++)
        if (u->stocks[group].memory)
            munmap(u->stocks[group].memory, uring_stock_size(group));
}

static void uring_keep(struct uring *u, struct reading *r, int buffer,
                       unsigned size)
{
    struct buffer *b = &u->buffers[buffer];
    b->next = NONE;
    b->start = 0;
    b->end = (uint16_t)size;
    if (r->first == NONE)
        r->first = buffer;
    else
        u->buffers[r->last].next = buffer;
    r->last = buffer;
}

void uring_drop_bytes(struct uring *u, struct reading *r)
{
    while (r->first != NONE) {
        int buffer = r->first;
        r->first = u->buffers[buffer].next;
        if (r->large)
            uring_give_back_large(u, buffer);
        else
            uring_give_back(u, buffer);
    }
}

/* As many as there is room for; how many they were. */
size_t uring_take_bytes(struct uring *u, struct reading *r, char *to,
                        size_t room)
{
    size_t size = 0;
    while (r->first != NONE && size < room) {
        int buffer = r->first;
        struct buffer *b = &u->buffers[buffer];
        size_t part = (size_t)(b->end - b->start);
        if (part > room - size)
            part = room - size;
        memcpy(to + size, uring_buffer(u, buffer) + b->start, part);
        size += part;
        b->start = (uint16_t)(b->start + part);
        if (b->start == b->end) {
            r->first = b->next;
            uring_give_back(u, buffer);
        }
    }
    return size;
}

/* ---- which descriptors are read ---- */

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
struct reading *uring_begin_reading(rondo_loop *loop, struct uring *u,
                                    struct io *io)
{
    struct reading *r = uring_find(u, io);
    if (r)
        return r;
    bool large = io->owner == IO_DATAGRAM;
    if (uring_open_memory(u, large ? RING_LARGE : RING_SMALL) < 0 ||
        (io->fd >= u->room && !uring_grow(loop, u, io->fd)))
        return NULL;
    r = &u->readings[io->fd];
    assert(!r->io && r->state == URING_IDLE && !uring_has_news(r));
    r->io = io;
    r->large = large;
    r->lacked = false;
    return r;
}

/* ---- receives ---- */

void uring_add_due(struct uring *u, struct reading *r, int fd)
{
    if (r->is_due)
        return;
    r->is_due = true;
    r->next_due = u->due;
    u->due = fd;
}

static void uring_add_told(struct uring *u, struct reading *r, int fd)
{
    if (r->is_told)
        return;
    r->is_told = true;
    r->next_told = u->told;
    u->told = fd;
}

/* false: the kernel takes no question now. Where there was no buffer the last
 * time, it waits first: else it would end at once, again and again, while
 * streams that have paused hold all of them. */
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
    q->buf_group = RING_SMALL;
    q->user_data = uring_number(uring_tag(r), (unsigned)fd);
    if (r->large)
        uring_datagram_ask(q);
    if (r->lacked)
        q->ioprio |= IORING_RECVSEND_POLL_FIRST;
    r->state = URING_READS;
    r->lacked = false;
    r->goes = 0;
    u->reads++;
    return true;
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
    q->addr = uring_number(uring_tag(r), (unsigned)fd);
    q->user_data = uring_number(OF_CANCEL, 0);
    r->state = URING_CANCELED;
}

/* A stream that has paused reads no byte more: the reactor, which takes
 * interest away when the next event comes, would be late. */
static bool uring_has_paused(const struct reading *r)
{
    return r->wanted && !r->io->op[0];
}

static void uring_disarm(rondo_loop *loop, struct uring *u, struct reading *r)
{
    r->wanted = false;
    reactor_refused(loop, r->io, SIDE_READ, 0);
    if (r->large)
        (void)uring_watch(loop, u, r->io, r->io->registered & SIDE_WRITE);
}

/* A receive that finds more goes on at once, 32 times (MULTISHOT_MAX_RETRY).
 * Then the kernel lets others go first, and loses a reset that had come by then:
 * it takes the bytes before it and waits for another event (seen on 6.18). One
 * that is begun anew looks whether there is an error. */
enum { URING_GOES = 32 };

/* From now on epoll waits for it: a pump has it. */
static COLD void uring_hand_over(rondo_loop *loop, struct uring *u,
                                 struct reading *r, int fd)
{
    struct io *io = r->io;
    uring_stop(u, r, fd);
    if (uring_has_news(r)) { /* which it takes first */
        uring_add_due(u, r, fd);
        return;
    }
    uring_end_reading(u, r, fd);
    int error = uring_watch(loop, u, io, io->armed);
    if (error)
        reactor_refused(loop, io, SIDE_READ, error);
}

static void uring_look_at(rondo_loop *loop, struct uring *u, struct reading *r,
                          int fd)
{
    if (uring_has_paused(r))
        uring_disarm(loop, u, r);
    if (r->wanted && uring_is_left(r)) {
        uring_hand_over(loop, u, r, fd);
        return;
    }
    if (!r->wanted || (r->goes >= URING_GOES && r->state == URING_READS))
        uring_receive_cancel(u, r, fd);
    else if (r->state == URING_IDLE && !r->ended &&
             !uring_receive_begin(u, r, fd))
        uring_add_due(u, r, fd);
}

void uring_ask_due(rondo_loop *loop, struct uring *u)
{
    int fd = u->due;
    u->due = NONE;
    while (fd != NONE) {
        struct reading *r = &u->readings[fd];
        int next = r->next_due;
        r->is_due = false;
        if (r->io)
            uring_look_at(loop, u, r, fd);
        fd = next;
    }
}

/* What a receive ends with that says nothing of the connection: cancelled, or
 * there was no buffer. */
static bool uring_is_passing(int result)
{
    return result == -ECANCELED || result == -ENOBUFS || result == -EINTR ||
           result == -EAGAIN;
}

static inline void uring_tell(rondo_loop *loop, struct reading *r)
{
    reactor_ready(loop, r->io, SIDE_READ);
    r->try_now = false;
}

/* Its last answer, or one without bytes. */
static COLD void uring_received_last(struct uring *u, struct reading *r,
                                     const struct io_uring_cqe *answer, int fd)
{
    int result = answer->res;
    if (answer->flags & IORING_CQE_F_BUFFER) {
        int buffer = (int)(answer->flags >> IORING_CQE_BUFFER_SHIFT);
        if (result <= 0)
            uring_give_back_any(u, r->large, buffer);
        else
            uring_keep(u, r, r->large ? RING_BUFFERS + buffer : buffer,
                       (unsigned)result);
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
    if (result == -ENOBUFS) {
        r->try_now = r->lacked = true;
        u->stocks[r->large].lacked = true;
    }
}

/* Bytes have come, or the last answer. In a wait, which has a loop, the operation
 * that waits for it ends. */
static inline void uring_received(rondo_loop *loop, struct uring *u,
                                  const struct io_uring_cqe *answer)
{
    int fd = (int)(unsigned)answer->user_data;
    int first_buffer = RING_BUFFERS * (int)(answer->user_data >> 32);

    const unsigned usual = IORING_CQE_F_BUFFER | IORING_CQE_F_MORE;
    struct reading *r = &u->readings[fd];
    assert(fd < u->room && r->io && r->state != URING_IDLE);
    if (answer->flags & IORING_CQE_F_SOCK_NONEMPTY && ++r->goes == URING_GOES)
        uring_add_due(u, r, fd);
    bool news = answer->res > 0 && (answer->flags & usual) == usual;
    if (news) {
        uring_keep(u, r,
                   first_buffer +
                       (int)(answer->flags >> IORING_CQE_BUFFER_SHIFT),
                   (unsigned)answer->res);
    } else {
        uring_received_last(u, r, answer, fd);
        news = uring_has_news(r);
    }
    uring_add_told(u, r, fd);
    if (loop && news && r->wanted && r->io->op[0])
        uring_tell(loop, r);
}

void uring_collect(rondo_loop *loop, struct uring *u)
{
    unsigned place = ring_first_answer(&u->ring);
    unsigned end = ring_end_answers(&u->ring);
    for (; place != end; place++) {
        const struct io_uring_cqe *answer = ring_answer(&u->ring, place);
        if (answer->user_data >> 32 <= OF_RECEIVING)
            uring_received(loop, u, answer);
        else
            uring_answered(u, answer);
    }
    ring_forget_answers(&u->ring, end);
    for (unsigned group = 0; group < RING_GROUPS; group++)
        if (u->stocks[group].lacked)
            uring_offer_more(u, group);
}

void uring_look_at_told(rondo_loop *loop, struct uring *u)
{
    int fd = u->told;
    u->told = NONE;
    while (fd != NONE) {
        struct reading *r = &u->readings[fd];
        int next = r->next_told;
        r->is_told = false;
        if (r->io && r->wanted) {
            if (!r->io->op[0]) {
                uring_disarm(loop, u, r);
                uring_receive_cancel(u, r, fd);
            } else if (uring_has_news(r)) {
                uring_tell(loop, r);
                uring_add_told(u, r, fd);
            }
        }
        fd = next;
    }
}

/* Nothing is read any more, and all that was read lies here. The kernel cancels
 * a receive within the call that asks for it, unless it has no memory for the
 * question. */
void uring_stop(struct uring *u, struct reading *r, int fd)
{
    for (int64_t wait = 0; r->state != URING_IDLE; wait = RONDO_MS(1)) {
        uring_receive_cancel(u, r, fd);
        (void)ring_enter(&u->ring, wait);
        uring_collect(NULL, u);
        uring_look_at_sends(u);
    }
}

int uring_want(struct uring *u, struct reading *r, int fd, bool wanted)
{
    if (wanted && !r->wanted && uring_has_news(r))
        return POLLER_READY;
    r->wanted = wanted;
    uring_add_due(u, r, fd);
    return 0;
}

void uring_end_reading(struct uring *u, struct reading *r, int fd)
{
    r->wanted = false;
    uring_stop(u, r, fd);
    uring_drop_bytes(u, r);
    r->ended = r->try_now = false;
    r->io = NULL;
}

size_t uring_count_bytes(const struct uring *u, const struct reading *r)
{
    size_t size = 0;
    for (int i = r->first; i != NONE; i = u->buffers[i].next)
        size += (size_t)(u->buffers[i].end - u->buffers[i].start);
    return size;
}

static void uring_note_chain(const struct uring *u, bool *lent, int first)
{
    for (int i = first; i != NONE; i = u->buffers[i].next)
        lent[i] = true;
}

void uring_begin_anew(struct uring *u)
{
    bool lent[BUFFERS] = {false};
    u->reads = 0;
    if (u->lent != NONE)
        lent[u->lent] = true;
    uring_note_chain(u, lent, u->lent_large);
    for (int fd = 0; fd < u->room; fd++) {
        struct reading *r = &u->readings[fd];
        uring_note_chain(u, lent, r->first);
        r->state = URING_IDLE;
        uring_add_due(u, r, fd);
    }
    for (int i = 0; i < u->stocks[RING_SMALL].in_use; i++)
        if (!lent[i])
            uring_give_back(u, i);
    for (int i = 0; i < u->stocks[RING_LARGE].in_use; i++)
        if (!lent[RING_BUFFERS + i])
            uring_give_back_large(u, RING_BUFFERS + i);
}
#endif
#endif

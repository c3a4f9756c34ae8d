/* echo_ring.c - the measure of io_uring: an echo server by hand over a ring,
 * which receives into buffers that it sends from. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__has_include)
#if __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>
#endif
#endif

#ifdef IORING_SETUP_DEFER_TASKRUN
enum { LISTENER, CLIENT, SEND };
enum { QUESTIONS = 256, ANSWERS = 4096, BUFFERS = 1024, ROOM = 4096 };

static struct serve serve;
static int listener;
static char room[BUFFERS][ROOM];
static unsigned used[BUFFERS], used_count; /* the kernel sends from them */

static struct {
    int fd;
    unsigned asked, given, offered;
    atomic_uint *sq_tail, *cq_head, *cq_tail;
    unsigned cq_mask;
    struct io_uring_sqe *questions;
    const struct io_uring_cqe *answers;
    struct io_uring_buf_ring *offers;
} ring;

/* ---- the ring ---- */

static void *map(int fd, size_t size, uint64_t offset)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, (off_t)offset);
    if (memory == MAP_FAILED) {
        serve_die("mmap");
    }
    return memory;
}

static void offer(unsigned buffer)
{
    struct io_uring_buf *b = &ring.offers->bufs[ring.offered++ % BUFFERS];
    b->addr = (uint64_t)(uintptr_t)room[buffer];
    b->len = ROOM;
    b->bid = (uint16_t)buffer;
    atomic_store_explicit((_Atomic uint16_t *)(void *)&ring.offers->tail,
                          (uint16_t)ring.offered, memory_order_release);
}

static void open_buffers(void)
{
    struct io_uring_buf_reg r = {.ring_entries = BUFFERS};
    ring.offers = map(-1, BUFFERS * sizeof(struct io_uring_buf), 0);
    r.ring_addr = (uint64_t)(uintptr_t)ring.offers;
    if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_PBUF_RING, &r,
                1) < 0) {
        serve_die("io_uring_register");
    }
    for (unsigned i = 0; i < BUFFERS; i++) {
        offer(i);
    }
}

static void open_ring(void)
{
    struct io_uring_params p = {
        .flags = IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
        .cq_entries = ANSWERS};
    ring.fd = (int)syscall(SYS_io_uring_setup, QUESTIONS, &p);
    if (ring.fd < 0) {
        serve_die("io_uring_setup");
    }
    char *both = map(ring.fd,
                     p.cq_off.cqes + p.cq_entries * sizeof(*ring.answers) +
                         p.sq_off.array + p.sq_entries * sizeof(unsigned),
                     IORING_OFF_SQ_RING);
    unsigned *order = (unsigned *)(void *)(both + p.sq_off.array);
    ring.sq_tail = (atomic_uint *)(void *)(both + p.sq_off.tail);
    ring.cq_head = (atomic_uint *)(void *)(both + p.cq_off.head);
    ring.cq_tail = (atomic_uint *)(void *)(both + p.cq_off.tail);
    ring.cq_mask = p.cq_entries - 1;
    ring.answers =
        (const struct io_uring_cqe *)(const void *)(both + p.cq_off.cqes);
    ring.questions =
        map(ring.fd, p.sq_entries * sizeof(*ring.questions), IORING_OFF_SQES);
    for (unsigned i = 0; i < p.sq_entries; i++) {
        order[i] = i;
    }
    open_buffers();
}

static void enter(unsigned least)
{
    unsigned flags = least ? IORING_ENTER_GETEVENTS : 0;
    atomic_store_explicit(ring.sq_tail, ring.asked, memory_order_release);
    long taken = syscall(SYS_io_uring_enter, ring.fd, ring.asked - ring.given,
                         least, flags, NULL, 0);
    if (taken < 0 && errno != EINTR) {
        serve_die("io_uring_enter");
    }
    ring.given += taken > 0 ? (unsigned)taken : 0;
}

/* ---- the server ---- */

static struct io_uring_sqe *ask(unsigned operation, int fd, uint64_t of)
{
    if (ring.asked - ring.given == QUESTIONS) {
        enter(0);
    }
    struct io_uring_sqe *q = &ring.questions[ring.asked++ % QUESTIONS];
    *q = (struct io_uring_sqe){0};
    q->opcode = (uint8_t)operation;
    q->fd = fd;
    q->user_data = of << 32 | (unsigned)fd;
    return q;
}

static void receive(int fd)
{
    struct io_uring_sqe *q = ask(IORING_OP_RECV, fd, CLIENT);
    q->ioprio = IORING_RECV_MULTISHOT;
    q->flags = IOSQE_BUFFER_SELECT;
}

static void accept_clients(void)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
           0) {
        serve_accepted(&serve);
        receive(fd);
    }
    if (errno != EAGAIN) {
        serve_die("accept4");
    }
    ask(IORING_OP_POLL_ADD, listener, LISTENER)->poll32_events = POLLIN;
}

/* A send never waits: all are over when the next enter returns, and one that has
 * sent all has no answer. */
static void echo(int fd, unsigned buffer, unsigned size)
{
    struct io_uring_sqe *q = ask(IORING_OP_SEND, fd, SEND);
    q->flags = IOSQE_CQE_SKIP_SUCCESS;
    q->addr = (uint64_t)(uintptr_t)room[buffer];
    q->len = size;
    q->msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL;
    used[used_count++] = buffer;
    serve.bytes += size;
}

/* True when the last client has left. */
static bool received(const struct io_uring_cqe *answer, int fd)
{
    if (answer->res == -ENOBUFS) {
        receive(fd);
        return false;
    }
    if (answer->res <= 0) {
        close(fd);
        return serve_left(&serve);
    }
    echo(fd, answer->flags >> IORING_CQE_BUFFER_SHIFT, (unsigned)answer->res);
    if (!(answer->flags & IORING_CQE_F_MORE)) {
        receive(fd);
    }
    return false;
}

static bool serve_answers(void)
{
    unsigned place = atomic_load_explicit(ring.cq_head, memory_order_relaxed);
    unsigned end = atomic_load_explicit(ring.cq_tail, memory_order_acquire);
    bool over = false;
    for (; place != end && !over; place++) {
        const struct io_uring_cqe *answer = &ring.answers[place & ring.cq_mask];
        int fd = (int)(unsigned)answer->user_data;
        switch (answer->user_data >> 32) {
        case LISTENER:
            accept_clients();
            break;
        case CLIENT:
            over = received(answer, fd);
            break;
        default: /* who does not take its answers is dropped */
            shutdown(fd, SHUT_RDWR);
        }
    }
    atomic_store_explicit(ring.cq_head, end, memory_order_release);
    return over;
}

int main(int argc, char **argv)
{
    serve_options(&serve, argc, argv, "");
    open_ring();
    listener = serve_listen(&serve);
    accept_clients();
    do {
        enter(1);
        while (used_count) {
            offer(used[--used_count]);
        }
    } while (!serve_answers());
    serve_report(&serve);
    close(listener);
    return 0;
}
#else
int main(int argc, char **argv)
{
    struct serve serve;
    serve_options(&serve, argc, argv, "");
    errno = ENOSYS;
    serve_die("built with headers of a Linux before 6.1");
}
#endif

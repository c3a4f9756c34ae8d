/* echo_ring.c - the measure of io_uring: an echo server by hand over a ring,
 * which receives into buffers that it sends from. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"
#include "unix/ring.h"

#include <errno.h>
#include <poll.h>
#include <rondo.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef RING_IS_BUILT
enum { LISTENER, CLIENT, SEND };

static struct serve serve;
static struct ring ring;
static int listener;
static char room[RING_BUFFERS][RING_BUFFER_SIZE];
static unsigned used[RING_BUFFERS], used_count; /* the kernel sends from them */

static struct io_uring_sqe *ask(unsigned operation, int fd, uint64_t of)
{
    struct io_uring_sqe *q = ring_ask(&ring);
    if (!q) {
        serve_die("io_uring_enter");
    }
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
    q->buf_group = RING_GROUP;
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
    unsigned place = ring_first_answer(&ring), end = ring_end_answers(&ring);
    bool over = false;
    for (; place != end && !over; place++) {
        const struct io_uring_cqe *answer = ring_answer(&ring, place);
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
    ring_forget_answers(&ring, end);
    return over;
}

int main(int argc, char **argv)
{
    serve_options(&serve, argc, argv);
    if (ring_open(&ring) < 0) {
        serve_die(rondo_last_error());
    }
    for (unsigned i = 0; i < RING_BUFFERS; i++) {
        ring_offer(&ring, i, room[i]);
    }
    listener = serve_listen();
    accept_clients();
    do {
        if (ring_enter(&ring, RONDO_NEVER) < 0 && errno != EINTR) {
            serve_die("io_uring_enter");
        }
        while (used_count) {
            unsigned buffer = used[--used_count];
            ring_offer(&ring, buffer, room[buffer]);
        }
    } while (!serve_answers());
    serve_report(&serve);
    close(listener);
    ring_close(&ring);
    return 0;
}
#else
int main(void)
{
    serve_die("built with headers of a Linux before 6.1");
}
#endif

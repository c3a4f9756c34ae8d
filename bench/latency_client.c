/* latency_client.c - asks an echo server at a fixed rate, whether or not it has
 * answered (an open loop), and prints how long the answers took. A request's
 * time runs from the moment at which it should have been sent: a server that
 * stands still delays all requests of that time, and each of them counts. */
/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MOST = 10000, SIZE_MOST = 4096, EVENTS = 256 };

struct connection {
    int fd;
    uint64_t next; /* the request whose answer comes next */
    size_t received;
    char answer[SIZE_MOST];
};

static long connection_count = 64, rate = 10000, seconds = 2, size_option = 64;
static struct connection *connections;
static uint64_t total, sent, answered;
static int64_t begin_ns, *took_ns;
static size_t size;
static int epoll, timer;

static const struct option options[] = {
    {.name = "--connections",
     .number = &connection_count,
     .least = 1,
     .most = CONNECTIONS_MOST},
    {.name = "--rate", .number = &rate, .least = 1, .most = 1000000},
    {.name = "--seconds", .number = &seconds, .least = 1, .most = 1000},
    {.name = "--size", .number = &size_option, .least = 8, .most = SIZE_MOST},
    LOAD_PATIENCE_OPTION,
    {0}};

static const char usage[] =
    "[--connections N] [--rate N] [--seconds N] [--size N]\n"
    "       " LOAD_PATIENCE " 127.0.0.1:PORT | @NAME\n"
    "--rate  requests a second, of all connections together";

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t due_ns(uint64_t number)
{
    return begin_ns + (int64_t)(number * UINT64_C(1000000000) / (uint64_t)rate);
}

static void compose(char *to, uint64_t number)
{
    memset(to, (char)number, size);
    memcpy(to, &number, sizeof number);
}

/* All that are due; the next one sets the timer. */
static void send_due(void)
{
    char request[SIZE_MOST];
    int64_t now = now_ns();
    for (; sent < total && due_ns(sent) <= now; sent++) {
        compose(request, sent);
        if (send(connections[sent % (uint64_t)connection_count].fd, request,
                 size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size) {
            load_die("send: the server is too slow for this rate");
        }
    }
    if (sent < total) {
        int64_t due = due_ns(sent);
        struct itimerspec at = {.it_value = {.tv_sec = due / 1000000000,
                                             .tv_nsec = due % 1000000000}};
        if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL) < 0) {
            load_die("timerfd_settime");
        }
    }
}

static void take_whole(struct connection *c, int64_t now)
{
    char wanted[SIZE_MOST];
    compose(wanted, c->next);
    if (c->next >= sent || memcmp(wanted, c->answer, size) != 0) {
        errno = 0;
        load_die("an answer");
    }
    took_ns[answered++] = now - due_ns(c->next);
    c->next += (uint64_t)connection_count;
    c->received = 0;
}

/* Answers come in the order of their requests. */
static void take(struct connection *c)
{
    for (;;) {
        ssize_t got = recv(c->fd, c->answer + c->received, size - c->received,
                           MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            errno = got ? errno : ECONNRESET;
            load_die("recv");
        }
        c->received += (size_t)got;
        if (c->received == size) {
            take_whole(c, now_ns());
        }
    }
}

static void watch(int fd, void *data)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        load_die("epoll_ctl");
    }
}

/* One request on each, so that the server has accepted all when it begins. */
static void open_connections(const struct load_address *to)
{
    char first[SIZE_MOST], answer[SIZE_MOST];
    compose(first, 0);
    for (long i = 0; i < connection_count; i++) {
        struct connection *c = &connections[i];
        c->fd = load_connect(to);
        c->next = (uint64_t)i;
        if (send(c->fd, first, size, MSG_NOSIGNAL) != (ssize_t)size ||
            recv(c->fd, answer, size, MSG_WAITALL) != (ssize_t)size) {
            load_die("the first request");
        }
        watch(c->fd, c);
    }
}

static void run(void)
{
    struct epoll_event events[EVENTS];
    begin_ns = now_ns() + 10000000;
    send_due();
    while (answered < total) {
        int count = load_wait(epoll, events, EVENTS);
        uint64_t expired;
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr) {
                take(events[i].data.ptr);
            } else if (read(timer, &expired, sizeof expired) > 0) {
                send_due();
            }
        }
    }
}

/* After the last answer nothing more may come. */
static void leave(const struct connection *c)
{
    char byte;
    if (recv(c->fd, &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN) {
        errno = 0;
        load_die("bytes after the last answer");
    }
    close(c->fd);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double share_us(uint64_t of_thousand)
{
    uint64_t place = (total * of_thousand + 999) / 1000;
    return (double)took_ns[place > 0 ? place - 1 : 0] / 1000;
}

int main(int argc, char **argv)
{
    struct load_address to;
    int word = options_read(argc, argv, options, 1, usage);
    if (!load_parse(argv[word], &to)) {
        options_wrong(argv[0], usage);
    }
    options_raise_descriptor_limit();
    size = (size_t)size_option;
    total = (uint64_t)rate * (uint64_t)seconds;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    connections = calloc((size_t)connection_count, sizeof *connections);
    took_ns = calloc(total, sizeof *took_ns);
    if (epoll < 0 || timer < 0 || !connections || !took_ns ||
        prctl(PR_SET_TIMERSLACK, 1) < 0) {
        load_die("start");
    }
    open_connections(&to);
    watch(timer, NULL);
    run();
    for (long i = 0; i < connection_count; i++) {
        leave(&connections[i]);
    }
    qsort(took_ns, total, sizeof *took_ns, compare);
    printf("requests=%llu p50_us=%.1f p99_us=%.1f p999_us=%.1f max_us=%.1f\n",
           (unsigned long long)total, share_us(500), share_us(990),
           share_us(999), share_us(1000));
    free(connections);
    free(took_ns);
    return 0;
}

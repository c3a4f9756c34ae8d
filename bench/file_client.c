/* file_client.c - asks for a file again and again, over several connections,
 * and checks what comes: the bytes of pattern.h. */
/* SPDX-License-Identifier: MIT */
#include "load.h"
#include "pattern.h"

#include <errno.h>
#include <unistd.h>

enum { CONNECTIONS_MOST = 1024, READ_SIZE = 1 << 18 };

static long request_count = 1000, size_option = 1 << 20, connection_count = 16;
static long asked, answered;
static size_t size, got_of[CONNECTIONS_MOST + 64]; /* by descriptor */
static bool asks[CONNECTIONS_MOST + 64];
static char pattern[PATTERN_SIZE + PATTERN_PERIOD];

static const struct option options[] = {
    {.name = "--requests",
     .number = &request_count,
     .least = 1,
     .most = 1L << 40},
    {.name = "--connections",
     .number = &connection_count,
     .least = 1,
     .most = CONNECTIONS_MOST},
    {.name = "--size", .number = &size_option, .least = 1, .most = 1L << 40},
    LOAD_PATIENCE_OPTION,
    {0}};

static const char usage[] =
    "[--requests N] [--connections N] [--size N] " LOAD_PATIENCE
    " 127.0.0.1:PORT";

static void ask(int fd)
{
    asks[fd] = asked < request_count;
    if (!asks[fd]) {
        return;
    }
    asked++;
    got_of[fd] = 0;
    if (send(fd, "x", 1, MSG_NOSIGNAL) != 1) {
        load_die("send");
    }
}

static void take(int fd)
{
    static char bytes[READ_SIZE];
    ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got <= 0) {
        errno = got ? errno : ECONNRESET;
        load_die("recv");
    }
    if (!asks[fd] || (size_t)got > size - got_of[fd] ||
        !pattern_matches(pattern, bytes, (size_t)got, got_of[fd])) {
        errno = 0;
        load_die("an answer");
    }
    got_of[fd] += (size_t)got;
    if (got_of[fd] == size) {
        answered++;
        ask(fd);
    }
}

static void connect_all(int epoll, const struct load_address *to, int *fds)
{
    for (long i = 0; i < connection_count; i++) {
        struct epoll_event event = {.events = EPOLLIN};
        event.data.fd = fds[i] = load_connect(to);
        if (fds[i] >= CONNECTIONS_MOST + 64 ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event) < 0) {
            load_die("epoll_ctl");
        }
    }
}

static void leave(int fd)
{
    char byte;
    if (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN) {
        errno = 0;
        load_die("bytes after the last answer");
    }
    close(fd);
}

int main(int argc, char **argv)
{
    static int fds[CONNECTIONS_MOST];
    struct epoll_event events[64];
    struct load_address to;
    int word = options_read(argc, argv, options, 1, usage);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!load_parse(argv[word], &to)) {
        options_wrong(argv[0], usage);
    }
    size = (size_t)size_option;
    pattern_fill(pattern, sizeof pattern);
    connect_all(epoll, &to, fds);
    for (long i = 0; i < connection_count; i++) {
        ask(fds[i]);
    }
    while (answered < request_count) {
        int count = load_wait(epoll, events, 64);
        for (int i = 0; i < count; i++) {
            take(events[i].data.fd);
        }
    }
    for (long i = 0; i < connection_count; i++) {
        leave(fds[i]);
    }
    return 0;
}

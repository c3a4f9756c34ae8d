/* udp_each.c - a UDP echo of 64 sockets that have one datagram each at a time:
 * CPU time of its process. By hand, a wait for all and two calls for each.
 * --only NAME: that one alone, for strace. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"
#include "options.h"

#include <netinet/in.h>
#include <rondo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SOCKETS = 64, TURNS = 400, SIZE = 64, REQUESTS = SOCKETS * TURNS };

static int served;

/* ---- the client, a process of its own ---- */

static void client_connect(int *fds, const struct sockaddr_in *servers)
{
    for (int i = 0; i < SOCKETS; i++) {
        fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fds[i] < 0 || connect(fds[i], (const struct sockaddr *)&servers[i],
                                  sizeof servers[i]) < 0) {
            measure_die("connect");
        }
    }
}

static void client_run(const struct sockaddr_in *servers)
{
    int fds[SOCKETS];
    uint64_t bytes[SIZE / 8] = {0}, came[SIZE / 8];
    client_connect(fds, servers);
    for (int turn = 0; turn < TURNS; turn++) {
        for (int i = 0; i < SOCKETS; i++) {
            bytes[0] = (uint64_t)turn << 32 | (unsigned)i;
            if (send(fds[i], bytes, sizeof bytes, 0) != SIZE) {
                measure_die("send");
            }
        }
        for (int i = 0; i < SOCKETS; i++) {
            bytes[0] = (uint64_t)turn << 32 | (unsigned)i;
            if (recv(fds[i], came, sizeof came, 0) != SIZE ||
                memcmp(bytes, came, sizeof bytes) != 0) {
                measure_die("an answer");
            }
        }
    }
    _exit(0);
}

static pid_t client_start(const struct sockaddr_in *servers)
{
    pid_t pid = fork();
    if (pid < 0) {
        measure_die("fork");
    }
    if (pid == 0) {
        client_run(servers);
    }
    return pid;
}

static void client_end(pid_t pid)
{
    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        measure_die("the client");
    }
}

/* ---- by hand ---- */

static int hand_open(struct sockaddr_in *at)
{
    socklen_t size = sizeof *at;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET};
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)at, size) < 0 ||
        getsockname(fd, (struct sockaddr *)at, &size) < 0) {
        measure_die("a socket");
    }
    return fd;
}

static void hand_echo(int fd)
{
    char buffer[SIZE];
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    struct sockaddr *to = (struct sockaddr *)&from;
    if (recvfrom(fd, buffer, sizeof buffer, 0, to, &size) != SIZE ||
        sendto(fd, buffer, SIZE, 0, to, size) != SIZE) {
        measure_die("an echo");
    }
    served++;
}

static double hand_run(void)
{
    struct sockaddr_in servers[SOCKETS];
    struct epoll_event events[SOCKETS];
    int fds[SOCKETS], epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < SOCKETS; i++) {
        fds[i] = hand_open(&servers[i]);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fds[i]};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event) < 0) {
            measure_die("epoll_ctl");
        }
    }
    pid_t client = client_start(servers);
    int64_t before = measure_process_ns();
    for (served = 0; served < REQUESTS;) {
        int count = epoll_wait(epoll, events, SOCKETS, -1);
        for (int i = 0; i < count; i++) {
            hand_echo(events[i].data.fd);
        }
    }
    double ns = (double)(measure_process_ns() - before) / REQUESTS;
    client_end(client);
    for (int i = 0; i < SOCKETS; i++) {
        close(fds[i]);
    }
    close(epoll);
    return ns;
}

/* ---- Rondo ---- */

static void received(rondo_datagram *d, void *self, const void *data,
                     size_t size, const rondo_address *from, bool truncated)
{
    (void)truncated;
    if (rondo_datagram_send(d, data, size, from) < 0) {
        measure_die("rondo_datagram_send");
    }
    if (++served == REQUESTS) {
        rondo_loop_stop(self);
    }
}

static rondo_datagram *rondo_begin(rondo_loop *loop, struct sockaddr_in *at)
{
    static const rondo_datagram_protocol echo = {.datagram_received = received};
    rondo_address here;
    rondo_datagram *d;
    socklen_t size = sizeof *at;
    if (rondo_address_parse(&here, "127.0.0.1", 0) < 0 ||
        rondo_create_datagram_endpoint(loop,
                                       RONDO_DATAGRAM(.local_address = &here),
                                       &echo, loop, &d) < 0 ||
        getsockname((int)rondo_datagram_fd(d), (struct sockaddr *)at, &size) <
            0) {
        measure_die("an endpoint");
    }
    return d;
}

static double rondo_on(const char *backend)
{
    struct sockaddr_in servers[SOCKETS];
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    rondo_loop *loop;
    options.backend = backend;
    if (rondo_loop_new(&loop, &options) < 0) {
        return 0; /* there is no io_uring here */
    }
    for (int i = 0; i < SOCKETS; i++) {
        (void)rondo_begin(loop, &servers[i]);
    }
    pid_t client = client_start(servers);
    int64_t before = measure_process_ns();
    served = 0;
    if (rondo_loop_run(loop) < 0 || served != REQUESTS) {
        measure_die("rondo_loop_run");
    }
    double ns = (double)(measure_process_ns() - before) / REQUESTS;
    client_end(client);
    if (rondo_loop_close(loop) < 0) {
        measure_die("rondo_loop_close");
    }
    return ns;
}

static double hand_on(const char *backend)
{
    (void)backend;
    return hand_run();
}

static const struct {
    const char *contestant, *operation;
    double (*run)(const char *backend);
} contestants[] = {{"raw", "epoll", hand_on},
                   {"rondo", "epoll", rondo_on},
                   {"rondo", "io_uring", rondo_on}};
enum { CONTESTANTS = sizeof contestants / sizeof contestants[0] };

static bool takes_part(int i, const char *only)
{
    const char *name =
        contestants[i].run == hand_on ? "raw" : contestants[i].operation;
    return !only || strcmp(only, name) == 0;
}

int main(int argc, char **argv)
{
    static struct figure figures[CONTESTANTS];
    static const char usage[] = "[--rounds N] [--only raw|epoll|io_uring]";
    const char *only = NULL;
    long number = rounds;
    const struct option options[] = {{.name = "--rounds",
                                      .number = &number,
                                      .least = 1,
                                      .most = ROUNDS_MOST},
                                     {.name = "--only", .text = &only},
                                     {0}};
    options_read(argc, argv, options, 0, usage);
    if (only && !takes_part(0, only) && !takes_part(1, only) &&
        !takes_part(2, only)) {
        options_wrong(argv[0], usage);
    }
    rounds = (int)number;
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < CONTESTANTS; i++) {
            figures[i].ns[round] =
                takes_part(i, only)
                    ? contestants[i].run(contestants[i].operation)
                    : 0;
        }
    }
    for (int i = 0; i < CONTESTANTS; i++) {
        if (figures[i].ns[0] > 0) {
            measure_print(contestants[i].contestant, contestants[i].operation,
                          &figures[i]);
        }
    }
    return 0;
}

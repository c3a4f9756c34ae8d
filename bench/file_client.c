/* file_client.c - asks for a file again and again, over several connections,
 * and counts what comes. */
/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS_MOST = 1024, READ_SIZE = 1 << 18 };

static struct {
    uint64_t requests, asked, answered;
    size_t size;
    int connections, epoll;
    struct sockaddr_in to;
} client = {.requests = 1000, .size = 1 << 20, .connections = 16};

static size_t left[CONNECTIONS_MOST + 64]; /* by descriptor */

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "file_client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void ask(int fd)
{
    if (client.asked == client.requests) {
        return;
    }
    client.asked++;
    left[fd] = client.size;
    if (send(fd, "x", 1, MSG_NOSIGNAL) != 1) {
        die("send");
    }
}

static void take(int fd)
{
    static char bytes[READ_SIZE];
    ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got <= 0 || (size_t)got > left[fd]) {
        die("an answer");
    }
    left[fd] -= (size_t)got;
    if (left[fd] == 0) {
        client.answered++;
        ask(fd);
    }
}

static void connect_all(int *fds)
{
    client.epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < client.connections; i++) {
        struct epoll_event event = {.events = EPOLLIN};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        event.data.fd = fds[i] = fd;
        if (fd < 0 || fd >= CONNECTIONS_MOST ||
            connect(fd, (struct sockaddr *)&client.to, sizeof client.to) < 0 ||
            epoll_ctl(client.epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
            die("connect");
        }
    }
}

static void parse(int argc, char **argv)
{
    int i = 1;
    for (; i + 1 < argc; i += 2) {
        long value = atol(argv[i + 1]);
        if (strcmp(argv[i], "--requests") == 0 && value > 0) {
            client.requests = (uint64_t)value;
        } else if (strcmp(argv[i], "--connections") == 0 && value > 0 &&
                   value <= CONNECTIONS_MOST) {
            client.connections = (int)value;
        } else if (strcmp(argv[i], "--size") == 0 && value > 0) {
            client.size = (size_t)value;
        } else {
            break;
        }
    }
    char *colon = i == argc - 1 ? strchr(argv[i], ':') : NULL;
    if (!colon) {
        fprintf(stderr, "usage: file_client [--requests N] [--connections N] "
                        "[--size N] 127.0.0.1:PORT\n");
        exit(2);
    }
    *colon = '\0';
    client.to.sin_family = AF_INET;
    client.to.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, argv[i], &client.to.sin_addr) != 1) {
        die("address");
    }
}

int main(int argc, char **argv)
{
    static int fds[CONNECTIONS_MOST];
    struct epoll_event events[64];
    parse(argc, argv);
    connect_all(fds);
    for (int i = 0; i < client.connections; i++) {
        ask(fds[i]);
    }
    while (client.answered < client.requests) {
        int count = epoll_wait(client.epoll, events, 64, 10000);
        if (count <= 0) {
            die("epoll_wait");
        }
        for (int i = 0; i < count; i++) {
            take(events[i].data.fd);
        }
    }
    for (int i = 0; i < client.connections; i++) {
        close(fds[i]);
    }
    return 0;
}

/* udp_client.c - loads a UDP echo and checks what comes back. */
/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { WINDOW_MOST = 128, SIZE_MOST = 1400, PATIENCE_MS = 10000 };

static struct {
    uint64_t requests;
    unsigned window; /* on their way at a time */
    size_t size;
    int fd;
} client = {.requests = 100000, .window = 64, .size = 64};

static char room[WINDOW_MOST][SIZE_MOST];
static struct mmsghdr heads[WINDOW_MOST];
static struct iovec parts[WINDOW_MOST];

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "udp_client: %s: %s\n", what,
            errno ? strerror(errno) : "not as expected");
    exit(1);
}

static void prepare(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        parts[i] = (struct iovec){room[i], client.size};
        heads[i].msg_hdr =
            (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
}

static void send_numbers(uint64_t first, unsigned count)
{
    prepare(count);
    for (unsigned i = 0; i < count; i++) {
        uint64_t number = first + i;
        memcpy(room[i], &number, sizeof number);
    }
    for (unsigned sent = 0; sent < count;) {
        int more = sendmmsg(client.fd, heads + sent, count - sent, 0);
        if (more < 0) {
            die("sendmmsg");
        }
        sent += (unsigned)more;
    }
}

/* Loopback keeps the order, and loses nothing of such a small window. */
static void take_numbers(uint64_t first, unsigned count)
{
    while (count > 0) {
        struct pollfd p = {.fd = client.fd, .events = POLLIN};
        if (poll(&p, 1, PATIENCE_MS) <= 0) {
            errno = ETIMEDOUT;
            die("poll");
        }
        prepare(count);
        int got = recvmmsg(client.fd, heads, count, MSG_DONTWAIT, NULL);
        if (got < 0) {
            die("recvmmsg");
        }
        for (int i = 0; i < got; i++, first++) {
            if (heads[i].msg_len != client.size ||
                memcmp(room[i], &first, sizeof first) != 0) {
                errno = 0;
                die("an answer");
            }
        }
        count -= (unsigned)got;
    }
}

static void parse(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int i = 1;
    for (; i + 1 < argc; i += 2) {
        long value = atol(argv[i + 1]);
        if (strcmp(argv[i], "--requests") == 0 && value > 0) {
            client.requests = (uint64_t)value;
        } else if (strcmp(argv[i], "--window") == 0 && value > 0 &&
                   value <= WINDOW_MOST) {
            client.window = (unsigned)value;
        } else if (strcmp(argv[i], "--size") == 0 && value >= 8 &&
                   value <= SIZE_MOST) {
            client.size = (size_t)value;
        } else {
            break;
        }
    }
    char *colon = i == argc - 1 ? strchr(argv[i], ':') : NULL;
    if (!colon) {
        fprintf(stderr, "usage: udp_client [--requests N] [--window N] "
                        "[--size N] 127.0.0.1:PORT\n");
        exit(2);
    }
    *colon = '\0';
    to.sin_port = htons((uint16_t)atoi(colon + 1));
    client.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (client.fd < 0 || inet_pton(AF_INET, argv[i], &to.sin_addr) != 1 ||
        connect(client.fd, (struct sockaddr *)&to, sizeof to) < 0) {
        die("connect");
    }
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    for (uint64_t done = 0; done < client.requests;) {
        uint64_t left = client.requests - done;
        unsigned count = left < client.window ? (unsigned)left : client.window;
        send_numbers(done, count);
        take_numbers(done, count);
        done += count;
    }
    /* an empty one ends the server */
    if (send(client.fd, "", 0, 0) < 0) {
        die("send");
    }
    return 0;
}

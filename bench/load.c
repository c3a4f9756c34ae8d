/* load.c - what the clients have in common: where to, how long to wait. */
/* SPDX-License-Identifier: MIT */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

long load_patience = 60;

_Noreturn void load_die(const char *what)
{
    const char *why = errno ? strerror(errno) : "not as expected";
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
    exit(1);
}

static bool parse_path(const char *text, struct load_address *address)
{
    struct sockaddr_un *path = (struct sockaddr_un *)&address->address;
    size_t size = strlen(text);
    if (size < 2 || size >= sizeof path->sun_path) {
        return false;
    }
    path->sun_family = AF_UNIX;
    memcpy(path->sun_path + 1, text + 1, size - 1);
    address->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    return true;
}

bool load_parse(const char *text, struct load_address *address)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&address->address;
    char host[16];
    long port;
    *address = (struct load_address){0};
    if (*text == '@') {
        return parse_path(text, address);
    }
    const char *colon = strrchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof host ||
        !options_number(colon + 1, 1, 65535, &port)) {
        return false;
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)port);
    address->size = sizeof *in;
    return inet_pton(AF_INET, host, &in->sin_addr) == 1;
}

int load_connect(const struct load_address *address)
{
    int family = address->address.ss_family, on = 1;
    struct timeval patience = {.tv_sec = load_patience};
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address->address,
                          address->size) < 0) {
        load_die("connect");
    }
    if (family == AF_INET &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) {
        load_die("setsockopt");
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) <
        0) {
        load_die("setsockopt");
    }
    return fd;
}

int load_wait(int epoll, struct epoll_event *events, int most)
{
    int count = epoll_wait(epoll, events, most, (int)load_patience * 1000);
    if (count <= 0) {
        errno = count ? errno : ETIMEDOUT;
        load_die("epoll_wait");
    }
    return count;
}

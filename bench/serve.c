/* serve.c - what the echo servers have in common: options, counts, report. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

_Noreturn void serve_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        serve_die("getrlimit");
    }
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
        serve_die("setrlimit");
    }
}

void serve_options(struct serve *s, int argc, char **argv)
{
    *s = (struct serve){.size = 64, .mode = ""};
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--size") == 0 && atol(value) > 0) {
            s->size = (size_t)atol(value);
        } else if (strcmp(argv[i], "--idle") == 0 && atol(value) > 0) {
            s->idle = atol(value);
        } else if (strcmp(argv[i], "--mode") == 0 && *value) {
            s->mode = value;
        } else {
            fprintf(stderr, "usage: %s [--size N] [--idle N] [--mode MODE]\n",
                    argv[0]);
            exit(2);
        }
    }
    raise_descriptor_limit();
}

void serve_announce(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        serve_die("getsockname");
    }
    printf("listening on 127.0.0.1:%u\n", (unsigned)ntohs(address.sin_port));
    fflush(stdout);
}

int serve_listen(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, SOMAXCONN) < 0) {
        serve_die("listen");
    }
    serve_announce(fd);
    return fd;
}

static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* The first connection, and what is allocated once for all of them, is behind
 * when the second one is counted: between that and `idle` later lie exactly
 * `idle` connections. */
void serve_accepted(struct serve *s)
{
    s->clients++;
    s->accepted++;
    if (s->idle > 0 && (s->accepted == 2 || s->accepted == s->idle + 2)) {
        int mark = s->accepted != 2;
        s->memory[mark] = allocated();
        s->exact_memory[mark] = s->exact ? s->exact() : 0;
    }
}

bool serve_left(struct serve *s)
{
    s->clients--;
    return s->clients == 0;
}

static int64_t microseconds(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000 + (int64_t)t.tv_usec;
}

void serve_report(const struct serve *s)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) < 0) {
        serve_die("getrusage");
    }
    printf("cpu_user_us=%" PRId64 " cpu_sys_us=%" PRId64 " requests=%" PRIu64,
           microseconds(usage.ru_utime), microseconds(usage.ru_stime),
           s->bytes / s->size);
    if (s->idle > 0 && s->accepted > s->idle + 1) {
        double idle = (double)s->idle;
        printf(" idle_bytes=%.1f",
               ((double)s->memory[1] - (double)s->memory[0]) / idle);
        if (s->exact) {
            printf(" idle_exact_bytes=%.1f",
                   ((double)s->exact_memory[1] - (double)s->exact_memory[0]) /
                       idle);
        }
    }
    printf("\n");
}

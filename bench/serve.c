/* serve.c - what the echo servers have in common: options, counts, report. */
/* SPDX-License-Identifier: MIT */
#include "serve.h"
#include "options.h"

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
#include <sys/un.h>
#include <unistd.h>

_Noreturn void serve_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

/* Whether `mode` is one of the words of `modes`. */
static bool is_mode(const char *mode, const char *modes)
{
    size_t size = strlen(mode);
    while (*modes) {
        size_t word = strcspn(modes, " ");
        if (word == size && memcmp(mode, modes, size) == 0) {
            return true;
        }
        modes += word + strspn(modes + word, " ");
    }
    return false;
}

void serve_options(struct serve *s, int argc, char **argv, const char *modes)
{
    char usage[512];
    long size = 64;
    *s = (struct serve){.mode = ""};
    const struct option options[] = {
        {.name = "--size", .number = &size, .least = 1, .most = 1L << 40},
        {.name = "--idle", .number = &s->idle, .least = 1, .most = 10000000},
        {.name = "--mode", .text = &s->mode},
        {.name = "--unix", .flag = &s->unix_socket},
        {0}};
    snprintf(usage, sizeof usage, "[--size N] [--idle N] [--unix]%s%s%s",
             *modes ? " [--mode " : "", modes, *modes ? "]" : "");
    options_read(argc, argv, options, 0, usage);
    if (*s->mode && strcmp(modes, "FILE") != 0 && !is_mode(s->mode, modes)) {
        options_wrong(argv[0], usage);
    }
    s->size = (size_t)size;
    options_raise_descriptor_limit();
}

void serve_announce(int fd)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in in;
    socklen_t size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        serve_die("getsockname");
    }
    if (address.ss_family == AF_UNIX) {
        printf("listening on %s\n", serve_unix_name());
    } else {
        memcpy(&in, &address, sizeof in);
        printf("listening on 127.0.0.1:%u\n", (unsigned)ntohs(in.sin_port));
    }
    fflush(stdout);
}

const char *serve_unix_name(void)
{
    static char name[64];
    snprintf(name, sizeof name, "@rondo-bench-%ld", (long)getpid());
    return name;
}

static socklen_t local_address(const struct serve *s,
                               struct sockaddr_storage *address)
{
    *address = (struct sockaddr_storage){0};
    if (!s->unix_socket) {
        struct sockaddr_in *in = (struct sockaddr_in *)address;
        in->sin_family = AF_INET;
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof *in;
    }
    struct sockaddr_un *un = (struct sockaddr_un *)address;
    const char *name = serve_unix_name();
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path + 1, name + 1, strlen(name + 1));
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
}

int serve_listen(const struct serve *s)
{
    struct sockaddr_storage address;
    socklen_t size = local_address(s, &address);
    int fd = socket(address.ss_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) < 0 ||
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
    if (s->library) {
        printf(" library=\"%s\"", s->library);
    }
    printf("\n");
}

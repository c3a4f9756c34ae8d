/* measure.c - clocks, a fixed sequence of random numbers, medians. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"
#include "options.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int64_t read_clock(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) < 0) {
        measure_die("clock_gettime");
    }
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_nsec;
}

int64_t measure_thread_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int64_t measure_process_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void measure_sleep(int64_t ns)
{
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000),
                         .tv_nsec = (long)(ns % 1000000000)};
    while (nanosleep(&t, &t) < 0) {
    }
}

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift
 * generators, scrambled". */
uint64_t measure_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

int rounds = 5;

void measure_options(int argc, char **argv)
{
    long number = rounds;
    const struct option options[] = {{.name = "--rounds",
                                      .number = &number,
                                      .least = 1,
                                      .most = ROUNDS_MOST},
                                     {0}};
    options_read(argc, argv, options, 0, "[--rounds N]");
    rounds = (int)number;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void measure_print(const char *contestant, const char *operation,
                   const struct figure *figure)
{
    double sorted[ROUNDS_MOST];
    memcpy(sorted, figure->ns, sizeof sorted);
    qsort(sorted, (size_t)rounds, sizeof sorted[0], compare);
    printf("%s %s %.2f %.2f %.2f\n", contestant, operation, sorted[rounds / 2],
           sorted[0], sorted[rounds - 1]);
    fflush(stdout);
}

void *measure_allocate(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (!p) {
        measure_die("calloc");
    }
    return p;
}

void measure_connect(int fds[2])
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t size = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || fds[0] < 0 ||
        bind(listener, (struct sockaddr *)&a, size) < 0 ||
        listen(listener, 1) < 0 ||
        getsockname(listener, (struct sockaddr *)&a, &size) < 0 ||
        connect(fds[0], (struct sockaddr *)&a, size) < 0) {
        measure_die("connect");
    }
    fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fds[1] < 0) {
        measure_die("accept4");
    }
    close(listener);
}

_Noreturn void measure_die(const char *what)
{
    fprintf(stderr, "%s failed\n", what);
    exit(1);
}

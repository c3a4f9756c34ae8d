/* soak.c - a busy program for hours: does anything grow, does anything slow? */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "rondo.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Few enough for select. */
enum { CLIENTS = 200, TIMERS = 500, SAMPLE_MS = 250, POSTS_MOST = 100000 };

enum ending { ORDERLY, HALF_CLOSE, RESET, AT_ONCE, SLOW, ENDINGS };

struct client {
    rondo_transport *t;
    rondo_id resume;
    enum ending ending;
    size_t sends, received;
};

static struct soak {
    rondo_loop *loop;
    rondo_server *server;
    rondo_remote *remote;
    rondo_address address;
    struct client clients[CLIENTS];
    uint64_t random, connections, bytes, children, timers, posts, jobs;
    bool over;
    unsigned busy;
    atomic_bool stop; /* of the thread that posts */
    int64_t latencies[POSTS_MOST];
    size_t latency_count;
    atomic_llong memory; /* of the loop's allocator */
    int64_t began;
} s;

static unsigned below(unsigned n)
{
    s.random = s.random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(s.random >> 33) % n;
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ---- memory that is counted ---- */

#define HEAD 16

static void *counted_malloc(size_t size, void *context)
{
    size_t *p = malloc(HEAD + size);
    (void)context;
    if (!p)
        return NULL;
    *p = size;
    atomic_fetch_add(&s.memory, (long long)size);
    return (char *)p + HEAD;
}

static void counted_free(void *block, void *context)
{
    (void)context;
    if (!block)
        return;
    size_t *p = (size_t *)(void *)((char *)block - HEAD);
    atomic_fetch_sub(&s.memory, (long long)*p);
    free(p);
}

static void *counted_realloc(void *block, size_t size, void *context)
{
    void *moved = counted_malloc(size, context);
    if (moved && block) {
        size_t before = *(size_t *)(void *)((char *)block - HEAD);
        memcpy(moved, block, before < size ? before : size);
        counted_free(block, context);
    }
    return moved;
}

/* ---- the server: an echo that sometimes resets ---- */

static void echo_received(rondo_transport *t, void *self, const void *data,
                          size_t size)
{
    (void)self;
    if (below(500) == 0)
        rondo_transport_abort(t);
    else
        (void)rondo_transport_write(t, data, size);
}

static void echo_pause(rondo_transport *t, void *self)
{
    (void)self;
    (void)rondo_transport_pause_reading(t);
}

static void echo_resume(rondo_transport *t, void *self)
{
    (void)self;
    (void)rondo_transport_resume_reading(t);
}

static const rondo_protocol echo = {.data_received = echo_received,
                                    .pause_writing = echo_pause,
                                    .resume_writing = echo_resume};

/* ---- clients, each followed by another one ---- */

static const char data[20000];
static void client_begin(rondo_loop *loop, void *arg);

static void client_over(struct client *c)
{
    s.connections++;
    s.busy--;
    c->t = NULL;
    if (c->resume > 0)
        (void)rondo_cancel(s.loop, c->resume);
    c->resume = 0;
    if (!s.over && rondo_call_soon(s.loop, client_begin, c) < 0)
        abort();
}

static void client_resume(rondo_loop *loop, void *arg)
{
    struct client *c = arg;
    (void)loop;
    c->resume = 0;
    (void)rondo_transport_resume_reading(c->t);
}

static void client_made(rondo_transport *t, void *self)
{
    struct client *c = self;
    c->t = t;
    (void)rondo_transport_set_timeouts(t, RONDO_SEC(20), RONDO_SEC(20));
    if (c->ending == AT_ONCE) {
        rondo_transport_abort(t);
        return;
    }
    (void)rondo_transport_write(t, data, c->sends);
    if (c->ending == HALF_CLOSE)
        (void)rondo_transport_write_eof(t);
    if (c->ending != SLOW)
        return;
    (void)rondo_transport_pause_reading(t);
    c->resume = rondo_call_later(s.loop, RONDO_MS(below(30)), client_resume, c);
}

static void client_received(rondo_transport *t, void *self, const void *bytes,
                            size_t size)
{
    struct client *c = self;
    (void)bytes;
    c->received += size;
    s.bytes += size;
    if (c->ending == RESET && c->received > c->sends / 2)
        rondo_transport_abort(t);
    else if (c->received == c->sends && c->ending != HALF_CLOSE)
        rondo_transport_close(t);
}

static void client_lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    (void)error;
    client_over(self);
}

static const rondo_protocol client = {.connection_made = client_made,
                                      .data_received = client_received,
                                      .connection_lost = client_lost};

static void client_connected(rondo_loop *loop, void *arg, rondo_transport *t,
                             int error)
{
    (void)loop;
    (void)t;
    if (error)
        client_over(arg);
}

static void client_begin(rondo_loop *loop, void *arg)
{
    struct client *c = arg;
    *c = (struct client){.ending = (enum ending)below(ENDINGS),
                         .sends = 1 + below(sizeof data)};
    if (s.over)
        return;
    s.busy++;
    if (rondo_create_connection(loop, RONDO_CONNECT(.address = &s.address),
                                &client, c, client_connected, c) < 0)
        client_over(c);
}

/* ---- children, timers, jobs ---- */

static void child_begin(rondo_loop *loop, void *arg);

static void child_done(rondo_loop *loop, void *arg, const rondo_output *output,
                       int error)
{
    (void)arg;
    if (!error && output->out_size != 1000)
        abort();
    s.children++;
    s.busy--;
    if (!s.over)
        (void)rondo_call_later(loop, RONDO_MS(20), child_begin, NULL);
}

static void child_begin(rondo_loop *loop, void *arg)
{
    static const char *const argv[] = {"cat", NULL};
    (void)arg;
    if (s.over)
        return;
    s.busy++;
    if (rondo_communicate(loop,
                          RONDO_PROCESS(.program = "/bin/cat", .argv = argv),
                          data, 1000, 5000, child_done, NULL) < 0)
        abort();
}

static void timer(rondo_loop *loop, void *arg)
{
    s.timers++;
    if (!s.over)
        (void)rondo_call_later(loop, RONDO_MS(1 + below(500)), timer, arg);
}

static int64_t work(rondo_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return 1;
}

static void job_done(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    (void)arg;
    s.jobs += result == 1;
}

static void job_begin(rondo_loop *loop, void *arg)
{
    if (s.over)
        (void)rondo_cancel(loop, *(rondo_id *)arg);
    else
        (void)rondo_run_in_executor(loop, NULL, work, job_done, NULL);
}

/* ---- posts of another thread, and how long they take ---- */

static void posted(rondo_loop *loop, void *arg)
{
    int64_t *when = arg;
    (void)loop;
    if (s.latency_count < POSTS_MOST)
        s.latencies[s.latency_count++] = now() - *when;
    s.posts++;
    free(when);
}

static void *post(void *arg)
{
    (void)arg;
    while (!atomic_load(&s.stop)) {
        int64_t *when = malloc(sizeof *when);
        if (!when)
            abort();
        *when = now();
        if (rondo_remote_call(s.remote, posted, when) != 0)
            free(when);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    rondo_remote_release(s.remote);
    return NULL;
}

/* ---- samples ---- */

static unsigned descriptors(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count - 3; /* ., .. and its own */
}

static long resident_kb(void)
{
    long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &size, &resident) != 2)
        abort();
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE) / 1024;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static double latency_us(unsigned percent)
{
    size_t n = s.latency_count;
    if (!n)
        return 0;
    qsort(s.latencies, n, sizeof *s.latencies, compare);
    size_t at = (n - 1) * percent / 100;
    return (double)s.latencies[at] / 1e3;
}

static void sample(rondo_loop *loop, void *arg)
{
    (void)arg;
    printf("%.2f,%u,%ld,%lld,%.0f,%.0f,%llu\n", (double)(now() - s.began) / 1e9,
           descriptors(), resident_kb(), atomic_load(&s.memory) / 1024,
           latency_us(50), latency_us(99), (unsigned long long)s.connections);
    fflush(stdout);
    s.latency_count = 0;
    (void)loop;
}

static rondo_id sampling, jobs;

static void end(rondo_loop *loop, void *arg)
{
    (void)arg;
    s.over = true;
    atomic_store(&s.stop, true);
    (void)rondo_cancel(loop, sampling);
    rondo_server_close(s.server);
}

static int begin(const char *backend, double seconds)
{
    rondo_allocator counted = {counted_malloc, counted_realloc, counted_free,
                               NULL};
    rondo_loop_options o = RONDO_LOOP_OPTIONS_INIT;
    o.backend = backend;
    o.allocator = &counted;
    if (rondo_loop_new(&s.loop, &o) != 0 ||
        rondo_create_server(s.loop, RONDO_SERVE(.host = "127.0.0.1"), &echo,
                            NULL, &s.server) != 0 ||
        rondo_server_address(s.server, 0, &s.address) != 0)
        return -1;
    s.remote = rondo_loop_remote(s.loop);
    for (int i = 0; i < CLIENTS; i++)
        client_begin(s.loop, &s.clients[i]);
    for (int i = 0; i < TIMERS; i++)
        timer(s.loop, NULL);
    for (int i = 0; i < 4; i++)
        child_begin(s.loop, NULL);
    sampling = rondo_call_every(s.loop, RONDO_MS(SAMPLE_MS), sample, NULL);
    jobs = rondo_call_every(s.loop, RONDO_MS(5), job_begin, &jobs);
    return rondo_call_later(s.loop, (int64_t)(seconds * 1e9), end, NULL) < 0
               ? -1
               : 0;
}

/* soak BACKEND SECONDS: one line a sample, and one with what was done. */
int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc != 3)
        return 2;
    signal(SIGPIPE, SIG_DFL);
    unsigned before = descriptors();
    s.random = 1;
    s.began = now();
    if (begin(argv[1], strtod(argv[2], NULL)) != 0 ||
        pthread_create(&thread, NULL, post, NULL) != 0) {
        fprintf(stderr, "soak: %s: %s\n", argv[1], rondo_last_error());
        return 3;
    }
    int result = rondo_loop_run(s.loop);
    pthread_join(thread, NULL);
    while (result >= 0 && rondo_loop_run_once(s.loop, 0) > 0)
        ;
    if (rondo_loop_close(s.loop) != 0 || result != 0)
        fprintf(stderr, "soak: %s: %d, %s\n", argv[1], result,
                rondo_last_error());
    printf("end,%u,%lld,%llu,%llu,%llu,%llu,%llu,%llu\n",
           descriptors() - before, (long long)atomic_load(&s.memory),
           (unsigned long long)s.connections, (unsigned long long)s.bytes,
           (unsigned long long)s.children, (unsigned long long)s.timers,
           (unsigned long long)s.posts, (unsigned long long)s.jobs);
    return 0;
}

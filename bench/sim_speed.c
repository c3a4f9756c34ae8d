/* sim_speed.c - how fast the simulated system is, by the time of one core. */
/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <rondo.h>
#include <rondo_sim.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { CLIENTS = 1000, ROUNDS = 200, SLEEPS = 200000 };

static void must(int64_t result)
{
    if (result >= 0)
        return;
    fprintf(stderr, "%s\n", rondo_last_error());
    exit(1);
}

/* Processor time of the process, in its own code and in the kernel's. */
static double cpu_seconds(void)
{
    struct rusage r;
    (void)getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* ---- events: an echo of single bytes over many connections ---- */

static void echo_back(rondo_transport *t, void *self, const void *data,
                      size_t size)
{
    (void)self;
    must(rondo_transport_write(t, data, size));
}

static const rondo_protocol echoing = {.data_received = echo_back};

static void serve(void *arg)
{
    rondo_loop *loop;
    (void)arg;
    must(rondo_loop_new(&loop, NULL));
    must(rondo_create_server(
        loop, RONDO_SERVE(.port = 7, .family = RONDO_FAMILY_INET), &echoing,
        NULL, NULL));
    (void)rondo_loop_run_forever(loop);
}

static void say(rondo_transport *t, void *self)
{
    (void)self;
    must(rondo_transport_write(t, "x", 1));
}

static void go_on(rondo_transport *t, void *self, const void *data, size_t size)
{
    unsigned *rounds = self;
    (void)data;
    (void)size;
    if (++*rounds < ROUNDS)
        say(t, self);
    else
        rondo_transport_close(t);
}

static const rondo_protocol talking = {.connection_made = say,
                                       .data_received = go_on};

static void talk(void *arg)
{
    rondo_loop *loop;
    static unsigned rounds[CLIENTS];
    (void)arg;
    must(rondo_loop_new(&loop, NULL));
    for (int i = 0; i < CLIENTS; i++) {
        rounds[i] = 0;
        must(rondo_create_connection(loop,
                                     RONDO_CONNECT(.host = "server", .port = 7,
                                                   .family = RONDO_FAMILY_INET),
                                     &talking, &rounds[i], NULL, NULL));
    }
    (void)rondo_loop_run(loop);
    must(rondo_loop_close(loop));
}

static void measure_events(const char *backend)
{
    double start = cpu_seconds();
    must(rondo_sim_begin(
        RONDO_SIM(.seed = 1, .backend = backend, .descriptors = 2 * CLIENTS)));
    must(rondo_sim_add_host("server", NULL, serve, NULL));
    must(rondo_sim_run_for(RONDO_MS(1)));
    must(rondo_sim_add_host("client", NULL, talk, NULL));
    must(rondo_sim_run_quiet(RONDO_SEC(3600)));
    uint64_t events = rondo_sim_events();
    must(rondo_sim_end());
    double seconds = cpu_seconds() - start;
    printf("%-6s %9llu events in %.3f s: %.0f events/s\n", backend,
           (unsigned long long)events, seconds, (double)events / seconds);
}

/* ---- a hand-over: two threads that sleep in turn ---- */

static void sleep_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < SLEEPS; i++)
        must(rondo_sim_sleep(10));
}

static void measure_switches(void)
{
    double start = cpu_seconds();
    must(rondo_sim_begin(RONDO_SIM(.seed = 1)));
    must(rondo_sim_add_host("one", NULL, sleep_often, NULL));
    must(rondo_sim_run_for(5));
    must(rondo_sim_add_host("two", NULL, sleep_often, NULL));
    must(rondo_sim_run_quiet(RONDO_SEC(3600)));
    uint64_t switches = rondo_sim_switches();
    must(rondo_sim_end());
    double seconds = cpu_seconds() - start;
    printf("threads %8llu hand-overs in %.3f s: %.2f us each\n",
           (unsigned long long)switches, seconds,
           seconds * 1e6 / (double)switches);
}

int main(int argc, char **argv)
{
    static const struct option none[] = {{0}};
    options_read(argc, argv, none, 0, "");
    measure_events("ready");
    measure_events("done");
    measure_switches();
    return 0;
}

/* test_sim_faults.c - each fault happens at its rate, and nothing breaks. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#include <stdio.h>

/* How often the trace has a fault of that name, in an echo of many clients. */
static unsigned count_in_trace(FILE *trace, const char *name)
{
    char line[512], words[64];
    unsigned count = 0;
    snprintf(words, sizeof words, " fault %s:", name);
    rewind(trace);
    while (fgets(line, sizeof line, trace))
        count += strstr(line, words) != NULL;
    return count;
}

static unsigned play(struct echo *e, const char *name,
                     const rondo_sim_faults *faults)
{
    FILE *trace = tmpfile();
    assert_non_null(trace);
    e->clients = 10;
    e->rounds = 50;
    e->size = 3000;
    (void)echo_play(e, RONDO_SIM(.seed = 1, .backend = sim_test_backend(),
                                 .trace = trace, .faults = *faults));
    (void)rondo_sim_end();
    unsigned count = count_in_trace(trace, name);
    fclose(trace);
    return count;
}

/* Faults that cost time alone: each answer comes. */
static void try_harmless(const char *name, const rondo_sim_faults *faults)
{
    struct echo e = {0};
    if (play(&e, name, faults) == 0)
        fail_msg("%s never happens", name);
    if (e.answers != 500)
        fail_msg("%s: %u answers", name, e.answers);
}

/* Faults that end something: each connection ends, with that error. */
static void try_harmful(const char *name, const rondo_sim_faults *faults,
                        int error)
{
    struct echo e = {0};
    if (play(&e, name, faults) == 0)
        fail_msg("%s never happens", name);
    if (e.lost + e.failed != 10)
        fail_msg("%s: %u and %u ends", name, e.lost, e.failed);
    if (error && e.error != error)
        fail_msg("%s: %s", name, rondo_error_name(e.error));
}

#define HARMLESS(name, rate)                                                   \
    TEST(name##_costs_time_alone)                                              \
    {                                                                          \
        try_harmless(#name, &(rondo_sim_faults){.name = (rate)});              \
    }
#define HARMFUL(name, rate, error)                                             \
    TEST(name##_ends_what_it_meets)                                            \
    {                                                                          \
        try_harmful(#name, &(rondo_sim_faults){.name = (rate)}, error);        \
    }

HARMLESS(short_read, 0.3)
HARMLESS(short_write, 0.3)
HARMLESS(again, 0.3)
HARMLESS(late, 0.3)
HARMLESS(early, 0.3)
HARMLESS(split, 0.3)
HARMLESS(slow_name, 1)
HARMLESS(stall, 0.02)
HARMFUL(no_buffers, 1, RONDO_ENOBUFS)
HARMFUL(reset, 1, RONDO_ECONNRESET)
HARMFUL(refuse, 1, RONDO_ECONNREFUSED)
HARMFUL(accept_error, 1, 0)
HARMFUL(no_name, 1, 0)

TEST(spurious_costs_time_alone)
{
    const char *backend = sim_test_backend();
    if (backend && strcmp(backend, "done") == 0)
        skip(); /* it tells no readiness */
    try_harmless("spurious", &(rondo_sim_faults){.spurious = 0.3});
}

TEST(a_rate_of_0_is_never)
{
    struct echo e = {0};
    assert_int_equal(play(&e, "", &(rondo_sim_faults){0}), 0);
    assert_int_equal(e.answers, 500);
}

/* The rate is kept, within what chance does. */
TEST(a_rate_is_a_share_of_the_occasions)
{
    struct echo e = {0}, f = {0};
    unsigned half = play(&e, "split", &(rondo_sim_faults){.split = 0.5});
    unsigned all = play(&f, "split", &(rondo_sim_faults){.split = 1});
    assert_in_range(half * 100 / all, 35, 65);
}

/* ---- a host that opens and closes loops ---- */

struct opener {
    unsigned loops, failures;
    int error;
};

static void listen_once(rondo_loop *loop, struct opener *o)
{
    static const rondo_protocol protocol;
    rondo_server *server;
    o->loops++;
    int error = rondo_create_server(
        loop, RONDO_SERVE(.port = 0, .family = RONDO_FAMILY_INET), &protocol,
        NULL, &server);
    if (error) {
        o->failures++;
        o->error = error;
    }
}

static int64_t work(rondo_job *job, void *arg)
{
    (void)job;
    (void)arg;
    return 0;
}

static void open_loops(void *arg)
{
    struct opener *o = arg;
    for (int i = 0; i < 200; i++) {
        rondo_loop *loop;
        int error = rondo_loop_new(&loop, NULL);
        if (error) {
            o->failures++;
            o->error = error;
            continue;
        }
        listen_once(loop, o);
        rondo_id id = rondo_run_in_executor(loop, NULL, work, NULL, NULL);
        if (id < 0) {
            o->failures++;
            o->error = (int)id;
        }
        (void)rondo_loop_close(loop);
    }
}

static void try_shortage(const rondo_sim_faults *faults, int error)
{
    struct opener o = {0};
    sim_test_must(
        rondo_sim_begin(RONDO_SIM(.seed = 3, .backend = sim_test_backend(),
                                  .faults = *faults)));
    sim_test_must(rondo_sim_add_host("a", NULL, open_loops, &o));
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(100)), RONDO_SIM_QUIET);
    assert_true(o.failures > 0 && o.loops > 10);
    assert_int_equal(o.error, error);
}

TEST(no_descriptor)
{
    try_shortage(&(rondo_sim_faults){.no_descriptor = 0.2}, RONDO_EMFILE);
}

TEST(no_file)
{
    try_shortage(&(rondo_sim_faults){.no_file = 0.2}, RONDO_ENFILE);
}

TEST(no_memory)
{
    try_shortage(&(rondo_sim_faults){.no_memory = 0.05}, RONDO_ENOMEM);
}

TEST(no_thread)
{
    try_shortage(&(rondo_sim_faults){.no_thread = 0.5}, RONDO_ENOMEM);
}

/* ---- hosts that are cut off, or crash ---- */

static unsigned starts;

static void count_starts(void *arg)
{
    starts++;
    echo_server(arg);
}

TEST(crashes_come_and_go)
{
    struct echo e = {0};
    starts = 0;
    sim_test_must(rondo_sim_begin(
        RONDO_SIM(.backend = sim_test_backend(), .faults = {.crash = 0.5})));
    sim_test_must(rondo_sim_add_host("a", NULL, count_starts, &e));
    sim_test_must(rondo_sim_add_host("b", NULL, count_starts, &e));
    assert_int_equal(rondo_sim_run_for(RONDO_SEC(100)), 0);
    assert_true(starts > 10);
    sim_test_must(rondo_sim_set_faults(&(rondo_sim_faults){0}));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(30)));
    assert_refused(rondo_sim_restart(0), RONDO_EBUSY, "running");
    assert_refused(rondo_sim_restart(1), RONDO_EBUSY, "running");
}

TEST(partitions_come_and_go)
{
    struct echo e = {.host = "server",
                     .clients = 1,
                     .size = 1,
                     .rounds = 1000000,
                     .timeout_ns = RONDO_SEC(60)};
    sim_test_must(rondo_sim_begin(RONDO_SIM(.backend = sim_test_backend(),
                                            .faults = {.partition = 0.3})));
    sim_test_must(rondo_sim_add_host("server", NULL, echo_server, &e));
    sim_test_must(rondo_sim_add_host("client", NULL, echo_client, &e));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(100)));
    unsigned before = e.answers;
    sim_test_must(rondo_sim_set_faults(&(rondo_sim_faults){0}));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(100)));
    unsigned after = e.answers - before;
    assert_true(before > 100 && before < after * 9 / 10);
}

/* test_sim_mixed.c - faults that meet: crash and partition, drift and timers. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#include <stdio.h>

#define WORLD(...) RONDO_SIM(.backend = sim_test_backend(), __VA_ARGS__)

static bool has_answers(void *arg)
{
    const struct echo *e = arg;
    return e->answers >= 3;
}

static bool has_ended(void *arg)
{
    const struct echo *e = arg;
    return e->lost + e->failed == e->clients;
}

static void begin(struct echo *e, const rondo_sim_options *options)
{
    sim_test_must(rondo_sim_begin(options));
    sim_test_must(rondo_sim_add_host("server", "10.0.0.1", echo_server, e));
    sim_test_must(rondo_sim_add_host("client", "10.0.0.2", echo_client, e));
    e->host = "server";
    e->rounds = e->rounds ? e->rounds : 1000000;
    e->clients = 1;
    e->size = 1;
    assert_int_equal(rondo_sim_run_until(has_answers, e, RONDO_SEC(10)), 0);
}

/* ---- a crash and a partition ---- */

enum { CUT, HEAL, CRASH, RESTART };

/* In any order that makes sense the client hears of the reset once it is asked
 * again, and never before. */
static void play(const int steps[4])
{
    struct echo e = {0};
    begin(&e, WORLD(.seed = 7));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(e.lost, 0);
        if (steps[i] == CUT)
            sim_test_must(rondo_sim_partition(0, 1));
        else if (steps[i] == HEAL)
            sim_test_must(rondo_sim_heal(0, 1));
        else if (steps[i] == CRASH)
            sim_test_must(rondo_sim_crash(0));
        else
            sim_test_must(rondo_sim_restart(0));
        if (i < 3)
            sim_test_must(rondo_sim_run_for(RONDO_SEC(3)));
    }
    assert_int_equal(rondo_sim_run_until(has_ended, &e, RONDO_SEC(100)), 0);
    assert_int_equal(e.error, RONDO_ECONNRESET);
}

TEST(a_crash_and_a_partition)
{
    static const int orders[][4] = {{CUT, CRASH, HEAL, RESTART},
                                    {CUT, CRASH, RESTART, HEAL},
                                    {CRASH, CUT, RESTART, HEAL},
                                    {CRASH, CUT, HEAL, RESTART}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        play(orders[i]);
        (void)rondo_sim_end();
    }
}

/* The process is killed behind the partition: its end comes after it. */
TEST(a_process_that_is_killed_behind_a_partition)
{
    struct echo e = {0};
    begin(&e, WORLD());
    sim_test_must(rondo_sim_partition(0, 1));
    sim_test_must(rondo_sim_kill(0));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(3)));
    assert_int_equal(e.lost, 0);
    sim_test_must(rondo_sim_heal(0, 1));
    assert_int_equal(rondo_sim_run_until(has_ended, &e, RONDO_SEC(100)), 0);
}

/* The kernel of a paused process acknowledges. */
TEST(a_paused_host_is_no_partition)
{
    struct echo e = {0};
    begin(&e, WORLD(.give_up_ns = RONDO_SEC(10)));
    sim_test_must(rondo_sim_pause(0));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1000)));
    assert_int_equal(e.lost, 0);
    sim_test_must(rondo_sim_resume(0));
    unsigned before = e.answers;
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    assert_true(e.answers > before);
}

/* ---- a clock that drifts, while something waits ---- */

struct ticks {
    unsigned count;
    int64_t early, late; /* of its own clock, at the most */
    int64_t next;
};

static void tick(rondo_loop *loop, void *arg)
{
    struct ticks *t = arg;
    int64_t late = rondo_loop_time(loop) - t->next;
    if (late < 0 && -late > t->early)
        t->early = -late;
    if (late > t->late)
        t->late = late;
    t->count++;
    t->next += RONDO_SEC(10);
    sim_test_must(rondo_call_at(loop, t->next, tick, t));
}

static void tick_for_ever(void *arg)
{
    struct ticks *t = arg;
    rondo_loop *loop;
    sim_test_must(rondo_loop_new(&loop, NULL));
    t->next = rondo_loop_time(loop) + RONDO_SEC(10);
    sim_test_must(rondo_call_at(loop, t->next, tick, t));
    (void)rondo_loop_run_forever(loop);
}

TEST(a_drift_that_changes_while_timers_wait)
{
    static const double drifts[] = {0.5, -0.5, 1, 0, -0.25};
    static const unsigned counts[] = {15, 5, 20, 10, 7};
    struct ticks t = {0};
    sim_test_must(rondo_sim_begin(WORLD()));
    int host = rondo_sim_add_host("a", NULL, tick_for_ever, &t);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(5)));
    for (size_t i = 0; i < sizeof drifts / sizeof *drifts; i++) {
        unsigned before = t.count;
        sim_test_must(rondo_sim_set_drift(host, drifts[i]));
        sim_test_must(rondo_sim_run_for(RONDO_SEC(100)));
        assert_in_range(t.count - before, counts[i], counts[i] + 1);
    }
    assert_true(t.early == 0);
    assert_true(t.late < RONDO_US(1));
}

/* ---- a backlog, and no descriptor for it ---- */

static void serve_one_at_a_time(void *arg)
{
    unsigned *served = arg;
    char byte;
    rondo_fd fd = sim_test_listen(8);
    rondo_fd first = rondo_sim_accept(fd, NULL, RONDO_SEC(10));
    sim_test_must(first);
    (void)rondo_sim_set_descriptors(rondo_sim_self(), 2);
    /* Linux: accept4 takes the descriptor first, and the client stays */
    int64_t refused = rondo_sim_accept(fd, NULL, RONDO_SEC(10));
    if (refused != RONDO_EMFILE)
        return;
    for (rondo_fd client = first; client >= 0;) {
        sim_test_must(rondo_sim_recv(client, &byte, 1, RONDO_SEC(10)));
        sim_test_must(rondo_sim_send(client, &byte, 1, RONDO_SEC(10)));
        sim_test_must(rondo_sim_close(client, false));
        ++*served;
        client = rondo_sim_accept(fd, NULL, RONDO_SEC(10));
    }
}

TEST(no_descriptor_for_a_backlog)
{
    unsigned served = 0;
    struct echo e = {.clients = 6, .rounds = 1, .size = 1, .host = "server"};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(
        rondo_sim_add_host("server", NULL, serve_one_at_a_time, &served));
    sim_test_must(rondo_sim_run_for(RONDO_MS(1)));
    sim_test_must(rondo_sim_add_host("client", NULL, echo_client, &e));
    assert_int_equal(rondo_sim_run_until(has_ended, &e, RONDO_SEC(100)), 0);
    assert_int_equal(served, 6);
    assert_int_equal(e.answers, 6);
    assert_int_equal(e.failed, 0);
}

/* Rondo's server waits for a descriptor, and forgets no client. */
TEST(no_descriptor_for_a_backlog_of_rondo)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct echo e = {
            .clients = 12, .rounds = 3, .size = 1, .host = "server"};
        sim_test_must(rondo_sim_begin(WORLD(.seed = seed)));
        int s = rondo_sim_add_host("server", NULL, echo_server, &e);
        sim_test_must(rondo_sim_run_for(RONDO_MS(1)));
        sim_test_must(rondo_sim_set_descriptors(
            s, (unsigned)rondo_sim_count_descriptors(s) + 2));
        sim_test_must(rondo_sim_add_host("client", NULL, echo_client, &e));
        assert_int_equal(rondo_sim_run_until(has_ended, &e, RONDO_SEC(1000)),
                         0);
        assert_int_equal(e.answers, 36);
        assert_int_equal(e.failed, 0);
        (void)rondo_sim_end();
    }
}

/* ---- a reset at any byte, after the peer's end ---- */

enum { BYTES = 12 };

struct half {
    int reset_after; /* bytes that the server sends after the client's end */
    int64_t got, last, after;
    int64_t send_result, send_after;
};

static void send_and_reset(void *arg)
{
    struct half *h = arg;
    char byte = 'x';
    rondo_fd fd = sim_test_listen(0);
    rondo_fd client = rondo_sim_accept(fd, NULL, RONDO_SEC(10));
    sim_test_must(client);
    if (rondo_sim_recv(client, &byte, 1, RONDO_SEC(10)) != 0)
        abort(); /* the client's end */
    for (int i = 0; i < h->reset_after; i++)
        sim_test_must(rondo_sim_send(client, &byte, 1, RONDO_SEC(1)));
    sim_test_must(rondo_sim_sleep(RONDO_SEC(1))); /* they arrive */
    sim_test_must(rondo_sim_close(client, true));
}

static void end_and_read(void *arg)
{
    struct half *h = arg;
    rondo_address to;
    char bytes[BYTES];
    sim_test_must(rondo_address_parse(&to, "10.0.0.1", 7));
    rondo_fd fd = rondo_sim_socket(RONDO_FAMILY_INET, false);
    sim_test_must(rondo_sim_sleep(RONDO_MS(5)));
    sim_test_must(rondo_sim_connect(fd, &to, RONDO_SEC(5)));
    sim_test_must(rondo_sim_shutdown(fd));
    sim_test_must(rondo_sim_sleep(RONDO_SEC(5)));
    while ((h->last = rondo_sim_recv(fd, bytes, 5, RONDO_SEC(5))) > 0)
        h->got += h->last;
    h->after = rondo_sim_recv(fd, bytes, 1, RONDO_SEC(5));
    h->send_result = rondo_sim_send(fd, "x", 1, 0);
}

/* Linux and the BSDs: what has arrived is read first, then the error, once. */
TEST(a_reset_at_any_byte_of_a_half_closed_stream)
{
    for (int i = 0; i <= BYTES; i++) {
        struct half h = {.reset_after = i};
        sim_test_must(rondo_sim_begin(WORLD(.seed = (uint64_t)i)));
        sim_test_must(
            rondo_sim_add_host("server", "10.0.0.1", send_and_reset, &h));
        sim_test_must(rondo_sim_add_host("client", NULL, end_and_read, &h));
        sim_test_must(rondo_sim_run_for(RONDO_SEC(60)));
        (void)rondo_sim_end();
        assert_int_equal(h.got, i);
        assert_int_equal(h.last, RONDO_ECONNRESET);
        assert_int_equal(h.after, 0);
        assert_int_equal(h.send_result, RONDO_EPIPE);
    }
}

static void end_then_reset(void *arg)
{
    rondo_address to;
    (void)arg;
    sim_test_must(rondo_address_parse(&to, "10.0.0.1", 7));
    rondo_fd fd = rondo_sim_socket(RONDO_FAMILY_INET, false);
    sim_test_must(rondo_sim_sleep(RONDO_MS(5)));
    sim_test_must(rondo_sim_connect(fd, &to, RONDO_SEC(5)));
    sim_test_must(rondo_sim_shutdown(fd));
    sim_test_must(rondo_sim_sleep(RONDO_SEC(1)));
    sim_test_must(rondo_sim_close(fd, true));
}

static void read_later(void *arg)
{
    struct half *h = arg;
    char byte;
    rondo_fd fd = sim_test_listen(0);
    rondo_fd client = rondo_sim_accept(fd, NULL, RONDO_SEC(10));
    sim_test_must(client);
    sim_test_must(rondo_sim_sleep(RONDO_SEC(5)));
    h->last = rondo_sim_recv(client, &byte, 1, 0);
    h->send_result = rondo_sim_send(client, "x", 1, 0);
    h->send_after = rondo_sim_send(client, "x", 1, 0);
    h->after = rondo_sim_recv(client, &byte, 1, 0);
}

/* Linux's tcp_reset in CLOSE_WAIT: the end is read again, and a write fails with
 * EPIPE. The BSDs' read fails with ECONNRESET here. */
TEST(a_reset_after_the_peers_end)
{
    struct half h = {0};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("server", "10.0.0.1", read_later, &h));
    sim_test_must(rondo_sim_add_host("client", NULL, end_then_reset, &h));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(60)));
    assert_int_equal(h.last, 0);
    assert_int_equal(h.send_result, RONDO_EPIPE);
    assert_int_equal(h.send_after, RONDO_EPIPE);
    assert_int_equal(h.after, 0);
}

struct made {
    int error;
    char sentence[300];
};

static void be_busy(rondo_loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
    sim_test_must(rondo_sim_sleep(RONDO_SEC(5)));
}

static void have_connected(rondo_loop *loop, void *arg, rondo_transport *t,
                           int error)
{
    struct made *m = arg;
    (void)loop;
    (void)t;
    m->error = error;
    (void)snprintf(m->sentence, sizeof m->sentence, "%s", rondo_last_error());
}

static void connect_and_be_busy(void *arg)
{
    static const rondo_protocol silent;
    rondo_loop *loop;
    sim_test_must(rondo_sim_sleep(RONDO_MS(5)));
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_create_connection(
        loop, RONDO_CONNECT(.host = "10.0.0.1", .port = 7), &silent, NULL,
        have_connected, arg));
    sim_test_must(rondo_call_later(loop, RONDO_MS(1), be_busy, NULL));
    (void)rondo_loop_run(loop);
    (void)rondo_loop_close(loop);
}

static void accept_end_and_reset(void *arg)
{
    (void)arg;
    rondo_fd fd = sim_test_listen(0);
    rondo_fd client = rondo_sim_accept(fd, NULL, RONDO_SEC(10));
    sim_test_must(rondo_sim_shutdown(client));
    sim_test_must(rondo_sim_sleep(RONDO_SEC(1)));
    sim_test_must(rondo_sim_close(client, true));
}

/* The client looks when all has happened: SO_ERROR is EPIPE then. A completion
 * has told of the connect before. */
TEST(a_connect_that_hears_of_the_end_and_a_reset)
{
    struct made m = {0};
    sim_test_must(rondo_sim_begin(WORLD(.link = {.latency_ns = RONDO_MS(10)})));
    sim_test_must(
        rondo_sim_add_host("server", "10.0.0.1", accept_end_and_reset, NULL));
    sim_test_must(rondo_sim_add_host("client", NULL, connect_and_be_busy, &m));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(60)));
    bool done = sim_test_backend() && strcmp(sim_test_backend(), "done") == 0;
    assert_int_equal(m.error, done ? 0 : RONDO_ECONNRESET);
    assert_true(done || strstr(m.sentence, "(ECONNRESET, from EPIPE)"));
}

/* test_cares.c - names by c-ares, asked of a server of the test's own. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "harness_names.h"
#include "name_server.h"
#include "raw_net.h"
#include "raw_program.h"
#include "rondo_cares.h"

#include <signal.h>

#ifndef RONDO_TEST_DNS
#define RONDO_TEST_DNS NULL
#endif

struct town {
    struct world *w;
    struct name_server *server;
    rondo_cares *cares;
};

static struct town *town_new(struct world *w, int64_t timeout_ns)
{
    struct town *t = test_alloc(w, sizeof *t);
    rondo_cares_options options = {
        .size = sizeof options, .timeout_ns = timeout_ns, .tries = 2};
    char servers[32];
    uint16_t port = 0;

    (void)raw_names_replace();
    t->w = w;
    t->server = name_server_start(&port);
    assert_non_null(t->server);
    (void)snprintf(servers, sizeof servers, "127.0.0.1:%u", (unsigned)port);
    options.servers = servers;
    assert_ok(rondo_cares_new(w->loop, &options, &t->cares));
    return t;
}

static void town_end(struct town *t)
{
    rondo_cares_free(t->cares);
    name_server_stop(t->server);
    assert_int_equal(raw_names_calls(), 0); /* nobody asked the system */
}

static struct found *ask(struct town *t, const char *host, rondo_family family)
{
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;
    struct found *f;

    hints.family = family;
    f = found_ask_with(t->w, host, "80", &hints);
    assert_ok(f->id);
    return f;
}

/* The same, and it ends with that error. */
static struct found *learn(struct town *t, const char *host,
                           rondo_family family, int error)
{
    struct found *f = ask(t, host, family);

    found_ends(t->w, f, error);
    return f;
}

TEST(E3_names_are_asked_of_the_server)
{
    struct town *t = town_new(w, 0);
    struct found *f = learn(t, "one.test", RONDO_FAMILY_ANY, 0);

    assert_int_equal(f->count, 2);
    assert_true(found_has(f, "127.0.0.1:80"));
    assert_true(found_has(f, "[::1]:80"));
    f = learn(t, "two.test", RONDO_FAMILY_INET, 0);
    assert_true(found_has(f, "127.0.0.1:80"));
    assert_true(found_has(f, "127.0.0.2:80"));
    f = learn(t, "one.test", RONDO_FAMILY_INET6, 0);
    assert_int_equal(f->count, 1);
    assert_true(name_server_questions(t->server) >= 4);
    town_end(t);
}

TEST(E3_when_all_is_answered_nothing_keeps_the_loop)
{
    struct town *t = town_new(w, 0);

    (void)learn(t, "one.test", RONDO_FAMILY_INET, 0);
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(test_metrics(w).live_watchers, 0);
    town_end(t);
}

TEST(E3_what_servers_say_is_an_error)
{
    struct town *t = town_new(w, RONDO_SEC(30) * test_slowness());

    (void)learn(t, "none.test", RONDO_FAMILY_INET, RONDO_ENONAME);
    (void)learn(t, "two.test", RONDO_FAMILY_INET6, RONDO_ENONAME);
    (void)learn(t, "fail.test", RONDO_FAMILY_INET, RONDO_EAGAIN);
    town_end(t);
    t = town_new(w, RONDO_MS(50));
    (void)learn(t, "silent.test", RONDO_FAMILY_INET, RONDO_ETIMEDOUT);
    town_end(t);
}

TEST_LEAVES(E3_connects_by_these_names)
{
    struct listener *l = test_serve(w);
    struct town *t = town_new(w, 0);

    (void)dial_to(w, RONDO_CONNECT(.host = "two.test", .port = l->port), 0);
    town_end(t);
}

TEST(E2_cancelled_it_ends_at_once)
{
    struct town *t = town_new(w, RONDO_SEC(30));
    struct found *f = ask(t, "silent.test", RONDO_FAMILY_INET);
    struct found *other = ask(t, "silent.test", RONDO_FAMILY_ANY);

    test_run_until(w, name_server_questions(t->server) >= 2);
    assert_int_equal(rondo_cancel(w->loop, f->id), 0);
    found_ends(w, f, RONDO_ECANCELED);
    /* beside the other */
    (void)learn(t, "one.test", RONDO_FAMILY_INET, 0);
    assert_int_equal(rondo_cancel(w->loop, other->id), 0);
    found_ends(w, other, RONDO_ECANCELED);
    assert_int_equal(rondo_loop_run(w->loop), 0); /* nothing is left */
    town_end(t);
}

TEST(E2_freed_while_questions_are_out)
{
    struct town *t = town_new(w, RONDO_SEC(30));
    struct found *f = ask(t, "silent.test", RONDO_FAMILY_ANY);

    test_run_until(w, name_server_questions(t->server) > 0);
    town_end(t);
    found_ends(w, f, RONDO_ECANCELED);
}

/* The example, which says 127.0.0.1 of every name and has nothing else. */
TEST_LEAVES(E3_the_example_is_asked)
{
    const char *argv[] = {RONDO_TEST_DNS, "--backend", w->backend, "0", NULL};
    rondo_cares_options options = {.size = sizeof options};
    int patience = TEST_DEADLINE_MS * test_slowness();
    struct raw_program *dns;
    struct listener *l;
    rondo_cares *cares;
    const char *port;
    char servers[32];

    test_skip_if(w, !argv[0], "the examples are not in this build");
    dns = raw_program_start(argv);
    assert_non_null(dns);
    port = raw_program_says(dns, "listening on 127.0.0.1:", patience);
    assert_non_null(port);
    (void)snprintf(servers, sizeof servers, "127.0.0.1:%ld",
                   strtol(port, NULL, 10));
    options.servers = servers;
    (void)raw_names_replace();
    assert_ok(rondo_cares_new(w->loop, &options, &cares));
    for (int i = 0; i < 20; i++) {
        struct found *f;
        char host[32];

        (void)snprintf(host, sizeof host, "host%d.some.test", i);
        f = found_ask(w, host, "80");
        found_ends(w, f, 0);
        assert_int_equal(f->count, 1);
        assert_true(found_has(f, "127.0.0.1:80"));
    }
    l = test_serve(w);
    (void)dial_to(w, RONDO_CONNECT(.host = "any.test", .port = l->port), 0);
    rondo_cares_free(cares);
    assert_int_equal(raw_names_calls(), 0);
    assert_int_equal(raw_program_signal(dns, SIGINT), 0);
    assert_int_equal(raw_program_end(dns, patience), 0);
}

static void refuse(struct world *w, const rondo_cares_options *options,
                   int error, const char *sentence)
{
    rondo_cares *cares = (rondo_cares *)1;

    (void)rondo_set_error(RONDO_EOTHER, "stale");
    assert_error(rondo_cares_new(w->loop, options, &cares), error);
    assert_null(cares);
    if (!strstr(rondo_last_error(), sentence))
        test_fail(w, "not \"%s\" but: %s", sentence, rondo_last_error());
}

#define OPTIONS(...)                                                           \
    (&(rondo_cares_options){.size = sizeof(rondo_cares_options), __VA_ARGS__})

TEST(E3_servers_that_make_no_sense)
{
    refuse(w, OPTIONS(.servers = "not an address"), RONDO_EINVAL,
           "cares: not an address: ");
    rondo_cares_free(NULL);
}

TEST(G1_refusals_have_sentences)
{
    struct {
        rondo_cares_options known;
        void *unknown;
    } newer = {.known = {.size = sizeof newer}, .unknown = &newer};

    refuse(w, &(rondo_cares_options){.size = 1}, RONDO_EINVAL,
           "size is not set");
    refuse(w, OPTIONS(.timeout_ns = -1), RONDO_EINVAL, "a negative timeout");
    refuse(w, OPTIONS(.tries = -1), RONDO_EINVAL, "a negative timeout");
    refuse(w, &newer.known, RONDO_ENOTSUP, "does not know");
    (void)rondo_set_error(RONDO_EOTHER, "stale");
    assert_error(rondo_cares_new(w->loop, NULL, NULL), RONDO_EINVAL);
    assert_non_null(strstr(rondo_last_error(), "cares: "));
}

/* 2^32 + 1 ms, of which an int has one; ten days are not enough */
TEST(E3_a_timeout_of_weeks_is_one)
{
    struct town *t = town_new(w, RONDO_MS((INT64_C(1) << 32) + 1));
    struct found *f = ask(t, "silent.test", RONDO_FAMILY_INET);

    test_run_until(w, name_server_questions(t->server) > 0);
    test_skip_if(w, !raw_advance_clock(INT64_C(864000)),
                 "the clock cannot be set ahead here");
    for (int i = 0; i < 5; i++)
        (void)learn(t, "one.test", RONDO_FAMILY_INET, 0);
    assert_int_equal(f->done, 0);
    assert_int_equal(rondo_cancel(w->loop, f->id), 0);
    found_ends(w, f, RONDO_ECANCELED);
    town_end(t);
}

/* Whatever there is no memory for, it ends; without the last it was given, the
 * timer, at once. */
TEST(G8_no_memory_for_the_timer)
{
    struct town *t = town_new(w, RONDO_SEC(60));
    int refused = 0, given_up = 0;

    for (uint64_t n = 1; !given_up && n < 50; n++) {
        rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;
        struct found *f;

        hints.family = RONDO_FAMILY_INET;
        test_fail_allocations_from(w, n);
        f = found_ask_with(w, "silent.test", NULL, &hints);
        test_fail_allocation(w, 0);
        refused += f->id < 0;
        if (f->id > 0) {
            found_ends(w, f, RONDO_ENOMEM);
            given_up++;
        }
    }
    assert_true(refused && given_up);
    (void)learn(t, "one.test", RONDO_FAMILY_INET, 0); /* goes on */
    town_end(t);
}

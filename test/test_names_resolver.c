/* test_names_resolver.c - a resolver of the program's. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "harness_names.h"
#include "raw_net.h"

enum { MOST = 8 };

/* Answers as told, now or when asked to. */
struct resolver {
    struct world *w;
    rondo_resolver table;
    rondo_lookup *pending[MOST];
    size_t count;
    unsigned started, canceled;
    bool at_once;      /* inside start */
    bool answers_late; /* inside cancel */
    int start_error, error;
    rondo_address addresses[4];
    size_t address_count;
    char host[256], service[64];
    rondo_lookup_hints hints;
};

static void answer(struct resolver *r, rondo_lookup *lookup)
{
    rondo_resolver_answer(lookup, r->error ? NULL : r->addresses,
                          r->error ? 0 : r->address_count, r->error);
}

static int start(void *context, rondo_lookup *lookup, const char *host,
                 const char *service, const rondo_lookup_hints *hints)
{
    struct resolver *r = context;

    r->started++;
    (void)snprintf(r->host, sizeof r->host, "%s", host);
    (void)snprintf(r->service, sizeof r->service, "%s", service ? service : "");
    r->hints = *hints;
    if (r->at_once)
        answer(r, lookup);
    else if (!r->start_error && r->count < MOST)
        r->pending[r->count++] = lookup;
    return r->start_error;
}

static void cancel(void *context, rondo_lookup *lookup)
{
    struct resolver *r = context;

    r->canceled++;
    for (size_t i = 0; i < r->count; i++)
        if (r->pending[i] == lookup)
            r->pending[i] = r->pending[--r->count];
    if (r->answers_late)
        answer(r, lookup);
}

static void answer_all(struct resolver *r)
{
    for (size_t i = 0; i < r->count; i++)
        answer(r, r->pending[i]);
    r->count = 0;
}

static struct resolver *use_resolver(struct world *w)
{
    struct resolver *r = test_alloc(w, sizeof *r);

    (void)raw_names_replace();
    r->w = w;
    r->table = (rondo_resolver){start, cancel, r};
    assert_ok(rondo_address_parse(&r->addresses[0], "127.0.0.1", 0));
    r->address_count = 1;
    assert_ok(rondo_set_resolver(w->loop, &r->table));
    memset(&r->table, 0, sizeof r->table); /* it has been copied */
    return r;
}

static struct found *ask(struct world *w, const char *host)
{
    return found_ask_with(w, host, "8080", NULL);
}

/* ---- E3 ----------------------------------------------------------------- */

TEST(E3_the_programs_resolver_is_asked)
{
    struct resolver *r = use_resolver(w);
    struct found *f = ask(w, "some.where");

    w->expect_clean = true;
    assert_int_equal(r->started, 1);
    assert_string_equal(r->host, "some.where");
    assert_string_equal(r->service, "8080");
    assert_int_equal(r->hints.size, sizeof r->hints);
    assert_int_equal(test_metrics(w).live_jobs, 1);
    test_spin(w, 5);
    assert_int_equal(f->done, 0);
    answer_all(r);
    assert_int_equal(f->done, 0); /* from the loop */
    found_ends(w, f, 0);
    assert_int_equal(rondo_address_port(&f->addresses[0]), 8080);
    assert_int_equal(raw_names_calls(), 0);
    assert_int_equal(r->canceled, 0);
}

TEST(E3_it_may_answer_inside_start)
{
    struct resolver *r = use_resolver(w);

    w->expect_clean = true;
    r->at_once = true;
    found_ends(w, ask(w, "some.where"), 0);
    r->error = RONDO_ETIMEDOUT;
    found_ends(w, ask(w, "some.where"), RONDO_ETIMEDOUT);
    r->error = 17; /* which is no error of Rondo's */
    found_ends(w, ask(w, "some.where"), RONDO_EOTHER);
    r->error = 0;
    r->address_count = 0;
    found_ends(w, ask(w, "some.where"), RONDO_ENONAME);
    r->address_count = SIZE_MAX; /* -1 of something */
    found_ends(w, ask(w, "some.where"), RONDO_EINVAL);
    r->address_count = 4097;
    found_ends(w, ask(w, "some.where"), RONDO_EINVAL);
}

TEST(E3_start_may_fail)
{
    struct resolver *r = use_resolver(w);
    struct peer *p = test_peer(w);

    w->expect_clean = true;
    r->start_error = RONDO_EMFILE;
    assert_error(ask(w, "some.where")->id, RONDO_EMFILE);
    r->at_once = true; /* and it answers as well */
    assert_error(ask(w, "some.where")->id, RONDO_EMFILE);
    test_spin(w, 3);
    assert_ok(dial(w, RONDO_CONNECT(.host = "some.where", .port = 1), p));
    dial_ends(w, p, RONDO_EMFILE);
    assert_int_equal(r->canceled, 0);
}

TEST(E3_literals_are_not_asked_of_it)
{
    struct listener *l = test_serve(w);
    struct resolver *r = use_resolver(w);
    struct peer *p = test_peer(w);

    found_ends(w, ask(w, "127.0.0.1"), 0);
    assert_ok(dial(w, RONDO_CONNECT(.host = "127.0.0.1", .port = l->port), p));
    dial_ends(w, p, 0);
    assert_int_equal(r->started, 0);
}

TEST(E3_connects_ask_it)
{
    struct listener *l = test_serve(w);
    struct resolver *r = use_resolver(w);
    struct peer *p = test_peer(w);

    assert_ok(dial(w,
                   RONDO_CONNECT(.host = "some.where", .port = l->port,
                                 .family = RONDO_FAMILY_INET),
                   p));
    test_run_until(w, r->count == 1);
    assert_int_equal(r->hints.family, RONDO_FAMILY_INET);
    answer_all(r);
    dial_ends(w, p, 0);
    assert_int_equal(rondo_address_port(&r->addresses[0]), 0);
}

TEST(E3_the_systems_again)
{
    struct resolver *r;

    if (!raw_names_replace())
        test_skip(w, "this system's look-ups cannot be replaced");
    r = use_resolver(w);
    assert_ok(rondo_set_resolver(w->loop, NULL));
    found_ends(w, ask(w, "a.quick.test"), 0);
    assert_int_equal(r->started, 0);
    assert_int_equal(raw_names_calls(), 1);
}

TEST(E3_one_that_is_replaced_keeps_its_look_ups)
{
    struct resolver *r = use_resolver(w);
    struct found *f = ask(w, "some.where");
    struct found *other = ask(w, "some.where.else");
    struct resolver *second = use_resolver(w);

    assert_int_equal(rondo_cancel(w->loop, other->id), 0);
    assert_int_equal(r->canceled, 1);
    answer_all(r);
    found_ends(w, f, 0);
    found_ends(w, other, RONDO_ECANCELED);
    assert_int_equal(second->started + second->canceled, 0);
}

TEST(E3_a_second_answer_is_ignored)
{
    struct resolver *r = use_resolver(w);
    struct found *f = ask(w, "some.where");
    rondo_lookup *lookup = r->pending[0];

    answer(r, lookup);
    r->error = RONDO_EIO;
    answer(r, lookup);
    found_ends(w, f, 0);
}

TEST(E3_a_resolver_needs_both)
{
    rondo_resolver half = {start, NULL, NULL};

    assert_einval(rondo_set_resolver(w->loop, &half));
    half = (rondo_resolver){NULL, cancel, NULL};
    assert_einval(rondo_set_resolver(w->loop, &half));
}

/* ---- E2: cancelling ----------------------------------------------------- */

static void check_cancelled(struct world *w, bool late)
{
    struct resolver *r = use_resolver(w);
    struct found *f = ask(w, "some.where");

    r->answers_late = late;
    assert_int_equal(rondo_cancel(w->loop, f->id), 0);
    assert_int_equal(r->canceled, 1); /* at once */
    assert_int_equal(f->done, 0);
    assert_int_equal(test_metrics(w).live_jobs, 0);
    found_ends(w, f, RONDO_ECANCELED);
    assert_error(rondo_cancel(w->loop, f->id), RONDO_ENOENT);
}

TEST(E2_cancelling_reaches_the_resolver)
{
    check_cancelled(w, false);
    check_cancelled(w, true); /* which answers even then */
}

TEST(E2_cancelled_between_answer_and_callback)
{
    struct resolver *r = use_resolver(w);
    struct found *f = ask(w, "some.where");

    answer_all(r);
    assert_int_equal(rondo_cancel(w->loop, f->id), 0);
    found_ends(w, f, RONDO_ECANCELED);
    assert_int_equal(r->canceled, 0); /* it had answered */
}

TEST(E2_a_cancelled_connect_cancels_its_look_up)
{
    struct resolver *r = use_resolver(w);
    struct peer *p = test_peer(w);
    rondo_id id = dial(w, RONDO_CONNECT(.host = "some.where", .port = 1), p);

    assert_ok(id);
    test_run_until(w, r->count == 1);
    assert_int_equal(rondo_cancel(w->loop, id), 0);
    assert_int_equal(r->canceled, 1);
    dial_ends(w, p, RONDO_ECANCELED);
}

TEST(C2_the_timeout_covers_a_resolver_that_never_answers)
{
    struct resolver *r = use_resolver(w);
    struct peer *p = test_peer(w);

    assert_ok(dial(w,
                   RONDO_CONNECT(.host = "some.where", .port = 1,
                                 .timeout_ns = RONDO_MS(10)),
                   p));
    dial_ends(w, p, RONDO_ETIMEDOUT);
    assert_int_equal(r->started, 1);
    assert_int_equal(r->canceled, 1);
}

TEST(L5_closing_cancels_at_the_resolver)
{
    struct resolver *r = use_resolver(w);
    struct found *f = ask(w, "some.where");
    struct found *answered = ask(w, "some.where.else");
    struct peer *p = test_peer(w);

    assert_ok(dial(w, RONDO_CONNECT(.host = "some.where", .port = 1), p));
    test_run_until(w, r->count == 3);
    answer(r, r->pending[1]);
    r->pending[1] = r->pending[--r->count];
    test_close_loop(w);
    assert_int_equal(r->canceled, 2);
    assert_int_equal(f->error, RONDO_ECANCELED);
    assert_int_equal(answered->error, RONDO_ECANCELED);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    assert_int_equal(f->done + answered->done + p->connected, 3);
}

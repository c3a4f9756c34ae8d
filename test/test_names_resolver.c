/* test_names_resolver.c - a resolver of the program's. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "harness_names.h"

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
    r->table = (rondo_resolver){.start = start, .cancel = cancel, .context = r};
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

static struct peer *dial_some_where(struct world *w, int64_t timeout_ns)
{
    return dial_new(w, RONDO_CONNECT(.host = "some.where", .port = 1,
                                     .timeout_ns = timeout_ns));
}

/* ---- E3 ----------------------------------------------------------------- */

TEST(E3_the_programs_resolver_is_asked)
{
    struct resolver *r = use_resolver(w);
    struct found *f = ask(w, "some.where");

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
    static const struct {
        const char *name;
        int error;
        size_t addresses;
        int told;
    } rows[] = {{"one address", 0, 1, 0},
                {"an error", RONDO_ETIMEDOUT, 1, RONDO_ETIMEDOUT},
                {"no error of Rondo's", 17, 1, RONDO_EOTHER},
                {"no address", 0, 0, RONDO_ENONAME},
                {"-1 of something", 0, SIZE_MAX, RONDO_EINVAL},
                {"too many", 0, 4097, RONDO_EINVAL}};
    struct resolver *r = use_resolver(w);

    r->at_once = true;
    for (EACH_ROW(w, row, rows)) {
        r->error = row->error;
        r->address_count = row->addresses;
        found_ends(w, ask(w, "some.where"), row->told);
    }
}

TEST(E3_start_may_fail)
{
    struct resolver *r = use_resolver(w);

    r->start_error = RONDO_EMFILE;
    assert_error(ask(w, "some.where")->id, RONDO_EMFILE);
    r->at_once = true; /* and it answers as well */
    assert_error(ask(w, "some.where")->id, RONDO_EMFILE);
    test_spin(w, 3);
    dial_ends(w, dial_some_where(w, 0), RONDO_EMFILE);
    assert_int_equal(r->canceled, 0);
}

TEST_LEAVES(E3_literals_are_not_asked_of_it)
{
    struct listener *l = test_serve(w);
    struct resolver *r = use_resolver(w);

    found_ends(w, ask(w, "127.0.0.1"), 0);
    (void)test_client(w, l);
    assert_int_equal(r->started, 0);
}

TEST_LEAVES(E3_connects_ask_it)
{
    struct listener *l = test_serve(w);
    struct resolver *r = use_resolver(w);
    struct peer *p =
        dial_new(w, RONDO_CONNECT(.host = "some.where", .port = l->port,
                                  .family = RONDO_FAMILY_INET));

    test_run_until(w, r->count == 1);
    assert_int_equal(r->hints.family, RONDO_FAMILY_INET);
    answer_all(r);
    dial_ends(w, p, 0);
    assert_int_equal(rondo_address_port(&r->addresses[0]), 0);
}

TEST(E3_the_systems_again)
{
    const struct resolver *r;

    names_replace(w);
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
    rondo_resolver half = {.start = start};

    assert_einval(rondo_set_resolver(w->loop, &half));
    half = (rondo_resolver){.cancel = cancel};
    assert_einval(rondo_set_resolver(w->loop, &half));
}

/* ---- E2: cancelling ----------------------------------------------------- */

TEST(E2_cancelling_reaches_the_resolver)
{
    static const struct {
        const char *name;
        bool answered, late;
    } rows[] = {{"before it answers", false, false},
                {"and it answers even then", false, true},
                {"between answer and callback", true, false}};

    for (EACH_ROW(w, row, rows)) {
        struct resolver *r = use_resolver(w);
        struct found *f = ask(w, "some.where");

        r->answers_late = row->late;
        if (row->answered)
            answer_all(r);
        assert_int_equal(rondo_cancel(w->loop, f->id), 0);
        assert_int_equal(r->canceled, row->answered ? 0 : 1); /* at once */
        assert_int_equal(f->done, 0);
        assert_int_equal(test_metrics(w).live_jobs, 0);
        found_ends(w, f, RONDO_ECANCELED);
    }
}

TEST(E2_a_cancelled_connect_cancels_its_look_up)
{
    struct resolver *r = use_resolver(w);
    struct peer *p = dial_some_where(w, 0);

    test_run_until(w, r->count == 1);
    assert_int_equal(rondo_cancel(w->loop, p->id), 0);
    assert_int_equal(r->canceled, 1);
    dial_ends(w, p, RONDO_ECANCELED);
}

TEST(C2_the_timeout_covers_a_resolver_that_never_answers)
{
    struct resolver *r = use_resolver(w);

    dial_ends(w, dial_some_where(w, RONDO_MS(10)), RONDO_ETIMEDOUT);
    assert_int_equal(r->started, 1);
    assert_int_equal(r->canceled, 1);
}

TEST(L5_closing_cancels_at_the_resolver)
{
    struct resolver *r = use_resolver(w);
    struct found *f = ask(w, "some.where");
    struct found *answered = ask(w, "some.where.else");
    struct peer *p = dial_some_where(w, 0);

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

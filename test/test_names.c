/* test_names.c - getaddrinfo and getnameinfo. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "raw_net.h"

enum { KEPT = 16 };

/* What one look-up was told. */
struct found {
    struct world *w;
    rondo_id id;
    unsigned done;
    int error;
    size_t count;
    rondo_address addresses[KEPT];
    char canonical[256], host[256], service[64];
    bool has_canonical;
    char sentence[600];
    void (*in_done)(struct found *f);
};

static void keep_sentence(struct found *f, int error)
{
    assert_int_equal(++f->done, 1);
    f->error = error;
    if (error)
        (void)snprintf(f->sentence, sizeof f->sentence, "%s",
                       rondo_last_error());
    if (f->in_done)
        f->in_done(f);
}

static void found(rondo_loop *loop, void *arg, const rondo_address *addresses,
                  size_t count, const char *canonical, int error)
{
    struct found *f = arg;

    assert_ptr_equal(loop, f->w->loop);
    assert_true(error ? !addresses && !count && !canonical : count > 0);
    f->count = count;
    for (size_t i = 0; i < count && i < KEPT; i++)
        f->addresses[i] = addresses[i];
    f->has_canonical = canonical;
    if (canonical)
        (void)snprintf(f->canonical, sizeof f->canonical, "%s", canonical);
    keep_sentence(f, error);
}

static void named(rondo_loop *loop, void *arg, const char *host,
                  const char *service, int error)
{
    struct found *f = arg;

    assert_ptr_equal(loop, f->w->loop);
    assert_true(error ? !host && !service : host && service);
    if (host)
        (void)snprintf(f->host, sizeof f->host, "%s", host);
    if (service)
        (void)snprintf(f->service, sizeof f->service, "%s", service);
    keep_sentence(f, error);
}

static struct found *ask_with(struct world *w, const char *host,
                              const char *service,
                              const rondo_lookup_hints *hints)
{
    struct found *f = test_alloc(w, sizeof *f);

    f->w = w;
    f->id = rondo_getaddrinfo(w->loop, host, service, hints, found, f);
    assert_int_equal(f->done, 0);
    return f;
}

static struct found *ask(struct world *w, const char *host, const char *service)
{
    struct found *f = ask_with(w, host, service, NULL);

    assert_ok(f->id);
    return f;
}

static void ends(struct world *w, struct found *f, int error)
{
    test_run_until(w, f->done);
    if (f->error != error)
        test_fail(w, "%s (%s), not %s", rondo_error_name(f->error), f->sentence,
                  rondo_error_name(error));
    if (error)
        assert_true(strstr(f->sentence, rondo_error_name(error)) != NULL);
    assert_error(rondo_cancel(w->loop, f->id), RONDO_ENOENT);
}

static void assert_address(const struct found *f, size_t i, const char *text)
{
    char is[RONDO_ADDRESS_TEXT];

    assert_true(i < f->count);
    assert_ok(rondo_address_text(&f->addresses[i], is, sizeof is));
    assert_string_equal(is, text);
}

static void replace_names(struct world *w)
{
    if (!raw_names_replace())
        test_skip(w, "this system's look-ups cannot be replaced");
}

/* ---- E3: literals ------------------------------------------------------- */

static void E3_literals_are_never_looked_up(void **state)
{
    static const char *const literals[][2] = {
        {"127.0.0.1", "127.0.0.1:80"},
        {"0.0.0.0", "0.0.0.0:80"},
        {"::1", "[::1]:80"},
        {"::ffff:1.2.3.4", "[::ffff:1.2.3.4]:80"}};
    struct world *w = *state;

    w->expect_clean = true;
    replace_names(w);
    for (size_t i = 0; i < TEST_COUNT(literals); i++) {
        struct found *f = ask(w, literals[i][0], "80");

        assert_int_equal(test_metrics(w).live_operations, 1);
        assert_int_equal(test_metrics(w).live_jobs, 0);
        test_spin(w, 1);
        ends(w, f, 0);
        assert_int_equal(f->count, 1);
        assert_address(f, 0, literals[i][1]);
        assert_false(f->has_canonical);
    }
    assert_int_equal(raw_names_calls(), 0);
}

static void E3_a_literal_without_a_service(void **state)
{
    struct world *w = *state;
    struct found *f = ask(w, "127.0.0.1", NULL);

    ends(w, f, 0);
    assert_address(f, 0, "127.0.0.1:0");
}

static void E3_a_literal_of_another_family(void **state)
{
    struct world *w = *state;
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;

    hints.family = RONDO_FAMILY_INET6;
    assert_error(ask_with(w, "127.0.0.1", "1", &hints)->id, RONDO_EAFNOSUPPORT);
    hints.family = RONDO_FAMILY_INET;
    assert_error(ask_with(w, "::1", "1", &hints)->id, RONDO_EAFNOSUPPORT);
    ends(w, ask_with(w, "127.0.0.1", "1", &hints), 0);
}

static void E3_only_numeric(void **state)
{
    struct world *w = *state;
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;

    w->expect_clean = true;
    hints.numeric_host = true;
    assert_error(ask_with(w, "localhost", "1", &hints)->id, RONDO_ENONAME);
    ends(w, ask_with(w, "127.0.0.1", "1", &hints), 0);
    hints.numeric_service = true;
    assert_error(ask_with(w, "127.0.0.1", "http", &hints)->id, RONDO_ENONAME);
    ends(w, ask_with(w, "127.0.0.1", "65535", &hints), 0);
}

static void E3_the_canonical_name_of_a_literal(void **state)
{
    struct world *w = *state;
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;
    struct found *f;

    hints.canonical_name = true;
    f = ask_with(w, "127.0.0.1", "1", &hints);
    ends(w, f, 0);
    assert_string_equal(f->canonical, "127.0.0.1");
}

/* ---- E3: what is never asked -------------------------------------------- */

static void E3_services_and_ports_out_of_range(void **state)
{
    static const char *const wrong[] = {
        "",          "65536", "70000", "99999999999999999999999",
        "-1",        "+80",   " 80",   "80 ",
        "8 0",       "-",     "1-2",   "0 ",
        "4294967376"};
    struct world *w = *state;

    w->expect_clean = true;
    replace_names(w);
    for (size_t i = 0; i < TEST_COUNT(wrong); i++) {
        assert_error(ask_with(w, "127.0.0.1", wrong[i], NULL)->id,
                     RONDO_EINVAL);
        assert_error(ask_with(w, "a.quick.test", wrong[i], NULL)->id,
                     RONDO_EINVAL);
        assert_true(strstr(rondo_last_error(), "getaddrinfo") != NULL);
    }
    assert_int_equal(raw_names_calls(), 0);
}

static void E3_ports_at_the_edges(void **state)
{
    struct world *w = *state;
    struct found *f = ask(w, "127.0.0.1", "0");

    ends(w, f, 0);
    assert_address(f, 0, "127.0.0.1:0");
    f = ask(w, "127.0.0.1", "65535");
    ends(w, f, 0);
    assert_address(f, 0, "127.0.0.1:65535");
    f = ask(w, "127.0.0.1", "00080");
    ends(w, f, 0);
    assert_address(f, 0, "127.0.0.1:80");
}

static void E3_hosts_that_are_too_long(void **state)
{
    struct world *w = *state;
    char host[301];

    w->expect_clean = true;
    replace_names(w);
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    assert_error(ask_with(w, host, "1", NULL)->id, RONDO_EINVAL);
    host[256] = '\0';
    assert_error(ask_with(w, host, "1", NULL)->id, RONDO_EINVAL);
    assert_error(ask_with(w, "", "1", NULL)->id, RONDO_EINVAL);
    assert_int_equal(raw_names_calls(), 0);
    memcpy(host + 245, ".none.test", 11); /* 255 bytes */
    ends(w, ask(w, host, "1"), RONDO_ENONAME);
    assert_int_equal(raw_names_longest(), 255); /* all of it */
}

static void E3_arguments_that_make_no_sense(void **state)
{
    struct world *w = *state;
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;
    rondo_address a;
    int dummy = 0;

    w->expect_clean = true;
    assert_error(ask_with(w, NULL, NULL, NULL)->id, RONDO_EINVAL);
    assert_error(rondo_getaddrinfo(w->loop, "::1", "1", NULL, NULL, NULL),
                 RONDO_EINVAL);
    assert_error(rondo_getaddrinfo(NULL, "::1", "1", NULL, found, NULL),
                 RONDO_EINVAL);
    hints.family = RONDO_FAMILY_UNIX;
    assert_error(ask_with(w, "::1", "1", &hints)->id, RONDO_EINVAL);
    hints.size = 0;
    assert_error(ask_with(w, "::1", "1", &hints)->id, RONDO_EINVAL);
    assert_ok(rondo_address_parse(&a, "127.0.0.1", 80));
    assert_error(rondo_getnameinfo(w->loop, NULL, 0, named, &dummy),
                 RONDO_EINVAL);
    assert_error(rondo_getnameinfo(w->loop, &a, 0, NULL, &dummy), RONDO_EINVAL);
    assert_error(rondo_getnameinfo(w->loop, &a, 1 << 20, named, &dummy),
                 RONDO_EINVAL);
    memset(&a, 0, sizeof a);
    assert_error(rondo_getnameinfo(w->loop, &a, 0, named, &dummy),
                 RONDO_EAFNOSUPPORT);
    assert_error(rondo_set_resolver(NULL, NULL), RONDO_EINVAL);
    rondo_resolver_answer(NULL, NULL, 0, 0);
}

/* ---- E3: names ---------------------------------------------------------- */

static void E3_a_name_is_looked_up_off_the_loops_thread(void **state)
{
    struct world *w = *state;
    struct found *f;

    w->expect_clean = true;
    replace_names(w);
    f = ask(w, "a.many.test", "8080");
    assert_int_equal(test_metrics(w).live_jobs, 1);
    ends(w, f, 0);
    assert_int_equal(f->count, 8);
    assert_address(f, 0, "127.0.0.8:8080"); /* the resolver's order */
    assert_address(f, 7, "127.0.0.1:8080");
    assert_false(raw_names_on_caller());
    assert_int_equal(raw_names_calls(), 1);
}

static void E3_errors_of_a_look_up(void **state)
{
    struct world *w = *state;
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;
    struct found *f;

    w->expect_clean = true;
    replace_names(w);
    f = ask(w, "a.none.test", "1");
    ends(w, f, RONDO_ENONAME);
    assert_true(strstr(f->sentence, "getaddrinfo: cannot look up a.none.test"));
    ends(w, ask(w, "a.later.test", "1"), RONDO_EAGAIN);
    hints.family = RONDO_FAMILY_INET6;
    ends(w, ask_with(w, "a.quick.test", "1", &hints), RONDO_ENONAME);
}

static void E3_the_canonical_name(void **state)
{
    struct world *w = *state;
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;
    struct found *f;

    replace_names(w);
    f = ask(w, "a.quick.test", "1");
    ends(w, f, 0);
    assert_false(f->has_canonical); /* not asked for */
    hints.canonical_name = true;
    f = ask_with(w, "a.quick.test", "1", &hints);
    ends(w, f, 0);
    assert_string_equal(f->canonical, "ours");
}

static void E3_no_host_is_this_machine(void **state)
{
    struct world *w = *state;
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;
    struct found *f = ask(w, NULL, "80");

    ends(w, f, 0);
    for (size_t i = 0; i < f->count; i++) {
        unsigned char ip[16];
        size_t size = rondo_address_ip(&f->addresses[i], ip);

        assert_int_equal(ip[size - 1], 1); /* 127.0.0.1 or ::1 */
        assert_int_equal(rondo_address_port(&f->addresses[i]), 80);
    }
    hints.passive = true;
    hints.family = RONDO_FAMILY_INET;
    f = ask_with(w, NULL, "80", &hints);
    ends(w, f, 0);
    assert_address(f, 0, "0.0.0.0:80");
}

static void E3_a_service_by_name(void **state)
{
    struct world *w = *state;
    struct found *f = ask(w, "127.0.0.1", "http");

    test_run_until(w, f->done);
    if (f->error == RONDO_ENONAME)
        test_skip(w, "this system knows no names of services");
    ends(w, f, 0);
    assert_address(f, 0, "127.0.0.1:80");
    ends(w, ask(w, "127.0.0.1", "no-such-service-here"), RONDO_ENONAME);
}

static void E3_numbers_and_names_of_an_address(void **state)
{
    struct world *w = *state;
    struct found *f = test_alloc(w, sizeof *f);
    rondo_address a;

    f->w = w;
    assert_ok(rondo_address_parse(&a, "127.0.0.1", 80));
    f->id = rondo_getnameinfo(
        w->loop, &a,
        RONDO_NAMEINFO_NUMERIC_HOST | RONDO_NAMEINFO_NUMERIC_SERVICE, named, f);
    assert_ok(f->id);
    assert_int_equal(f->done, 0);
    assert_int_equal(test_metrics(w).live_jobs, 0); /* needs no thread */
    ends(w, f, 0);
    assert_string_equal(f->host, "127.0.0.1");
    assert_string_equal(f->service, "80");

    f = test_alloc(w, sizeof *f);
    f->w = w;
    f->id = rondo_getnameinfo(w->loop, &a, 0, named, f);
    assert_ok(f->id);
    assert_int_equal(test_metrics(w).live_jobs, 1);
    ends(w, f, 0);
    assert_true(f->host[0] && f->service[0]);
}

/* ---- E2: cancelled ------------------------------------------------------ */

static struct found *ask_slow(struct world *w)
{
    struct found *f;

    replace_names(w);
    f = ask(w, "a.slow.test", "1");
    test_run_until(w, raw_names_waiting() == 1);
    return f;
}

static void let_go(struct world *w)
{
    raw_names_release();
    while (raw_names_waiting() > 0)
        raw_yield();
    if (w->loop)
        (void)test_run_for(w, RONDO_MS(5));
}

static void E2_a_cancelled_look_up_returns_at_once(void **state)
{
    struct world *w = *state;
    struct found *f = ask_slow(w);

    w->expect_clean = true;
    assert_int_equal(rondo_cancel(w->loop, f->id), 0);
    assert_int_equal(f->done, 0); /* not inside the call */
    assert_error(rondo_cancel(w->loop, f->id), RONDO_ENOENT);
    test_spin(w, 1);
    ends(w, f, RONDO_ECANCELED);
    assert_int_equal(raw_names_waiting(), 1);
    assert_int_equal(test_metrics(w).live_jobs, 0);
    let_go(w);
}

static void E2_cancelled_after_the_answer(void **state)
{
    struct world *w = *state;
    struct found *f = ask(w, "127.0.0.1", "1");

    w->expect_clean = true;
    assert_int_equal(rondo_cancel(w->loop, f->id), 0);
    ends(w, f, RONDO_ECANCELED);
}

static void cancel_itself(struct found *f)
{
    assert_error(rondo_cancel(f->w->loop, f->id), RONDO_ENOENT);
}

static void E2_too_late_in_its_own_callback(void **state)
{
    struct world *w = *state;
    struct found *f;

    replace_names(w);
    f = ask(w, "a.quick.test", "1");
    f->in_done = cancel_itself;
    ends(w, f, 0);
}

static void E2_cancelled_at_any_moment(void **state)
{
    struct world *w = *state;
    unsigned seed = 99;

    w->expect_clean = true;
    replace_names(w);
    for (int i = 0; i < 500 / test_slowness(); i++) {
        struct found *f = ask(w, "a.two.test", "1");

        seed = seed * 1103515245 + 12345;
        for (unsigned n = seed >> 16 & 15; n > 0; n--)
            raw_yield();
        if (seed >> 24 & 1)
            test_spin(w, 1);
        ends(w, f, rondo_cancel(w->loop, f->id) == 0 ? RONDO_ECANCELED : 0);
    }
    assert_int_equal(test_metrics(w).live_jobs, 0);
}

static void L5_the_loop_closes_during_a_look_up(void **state)
{
    struct world *w = *state;
    struct found *f = ask_slow(w);
    struct found *literal = ask(w, "127.0.0.1", "1");

    test_close_loop(w);
    assert_int_equal(raw_names_waiting(), 1); /* close did not wait for it */
    assert_int_equal(f->error, RONDO_ECANCELED);
    assert_int_equal(literal->error, RONDO_ECANCELED);
    assert_int_equal(f->done + literal->done, 2);
    let_go(w);
}

static void L3_a_look_up_keeps_it_running_unless_background(void **state)
{
    struct world *w = *state;
    struct found *f = ask_slow(w);

    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_ok(rondo_set_background(w->loop, f->id, true));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(f->done, 0);
    let_go(w);
    ends(w, f, 0);
}

static void G8_out_of_memory_is_an_error(void **state)
{
    struct world *w = *state;
    unsigned failed = 0;

    replace_names(w);
    for (uint64_t n = 1; n <= 6; n++) {
        struct found *literal;
        struct found *name;

        test_fail_allocation(w, n);
        literal = ask_with(w, "127.0.0.1", "1", NULL);
        name = ask_with(w, "a.quick.test", "1", NULL);
        test_fail_allocation(w, 0);
        for (int i = 0; i < 2; i++) {
            struct found *f = i ? name : literal;

            if (f->id > 0)
                ends(w, f, 0);
            else
                assert_error(f->id, RONDO_ENOMEM);
            failed += f->id < 0;
        }
    }
    assert_true(failed > 0);
    assert_int_equal(test_metrics(w).live_operations, 0);
}

int main(void)
{
    const struct test tests[] = {
        TEST(E3_literals_are_never_looked_up),
        TEST(E3_a_literal_without_a_service),
        TEST(E3_a_literal_of_another_family),
        TEST(E3_only_numeric),
        TEST(E3_the_canonical_name_of_a_literal),
        TEST(E3_services_and_ports_out_of_range),
        TEST(E3_ports_at_the_edges),
        TEST(E3_hosts_that_are_too_long),
        TEST(E3_arguments_that_make_no_sense),
        TEST(E3_a_name_is_looked_up_off_the_loops_thread),
        TEST(E3_errors_of_a_look_up),
        TEST(E3_the_canonical_name),
        TEST(E3_no_host_is_this_machine),
        TEST(E3_a_service_by_name),
        TEST(E3_numbers_and_names_of_an_address),
        TEST(E2_a_cancelled_look_up_returns_at_once),
        TEST(E2_cancelled_after_the_answer),
        TEST(E2_too_late_in_its_own_callback),
        TEST(E2_cancelled_at_any_moment),
        TEST(L5_the_loop_closes_during_a_look_up),
        TEST(G8_out_of_memory_is_an_error),
        TEST(L3_a_look_up_keeps_it_running_unless_background),
    };

    return test_run("names", tests, TEST_COUNT(tests));
}

/* test_names.c - getaddrinfo and getnameinfo. */
/* SPDX-License-Identifier: MIT */
#include "harness_names.h"
#include "raw_net.h"

/* ---- E3: literals ------------------------------------------------------- */

TEST(E3_literals_are_never_looked_up)
{
    static const char *const literals[][2] = {
        {"127.0.0.1", "127.0.0.1:80"},
        {"0.0.0.0", "0.0.0.0:80"},
        {"::1", "[::1]:80"},
        {"::ffff:1.2.3.4", "[::ffff:1.2.3.4]:80"}};

    w->expect_clean = true;
    names_replace(w);
    for (size_t i = 0; i < COUNT_OF(literals); i++) {
        struct found *f = found_ask(w, literals[i][0], "80");

        assert_int_equal(test_metrics(w).live_operations, 1);
        assert_int_equal(test_metrics(w).live_jobs, 0);
        test_spin(w, 1);
        found_ends(w, f, 0);
        assert_int_equal(f->count, 1);
        found_assert_address(f, 0, literals[i][1]);
        assert_false(f->has_canonical);
    }
    assert_int_equal(raw_names_calls(), 0);
}

TEST(E3_a_literal_without_a_service)
{
    struct found *f = found_ask(w, "127.0.0.1", NULL);

    found_ends(w, f, 0);
    found_assert_address(f, 0, "127.0.0.1:0");
}

TEST(E3_a_literal_of_another_family)
{
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;

    hints.family = RONDO_FAMILY_INET6;
    assert_error(found_ask_with(w, "127.0.0.1", "1", &hints)->id,
                 RONDO_EAFNOSUPPORT);
    hints.family = RONDO_FAMILY_INET;
    assert_error(found_ask_with(w, "::1", "1", &hints)->id, RONDO_EAFNOSUPPORT);
    found_ends(w, found_ask_with(w, "127.0.0.1", "1", &hints), 0);
}

TEST(E3_only_numeric)
{
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;

    w->expect_clean = true;
    hints.numeric_host = true;
    assert_error(found_ask_with(w, "localhost", "1", &hints)->id,
                 RONDO_ENONAME);
    found_ends(w, found_ask_with(w, "127.0.0.1", "1", &hints), 0);
    hints.numeric_service = true;
    assert_error(found_ask_with(w, "127.0.0.1", "http", &hints)->id,
                 RONDO_ENONAME);
    found_ends(w, found_ask_with(w, "127.0.0.1", "65535", &hints), 0);
}

TEST(E3_the_canonical_name_of_a_literal)
{
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;
    struct found *f;

    hints.canonical_name = true;
    f = found_ask_with(w, "127.0.0.1", "1", &hints);
    found_ends(w, f, 0);
    assert_string_equal(f->canonical, "127.0.0.1");
}

/* ---- E3: what is never asked -------------------------------------------- */

TEST(E3_services_and_ports_out_of_range)
{
    static const char *const wrong[] = {
        "",          "65536", "70000", "99999999999999999999999",
        "-1",        "+80",   " 80",   "80 ",
        "8 0",       "-",     "1-2",   "0 ",
        "4294967376"};

    w->expect_clean = true;
    names_replace(w);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_error(found_ask_with(w, "127.0.0.1", wrong[i], NULL)->id,
                     RONDO_EINVAL);
        assert_error(found_ask_with(w, "a.quick.test", wrong[i], NULL)->id,
                     RONDO_EINVAL);
        assert_true(strstr(rondo_last_error(), "getaddrinfo") != NULL);
    }
    assert_int_equal(raw_names_calls(), 0);
}

TEST(E3_ports_at_the_edges)
{
    struct found *f = found_ask(w, "127.0.0.1", "0");

    found_ends(w, f, 0);
    found_assert_address(f, 0, "127.0.0.1:0");
    f = found_ask(w, "127.0.0.1", "65535");
    found_ends(w, f, 0);
    found_assert_address(f, 0, "127.0.0.1:65535");
    f = found_ask(w, "127.0.0.1", "00080");
    found_ends(w, f, 0);
    found_assert_address(f, 0, "127.0.0.1:80");
}

TEST(E3_hosts_that_are_too_long)
{
    char host[301];

    w->expect_clean = true;
    names_replace(w);
    memset(host, 'a', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    assert_error(found_ask_with(w, host, "1", NULL)->id, RONDO_EINVAL);
    host[256] = '\0';
    assert_error(found_ask_with(w, host, "1", NULL)->id, RONDO_EINVAL);
    assert_string_equal(rondo_last_error(),
                        "getaddrinfo: a host of 256 bytes; 1 to 255 are "
                        "allowed");
    assert_einval(
        rondo_create_connection(w->loop, RONDO_CONNECT(.host = host, .port = 1),
                                &recorder, NULL, NULL, NULL));
    assert_string_equal(rondo_last_error(),
                        "create_connection: a host of 256 bytes; 1 to 255 are "
                        "allowed");
    assert_error(found_ask_with(w, "", "1", NULL)->id, RONDO_EINVAL);
    assert_int_equal(raw_names_calls(), 0);
    memcpy(host + 245, ".none.test", 11); /* 255 bytes */
    found_ends(w, found_ask(w, host, "1"), RONDO_ENONAME);
    assert_int_equal(raw_names_longest(), 255); /* all of it */
}

static void name_never(rondo_loop *loop, void *arg, const char *host,
                       const char *service, int error)
{
    (void)loop;
    (void)arg;
    (void)host;
    (void)service;
    (void)error;
    abort();
}

TEST(E3_arguments_that_make_no_sense)
{
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;
    rondo_address a;

    w->expect_clean = true;
    assert_error(found_ask_with(w, NULL, NULL, NULL)->id, RONDO_EINVAL);
    assert_einval(rondo_getaddrinfo(w->loop, "::1", "1", NULL, NULL, NULL));
    assert_einval(rondo_getaddrinfo(NULL, "::1", "1", NULL, found_never, NULL));
    hints.family = RONDO_FAMILY_UNIX;
    assert_error(found_ask_with(w, "::1", "1", &hints)->id, RONDO_EINVAL);
    hints.size = 0;
    assert_error(found_ask_with(w, "::1", "1", &hints)->id, RONDO_EINVAL);
    assert_ok(rondo_address_parse(&a, "127.0.0.1", 80));
    assert_einval(rondo_getnameinfo(w->loop, NULL, 0, name_never, NULL));
    assert_einval(rondo_getnameinfo(w->loop, &a, 0, NULL, NULL));
    assert_einval(rondo_getnameinfo(w->loop, &a, 1 << 20, name_never, NULL));
    memset(&a, 0, sizeof a);
    assert_error(rondo_getnameinfo(w->loop, &a, 0, name_never, NULL),
                 RONDO_EAFNOSUPPORT);
    assert_einval(rondo_set_resolver(NULL, NULL));
    rondo_resolver_answer(NULL, NULL, 0, 0);
}

/* ---- E3: names ---------------------------------------------------------- */

TEST(E3_a_name_is_looked_up_off_the_loops_thread)
{
    struct found *f;

    w->expect_clean = true;
    names_replace(w);
    f = found_ask(w, "a.many.test", "8080");
    assert_int_equal(test_metrics(w).live_jobs, 1);
    found_ends(w, f, 0);
    assert_int_equal(f->count, 8);
    found_assert_address(f, 0, "127.0.0.8:8080"); /* the resolver's order */
    found_assert_address(f, 7, "127.0.0.1:8080");
    assert_false(raw_names_on_caller());
    assert_int_equal(raw_names_calls(), 1);
}

TEST(E3_errors_of_a_look_up)
{
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;
    struct found *f;

    w->expect_clean = true;
    names_replace(w);
    f = found_ask(w, "a.none.test", "1");
    found_ends(w, f, RONDO_ENONAME);
    assert_true(strstr(f->sentence, "getaddrinfo: cannot look up a.none.test"));
    found_ends(w, found_ask(w, "a.later.test", "1"), RONDO_EAGAIN);
    hints.family = RONDO_FAMILY_INET6;
    found_ends(w, found_ask_with(w, "a.quick.test", "1", &hints),
               RONDO_ENONAME);
}

TEST(E3_the_canonical_name)
{
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;
    struct found *f;

    names_replace(w);
    f = found_ask(w, "a.quick.test", "1");
    found_ends(w, f, 0);
    assert_false(f->has_canonical); /* not asked for */
    hints.canonical_name = true;
    f = found_ask_with(w, "a.quick.test", "1", &hints);
    found_ends(w, f, 0);
    assert_string_equal(f->canonical, "ours");
}

TEST(E3_no_host_is_this_machine)
{
    rondo_lookup_hints hints = RONDO_LOOKUP_HINTS_INIT;
    struct found *f = found_ask(w, NULL, "80");

    found_ends(w, f, 0);
    for (size_t i = 0; i < f->count; i++) {
        unsigned char ip[16];
        size_t size = rondo_address_ip(&f->addresses[i], ip);

        assert_int_equal(ip[size - 1], 1); /* 127.0.0.1 or ::1 */
        assert_int_equal(rondo_address_port(&f->addresses[i]), 80);
    }
    hints.passive = true;
    hints.family = RONDO_FAMILY_INET;
    f = found_ask_with(w, NULL, "80", &hints);
    found_ends(w, f, 0);
    found_assert_address(f, 0, "0.0.0.0:80");
}

TEST(E3_a_service_by_name)
{
    struct found *f = found_ask(w, "127.0.0.1", "http");

    test_run_until(w, f->done);
    if (f->error == RONDO_ENONAME)
        test_skip(w, "this system knows no names of services");
    found_ends(w, f, 0);
    found_assert_address(f, 0, "127.0.0.1:80");
    found_ends(w, found_ask(w, "127.0.0.1", "no-such-service-here"),
               RONDO_ENONAME);
}

TEST(E3_numbers_and_names_of_an_address)
{
    rondo_address a;
    struct found *f;

    assert_ok(rondo_address_parse(&a, "127.0.0.1", 80));
    f = found_ask_back(
        w, &a, RONDO_NAMEINFO_NUMERIC_HOST | RONDO_NAMEINFO_NUMERIC_SERVICE);
    assert_int_equal(test_metrics(w).live_jobs, 0); /* needs no thread */
    found_ends(w, f, 0);
    assert_string_equal(f->host, "127.0.0.1");
    assert_string_equal(f->service, "80");
    f = found_ask_back(w, &a, 0);
    assert_int_equal(test_metrics(w).live_jobs, 1);
    found_ends(w, f, 0);
    assert_true(f->host[0] && f->service[0]);
}

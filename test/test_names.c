/* test_names.c - getaddrinfo and getnameinfo. */
/* SPDX-License-Identifier: MIT */
#include "harness_names.h"

/* ---- E3: literals ------------------------------------------------------- */

TEST(E3_literals_are_never_looked_up)
{
    static const struct {
        const char *name, *service, *address;
    } rows[] = {{"127.0.0.1", "80", "127.0.0.1:80"},
                {"127.0.0.1", NULL, "127.0.0.1:0"},
                {"127.0.0.1", "0", "127.0.0.1:0"},
                {"127.0.0.1", "65535", "127.0.0.1:65535"},
                {"127.0.0.1", "00080", "127.0.0.1:80"},
                {"0.0.0.0", "80", "0.0.0.0:80"},
                {"::1", "80", "[::1]:80"},
                {"::ffff:1.2.3.4", "80", "[::ffff:1.2.3.4]:80"}};

    names_replace(w);
    for (EACH_ROW(w, row, rows)) {
        struct found *f = found_ask(w, row->name, row->service);

        assert_int_equal(test_metrics(w).live_operations, 1);
        assert_int_equal(test_metrics(w).live_jobs, 0);
        test_spin(w, 1);
        found_ends(w, f, 0);
        assert_int_equal(f->count, 1);
        found_assert_address(f, 0, row->address);
        assert_false(f->has_canonical);
    }
    assert_int_equal(raw_names_calls(), 0);
}

/* What a hint rules out is an error of the call. */
TEST(E3_hints_that_a_literal_does_not_meet)
{
    const struct {
        const char *name, *host, *service;
        const rondo_lookup_hints *hints;
        int error;
    } rows[] = {
        {"not inet6", "127.0.0.1", "1", HINTS(.family = RONDO_FAMILY_INET6),
         RONDO_EAFNOSUPPORT},
        {"not inet", "::1", "1", HINTS(.family = RONDO_FAMILY_INET),
         RONDO_EAFNOSUPPORT},
        {"inet", "127.0.0.1", "1", HINTS(.family = RONDO_FAMILY_INET), 0},
        {"no number", "localhost", "1", HINTS(.numeric_host = true),
         RONDO_ENONAME},
        {"a number", "127.0.0.1", "1", HINTS(.numeric_host = true), 0},
        {"no port", "127.0.0.1", "http", HINTS(.numeric_service = true),
         RONDO_ENONAME},
        {"a port", "127.0.0.1", "65535",
         HINTS(.numeric_host = true, .numeric_service = true), 0}};

    for (EACH_ROW(w, row, rows)) {
        struct found *f =
            found_ask_with(w, row->host, row->service, row->hints);

        if (row->error)
            assert_error(f->id, row->error);
        else
            found_ends(w, f, 0);
    }
}

/* ---- E3: what is never asked -------------------------------------------- */

TEST(E3_services_and_ports_out_of_range)
{
    static const char *const wrong[] = {
        "",          "65536", "70000", "99999999999999999999999",
        "-1",        "+80",   " 80",   "80 ",
        "8 0",       "-",     "1-2",   "0 ",
        "4294967376"};

    names_replace(w);
    for (size_t i = 0; i < 2 * COUNT_OF(wrong); i++) {
        const char *host = i % 2 ? "a.quick.test" : "127.0.0.1";

        assert_error(found_ask_with(w, host, wrong[i / 2], NULL)->id,
                     RONDO_EINVAL);
        assert_non_null(strstr(rondo_last_error(), "getaddrinfo"));
    }
    assert_int_equal(raw_names_calls(), 0);
}

TEST(E3_hosts_that_are_too_long)
{
    char host[301];

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

TEST(E3_arguments_that_make_no_sense)
{
    const rondo_lookup_hints *unix_only = HINTS(.family = RONDO_FAMILY_UNIX);
    const rondo_lookup_hints no_size = {.size = 0};
    rondo_address a = {0};

    assert_error(found_ask_with(w, NULL, NULL, NULL)->id, RONDO_EINVAL);
    assert_einval(rondo_getaddrinfo(w->loop, "::1", "1", NULL, NULL, NULL));
    assert_einval(rondo_getaddrinfo(NULL, "::1", "1", NULL, found_never, NULL));
    assert_error(found_ask_with(w, "::1", "1", unix_only)->id, RONDO_EINVAL);
    assert_error(found_ask_with(w, "::1", "1", &no_size)->id, RONDO_EINVAL);
    assert_error(rondo_getnameinfo(w->loop, &a, 0, named_never, NULL),
                 RONDO_EAFNOSUPPORT);
    assert_ok(rondo_address_parse(&a, "127.0.0.1", 80));
    assert_einval(rondo_getnameinfo(w->loop, NULL, 0, named_never, NULL));
    assert_einval(rondo_getnameinfo(w->loop, &a, 0, NULL, NULL));
    assert_einval(rondo_getnameinfo(w->loop, &a, 1 << 20, named_never, NULL));
    assert_einval(rondo_set_resolver(NULL, NULL));
    rondo_resolver_answer(NULL, NULL, 0, 0);
}

/* ---- E3: names ---------------------------------------------------------- */

TEST(E3_a_name_is_looked_up_off_the_loops_thread)
{
    struct found *f;

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
    const struct {
        const char *name;
        const rondo_lookup_hints *hints;
        int error;
    } rows[] = {
        {"a.none.test", NULL, RONDO_ENONAME},
        {"a.later.test", NULL, RONDO_EAGAIN},
        {"a.quick.test", HINTS(.family = RONDO_FAMILY_INET6), RONDO_ENONAME}};

    names_replace(w);
    for (EACH_ROW(w, row, rows)) {
        struct found *f = found_ask_with(w, row->name, "1", row->hints);

        found_ends(w, f, row->error);
        assert_non_null(strstr(f->sentence, "getaddrinfo: cannot look up a."));
        assert_non_null(strstr(f->sentence, row->name));
    }
}

TEST(E3_the_canonical_name)
{
    const rondo_lookup_hints *hints = HINTS(.canonical_name = true);
    struct found *f = found_ask_with(w, "127.0.0.1", "1", hints);

    found_ends(w, f, 0);
    assert_string_equal(f->canonical, "127.0.0.1");
    names_replace(w);
    f = found_ask(w, "a.quick.test", "1");
    found_ends(w, f, 0);
    assert_false(f->has_canonical); /* not asked for */
    f = found_ask_with(w, "a.quick.test", "1", hints);
    found_ends(w, f, 0);
    assert_string_equal(f->canonical, "ours");
}

TEST(E3_no_host_is_this_machine)
{
    struct found *f = found_ask(w, NULL, "80");

    found_ends(w, f, 0);
    for (size_t i = 0; i < f->count; i++) {
        unsigned char ip[16];
        size_t size = rondo_address_ip(&f->addresses[i], ip);

        assert_int_equal(ip[size - 1], 1); /* 127.0.0.1 or ::1 */
        assert_int_equal(rondo_address_port(&f->addresses[i]), 80);
    }
    f = found_ask_with(w, NULL, "80",
                       HINTS(.passive = true, .family = RONDO_FAMILY_INET));
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

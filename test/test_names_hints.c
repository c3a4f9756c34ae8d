/* test_names_hints.c - what else a look-up can ask for, and flow labels. */
/* SPDX-License-Identifier: MIT */
#include "harness_names.h"

enum { STREAM = 1, DATAGRAM = 2, RAW = 3 }; /* SOCK_..., the same everywhere */

/* ---- E4: types and protocols ------------------------------------------- */

TEST(E4_services_of_each_type)
{
    static const struct {
        const char *name;
        int type, protocol;
    } rows[] = {{"stream", STREAM, 0},     {"stream of TCP", STREAM, 6},
                {"datagram", DATAGRAM, 0}, {"datagram of UDP", DATAGRAM, 17},
                {"raw", RAW, 0},           {"raw ICMP", RAW, 1}};

    for (EACH_ROW(w, row, rows)) {
        struct found *f = found_ask_with(w, "localhost", "80",
                                         HINTS(.family = RONDO_FAMILY_INET,
                                               .socket_type = row->type,
                                               .protocol = row->protocol));

        found_ends(w, f, 0);
        assert_true(found_has(f, "127.0.0.1:80"));
    }
}

/* Not once for each type. */
TEST(E4_any_type_gives_each_address_once)
{
    struct found *f = found_ask_with(w, "localhost", "80",
                                     HINTS(.socket_type = RONDO_ANY_SOCKET));

    found_ends(w, f, 0);
    assert_in_range(f->count, 1, FOUND_KEPT);
    for (size_t i = 0; i < f->count; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(
                rondo_address_equal(&f->addresses[i], &f->addresses[k]));
}

TEST(E4_types_that_are_none)
{
    static const struct {
        const char *name;
        int type, protocol;
    } rows[] = {{"a negative type", -2, 0}, {"a negative protocol", 0, -1}};

    for (EACH_ROW(w, row, rows))
        assert_error(rondo_getaddrinfo(w->loop, "localhost", "80",
                                       HINTS(.socket_type = row->type,
                                             .protocol = row->protocol),
                                       found_never, w),
                     RONDO_EINVAL);
}

TEST(E4_a_protocol_of_another_type)
{
    struct found *f = found_ask_with(
        w, "localhost", "80", HINTS(.socket_type = STREAM, .protocol = 17));

    test_run_until(w, f->done);
    test_skip_if(w, f->error == 0, "this system asks for the type alone");
    assert_true(f->error == RONDO_ENOTSUP || f->error == RONDO_ENONAME);
    assert_int_equal(f->count, 0);
}

/* ---- E5: families ------------------------------------------------------ */

TEST(E5_a_literal_is_mapped)
{
    struct found *f =
        found_ask_with(w, "1.2.3.4", "80",
                       HINTS(.family = RONDO_FAMILY_INET6, .v4_mapped = true));

    found_ends(w, f, 0);
    assert_int_equal(f->count, 1);
    found_assert_address(f, 0, "[::ffff:1.2.3.4]:80");
    f = found_ask_with(w, "::1", "80",
                       HINTS(.family = RONDO_FAMILY_INET6, .v4_mapped = true));
    found_ends(w, f, 0);
    found_assert_address(f, 0, "[::1]:80");
}

/* Of another family it means nothing. */
TEST(E5_mapped_for_inet6_alone)
{
    struct found *f =
        found_ask_with(w, "1.2.3.4", "80", HINTS(.v4_mapped = true));

    found_ends(w, f, 0);
    found_assert_address(f, 0, "1.2.3.4:80");
}

TEST(E5_a_name_is_mapped)
{
    struct found *f =
        found_ask_with(w, "localhost", "80",
                       HINTS(.family = RONDO_FAMILY_INET6, .v4_mapped = true,
                             .all_mapped = true));

    test_run_until(w, f->done);
    test_skip_if(w, f->error == RONDO_ENOTSUP, "this system maps none");
    assert_int_equal(f->error, 0);
    for (size_t i = 0; i < f->count; i++)
        assert_int_equal(rondo_address_family(&f->addresses[i]),
                         RONDO_FAMILY_INET6);
    assert_true(found_has(f, "[::ffff:127.0.0.1]:80"));
}

/* A host with loopback alone has no family: what it has no address of is
 * left out, and nothing else is. */
TEST(E5_configured_families)
{
    struct found *all = found_ask(w, "localhost", "80");
    struct found *some =
        found_ask_with(w, "localhost", "80", HINTS(.configured = true));

    test_run_until(w, all->done && some->done);
    assert_int_equal(all->error, 0);
    assert_true(some->error == 0 || some->error == RONDO_ENONAME);
    assert_true(some->count <= all->count);
}

/* ---- a resolver of the program's ---------------------------------------- */

static int start(void *context, rondo_lookup *lookup, const char *host,
                 const char *service, const rondo_lookup_hints *hints)
{
    rondo_address a;

    (void)host;
    assert_string_equal(service, "80");
    *(rondo_lookup_hints *)context = *hints;
    assert_ok(rondo_address_parse(&a, "10.0.0.1", 0));
    rondo_resolver_answer(lookup, &a, 1, 0);
    return 0;
}

static void cancel(void *context, rondo_lookup *lookup)
{
    (void)context;
    (void)lookup;
}

TEST(E4_a_resolver_is_told_all)
{
    rondo_lookup_hints heard = {0};
    const rondo_resolver resolver = {
        .start = start, .cancel = cancel, .context = &heard};
    struct found *f;

    assert_ok(rondo_set_resolver(w->loop, &resolver));
    f = found_ask_with(w, "a.name", "80",
                       HINTS(.socket_type = RAW, .protocol = 1,
                             .configured = true, .v4_mapped = true,
                             .all_mapped = true));
    found_ends(w, f, 0);
    assert_true(heard.socket_type == RAW && heard.protocol == 1);
    assert_true(heard.configured && heard.v4_mapped && heard.all_mapped);
}

/* ---- E6: flow labels --------------------------------------------------- */

TEST(E6_a_flow_label_is_kept)
{
    rondo_address a, b;

    assert_ok(rondo_address_parse(&a, "::1", 5));
    assert_int_equal(rondo_address_flow(&a), 0);
    b = a;
    rondo_address_set_flow(&a, 0x12345);
    assert_int_equal(rondo_address_flow(&a), 0x12345);
    rondo_address_set_port(&a, 7);
    assert_int_equal(rondo_address_flow(&a), 0x12345);
    rondo_address_set_port(&b, 7);
    assert_true(rondo_address_equal(&a, &b));
    rondo_address_set_flow(&a, 0xffffffff); /* 20 bits */
    assert_int_equal(rondo_address_flow(&a), 0xfffff);
}

TEST(E6_a_native_address_keeps_it)
{
    rondo_address a, b;
    size_t size;
    const void *native;

    assert_ok(rondo_address_parse(&a, "fe80::1", 5));
    rondo_address_set_flow(&a, 0xabcde);
    native = rondo_address_native(&a, &size);
    assert_ok(rondo_address_from_native(&b, native, size));
    assert_int_equal(rondo_address_flow(&b), 0xabcde);
}

TEST(E6_other_families_have_none)
{
    rondo_address a;

    assert_ok(rondo_address_parse(&a, "127.0.0.1", 5));
    rondo_address_set_flow(&a, 1);
    assert_int_equal(rondo_address_flow(&a), 0);
    assert_int_equal(rondo_address_port(&a), 5);
    assert_int_equal(rondo_address_flow(NULL), 0);
    rondo_address_set_flow(NULL, 1);
}

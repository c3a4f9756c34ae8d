/* test_address.c - addresses as values: text, parts, native form. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "raw_net.h"

static rondo_address parse(const char *ip, uint16_t port)
{
    rondo_address a;

    memset(&a, 0xee, sizeof a); /* nothing of before may remain */
    assert_int_equal(rondo_address_parse(&a, ip, port), 0);
    return a;
}

static void check_text(const rondo_address *a, const char *expected)
{
    char text[RONDO_ADDRESS_TEXT];
    int n = rondo_address_text(a, text, sizeof text);

    assert_int_equal(n, strlen(expected));
    assert_string_equal(text, expected);
}

/* ---- parsing and text --------------------------------------------------- */

TEST(addresses_parse_and_print)
{
    static const struct {
        const char *ip;
        uint16_t port;
        const char *text;
        rondo_family family;
    } good[] = {
        {"127.0.0.1", 80, "127.0.0.1:80", RONDO_FAMILY_INET},
        {"0.0.0.0", 0, "0.0.0.0:0", RONDO_FAMILY_INET},
        {"255.255.255.255", 65535, "255.255.255.255:65535", RONDO_FAMILY_INET},
        {"::1", 80, "[::1]:80", RONDO_FAMILY_INET6},
        {"::", 0, "[::]:0", RONDO_FAMILY_INET6},
        {"2001:db8::ff00:42:8329", 443, "[2001:db8::ff00:42:8329]:443",
         RONDO_FAMILY_INET6},
        {"2001:0DB8:0000:0000:0000:FF00:0042:8329", 443,
         "[2001:db8::ff00:42:8329]:443", RONDO_FAMILY_INET6},
        {"::ffff:1.2.3.4", 5, "[::ffff:1.2.3.4]:5", RONDO_FAMILY_INET6},
        {"fe80::1%1", 80, "[fe80::1%1]:80", RONDO_FAMILY_INET6},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535,
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", RONDO_FAMILY_INET6},
    };

    for (unsigned i = 0; i < COUNT_OF(good); i++) {
        rondo_address a = parse(good[i].ip, good[i].port);

        check_text(&a, good[i].text);
        assert_int_equal(rondo_address_family(&a), good[i].family);
        assert_int_equal(rondo_address_port(&a), good[i].port);
    }
}

TEST(addresses_that_are_none_are_refused)
{
    static const char *const bad[] = {
        "",           " ",        "localhost",  "1.2.3",      "1.2.3.4.5",
        "256.0.0.1",  "1.2.3.-4", "1.2.3.4 ",   " 1.2.3.4",   "1.2.3.4:80",
        "01.2.3.4",   "1..3.4",   "0x7f.1",     "127.1",      "2130706433",
        ":",          ":::",      "::1::",      "[::1]",      "[::1]:80",
        "::g",        "1:2:3",    "12345::",    "::1%",       "%1",
        "fe80::1%%1", "::1.2.3",  "fe80::1%-1", "fe80::1%1 ", "127.0.0.1%1",
        "\xc3\xa4",   "\xff\xfe"};
    rondo_address a;

    for (unsigned i = 0; i < COUNT_OF(bad); i++)
        if (rondo_address_parse(&a, bad[i], 80) != RONDO_EINVAL ||
            rondo_last_error()[0] == '\0')
            test_fail(w, "not refused: \"%s\"", bad[i]);
    assert_einval(rondo_address_parse(&a, "1:2:3:4:5:6:7:8:9", 80));
    assert_einval(rondo_address_parse(&a, "::ffff:1.2.3.256", 80));
    assert_einval(rondo_address_parse(&a, "fe80::1%nosuchinterface", 80));
    assert_einval(rondo_address_parse(&a, "fe80::1%99999999999999999999", 80));
    assert_einval(rondo_address_parse(&a, NULL, 80));
    assert_einval(rondo_address_parse(NULL, "::1", 80));
}

TEST(addresses_of_absurd_length_are_refused)
{
    char longest[10001] = "";
    rondo_address a;

    memset(longest, '1', sizeof longest - 1);
    assert_einval(rondo_address_parse(&a, longest, 80));
    longest[3] = ':';
    assert_einval(rondo_address_parse(&a, longest, 80));
    memset(longest, ':', sizeof longest - 1);
    assert_einval(rondo_address_parse(&a, longest, 80));
}

TEST(addresses_with_scopes)
{
    rondo_address one = parse("fe80::1%1", 80);
    rondo_address two = parse("fe80::1%2", 80);
    rondo_address none = parse("fe80::1", 80);
    rondo_address four = parse("127.0.0.1", 1);
    char name[64];

    assert_int_equal(rondo_address_scope(&one), 1);
    assert_int_equal(rondo_address_scope(&two), 2);
    assert_int_equal(rondo_address_scope(&none), 0);
    assert_int_equal(rondo_address_scope(&four), 0);
    check_text(&none, "[fe80::1]:80");
    assert_false(rondo_address_equal(&one, &two));
    assert_false(rondo_address_equal(&one, &none));
    if (raw_interface_name(1, name, sizeof name)) {
        none = parse(test_format(w, "fe80::1%%%s", name), 80);
        assert_true(rondo_address_equal(&none, &one));
    }
}

TEST(address_text_in_too_small_a_buffer)
{
    rondo_address a = parse("2001:db8::ff00:42:8329", 443);
    const char *expected = "[2001:db8::ff00:42:8329]:443";
    size_t n = strlen(expected);
    char text[64];

    for (size_t size = 1; size <= n; size++) {
        memset(text, 'x', sizeof text);
        assert_int_equal(rondo_address_text(&a, text, size), RONDO_ETOOMUCH);
        assert_string_equal(text, "");
        assert_int_equal(text[size], 'x'); /* nothing beyond it */
    }
    memset(text, 'x', sizeof text);
    assert_int_equal(rondo_address_text(&a, text, n + 1), n);
    assert_string_equal(text, expected);
    assert_int_equal(text[n + 1], 'x');
    assert_true(rondo_address_text(&a, text, 0) < 0);
    assert_int_equal(text[0], '[');
    assert_true(rondo_address_text(NULL, text, sizeof text) < 0);
    assert_true(rondo_address_text(&a, NULL, sizeof text) < 0);
}

/* ---- parts -------------------------------------------------------------- */

TEST(address_parts)
{
    static const unsigned char six[16] = {0x20, 1, 0x0d, 0xb8, [15] = 9};
    static const unsigned char four[4] = {192, 0, 2, 77};
    rondo_address a = parse("192.0.2.77", 1);
    rondo_address b = parse("2001:db8::9", 2);
    unsigned char bytes[17];

    memset(bytes, 0xee, sizeof bytes);
    assert_int_equal(rondo_address_ip(&a, bytes), 4);
    assert_memory_equal(bytes, four, 4);
    assert_int_equal(bytes[4], 0xee);
    assert_int_equal(rondo_address_ip(&b, bytes), 16);
    assert_memory_equal(bytes, six, 16);
    assert_int_equal(bytes[16], 0xee);
    for (unsigned port = 0; port <= 65535; port += 257) {
        rondo_address_set_port(&a, (uint16_t)port);
        rondo_address_set_port(&b, (uint16_t)port);
        assert_int_equal(rondo_address_port(&a), port);
        assert_int_equal(rondo_address_port(&b), port);
    }
    check_text(&a, "192.0.2.77:65535");
    check_text(&b, "[2001:db8::9]:65535");
}

TEST(addresses_equal_or_not)
{
    static const char *const ips[] = {
        "127.0.0.1",        "127.0.0.2", "::1",      "::2",
        "::ffff:127.0.0.1", "fe80::1%1", "fe80::1%2"};
    unsigned count = COUNT_OF(ips);

    for (unsigned i = 0; i < 2 * count; i++)
        for (unsigned k = 0; k < 2 * count; k++) {
            rondo_address a = parse(ips[i / 2], (uint16_t)(80 + i % 2));
            rondo_address b = parse(ips[k / 2], (uint16_t)(80 + k % 2));

            assert_int_equal(rondo_address_equal(&a, &b), i == k);
        }
}

TEST(the_empty_address)
{
    rondo_address empty = {0}, other = {0};
    unsigned char bytes[16];
    char text[RONDO_ADDRESS_TEXT];
    rondo_address a = parse("0.0.0.0", 0);
    size_t size = 99;

    assert_int_equal(rondo_address_family(&empty), RONDO_FAMILY_ANY);
    assert_int_equal(rondo_address_port(&empty), 0);
    assert_int_equal(rondo_address_ip(&empty, bytes), 0);
    assert_int_equal(rondo_address_scope(&empty), 0);
    rondo_address_set_port(&empty, 80);
    assert_int_equal(rondo_address_port(&empty), 0);
    assert_true(rondo_address_equal(&empty, &other));
    assert_false(rondo_address_equal(&empty, &a));
    assert_true(rondo_address_text(&empty, text, sizeof text) >= 0);
    assert_non_null(rondo_address_native(&empty, &size));
    assert_int_equal(size, 0);
}

TEST(addresses_of_null)
{
    rondo_address a = parse("127.0.0.1", 1);
    unsigned char bytes[16];

    assert_int_equal(rondo_address_family(NULL), RONDO_FAMILY_ANY);
    assert_int_equal(rondo_address_port(NULL), 0);
    assert_int_equal(rondo_address_ip(NULL, bytes), 0);
    assert_int_equal(rondo_address_scope(NULL), 0);
    assert_false(rondo_address_equal(&a, NULL));
    assert_false(rondo_address_equal(NULL, &a));
    rondo_address_set_port(NULL, 1);
    assert_einval(rondo_address_from_native(NULL, &a, 16));
    assert_einval(rondo_address_from_native(&a, NULL, 16));
}

/* ---- the native form ---------------------------------------------------- */

TEST(native_round_trips)
{
    static const char *const ips[] = {"127.0.0.1", "0.0.0.0",
                                      "::", "2001:db8::1", "fe80::1%2"};

    for (unsigned i = 0; i < COUNT_OF(ips); i++) {
        rondo_address a = parse(ips[i], 4711), b;
        unsigned char unaligned[129];
        size_t size = 0, again = 0;
        const void *native = rondo_address_native(&a, &size);

        assert_non_null(native);
        assert_in_range(size, 16, 28);
        memcpy(unaligned + 1, native, size);
        memset(&b, 0xee, sizeof b);
        assert_ok(rondo_address_from_native(&b, unaligned + 1, size));
        assert_true(rondo_address_equal(&a, &b));
        /* room behind it is no harm: a sockaddr_storage for instance */
        assert_ok(rondo_address_from_native(&b, unaligned + 1, 128));
        assert_true(rondo_address_equal(&a, &b));
        (void)rondo_address_native(&b, &again);
        assert_int_equal(again, size); /* bind(2) of some systems insists */
        for (size_t n = 0; n < size; n++)
            assert_einval(rondo_address_from_native(&b, unaligned + 1, n));
        assert_einval(rondo_address_from_native(&b, unaligned + 1, 129));
        assert_einval(rondo_address_from_native(&b, unaligned + 1, SIZE_MAX));
    }
}

TEST(native_padding_means_nothing)
{
    static const unsigned char ip[4] = {127, 0, 0, 1};
    unsigned char native[128];
    rondo_address expected = parse("127.0.0.1", 80), a;

    for (int filler = 0; filler < 256; filler += 85) {
        size_t size = raw_native_inet(native, ip, 80, filler);

        assert_int_equal(rondo_address_from_native(&a, native, size), 0);
        assert_true(rondo_address_equal(&a, &expected));
        check_text(&a, "127.0.0.1:80");
    }
}

TEST(native_of_an_unknown_family)
{
    unsigned char native[128];
    size_t size = raw_native_unknown(native);
    rondo_address a = parse("127.0.0.1", 80);

    assert_int_equal(rondo_address_from_native(&a, native, size),
                     RONDO_EAFNOSUPPORT);
    memset(native, 0, sizeof native); /* the family "unspecified" */
    assert_true(rondo_address_from_native(&a, native, size) < 0);
}

/* ---- unix sockets ------------------------------------------------------- */

static void check_unix(const char *path, size_t size, const char *text)
{
    rondo_address a, b;
    size_t native_size = 0;
    const void *native;

    memset(&a, 0xee, sizeof a);
    assert_int_equal(rondo_address_unix(&a, path, size), 0);
    assert_int_equal(rondo_address_family(&a), RONDO_FAMILY_UNIX);
    assert_int_equal(rondo_address_port(&a), 0);
    check_text(&a, text);
    native = rondo_address_native(&a, &native_size);
    assert_int_equal(rondo_address_from_native(&b, native, native_size), 0);
    assert_true(rondo_address_equal(&a, &b));
    check_text(&b, text);
}

TEST(unix_addresses)
{
    int64_t limit = rondo_loop_limit(w->loop, RONDO_LIMIT_UNIX_PATH);
    char path[512];
    rondo_address a, b;

    test_skip_if(w, limit == 0, "no unix sockets on this platform");
    check_unix("/tmp/x", 6, "/tmp/x");
    check_unix("/tmp/x", 5, "/tmp/");
    check_unix("relative", 8, "relative");
    memset(path, 'p', sizeof path);
    path[limit] = '\0';
    check_unix(path, (size_t)limit, path);
    path[limit] = 'p';
    assert_error(rondo_address_unix(&a, path, (size_t)limit + 1),
                 RONDO_ENAMETOOLONG);
    assert_error(rondo_address_unix(&a, path, SIZE_MAX), RONDO_ENAMETOOLONG);
    /* a path ends at a NUL byte: never cut in silence */
    assert_einval(rondo_address_unix(&a, "a\0b", 3));
    assert_einval(rondo_address_unix(&a, "", 0));
    assert_einval(rondo_address_unix(&a, NULL, 3));
    assert_einval(rondo_address_unix(NULL, path, 3));
    assert_ok(rondo_address_unix(&a, "ab", 2));
    assert_ok(rondo_address_unix(&b, "abc", 3));
    assert_false(rondo_address_equal(&a, &b));
    assert_ok(rondo_address_unix(&b, "ab", 2));
    assert_true(rondo_address_equal(&a, &b));
}

TEST(abstract_unix_addresses)
{
    rondo_address a, b;

    if (rondo_address_unix(&a, "\0name", 5) < 0)
        test_skip(w, "no abstract unix sockets on this system");
    check_unix("\0name", 5, "@name");
    assert_int_equal(rondo_address_unix(&b, "name", 4), 0);
    assert_false(rondo_address_equal(&a, &b));
    assert_int_equal(rondo_address_unix(&b, "\0name\0", 6), 0);
    assert_false(rondo_address_equal(&a, &b)); /* every byte counts */
}

/* test_datagram_info.c - what goes beside a datagram, in both directions. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_datagram.h"

/* ---- an endpoint that is told ------------------------------------------- */

/* The last one's; of `user` of an endpoint. */
struct told {
    rondo_datagram_info info;
};

static void received_with(rondo_datagram *d, void *self, const void *data,
                          size_t size, const rondo_address *from,
                          const rondo_datagram_info *info)
{
    struct endpoint *e = self;
    struct told *told = e->user;

    assert_int_equal(info->size, sizeof *info);
    told->info = *info;
    datagram_recorder.datagram_received(d, self, data, size, from,
                                        info->known & RONDO_INFO_TRUNCATED);
}

static struct endpoint *told_open(struct world *w,
                                  const rondo_datagram_options *options)
{
    static rondo_datagram_protocol protocol;
    struct endpoint *e = endpoint_new(w);

    protocol = datagram_recorder;
    protocol.datagram_received_with = received_with;
    e->user = test_alloc(w, sizeof(struct told));
    assert_ok(
        rondo_create_datagram_endpoint(w->loop, options, &protocol, e, &e->d));
    assert_ok(rondo_datagram_local_address(e->d, &e->local));
    test_run_until(w, e->made);
    return e;
}

static const rondo_datagram_info *info_of(const struct endpoint *e)
{
    return &((const struct told *)e->user)->info;
}

static void needs(struct world *w, rondo_capability what, const char *name)
{
    char reason[64];

    (void)snprintf(reason, sizeof reason, "the system has no %s", name);
    test_skip_if(w, !rondo_loop_supports(w->loop, what), reason);
}

static const char *const loopbacks[] = {"127.0.0.1", "::1"};

/* One that is told this, at that address and some port. */
static struct endpoint *told_at(struct world *w, const char *ip, unsigned info)
{
    rondo_address a = endpoint_address(ip, 0);

    return told_open(w, RONDO_DATAGRAM(.local_address = &a, .info = info));
}

static int send_info(struct endpoint *e, const char *text,
                     const rondo_address *to, const rondo_datagram_info *info)
{
    const rondo_buffer piece = {.data = text, .size = strlen(text)};

    return rondo_datagram_send_with(e->d, &piece, 1, to, info);
}

/* ---- D8: asking --------------------------------------------------------- */

static const struct {
    const char *name;
    rondo_capability can;
    unsigned info;
} members[] = {
    {"local", RONDO_CAN_PACKET_INFO, RONDO_INFO_LOCAL},
    {"interface", RONDO_CAN_PACKET_INFO, RONDO_INFO_INTERFACE},
    {"ecn", RONDO_CAN_ECN, RONDO_INFO_ECN},
    {"ttl", RONDO_CAN_TTL, RONDO_INFO_TTL},
    {"segments", RONDO_CAN_SEGMENTATION, RONDO_INFO_SEGMENTS},
    {"time", RONDO_CAN_TIMESTAMPS, RONDO_INFO_TIME},
};

TEST(D8_what_the_loop_supports_is_told_and_the_rest_refused)
{
    raw_fd fd = test_udp(w);

    for (EACH_ROW(w, row, members)) {
        const rondo_datagram_options *options =
            RONDO_DATAGRAM(.local_address = endpoint_here(w),
                           .info = row->info);
        if (!rondo_loop_supports(w->loop, row->can)) {
            endpoint_refused(w, options, RONDO_ENOTSUP, "info");
            continue;
        }
        struct endpoint *e = told_open(w, options);
        assert_int_equal(raw_send_to(fd, "x", 1, &e->local), 1);
        test_run_until(w, e->received == 1);
        /* one datagram alone has no segments */
        if (row->info != RONDO_INFO_SEGMENTS)
            assert_true(info_of(e)->known & row->info);
        endpoint_end(e);
    }
}

TEST(D8_what_makes_no_sense_is_refused)
{
    rondo_address unix_path;

    endpoint_refused(w, RONDO_DATAGRAM(.family = RONDO_FAMILY_INET, .info = 64),
                     RONDO_EINVAL, "info");
    endpoint_refused(w,
                     RONDO_DATAGRAM(.family = RONDO_FAMILY_INET,
                                    .fragments = (rondo_fragments)4),
                     RONDO_EINVAL, "fragments");
    if (rondo_address_unix(&unix_path, "/nowhere/at/all", 15) != 0)
        return;
    endpoint_refused(
        w, RONDO_DATAGRAM(.family = RONDO_FAMILY_UNIX, .info = RONDO_INFO_TTL),
        RONDO_ENOTSUP, "info");
    endpoint_refused(w,
                     RONDO_DATAGRAM(.family = RONDO_FAMILY_UNIX,
                                    .fragments = RONDO_FRAGMENTS_NEVER),
                     RONDO_ENOTSUP, "fragments");
}

/* A protocol that wants no info is called all the same, on any family. */
TEST(D8_nothing_asked_for_nothing_known)
{
    struct endpoint *e =
        told_open(w, RONDO_DATAGRAM(.local_address = endpoint_here(w),
                                    .receive_size = 4));
    raw_fd fd = test_udp(w);

    assert_int_equal(raw_send_to(fd, "1234", 4, &e->local), 4);
    test_run_until(w, e->received == 1);
    assert_int_equal(info_of(e)->known, 0);
    assert_int_equal(raw_send_to(fd, "12345", 5, &e->local), 5);
    test_run_until(w, e->received == 2);
    assert_int_equal(info_of(e)->known, RONDO_INFO_TRUNCATED);
    assert_int_equal(e->size, 4);
    endpoint_end(e);
}

/* ---- D8: the address that it came to ------------------------------------ */

TEST(D8_told_is_the_address_that_it_was_sent_to)
{
    needs(w, RONDO_CAN_PACKET_INFO, "RONDO_CAN_PACKET_INFO");
    for (unsigned i = 0; i < 1U + raw_has_inet6(); i++) {
        rondo_address a, here = endpoint_address(loopbacks[i], 0);
        struct endpoint *from = endpoint_at(w, loopbacks[i]);
        struct endpoint *e = told_at(w, i ? "::" : "0.0.0.0", RONDO_INFO_LOCAL);

        here = endpoint_address(loopbacks[i], rondo_address_port(&e->local));
        assert_ok(rondo_datagram_send(from->d, "x", 1, &here));
        test_run_until(w, e->received == 1);
        assert_true(rondo_address_equal(&info_of(e)->local, &here));
        assert_true(info_of(e)->interface_index > 0);
        assert_ok(rondo_datagram_local_address(from->d, &a));
        assert_true(rondo_address_equal(&e->from, &a));
        endpoint_end(e);
        endpoint_end(from);
    }
}

static void answer_from_there(struct endpoint *e)
{
    rondo_datagram_info info = RONDO_DATAGRAM_INFO_INIT;
    const rondo_buffer piece = {.data = e->lent, .size = e->size};

    info.known = RONDO_INFO_LOCAL;
    info.local = info_of(e)->local;
    assert_ok(rondo_datagram_send_with(e->d, &piece, 1, &e->from, &info));
}

/* 127.0.0.2 is an address of this machine, too, on Linux and Windows. */
TEST(D8_an_answer_comes_from_where_the_question_went)
{
    struct endpoint *e, *from;
    rondo_address other;

    needs(w, RONDO_CAN_PACKET_INFO, "RONDO_CAN_PACKET_INFO");
    other = endpoint_address("127.0.0.2", 0);
    raw_fd probe = raw_datagram_at(&other, false);
    test_skip_if(w, probe == RONDO_NO_FD, "127.0.0.2 is not this machine");
    raw_close(probe);
    e = told_at(w, "0.0.0.0", RONDO_INFO_LOCAL);
    from = endpoint_bound(w);
    e->on_data = answer_from_there;
    other = endpoint_address("127.0.0.2", rondo_address_port(&e->local));
    assert_ok(rondo_datagram_send(from->d, "hello", 5, &other));
    endpoint_hears(from, "hello");
    assert_true(rondo_address_equal(&from->from, &other));
    /* and while it waits for the kernel */
    endpoint_block(w);
    answer_from_there(e);
    assert_true(endpoint_buffered(e) > 0);
    endpoint_unblock();
    test_run_until(w, from->received == 2);
    assert_true(rondo_address_equal(&from->from, &other));
    endpoint_end(e);
    endpoint_end(from);
}

TEST(D8_an_address_of_another_machine_is_refused)
{
    rondo_datagram_info info = RONDO_DATAGRAM_INFO_INIT;
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    needs(w, RONDO_CAN_PACKET_INFO, "RONDO_CAN_PACKET_INFO");
    info.known = RONDO_INFO_LOCAL;
    info.local = endpoint_address("192.0.2.1", 0);
    assert_true(send_info(e, "x", &to->local, &info) < 0);
    info.local = endpoint_address("::1", 0);
    assert_refused(send_info(e, "x", &to->local, &info), RONDO_EINVAL,
                   "family");
    endpoint_end(e);
    endpoint_end(to);
    if (!raw_has_inet6())
        return;
    e = endpoint_at(w, "::1");
    info.local = endpoint_address("2001:db8::1", 0);
    assert_true(send_info(e, "x", &e->local, &info) < 0);
    endpoint_end(e);
}

/* ---- D8: ECN and TTL ---------------------------------------------------- */

static void try_numbers(struct world *w, const char *ip, unsigned what)
{
    struct endpoint *e = told_at(w, ip, what), *from = endpoint_at(w, ip);
    rondo_datagram_info info = RONDO_DATAGRAM_INFO_INIT;

    info.known = what;
    for (int i = 0; i < 4; i++) {
        info.ecn = i;
        info.ttl = 1 + i * 84;
        assert_int_equal(send_info(from, "x", &e->local, &info), 0);
        test_run_until(w, e->received == (unsigned)i + 1);
        assert_int_equal(info_of(e)->known, what);
        if (what & RONDO_INFO_ECN)
            assert_int_equal(info_of(e)->ecn, i);
        if (what & RONDO_INFO_TTL)
            assert_int_equal(info_of(e)->ttl, 1 + i * 84);
    }
    endpoint_end(e);
    endpoint_end(from);
}

static void try_both(struct world *w, unsigned what)
{
    try_numbers(w, "127.0.0.1", what);
    if (raw_has_inet6())
        try_numbers(w, "::1", what);
}

TEST(D8_ecn_goes_there)
{
    needs(w, RONDO_CAN_ECN, "RONDO_CAN_ECN");
    try_both(w, RONDO_INFO_ECN);
}

TEST(D8_ttl_goes_there)
{
    needs(w, RONDO_CAN_TTL, "RONDO_CAN_TTL");
    try_both(w, RONDO_INFO_TTL);
}

/* Where the TTL is an option of the socket, the next datagram has it as it was.
 */
TEST(D8_a_ttl_is_that_of_one_datagram)
{
    rondo_datagram_info info = RONDO_DATAGRAM_INFO_INIT;

    needs(w, RONDO_CAN_TTL, "RONDO_CAN_TTL");
    info.known = RONDO_INFO_TTL;
    for (size_t i = 0; i < (raw_has_inet6() ? 2 : 1); i++) {
        struct endpoint *e = told_at(w, loopbacks[i], RONDO_INFO_TTL);
        struct endpoint *from = endpoint_at(w, loopbacks[i]);
        int usual;

        assert_ok(rondo_datagram_send(from->d, "x", 1, &e->local));
        test_run_until(w, e->received == 1);
        usual = info_of(e)->ttl;
        info.ttl = usual == 9 ? 10 : 9;
        assert_ok(send_info(from, "x", &e->local, &info));
        test_run_until(w, e->received == 2);
        assert_int_equal(info_of(e)->ttl, info.ttl);
        assert_ok(rondo_datagram_send(from->d, "x", 1, &e->local));
        test_run_until(w, e->received == 3);
        assert_int_equal(info_of(e)->ttl, usual);
        endpoint_end(e);
        endpoint_end(from);
    }
}

static unsigned which(const struct world *w, rondo_capability can,
                      unsigned info)
{
    return rondo_loop_supports(w->loop, can) ? info : 0;
}

/* A socket for both, to which IPv4 comes with mapped addresses. */
TEST(D8_ecn_and_ttl_of_ipv4_on_a_socket_for_both)
{
    rondo_datagram_info info = RONDO_DATAGRAM_INFO_INIT;
    rondo_address any, here;
    struct endpoint *e, *from;
    unsigned what = which(w, RONDO_CAN_ECN, RONDO_INFO_ECN) |
                    which(w, RONDO_CAN_TTL, RONDO_INFO_TTL);
    unsigned local = which(w, RONDO_CAN_PACKET_INFO, RONDO_INFO_LOCAL);

    test_skip_if(w, !what, "the system has no ECN and no TTL");
    test_skip_if(w, !raw_has_inet6(), "no IPv6 on this machine");
    any = endpoint_address("::", 0);
    e = told_open(w, RONDO_DATAGRAM(.local_address = &any, .v6only = RONDO_OFF,
                                    .info = what | local));
    from = told_at(w, "127.0.0.1", what);
    here = endpoint_address("127.0.0.1", rondo_address_port(&e->local));
    info.known = what;
    info.ecn = 1;
    info.ttl = 9;
    assert_ok(send_info(from, "x", &here, &info));
    test_run_until(w, e->received == 1);
    assert_int_equal(info_of(e)->ecn, what & RONDO_INFO_ECN ? 1 : 0);
    assert_int_equal(info_of(e)->ttl, what & RONDO_INFO_TTL ? 9 : 0);
    /* back, from the address that it came to */
    info = *info_of(e);
    info.known = what | local;
    info.ecn = 2;
    info.ttl = 10;
    assert_ok(send_info(e, "y", &e->from, &info));
    test_run_until(w, from->received == 1);
    assert_true(rondo_address_equal(&from->from, &here));
    assert_int_equal(info_of(from)->ecn, what & RONDO_INFO_ECN ? 2 : 0);
    assert_int_equal(info_of(from)->ttl, what & RONDO_INFO_TTL ? 10 : 0);
    endpoint_end(e);
    endpoint_end(from);
}

static const struct {
    const char *name;
    rondo_datagram_info info;
    int error;
} wrong[] = {
    {"ecn 4", {.known = RONDO_INFO_ECN, .ecn = 4}, RONDO_EINVAL},
    {"ecn -1", {.known = RONDO_INFO_ECN, .ecn = -1}, RONDO_EINVAL},
    {"ttl 0", {.known = RONDO_INFO_TTL, .ttl = 0}, RONDO_EINVAL},
    {"ttl 256", {.known = RONDO_INFO_TTL, .ttl = 256}, RONDO_EINVAL},
    {"segments of 0", {.known = RONDO_INFO_SEGMENTS}, RONDO_EINVAL},
    {"segments too large",
     {.known = RONDO_INFO_SEGMENTS, .segment_size = 65536},
     RONDO_EINVAL},
    {"time", {.known = RONDO_INFO_TIME}, RONDO_EINVAL},
    {"truncated", {.known = RONDO_INFO_TRUNCATED}, RONDO_EINVAL},
    {"of the future", {.known = 1024}, RONDO_EINVAL},
    {"local empty", {.known = RONDO_INFO_LOCAL}, RONDO_EINVAL},
};

TEST(D8_wrong_members_are_refused)
{
    struct endpoint *e = endpoint_bound(w);

    for (EACH_ROW(w, row, wrong)) {
        rondo_datagram_info info = row->info;

        info.size = sizeof info;
        assert_error(send_info(e, "x", &e->local, &info), row->error);
    }
    for (EACH_ROW(w, row, members)) {
        rondo_datagram_info info = {.size = sizeof info, .known = row->info};

        info.ttl = 1;
        info.segment_size = 1;
        info.local = endpoint_address("127.0.0.1", 0);
        if (!rondo_loop_supports(w->loop, row->can) &&
            row->info != RONDO_INFO_TIME)
            assert_refused(send_info(e, "x", &e->local, &info), RONDO_ENOTSUP,
                           "info");
    }
    test_spin(w, 5);
    assert_int_equal(e->received, 0);
    endpoint_end(e);
}

/* ---- D8: time ----------------------------------------------------------- */

TEST(D8_time_goes_forward)
{
    struct endpoint *e, *from = endpoint_bound(w);
    int64_t last = 0;

    needs(w, RONDO_CAN_TIMESTAMPS, "RONDO_CAN_TIMESTAMPS");
    e = told_at(w, "127.0.0.1", RONDO_INFO_TIME);
    for (unsigned i = 1; i <= 3; i++) {
        assert_ok(rondo_datagram_send(from->d, "x", 1, &e->local));
        test_run_until(w, e->received == i);
        assert_int_equal(info_of(e)->known, RONDO_INFO_TIME);
        assert_true(info_of(e)->time_ns >= last);
        last = info_of(e)->time_ns;
    }
    assert_true(last > RONDO_SEC(1600000000)); /* September 2020 */
    endpoint_end(e);
    endpoint_end(from);
}

/* ---- D8: with pauses and memory of the program's ------------------------ */

static void pause_it(struct endpoint *e)
{
    assert_ok(rondo_datagram_pause_reading(e->d));
}

TEST(D8_kept_datagrams_keep_their_info)
{
    struct endpoint *e, *from = endpoint_bound(w);
    rondo_datagram_info info = RONDO_DATAGRAM_INFO_INIT;

    needs(w, RONDO_CAN_ECN, "RONDO_CAN_ECN");
    e = told_at(w, "127.0.0.1", RONDO_INFO_ECN);
    e->on_data = pause_it;
    info.known = RONDO_INFO_ECN;
    for (int i = 0; i < 4; i++) {
        info.ecn = i;
        assert_ok(send_info(from, "x", &e->local, &info));
    }
    for (int i = 0; i < 4; i++) {
        test_run_until(w, e->received == (unsigned)i + 1);
        assert_int_equal(info_of(e)->ecn, i);
        assert_ok(rondo_datagram_resume_reading(e->d));
    }
    endpoint_end(e);
    endpoint_end(from);
}

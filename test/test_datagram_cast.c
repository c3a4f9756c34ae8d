/* test_datagram_cast.c - broadcast, multicast, shared ports: D3. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

/* Both say so, or it is refused. */
static struct endpoint *open_shared(struct world *w, const rondo_address *at)
{
    return endpoint_open(
        w, RONDO_DATAGRAM(.local_address = at, .reuse_address = RONDO_ON));
}

TEST_LEAVES(D3_an_address_is_not_shared_unless_asked)
{
    struct endpoint *e = endpoint_bound(w);

    endpoint_refused(w, RONDO_DATAGRAM(.local_address = &e->local),
                     RONDO_EADDRINUSE, "127.0.0.1:");
    assert_true(strstr(rondo_last_error(), "bind") != NULL);
    /* nor with somebody who asks */
    endpoint_refused(
        w,
        RONDO_DATAGRAM(.local_address = &e->local, .reuse_address = RONDO_ON),
        RONDO_EADDRINUSE, NULL);
}

TEST_LEAVES(D3_an_address_is_shared_where_both_ask)
{
    rondo_address at = endpoint_address("127.0.0.1", 0);
    struct endpoint *a = open_shared(w, &at), *b = open_shared(w, &a->local);

    endpoint_feed(a, test_udp(w), 0, 1);
    test_run_until(w, a->received + b->received == 1);
}

TEST_LEAVES(D3_reuse_port_spreads_the_load)
{
    rondo_address at = endpoint_address("127.0.0.1", 0);
    struct endpoint *e[2];

    if (!rondo_loop_supports(w->loop, RONDO_CAN_REUSE_PORT)) {
        endpoint_refused(
            w, RONDO_DATAGRAM(.local_address = &at, .reuse_port = RONDO_ON),
            RONDO_ENOTSUP, NULL);
        test_skip(w, "no reuse_port that spreads the load: refused");
    }
    for (int i = 0; i < 2; i++) {
        e[i] = endpoint_open(
            w, RONDO_DATAGRAM(.local_address = &at, .reuse_port = RONDO_ON));
        at = e[i]->local;
    }
    for (int i = 0; i < 50; i++)
        endpoint_feed(e[0], test_udp(w), 0, 1);
    test_run_until(w, e[0]->received + e[1]->received == 50);
    assert_true(e[0]->received > 0 && e[1]->received > 0);
}

/* ---- broadcast ---------------------------------------------------------- */

TEST_LEAVES(D3_broadcast_only_when_asked)
{
    struct endpoint *plain = endpoint_bound(w), *to = endpoint_at(w, "0.0.0.0");
    rondo_address all =
        endpoint_address("127.255.255.255", rondo_address_port(&to->local));
    struct endpoint *e =
        endpoint_open(w, RONDO_DATAGRAM(.local_address = endpoint_here(w),
                                        .broadcast = RONDO_ON));

    assert_error(rondo_datagram_send(plain->d, "x", 1, &all), RONDO_EACCES);
    assert_ok(rondo_datagram_send(e->d, "all", 3, &all));
    endpoint_hears(to, "all");
    assert_true(rondo_address_equal(&to->from, &e->local));
}

/* ---- multicast ---------------------------------------------------------- */

struct cast {
    struct endpoint *member, *sender;
    rondo_address group;
    char interface[64];
};

/* The interface that 127.0.0.1 and ::1 are on. */
static void find_loopback(struct world *w, struct cast *c)
{
    for (uint32_t i = 1; i < 64; i++) {
        rondo_address group = endpoint_address("239.255.77.77", 0);
        struct endpoint *e;
        char index[16];

        if (!raw_interface_name(i, c->interface, sizeof c->interface))
            continue;
        (void)snprintf(index, sizeof index, "%u", (unsigned)i);
        e = endpoint_bound(w);
        if (rondo_datagram_join(e->d, &group, index) == 0 &&
            strncmp(c->interface, "lo", 2) == 0) {
            rondo_datagram_close(e->d);
            return;
        }
        rondo_datagram_close(e->d);
    }
    test_skip(w, "no loopback interface that takes part in multicast");
}

/* A member to be, and a group of this test's own, by its port: whoever leaves
 * one still hears it on Linux while anybody else on the machine is in it. From
 * the sender it goes out by the loopback interface. */
static struct cast start(struct world *w, const char *any, const char *here)
{
    struct cast c = {.group = endpoint_address(any, 0)};
    bool six = strchr(here, ':') != NULL;
    char text[80];
    uint16_t port;

    find_loopback(w, &c);
    c.member = open_shared(w, &c.group);
    port = rondo_address_port(&c.member->local);
    if (six)
        (void)snprintf(text, sizeof text, "ff01::7777:%x%%%s", port,
                       c.interface);
    else
        (void)snprintf(text, sizeof text, "239.255.%d.%d", port >> 8,
                       port & 255);
    c.group = endpoint_address(text, port);
    c.sender = endpoint_at(w, here);
    return c;
}

static struct cast start_inet(struct world *w)
{
    return start(w, "0.0.0.0", "127.0.0.1");
}

static struct cast start_inet6(struct world *w)
{
    test_skip_if(w, !raw_has_inet6(), "no IPv6 on this machine");
    return start(w, "::", "::1");
}

/* Multicast to the loopback interface needs a route, which IPv6 seldom has. */
static void send_to_group(struct world *w, struct cast *c)
{
    int result = rondo_datagram_send(c->sender->d, "group", 5, &c->group);

    if (result == RONDO_ENETUNREACH)
        test_skip(w, "no route for multicast on loopback: joining was tried, "
                     "sending not");
    assert_ok(result);
}

static void check_membership(struct cast *c)
{
    int result;

    assert_ok(rondo_datagram_join(c->member->d, &c->group, c->interface));
    assert_refused(rondo_datagram_join(c->member->d, &c->group, c->interface),
                   RONDO_EADDRINUSE, NULL);
    assert_ok(rondo_datagram_leave(c->member->d, &c->group, c->interface));
    result = rondo_datagram_leave(c->member->d, &c->group, c->interface);
    if (result != RONDO_EINVAL) /* Wine's word for it */
        assert_error(result, RONDO_EADDRNOTAVAIL);
    assert_true(strstr(rondo_last_error(), "datagram_leave") != NULL);
}

static void check_cast(struct world *w, struct cast c)
{
    w->leaves = true;
    check_membership(&c);
    assert_ok(rondo_datagram_join(c.member->d, &c.group, c.interface));
    send_to_group(w, &c);
    endpoint_hears(c.member, "group");
    assert_true(rondo_address_equal(&c.member->from, &c.sender->local));
    assert_ok(rondo_datagram_leave(c.member->d, &c.group, c.interface));
    send_to_group(w, &c);
    (void)test_run_for(w, RONDO_MS(20));
    assert_int_equal(c.member->received, 1);
    assert_ok(rondo_datagram_join(c.member->d, &c.group, c.interface));
    send_to_group(w, &c);
    test_run_until(w, c.member->received == 2);
}

TEST_CASE(D3_multicast_join_and_leave_by_interface,
          check_cast(w, start_inet(w)));

TEST_CASE(D3_multicast_of_inet6, check_cast(w, start_inet6(w)));

/* The sender is bound to no address, so only the option leads to loopback. */
static void check_from(struct world *w, struct cast c, const char *any)
{
    struct endpoint *sender = endpoint_at(w, any);

    w->leaves = true;
    assert_ok(rondo_datagram_join(c.member->d, &c.group, c.interface));
    assert_refused(
        rondo_datagram_set_multicast_interface(sender->d, "no such interface"),
        RONDO_ENOENT, "no such interface");
    assert_ok(rondo_datagram_set_multicast_interface(sender->d, c.interface));
    c.sender = sender;
    send_to_group(w, &c);
    endpoint_hears(c.member, "group");
    assert_int_equal(rondo_address_port(&c.member->from),
                     rondo_address_port(&sender->local));
    assert_ok(rondo_datagram_set_multicast_interface(sender->d, NULL));
}

TEST_CASE(D3_multicast_goes_out_by_the_interface_that_was_set,
          check_from(w, start_inet(w), "0.0.0.0"));

TEST_CASE(D3_multicast_of_inet6_goes_out_by_the_interface_that_was_set,
          check_from(w, start_inet6(w), "::"));

TEST(D3_a_multicast_interface_of_nothing)
{
    assert_einval(rondo_datagram_set_multicast_interface(NULL, NULL));
}

/* On the loopback interface itself a datagram comes back in any case: what is
 * tried is that the option is set. */
TEST_LEAVES(D3_multicast_loop)
{
    struct endpoint *e = endpoint_bound(w);

    assert_int_equal(raw_multicast_loop(rondo_datagram_fd(e->d)), 1);
    assert_ok(rondo_datagram_set_multicast_loop(e->d, false));
    assert_int_equal(raw_multicast_loop(rondo_datagram_fd(e->d)), 0);
    assert_ok(rondo_datagram_set_multicast_loop(e->d, true));
    assert_int_equal(raw_multicast_loop(rondo_datagram_fd(e->d)), 1);
}

static void check_ttl(struct endpoint *e)
{
    e->w->leaves = true;
    assert_ok(rondo_datagram_set_multicast_loop(e->d, false));
    assert_ok(rondo_datagram_set_multicast_ttl(e->d, 0));
    assert_ok(rondo_datagram_set_multicast_ttl(e->d, 255));
    assert_einval(rondo_datagram_set_multicast_ttl(e->d, 256));
    assert_einval(rondo_datagram_set_multicast_ttl(e->d, -1));
    assert_int_equal(raw_multicast_ttl(rondo_datagram_fd(e->d)), 255);
}

TEST_CASE(D3_multicast_ttl, check_ttl(endpoint_bound(w)));

TEST_CASE(D3_multicast_options_of_inet6, check_ttl(endpoint_at(w, "::1")));

TEST_LEAVES(D3_several_members_on_one_port)
{
    struct cast c = start_inet(w);
    rondo_address any =
        endpoint_address("0.0.0.0", rondo_address_port(&c.member->local));
    struct endpoint *other = open_shared(w, &any);

    assert_ok(rondo_datagram_join(c.member->d, &c.group, c.interface));
    assert_ok(rondo_datagram_join(other->d, &c.group, c.interface));
    send_to_group(w, &c);
    test_run_until(w, c.member->received && other->received);
}

static void keep_ttl(rondo_datagram *d, void *self, const void *data,
                     size_t size, const rondo_address *from,
                     const rondo_datagram_info *info)
{
    struct endpoint *e = self;

    e->number = (uint64_t)info->ttl;
    datagram_recorder.datagram_received(d, self, data, size, from, false);
}

/* A datagram's own TTL goes to a group, too; the next one has the group's. */
TEST_LEAVES(D8_a_ttl_to_a_group)
{
    static rondo_datagram_protocol protocol;
    const rondo_buffer piece = {.data = "x", .size = 1};
    rondo_datagram_info info = RONDO_DATAGRAM_INFO_INIT;
    struct endpoint *e = endpoint_new(w);
    struct cast c;
    rondo_address any;

    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_TTL), "no TTL");
    c = start_inet(w);
    any = endpoint_address("0.0.0.0", rondo_address_port(&c.member->local));
    protocol = datagram_recorder;
    protocol.datagram_received_with = keep_ttl;
    assert_ok(rondo_create_datagram_endpoint(
        w->loop,
        RONDO_DATAGRAM(.local_address = &any, .reuse_address = RONDO_ON,
                       .info = RONDO_INFO_TTL),
        &protocol, e, &e->d));
    assert_ok(rondo_datagram_join(e->d, &c.group, c.interface));
    send_to_group(w, &c);
    test_run_until(w, e->received == 1);
    assert_int_equal(e->number, 1);
    info.known = RONDO_INFO_TTL;
    info.ttl = 7;
    assert_ok(
        rondo_datagram_send_with(c.sender->d, &piece, 1, &c.group, &info));
    test_run_until(w, e->received == 2);
    assert_int_equal(e->number, 7);
    send_to_group(w, &c);
    test_run_until(w, e->received == 3);
    assert_int_equal(e->number, 1);
}

TEST(D3_wrong_groups_and_interfaces)
{
    struct endpoint *e = endpoint_bound(w);
    rondo_address group = endpoint_address("239.255.77.77", 0);
    rondo_address six = endpoint_address("ff01::7777", 0);
    rondo_address none = endpoint_address("127.0.0.1", 0);
    rondo_address empty = {.native_size = 0};

    assert_refused(rondo_datagram_join(e->d, &group, "no such interface"),
                   RONDO_ENOENT, "no such interface");
    assert_einval(rondo_datagram_join(e->d, &six, NULL));
    assert_einval(rondo_datagram_join(e->d, &none, NULL));
    assert_einval(rondo_datagram_join(e->d, &empty, NULL));
    assert_einval(rondo_datagram_join(e->d, NULL, NULL));
    assert_einval(rondo_datagram_leave(e->d, NULL, NULL));
    rondo_datagram_abort(e->d);
    assert_error(rondo_datagram_join(e->d, &group, NULL), RONDO_ECLOSED);
    assert_error(rondo_datagram_set_multicast_loop(e->d, true), RONDO_ECLOSED);
    test_run_until(w, e->lost);
}

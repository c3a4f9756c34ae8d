/* test_datagram_cast.c - broadcast, multicast, shared ports: D3. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"
#include "raw_net.h"

/* Both say so, or it is refused. */
static int open_shared(struct endpoint *e, const rondo_address *at,
                       rondo_switch reuse_address)
{
    return endpoint_create(
        e, RONDO_DATAGRAM(.local_address = at, .reuse_address = reuse_address));
}

TEST_LEAVES(D3_an_address_is_not_shared_unless_asked)
{
    struct endpoint *e = endpoint_bound(w);

    endpoint_refused(w, RONDO_DATAGRAM(.local_address = &e->local),
                     RONDO_EADDRINUSE);
    assert_true(strstr(rondo_last_error(), "127.0.0.1:") != NULL);
    assert_true(strstr(rondo_last_error(), "bind") != NULL);
    /* nor with somebody who asks */
    endpoint_refused(
        w,
        RONDO_DATAGRAM(.local_address = &e->local, .reuse_address = RONDO_ON),
        RONDO_EADDRINUSE);
}

TEST_LEAVES(D3_an_address_is_shared_where_both_ask)
{
    struct endpoint *a = endpoint_new(w), *b = endpoint_new(w);
    rondo_address at = endpoint_address("127.0.0.1", 0);
    raw_fd fd = raw_udp();

    assert_ok(open_shared(a, &at, RONDO_ON));
    assert_ok(open_shared(b, &a->local, RONDO_ON));
    endpoint_feed(a, fd, 0, 1);
    test_run_until(w, a->received + b->received == 1);
    raw_close(fd);
}

TEST_LEAVES(D3_reuse_port_spreads_the_load)
{
    struct endpoint *e[2] = {endpoint_new(w), endpoint_new(w)};
    rondo_address at = endpoint_address("127.0.0.1", 0);
    raw_fd fds[50];

    if (!rondo_loop_supports(w->loop, RONDO_CAN_REUSE_PORT)) {
        endpoint_refused(
            w, RONDO_DATAGRAM(.local_address = &at, .reuse_port = RONDO_ON),
            RONDO_ENOTSUP);
        test_skip(w, "no reuse_port that spreads the load: refused");
    }
    for (int i = 0; i < 2; i++) {
        assert_ok(
            endpoint_create(e[i], RONDO_DATAGRAM(.local_address = &at,
                                                 .reuse_port = RONDO_ON)));
        at = e[i]->local;
    }
    for (int i = 0; i < 50; i++) {
        fds[i] = raw_udp();
        endpoint_feed(e[0], fds[i], 0, 1);
    }
    test_run_until(w, e[0]->received + e[1]->received == 50);
    assert_true(e[0]->received > 0 && e[1]->received > 0);
    for (int i = 0; i < 50; i++)
        raw_close(fds[i]);
}

/* ---- broadcast ---------------------------------------------------------- */

TEST_LEAVES(D3_broadcast_only_when_asked)
{
    struct endpoint *e = endpoint_new(w), *to = endpoint_new(w);
    struct endpoint *plain = endpoint_bound(w);
    rondo_address here = endpoint_address("127.0.0.1", 0);
    rondo_address any = endpoint_address("0.0.0.0", 0), all;

    assert_ok(endpoint_create(to, RONDO_DATAGRAM(.local_address = &any)));
    all = endpoint_address("127.255.255.255", rondo_address_port(&to->local));
    assert_error(rondo_datagram_send(plain->d, "x", 1, &all), RONDO_EACCES);
    assert_ok(endpoint_create(
        e, RONDO_DATAGRAM(.local_address = &here, .broadcast = RONDO_ON)));
    assert_ok(rondo_datagram_send(e->d, "all", 3, &all));
    test_run_until(w, to->received);
    assert_memory_equal(to->data, "all", 3);
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

/* A group of this test's own, by its port: whoever leaves one still hears it on
 * Linux while anybody else on the machine is in it. */
static void start_inet(struct world *w, struct cast *c)
{
    rondo_address any = endpoint_address("0.0.0.0", 0);
    char text[80];
    uint16_t port;

    memset(c, 0, sizeof *c);
    find_loopback(w, c);
    c->member = endpoint_new(w);
    assert_ok(
        endpoint_create(c->member, RONDO_DATAGRAM(.local_address = &any,
                                                  .reuse_address = RONDO_ON)));
    port = rondo_address_port(&c->member->local);
    (void)snprintf(text, sizeof text, "239.255.%d.%d", port >> 8, port & 255);
    c->group = endpoint_address(text, port);
    /* from there it goes out by the loopback interface */
    c->sender = endpoint_bound(w);
}

static void start_inet6(struct world *w, struct cast *c)
{
    rondo_address any = endpoint_address("::", 0), here;
    char text[80];
    uint16_t port;

    memset(c, 0, sizeof *c);
    test_skip_if(w, !raw_has_inet6(), "no IPv6 on this machine");
    find_loopback(w, c);
    c->member = endpoint_new(w);
    assert_ok(
        endpoint_create(c->member, RONDO_DATAGRAM(.local_address = &any,
                                                  .reuse_address = RONDO_ON)));
    port = rondo_address_port(&c->member->local);
    (void)snprintf(text, sizeof text, "ff01::7777:%x%%%s", port, c->interface);
    c->group = endpoint_address(text, port);
    here = endpoint_address("::1", 0);
    c->sender = endpoint_new(w);
    assert_ok(
        endpoint_create(c->sender, RONDO_DATAGRAM(.local_address = &here)));
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

static void check_cast(struct world *w, struct cast *c)
{
    check_membership(c);
    assert_ok(rondo_datagram_join(c->member->d, &c->group, c->interface));
    send_to_group(w, c);
    test_run_until(w, c->member->received == 1);
    assert_memory_equal(c->member->data, "group", 5);
    assert_true(rondo_address_equal(&c->member->from, &c->sender->local));
    assert_ok(rondo_datagram_leave(c->member->d, &c->group, c->interface));
    send_to_group(w, c);
    (void)test_run_for(w, RONDO_MS(20));
    assert_int_equal(c->member->received, 1);
    assert_ok(rondo_datagram_join(c->member->d, &c->group, c->interface));
    send_to_group(w, c);
    test_run_until(w, c->member->received == 2);
}

TEST_LEAVES(D3_multicast_join_and_leave_by_interface)
{
    struct cast c;

    start_inet(w, &c);
    check_cast(w, &c);
}

TEST(D3_multicast_of_inet6)
{
    struct cast c;

    start_inet6(w, &c);
    check_cast(w, &c);
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

TEST_LEAVES(D3_multicast_options_of_inet6)
{
    struct endpoint *e = endpoint_new(w);
    rondo_address here = endpoint_address("::1", 0);

    test_skip_if(w, !raw_has_inet6(), "no IPv6 on this machine");
    assert_ok(endpoint_create(e, RONDO_DATAGRAM(.local_address = &here)));
    assert_ok(rondo_datagram_set_multicast_loop(e->d, false));
    assert_ok(rondo_datagram_set_multicast_ttl(e->d, 7));
    assert_int_equal(raw_multicast_ttl(rondo_datagram_fd(e->d)), 7);
}

TEST_LEAVES(D3_multicast_ttl)
{
    struct endpoint *e = endpoint_bound(w);

    assert_ok(rondo_datagram_set_multicast_ttl(e->d, 0));
    assert_ok(rondo_datagram_set_multicast_ttl(e->d, 255));
    assert_einval(rondo_datagram_set_multicast_ttl(e->d, 256));
    assert_einval(rondo_datagram_set_multicast_ttl(e->d, -1));
    assert_int_equal(raw_multicast_ttl(rondo_datagram_fd(e->d)), 255);
}

TEST_LEAVES(D3_several_members_on_one_port)
{
    struct cast c;
    struct endpoint *other = endpoint_new(w);
    rondo_address any;

    start_inet(w, &c);
    any = endpoint_address("0.0.0.0", rondo_address_port(&c.member->local));
    assert_ok(open_shared(other, &any, RONDO_ON));
    assert_ok(rondo_datagram_join(c.member->d, &c.group, c.interface));
    assert_ok(rondo_datagram_join(other->d, &c.group, c.interface));
    send_to_group(w, &c);
    test_run_until(w, c.member->received && other->received);
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

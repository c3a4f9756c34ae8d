/* test_faults_cast.c - datagrams that an endpoint hears, and those it loses. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"
#include "raw_net.h"
#include "raw_shut.h"

/* ---- D3: groups --------------------------------------------------------- */

/* A member of the group, and another endpoint on the same port. */
struct cast {
    struct endpoint *member, *other, *sender;
    rondo_address group;
    char interface[64];
};

static struct endpoint *open_shared(struct world *w, const rondo_address *at)
{
    struct endpoint *e = endpoint_open(
        w, RONDO_DATAGRAM(.local_address = at, .reuse_address = RONDO_ON));

    test_run_until(w, e->made);
    return e;
}

/* The loopback interface; false: it takes no part in multicast. */
static bool find_interface(struct cast *c)
{
    for (uint32_t i = 1; i < 64; i++)
        if (raw_interface_name(i, c->interface, sizeof c->interface) &&
            strncmp(c->interface, "lo", 2) == 0 &&
            rondo_datagram_join(c->member->d, &c->group, c->interface) == 0)
            return true;
    return false;
}

static struct cast start(struct world *w)
{
    rondo_address any = endpoint_address("0.0.0.0", 0);
    struct cast c = {0};
    char text[40];
    uint16_t port;

    test_skip_if(w, !raw_hears_own_groups_only(),
                 "a socket hears all groups of the machine");
    c.member = open_shared(w, &any);
    port = rondo_address_port(&c.member->local);
    any = endpoint_address("0.0.0.0", port);
    c.other = open_shared(w, &any);
    (void)snprintf(text, sizeof text, "239.254.%d.%d", port >> 8, port & 255);
    c.group = endpoint_address(text, port);
    c.sender = endpoint_bound(w);
    test_skip_if(w, !find_interface(&c),
                 "no loopback interface that takes part in multicast");
    return c;
}

static void end(struct cast *c)
{
    endpoint_end(c->member);
    endpoint_end(c->other);
    endpoint_end(c->sender);
}

TEST(D3_a_group_that_was_never_joined_is_not_heard)
{
    struct cast c = start(w);

    assert_ok(rondo_datagram_send(c.sender->d, "group", 5, &c.group));
    endpoint_hears(c.member, "group");
    (void)test_run_for(w, RONDO_MS(20));
    assert_int_equal(c.other->received, 0);
    end(&c);
}

TEST(D3_a_group_that_was_left_is_not_heard)
{
    struct cast c = start(w);

    assert_ok(rondo_datagram_join(c.other->d, &c.group, c.interface));
    assert_ok(rondo_datagram_leave(c.member->d, &c.group, c.interface));
    assert_ok(rondo_datagram_send(c.sender->d, "group", 5, &c.group));
    endpoint_hears(c.other, "group");
    (void)test_run_for(w, RONDO_MS(20));
    assert_int_equal(c.member->received, 0);
    end(&c);
}

/* ---- D1: buffers -------------------------------------------------------- */

TEST(D1_the_buffers_of_the_kernel)
{
    struct endpoint *plain = endpoint_bound(w);
    struct endpoint *e = endpoint_open(
        w, RONDO_DATAGRAM(.local_address = endpoint_here(w),
                          .receive_buffer = 20000, .send_buffer = 30000));
    raw_fd socket = raw_udp();
    struct endpoint *adopted = endpoint_open(
        w, RONDO_DATAGRAM(.socket = &socket, .receive_buffer = 20000));

    /* Linux doubles what was asked for */
    assert_in_range(raw_receive_buffer(rondo_datagram_fd(e->d)), 20000, 40000);
    assert_in_range(raw_send_buffer(rondo_datagram_fd(e->d)), 30000, 60000);
    assert_in_range(raw_receive_buffer(rondo_datagram_fd(adopted->d)), 20000,
                    40000);
    assert_true(raw_receive_buffer(rondo_datagram_fd(plain->d)) != 40000);
    endpoint_refused(w,
                     RONDO_DATAGRAM(.local_address = endpoint_here(w),
                                    .receive_buffer = (size_t)1 << 31),
                     RONDO_EINVAL, "receive_buffer");
    endpoint_end(plain);
    endpoint_end(e);
    endpoint_end(adopted);
}

/* ---- D2: drops ---------------------------------------------------------- */

enum { FLOOD = 200 };

TEST(D2_what_had_no_room_is_counted)
{
    rondo_datagram_drops drops = RONDO_DATAGRAM_DROPS_INIT;
    struct endpoint *e =
        endpoint_open(w, RONDO_DATAGRAM(.local_address = endpoint_here(w),
                                        .receive_buffer = 4096));
    static const char bytes[1000];
    raw_fd from = test_udp(w);

    test_run_until(w, e->made);
    assert_ok(rondo_datagram_get_drops(e->d, &drops));
    test_skip_if(w, drops.received < 0, "the system does not count them");
    assert_int_equal(drops.received, 0);
    for (int i = 0; i < FLOOD; i++)
        (void)raw_send_to(from, bytes, sizeof bytes, &e->local);
    test_run_until(w, e->received > 0);
    (void)test_run_for(w, RONDO_MS(5));
    assert_ok(rondo_datagram_get_drops(e->d, &drops));
    assert_true(drops.received > 0);
    assert_int_equal(drops.received + e->received, FLOOD);
    assert_int_equal(drops.unsent, 0);
    endpoint_end(e);
}

TEST(D2_what_was_refused_after_it_waited_is_counted)
{
    rondo_datagram_drops drops = RONDO_DATAGRAM_DROPS_INIT;
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);

    endpoint_block(w);
    assert_ok(rondo_datagram_send(e->d, "x", 1, &to->local));
    endpoint_unblock();
    test_skip_if(w, !raw_sends_fail(RAW_SEND_UNREACHABLE, 0, 1),
                 "sends cannot be made to fail");
    test_run_until(w, e->errors == 1 || to->received == 1);
    (void)raw_sends_fail(RAW_SEND_UNREACHABLE, 0, 0);
    assert_ok(rondo_datagram_get_drops(e->d, &drops));
    assert_int_equal(drops.unsent, e->errors); /* iocp sends by other calls */
    endpoint_end(e);
    endpoint_end(to);
}

TEST(D2_drops_of_nothing)
{
    rondo_datagram_drops drops = RONDO_DATAGRAM_DROPS_INIT;
    struct endpoint *e = endpoint_bound(w);

    assert_einval(rondo_datagram_get_drops(NULL, &drops));
    assert_einval(rondo_datagram_get_drops(e->d, NULL));
    drops.size = 0;
    assert_einval(rondo_datagram_get_drops(e->d, &drops));
    endpoint_end(e);
}

/* ---- D2: shutdown(2) ---------------------------------------------------- */

/* It hears of it once, sends on, and takes no time. */
static void check_shut(struct world *w, struct endpoint *e, struct endpoint *to)
{
    unsigned received = e->received;

    test_skip_if(w, !raw_shutdown_read(rondo_datagram_fd(e->d)),
                 "the system does not shut such a socket down");
    assert_true(test_run_for(w, RONDO_MS(20)) < 20);
    assert_true(test_run_for(w, RONDO_MS(20)) < 20);
    assert_int_equal(e->received, received);
    assert_int_equal(e->errors, 1);
    assert_int_equal(e->error, RONDO_EPIPE);
    assert_ok(rondo_datagram_send(e->d, "on", 2, NULL));
    endpoint_hears(to, "on");
}

TEST(D2_shut_down_for_receiving)
{
    struct endpoint *to = endpoint_bound(w);
    struct endpoint *e = endpoint_to(w, &to->local);

    check_shut(w, e, to);
    endpoint_end(e);
    endpoint_end(to);
}

/* Where there are unix sockets without a name, whose datagrams may be empty. */
TEST(D2_empty_datagrams_without_a_sender)
{
    char path[128];
    rondo_address at;
    struct endpoint *e;
    raw_fd from;

    test_skip_if(w, !endpoint_path(path, sizeof path), "no unix sockets");
    assert_ok(rondo_address_unix(&at, path, strlen(path)));
    e = endpoint_open(w, RONDO_DATAGRAM(.local_address = &at));
    test_run_until(w, e->made);
    from = raw_datagram_path(NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(raw_send_to(from, "", 0, &at), 0);
    test_run_until(w, e->received == 3);
    assert_int_equal(e->errors, 0);
    raw_close(from);
    endpoint_end(e);
    raw_path_drop(path);
}

/* What had come before is heard. */
TEST(D2_shut_down_behind_datagrams)
{
    struct endpoint *to = endpoint_bound(w);
    struct endpoint *e = endpoint_to(w, &to->local);
    int64_t end;

    for (int i = 0; i < 5; i++)
        assert_ok(rondo_datagram_send(to->d, "before", 6, &e->local));
    end = raw_now_ns() + RONDO_MS(5); /* they have arrived, on loopback */
    while (raw_now_ns() < end)
        raw_yield();
    test_skip_if(w, !raw_shutdown_read(rondo_datagram_fd(e->d)),
                 "the system does not shut such a socket down");
    test_run_until(w, e->errors == 1);
    assert_int_equal(e->error, RONDO_EPIPE);
    assert_true(e->received == 5 || e->received == 0);
    endpoint_end(e);
    endpoint_end(to);
}

/* ---- Q1 ----------------------------------------------------------------- */

struct call {
    unsigned done;
    int64_t result;
    char byte;
};

static void on_recv(rondo_loop *loop, void *arg, int64_t result)
{
    struct call *c = arg;

    (void)loop;
    c->done++;
    c->result = result;
}

static void on_recvfrom(rondo_loop *loop, void *arg, int64_t result,
                        const rondo_address *from)
{
    on_recv(loop, arg, result);
    assert_true(result < 0 || rondo_address_family(from) == RONDO_FAMILY_ANY);
}

/* A call that waits ends with no bytes, or as the system says. */
static void check_sock_shut(struct world *w, bool from)
{
    struct call *c = test_alloc(w, sizeof *c);
    struct endpoint *to = endpoint_bound(w);
    raw_fd fd = raw_udp();

    assert_true(raw_datagram_connect(fd, &to->local));
    raw_set_nonblocking(fd);
    if (from)
        assert_ok(
            rondo_sock_recvfrom(w->loop, fd, &c->byte, 1, on_recvfrom, c));
    else
        assert_ok(rondo_sock_recv(w->loop, fd, &c->byte, 1, on_recv, c));
    test_spin(w, 2);
    if (!raw_shutdown_read(fd)) {
        w->leaves = true;
        test_skip(w, "the system does not shut such a socket down");
    }
    test_run_until(w, c->done == 1);
    assert_true(c->result == 0 || c->result == RONDO_EPIPE);
    raw_close(fd);
    endpoint_end(to);
}

TEST_CASE(Q1_recv_of_a_socket_that_is_shut_down, check_sock_shut(w, false));

TEST_CASE(Q1_recvfrom_of_a_socket_that_is_shut_down, check_sock_shut(w, true));

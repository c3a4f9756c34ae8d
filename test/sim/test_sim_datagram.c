/* test_sim_datagram.c - datagrams, groups, unix sockets of simulated hosts. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#include <stdio.h>

#define WORLD(...) RONDO_SIM(.backend = sim_test_backend(), __VA_ARGS__)

enum { PORT = 9, NUMBERS = 200 };

/* Gets numbers, or sends them to an address. */
struct node {
    const char *to;    /* NULL: it gets */
    const char *group; /* to join */
    bool connects, broadcasts;
    unsigned got, times[NUMBERS], out_of_order, last, errors;
    int error;
    rondo_datagram *d;
    unsigned sent;
};

static void got(rondo_datagram *d, void *self, const void *data, size_t size,
                const rondo_address *from, bool truncated)
{
    struct node *n = self;
    unsigned number = *(const unsigned char *)data;
    (void)d;
    (void)from;
    n->got++;
    if (size != 1 || truncated || number >= NUMBERS)
        return;
    n->times[number]++;
    n->out_of_order += number < n->last;
    n->last = number;
}

static void met(rondo_datagram *d, void *self, int error)
{
    struct node *n = self;
    (void)d;
    n->errors++;
    n->error = error;
}

static const rondo_datagram_protocol protocol = {.datagram_received = got,
                                                 .error_received = met};

static void send_next(rondo_loop *loop, void *arg)
{
    struct node *n = arg;
    rondo_address to;
    unsigned char number = (unsigned char)n->sent++;
    sim_test_must(rondo_address_parse(&to, n->to, PORT));
    int error = rondo_datagram_send(n->d, &number, 1, n->connects ? NULL : &to);
    if (error)
        n->error = error;
    if (n->sent < NUMBERS)
        sim_test_must(rondo_call_later(loop, RONDO_MS(1), send_next, n));
}

static void node_main(void *arg)
{
    struct node *n = arg;
    rondo_loop *loop;
    rondo_address any, to;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_address_parse(&any, "0.0.0.0", n->to ? 0 : PORT));
    sim_test_must(rondo_address_parse(&to, n->to ? n->to : "0.0.0.0", PORT));
    sim_test_must(rondo_create_datagram_endpoint(
        loop,
        n->connects
            ? RONDO_DATAGRAM(.remote_address = &to)
            : RONDO_DATAGRAM(.local_address = &any,
                             .broadcast =
                                 n->broadcasts ? RONDO_ON : RONDO_DEFAULT),
        &protocol, n, &n->d));
    if (n->group) {
        rondo_address group;
        sim_test_must(rondo_address_parse(&group, n->group, 0));
        sim_test_must(rondo_datagram_join(n->d, &group, NULL));
    }
    if (n->to)
        send_next(loop, n);
    (void)rondo_loop_run_forever(loop);
}

static void play(struct node *getter, struct node *sender,
                 const rondo_sim_options *options)
{
    sim_test_must(rondo_sim_begin(options));
    sim_test_must(rondo_sim_add_host("get", "10.0.0.1", node_main, getter));
    sim_test_must(rondo_sim_add_host("send", "10.0.0.2", node_main, sender));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(2)));
}

TEST(each_arrives_once)
{
    struct node getter = {0}, sender = {.to = "10.0.0.1"};
    play(&getter, &sender, WORLD(.link = {.latency_ns = RONDO_MS(1)}));
    assert_int_equal(getter.got, NUMBERS);
    assert_int_equal(getter.out_of_order, 0);
    for (int i = 0; i < NUMBERS; i++)
        assert_int_equal(getter.times[i], 1);
}

TEST(some_are_lost)
{
    struct node getter = {0}, sender = {.to = "10.0.0.1"};
    play(&getter, &sender,
         WORLD(.link = {.latency_ns = RONDO_MS(1), .loss = 0.3}));
    assert_in_range(getter.got, NUMBERS / 2, NUMBERS * 9 / 10);
}

TEST(some_come_twice)
{
    struct node getter = {0}, sender = {.to = "10.0.0.1"};
    play(&getter, &sender, WORLD(.faults = {.duplicate = 0.3}));
    assert_in_range(getter.got, NUMBERS * 11 / 10, NUMBERS * 3 / 2);
}

TEST(some_come_late)
{
    struct node getter = {0}, sender = {.to = "10.0.0.1"};
    play(&getter, &sender, WORLD(.faults = {.reorder = 0.3}));
    assert_int_equal(getter.got, NUMBERS);
    assert_true(getter.out_of_order > 10);
}

TEST(a_partition_loses_them)
{
    struct node getter = {0}, sender = {.to = "10.0.0.1"};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("get", "10.0.0.1", node_main, &getter));
    sim_test_must(rondo_sim_add_host("send", "10.0.0.2", node_main, &sender));
    sim_test_must(rondo_sim_run_for(RONDO_MS(50)));
    sim_test_must(rondo_sim_partition(0, 1));
    sim_test_must(rondo_sim_run_for(RONDO_MS(100)));
    sim_test_must(rondo_sim_heal(0, 1));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(2)));
    assert_in_range(getter.got, 95, 105);
}

TEST(a_closed_port_is_told_later)
{
    struct node sender = {.to = "10.0.0.1", .connects = true};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("get", "10.0.0.1", NULL, NULL));
    sim_test_must(rondo_sim_add_host("send", "10.0.0.2", node_main, &sender));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(2)));
    assert_true(sender.errors > 0);
    assert_int_equal(sender.error, RONDO_ECONNREFUSED);
}

TEST(a_group)
{
    struct node in = {.group = "239.0.0.1"}, out = {0};
    struct node sender = {.to = "239.0.0.1"};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("in", NULL, node_main, &in));
    sim_test_must(rondo_sim_add_host("out", NULL, node_main, &out));
    sim_test_must(rondo_sim_add_host("send", NULL, node_main, &sender));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(2)));
    assert_int_equal(in.got, NUMBERS);
    assert_int_equal(out.got, 0);
}

TEST(a_broadcast)
{
    struct node one = {0}, two = {0};
    struct node sender = {.to = "255.255.255.255", .broadcasts = true};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("one", NULL, node_main, &one));
    sim_test_must(rondo_sim_add_host("two", NULL, node_main, &two));
    sim_test_must(rondo_sim_add_host("send", NULL, node_main, &sender));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(2)));
    assert_int_equal(one.got, NUMBERS);
    assert_int_equal(two.got, NUMBERS);
}

/* ---- unix sockets ---- */

struct local {
    unsigned answers;
    int refused, again;
};

static void echo_back(rondo_transport *t, void *self, const void *data,
                      size_t size)
{
    (void)self;
    (void)rondo_transport_write(t, data, size);
}

static void say(rondo_transport *t, void *self)
{
    (void)self;
    (void)rondo_transport_write(t, "x", 1);
}

static void answered(rondo_transport *t, void *self, const void *data,
                     size_t size)
{
    struct local *l = self;
    (void)data;
    l->answers += (unsigned)size;
    rondo_loop_stop(rondo_transport_loop(t));
}

static const rondo_protocol echoing = {.data_received = echo_back};
static const rondo_protocol saying = {.connection_made = say,
                                      .data_received = answered};

static void refused(rondo_loop *loop, void *arg, rondo_transport *t, int error)
{
    (void)loop;
    (void)t;
    *(int *)arg = error;
}

static void local_main(void *arg)
{
    struct local *l = arg;
    rondo_loop *loop;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(rondo_create_connection(loop, RONDO_CONNECT(.path = "/s"),
                                          &saying, l, refused, &l->refused));
    (void)rondo_loop_run(loop);
    sim_test_must(rondo_create_server(loop, RONDO_SERVE(.path = "/s"), &echoing,
                                      NULL, NULL));
    l->again = rondo_create_server(loop, RONDO_SERVE(.path = "/s"), &echoing,
                                   NULL, NULL);
    int unused;
    sim_test_must(rondo_create_connection(loop, RONDO_CONNECT(.path = "/s"),
                                          &saying, l, refused, &unused));
    (void)rondo_loop_run_forever(loop);
    (void)rondo_loop_close(loop);
}

TEST(paths_are_those_of_a_host)
{
    struct local one = {0}, two = {0};
    sim_test_must(rondo_sim_begin(WORLD()));
    sim_test_must(rondo_sim_add_host("one", NULL, local_main, &one));
    sim_test_must(rondo_sim_add_host("two", NULL, local_main, &two));
    assert_int_equal(rondo_sim_run_quiet(RONDO_SEC(10)), RONDO_SIM_QUIET);
    assert_int_equal(one.answers, 1);
    assert_int_equal(two.answers, 1);
    assert_int_equal(one.refused, RONDO_ENOENT);
    assert_int_equal(one.again, RONDO_EADDRINUSE);
}

/* test_sim_acks.c - acknowledgements that are lost, keepalive, handshakes. */
/* SPDX-License-Identifier: MIT */
#include "sim_test.h"

#define WORLD(...) RONDO_SIM(.backend = sim_test_backend(), __VA_ARGS__)

enum { SERVER, CLIENT, WINDOW = 10000 };

/* What the two programs have come to. */
struct pair {
    bool sends;          /* the client sends without an end */
    size_t most;         /* ... up to so much; 0: no limit */
    bool idle;           /* the server does not read */
    int64_t accepted_at; /* 0: nobody came */
    int64_t connected_at, failed_at;
    int64_t connected, result; /* of connect; of the last send or receive */
    size_t sent, got;
    bool wrong;
    int64_t server_result;
};

static unsigned char byte_at(size_t at)
{
    return (unsigned char)(at * 7 + at / 256);
}

static void receive(void *arg)
{
    struct pair *p = arg;
    unsigned char bytes[512];
    rondo_fd fd = sim_test_listen(0);
    rondo_fd client = rondo_sim_accept(fd, NULL, RONDO_SEC(100000));
    if (client < 0)
        return;
    p->accepted_at = rondo_sim_now();
    while (p->idle)
        sim_test_must(rondo_sim_sleep(RONDO_SEC(1)));
    for (;;) {
        int64_t count =
            rondo_sim_recv(client, bytes, sizeof bytes, RONDO_SEC(100000));
        p->server_result = count;
        if (count <= 0)
            break;
        for (int64_t i = 0; i < count; i++)
            p->wrong |= bytes[i] != byte_at(p->got++);
    }
    sim_test_must(rondo_sim_close(client, false));
}

static void send_all(rondo_fd fd, struct pair *p)
{
    unsigned char bytes[1000];
    while (!p->most || p->sent < p->most) {
        size_t size = sizeof bytes;
        if (p->most && size > p->most - p->sent)
            size = p->most - p->sent;
        for (size_t i = 0; i < size; i++)
            bytes[i] = byte_at(p->sent + i);
        p->result = rondo_sim_send(fd, bytes, size, RONDO_SEC(100000));
        if (p->result < 0)
            return;
        p->sent += (size_t)p->result;
    }
}

static void connect_and_send(void *arg)
{
    struct pair *p = arg;
    rondo_address to;
    char byte;
    sim_test_must(rondo_address_parse(&to, "10.0.0.1", 7));
    rondo_fd fd = rondo_sim_socket(RONDO_FAMILY_INET, false);
    sim_test_must(rondo_sim_sleep(RONDO_MS(10))); /* the server begins */
    p->connected = rondo_sim_connect(fd, &to, RONDO_SEC(100000));
    p->connected_at = rondo_sim_now();
    if (p->connected < 0)
        return;
    if (p->sends)
        send_all(fd, p);
    if (p->result >= 0) /* nothing comes; it waits for an error */
        p->result = rondo_sim_recv(fd, &byte, 1, RONDO_SEC(100000));
    p->failed_at = rondo_sim_now();
}

static void begin(struct pair *p, const rondo_sim_options *options)
{
    sim_test_must(rondo_sim_begin(options));
    assert_int_equal(rondo_sim_add_host("server", "10.0.0.1", receive, p),
                     SERVER);
    assert_int_equal(
        rondo_sim_add_host("client", "10.0.0.2", connect_and_send, p), CLIENT);
}

#define TEN_MS                                                                 \
    {                                                                          \
        .latency_ns = RONDO_MS(10)                                             \
    }

/* ---- one way: the data arrives, and the acknowledgement does not ---- */

TEST(the_window_fills_and_the_sender_gives_up)
{
    struct pair p = {.sends = true};
    begin(&p,
          WORLD(.link = TEN_MS, .window = WINDOW, .give_up_ns = RONDO_SEC(20)));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    assert_int_equal(rondo_sim_partition_one_way(SERVER, CLIENT), 0);
    size_t before = p.sent;
    int64_t start = rondo_sim_now();
    sim_test_must(rondo_sim_run_for(RONDO_SEC(19)));
    assert_true(p.sent - before <= WINDOW);
    assert_int_equal(p.got, p.sent); /* all has arrived there */
    assert_int_equal(p.failed_at, 0);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(60)));
    assert_int_equal(p.result, RONDO_ETIMEDOUT);
    assert_true(p.failed_at - start >= RONDO_SEC(20));
    assert_int_equal(p.got, p.sent);
    assert_true(p.server_result > 0); /* the server is not told */
    assert_false(p.wrong);
}

TEST(the_sender_goes_on_when_it_is_heard_again)
{
    struct pair p = {.sends = true, .most = 4000000};
    begin(&p, WORLD(.link = TEN_MS, .window = WINDOW / 10,
                    .give_up_ns = RONDO_SEC(20)));
    for (int i = 0; i < 5; i++) {
        sim_test_must(rondo_sim_run_for(RONDO_MS(110)));
        assert_int_equal(rondo_sim_partition_one_way(SERVER, CLIENT), 0);
        sim_test_must(rondo_sim_run_for(RONDO_SEC(10)));
        size_t before = p.sent;
        sim_test_must(rondo_sim_run_for(RONDO_SEC(5)));
        assert_int_equal(p.sent, before);
        assert_int_equal(rondo_sim_heal(SERVER, CLIENT), 0);
        sim_test_must(rondo_sim_run_for(RONDO_SEC(15)));
        assert_true(p.sent > before);
    }
    sim_test_must(rondo_sim_run_for(RONDO_SEC(200)));
    assert_int_equal(p.sent, 4000000);
    assert_int_equal(p.got, 4000000);
    assert_false(p.wrong);
    assert_int_equal(p.failed_at, 0);
}

/* The request arrives; that it has done so is not told. */
TEST(one_request_is_given_up)
{
    struct pair p = {.sends = true, .most = 1};
    begin(&p, WORLD(.link = TEN_MS, .give_up_ns = RONDO_SEC(20)));
    sim_test_must(rondo_sim_run_for(RONDO_MS(45))); /* it is there since 40 */
    assert_int_equal(p.got, 1);
    assert_int_equal(rondo_sim_partition(SERVER, CLIENT), 0);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(60)));
    assert_int_equal(p.result, RONDO_ETIMEDOUT);
    assert_int_equal(p.got, 1);
}

TEST(a_request_that_was_acknowledged_is_over)
{
    struct pair p = {.sends = true, .most = 1};
    begin(&p, WORLD(.link = TEN_MS, .give_up_ns = RONDO_SEC(20)));
    sim_test_must(rondo_sim_run_for(RONDO_MS(55)));
    assert_int_equal(rondo_sim_partition(SERVER, CLIENT), 0);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(20000)));
    assert_int_equal(p.failed_at, 0); /* an idle connection hears nothing */
}

/* A window that nobody empties is probed: the peer answers, or is gone. */
TEST(a_full_window_of_a_peer_that_is_cut_off)
{
    struct pair p = {.sends = true, .idle = true};
    begin(&p,
          WORLD(.link = TEN_MS, .window = WINDOW, .give_up_ns = RONDO_SEC(20)));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(200)));
    assert_int_equal(p.sent, WINDOW);
    assert_int_equal(p.failed_at, 0);
    assert_int_equal(rondo_sim_partition_one_way(SERVER, CLIENT), 0);
    p.idle = false;
    sim_test_must(rondo_sim_run_for(RONDO_SEC(60)));
    assert_int_equal(p.got, WINDOW);
    assert_int_equal(p.result, RONDO_ETIMEDOUT);
}

/* ---- resets are packets, too ---- */

TEST(a_reset_that_is_lost_comes_again)
{
    struct pair p = {.sends = true};
    begin(&p, WORLD(.link = TEN_MS, .window = WINDOW));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    assert_int_equal(rondo_sim_partition_one_way(SERVER, CLIENT), 0);
    sim_test_must(rondo_sim_kill(SERVER));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(10)));
    assert_int_equal(p.failed_at, 0);
    assert_int_equal(rondo_sim_heal(SERVER, CLIENT), 0);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(30)));
    assert_int_equal(p.result, RONDO_ECONNRESET);
}

/* ---- handshakes ---- */

TEST(a_client_that_hears_nothing_is_not_accepted)
{
    struct pair p = {0};
    begin(&p, WORLD(.link = TEN_MS, .give_up_ns = RONDO_SEC(20)));
    assert_int_equal(rondo_sim_partition_one_way(SERVER, CLIENT), 0);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(100)));
    assert_int_equal(p.connected, RONDO_ETIMEDOUT);
    assert_int_equal(p.accepted_at, 0);
}

/* The SYN is there at 20 ms, its answer at 30 ms, the end is cut off. */
TEST(a_client_that_is_not_heard_is_accepted_later)
{
    struct pair p = {.sends = true, .most = 1000};
    begin(&p, WORLD(.link = TEN_MS));
    sim_test_must(rondo_sim_run_for(RONDO_MS(25)));
    assert_int_equal(rondo_sim_partition_one_way(CLIENT, SERVER), 0);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(10)));
    assert_int_equal(p.connected, 0);
    assert_true(p.connected_at < RONDO_MS(35));
    assert_int_equal(p.sent, 1000);
    assert_int_equal(p.accepted_at, 0);
    assert_int_equal(rondo_sim_heal(CLIENT, SERVER), 0);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(20)));
    assert_true(p.accepted_at > RONDO_SEC(10));
    assert_int_equal(p.got, 1000);
    assert_false(p.wrong);
}

/* The machine is new when the end of the handshake comes. */
TEST(a_server_that_has_forgotten_the_handshake)
{
    struct pair p = {0};
    begin(&p, WORLD(.link = TEN_MS));
    sim_test_must(rondo_sim_run_for(RONDO_MS(35)));
    assert_int_equal(p.connected, 0);
    assert_int_equal(rondo_sim_crash(SERVER), 0);
    assert_int_equal(rondo_sim_restart(SERVER), 0);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
    assert_int_equal(p.accepted_at, 0);
    assert_int_equal(p.result, RONDO_ECONNRESET);
}

/* ---- keepalive: Linux's 2 hours, and 9 probes of 75 s ---- */

struct kept {
    rondo_switch keep_alive;
    int64_t lost_at;
    int error;
};

static void kept_lost(rondo_transport *t, void *self, int error)
{
    struct kept *k = self;
    (void)t;
    k->lost_at = rondo_sim_now();
    k->error = error;
}

static const rondo_protocol keeping = {.connection_lost = kept_lost};

static void keep_a_connection(void *arg)
{
    struct kept *k = arg;
    rondo_loop *loop;
    sim_test_must(rondo_loop_new(&loop, NULL));
    sim_test_must(
        rondo_create_connection(loop,
                                RONDO_CONNECT(.host = "10.0.0.1", .port = 7,
                                              .keep_alive = k->keep_alive),
                                &keeping, k, NULL, NULL));
    (void)rondo_loop_run(loop);
    (void)rondo_loop_close(loop);
}

static void begin_kept(struct kept *k, rondo_switch keep_alive)
{
    *k = (struct kept){.keep_alive = keep_alive};
    sim_test_must(rondo_sim_begin(WORLD(.link = TEN_MS)));
    sim_test_must(rondo_sim_add_host("server", "10.0.0.1", echo_server, NULL));
    sim_test_must(rondo_sim_run_for(RONDO_MS(1)));
    sim_test_must(rondo_sim_add_host("client", NULL, keep_a_connection, k));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(1)));
}

TEST(a_peer_that_is_gone_and_keepalive)
{
    struct kept k;
    for (int off = 0; off < 2; off++) {
        begin_kept(&k, off ? RONDO_OFF : RONDO_ON);
        sim_test_must(rondo_sim_crash(SERVER));
        sim_test_must(rondo_sim_run_for(RONDO_SEC(7870)));
        assert_int_equal(k.lost_at, 0);
        sim_test_must(rondo_sim_run_for(RONDO_SEC(100000)));
        assert_int_equal(k.error, off ? 0 : RONDO_ETIMEDOUT);
        if (!off)
            assert_in_range(k.lost_at, RONDO_SEC(7875), RONDO_SEC(7876));
        (void)rondo_sim_end();
    }
}

TEST(a_peer_that_has_restarted_and_keepalive)
{
    struct kept k;
    begin_kept(&k, RONDO_ON);
    sim_test_must(rondo_sim_crash(SERVER));
    sim_test_must(rondo_sim_restart(SERVER));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(7199)));
    assert_int_equal(k.lost_at, 0);
    sim_test_must(rondo_sim_run_for(RONDO_SEC(2)));
    assert_int_equal(k.error, RONDO_ECONNRESET);
}

TEST(a_partition_that_heals_and_keepalive)
{
    struct kept k;
    begin_kept(&k, RONDO_ON);
    sim_test_must(rondo_sim_partition_one_way(SERVER, CLIENT));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(7500)));
    sim_test_must(rondo_sim_heal(SERVER, CLIENT));
    sim_test_must(rondo_sim_run_for(RONDO_SEC(100000)));
    assert_int_equal(k.lost_at, 0);
}

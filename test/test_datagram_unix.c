/* test_datagram_unix.c - unix datagram sockets: D3. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"

/* A path for a socket, and its address; removed when the test has ended. */
struct place {
    char path[128];
    rondo_address address;
};

static void remove_place(void *arg)
{
    struct place *p = arg;

    raw_path_drop(p->path);
}

static struct place *place_new(struct world *w)
{
    struct place *p = test_alloc(w, sizeof *p);

    test_skip_if(w, !endpoint_path(p->path, sizeof p->path),
                 "no unix sockets on this system");
    test_at_end(w, remove_place, p);
    assert_ok(rondo_address_unix(&p->address, p->path, strlen(p->path)));
    return p;
}

/* A plain socket there, or without a name. */
static raw_fd plain_at(struct world *w, const struct place *p)
{
    raw_fd fd = raw_datagram_path(p ? p->path : NULL);

    assert_true(fd != RONDO_NO_FD);
    return test_own(w, fd);
}

static struct endpoint *bound_at(struct world *w, const struct place *p)
{
    struct endpoint *e =
        endpoint_open(w, RONDO_DATAGRAM(.local_address = &p->address));

    test_run_until(w, e->made);
    return e;
}

static void check_reached(struct world *w, struct endpoint *e,
                          const struct place *p)
{
    raw_fd fd = plain_at(w, NULL);

    assert_int_equal(raw_send_to(fd, "x", 1, &p->address), 1);
    test_run_until(w, e->received);
}

TEST(D3_unix_there_and_back)
{
    struct place *a = place_new(w), *b = place_new(w);
    struct endpoint *server = bound_at(w, a), *client = bound_at(w, b);

    server->on_data = endpoint_echo;
    assert_ok(rondo_datagram_send(client->d, "ping", 4, &a->address));
    assert_ok(rondo_datagram_send(client->d, "", 0, &a->address));
    test_run_until(w, client->received == 2);
    assert_true(rondo_address_equal(&server->from, &b->address));
    assert_true(rondo_address_equal(&client->from, &a->address));
    assert_int_equal(client->size, 0);
    endpoint_end(server);
    endpoint_end(client);
    assert_false(raw_path_is_there(a->path));
    assert_false(raw_path_is_there(b->path));
}

TEST_LEAVES(D3_unix_connected)
{
    struct place *a = place_new(w), *b = place_new(w);
    struct endpoint *server = bound_at(w, a);
    struct endpoint *client =
        endpoint_open(w, RONDO_DATAGRAM(.local_address = &b->address,
                                        .remote_address = &a->address));
    rondo_address peer;

    server->on_data = endpoint_echo;
    assert_ok(rondo_datagram_peer_address(client->d, &peer));
    assert_true(rondo_address_equal(&peer, &a->address));
    assert_ok(rondo_datagram_send(client->d, "one", 3, NULL));
    assert_ok(rondo_datagram_send(client->d, "two", 3, &a->address));
    assert_einval(rondo_datagram_send(client->d, "x", 1, &b->address));
    test_run_until(w, client->received == 2);
}

TEST_LEAVES(D3_a_sender_without_a_name)
{
    struct place *p = place_new(w);
    struct endpoint *e = bound_at(w, p);
    struct endpoint *nameless =
        endpoint_open(w, RONDO_DATAGRAM(.family = RONDO_FAMILY_UNIX));

    assert_ok(rondo_datagram_send(nameless->d, "who", 3, &p->address));
    test_run_until(w, e->received);
    assert_int_equal(rondo_address_family(&e->from), RONDO_FAMILY_ANY);
    assert_int_equal(e->from.native_size, 0);
    assert_einval(rondo_datagram_send(e->d, "you", 3, &e->from));
}

/* ---- the file ----------------------------------------------------------- */

TEST(D3_a_stale_path_is_replaced)
{
    struct place *p = place_new(w);
    raw_fd fd = plain_at(w, p);
    struct endpoint *e;

    test_close_own(w, fd); /* and leaves its file */
    assert_true(raw_path_is_there(p->path));
    e = bound_at(w, p);
    check_reached(w, e, p);
    endpoint_end(e);
    assert_false(raw_path_is_there(p->path));
}

static void in_use(struct world *w, const struct place *p)
{
    endpoint_refused(w, RONDO_DATAGRAM(.local_address = &p->address),
                     RONDO_EADDRINUSE, p->path);
    assert_true(raw_path_is_there(p->path));
}

TEST_LEAVES(D3_a_live_path_is_in_use)
{
    struct place *p = place_new(w);
    raw_fd fd = plain_at(w, p);

    in_use(w, p);
    test_close_own(w, fd);
    (void)bound_at(w, p);
    in_use(w, p);
}

TEST(D3_any_other_file_is_left_alone)
{
    struct place *p = place_new(w);

    assert_true(raw_path_put_file(p->path));
    in_use(w, p);
}

TEST(D3_only_its_own_file_is_removed)
{
    struct place *p = place_new(w);
    struct endpoint *e = bound_at(w, p);

    assert_true(raw_path_forget(p->path));
    (void)plain_at(w, p); /* somebody else's by now */
    endpoint_end(e);
    assert_true(raw_path_is_there(p->path));
}

TEST(D3_a_failed_create_leaves_no_file)
{
    struct place *p = place_new(w), *nobody = place_new(w);

    endpoint_refused(w,
                     RONDO_DATAGRAM(.local_address = &p->address,
                                    .remote_address = &nobody->address),
                     RONDO_ENOENT, NULL);
    assert_false(raw_path_is_there(p->path));
}

TEST(D3_an_adopted_sockets_file_stays)
{
    struct place *p = place_new(w);
    raw_fd fd = test_disown(w, plain_at(w, p));
    struct endpoint *e = endpoint_open(w, RONDO_DATAGRAM(.socket = &fd));

    check_reached(w, e, p);
    endpoint_end(e);
    assert_true(raw_path_is_there(p->path));
}

static int close_in_child(void *arg)
{
    struct endpoint *e = arg;

    if (rondo_loop_after_fork(e->w->loop) < 0)
        return 1;
    rondo_datagram_close(e->d);
    for (int i = 0; i < 10 && !e->lost; i++)
        (void)rondo_loop_run_once(e->w->loop, 0);
    return e->lost ? 0 : 2;
}

TEST_LEAVES(L8_the_childs_close_leaves_the_parents_file)
{
    struct place *p = place_new(w);
    struct endpoint *e = bound_at(w, p);

    test_run_child(w, close_in_child, e);
    assert_true(raw_path_is_there(p->path));
    check_reached(w, e, p);
}

/* ---- a peer that does not read ------------------------------------------ */

static void stuff(struct endpoint *e, const rondo_address *to, unsigned count)
{
    for (uint64_t i = 0; i < count; i++)
        assert_ok(rondo_datagram_send(e->d, &i, sizeof i, to));
}

static void drain(struct world *w, raw_fd fd, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        assert_true(endpoint_answer(w, fd) == i);
}

TEST_LEAVES(D3_a_slow_unix_peer_gets_all_in_order)
{
    for (int connected = 0; connected < 2; connected++) {
        struct place *p = place_new(w);
        raw_fd fd = plain_at(w, p);
        struct endpoint *e = endpoint_open(
            w,
            RONDO_DATAGRAM(.family = RONDO_FAMILY_UNIX,
                           .remote_address = connected ? &p->address : NULL));

        stuff(e, connected ? NULL : &p->address, 3000);
        assert_true(endpoint_buffered(e) > 0);
        test_run_until(w, e->pauses);
        assert_true(test_run_for(w, RONDO_MS(50)) < 150); /* no spinning */
        drain(w, fd, 3000);
        test_run_until(w, e->resumes);
        assert_int_equal(e->pauses, 1);
        assert_int_equal(e->errors, 0);
    }
}

/* It waits for a peer that reads again, or goes. */
TEST(D2_close_waits_and_a_lost_peer_ends_it)
{
    struct place *p = place_new(w);
    raw_fd fd = plain_at(w, p);
    struct endpoint *e = endpoint_to(w, &p->address);

    stuff(e, NULL, 1000);
    rondo_datagram_close(e->d);
    (void)test_run_for(w, RONDO_MS(10));
    assert_int_equal(e->lost, 0);
    test_close_own(w, fd);
    endpoint_lost(e, NULL, 0);
    assert_true(e->errors > 0);
}

/* Those for a peer that is gone are told and dropped; those behind them
 * arrive, and a paused protocol resumes. */
TEST_LEAVES(D2_a_peer_that_is_gone_holds_nobody_up)
{
    struct place *gone = place_new(w), *slow = place_new(w);
    raw_fd fd = plain_at(w, slow);
    raw_fd dying = plain_at(w, gone);
    struct endpoint *e =
        endpoint_open(w, RONDO_DATAGRAM(.family = RONDO_FAMILY_UNIX));

    assert_ok(rondo_datagram_set_write_buffer_limits(e->d, 2000, 1000));
    stuff(e, &slow->address, 600);
    assert_true(endpoint_buffered(e) > 0);
    for (int i = 0; i < 100; i++)
        assert_ok(rondo_datagram_send(e->d, "lost", 4, &gone->address));
    assert_ok(rondo_datagram_send(e->d, &(uint64_t){600}, 8, &slow->address));
    test_close_own(w, dying);
    drain(w, fd, 601);
    test_run_until(w, e->resumes);
    assert_int_equal(e->errors, 100);
    assert_int_equal(e->error, RONDO_ECONNREFUSED);
}

/* Larger than the room that endpoints share: it gets its own. */
TEST_LEAVES(D1_a_large_unix_datagram)
{
    struct place *p = place_new(w);
    size_t size = 100000;
    unsigned char *data = test_alloc(w, size);
    struct endpoint *e = endpoint_open(
        w, RONDO_DATAGRAM(.local_address = &p->address, .receive_size = size));
    struct endpoint *c = endpoint_to(w, &p->address);

    test_fill(data, 0, size);
    assert_ok(rondo_datagram_send(c->d, data, size, NULL));
    test_run_until(w, e->received == 1);
    assert_int_equal(e->size, size);
    assert_false(e->truncated);
    assert_ok(rondo_datagram_send(c->d, "small", 5, NULL));
    test_run_until(w, e->received == 2);
    assert_error(rondo_datagram_send(c->d, data, (size_t)INT32_MAX + 1, NULL),
                 RONDO_EMSGSIZE);
}

TEST_LEAVES(D3_an_abstract_name)
{
    struct place *p = place_new(w);
    char name[64] = "";
    struct endpoint *e;

    (void)snprintf(name + 1, sizeof name - 1, "%.50s", p->path);
    test_skip_if(
        w, rondo_address_unix(&p->address, name, 1 + strlen(name + 1)) < 0,
        "no abstract names on this system");
    e = bound_at(w, p);
    endpoint_refused(w, RONDO_DATAGRAM(.local_address = &p->address),
                     RONDO_EADDRINUSE, NULL);
    check_reached(w, e, p);
}

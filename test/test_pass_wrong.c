/* test_pass_wrong.c - descriptors that cannot travel, or have no room; a plain
 * socket at the other end. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"
#include "raw_net.h"

enum { ROOM = 200 };

static void take_one(struct peer *p, const void *data, size_t size)
{
    rondo_fd *fd = p->user;

    (void)data;
    (void)size;
    *fd = rondo_transport_take_fd(p->transport);
}

/* ---- S16: refused ------------------------------------------------------- */

TEST(S16_only_unix_sockets_carry)
{
    struct peer *a, *b;
    raw_fd file = raw_file();

    test_pair(w, &a, &b);
    assert_refused(rondo_transport_send_fd(a->transport, file), RONDO_ENOTSUP,
                   "unix sockets");
    assert_true(rondo_transport_take_fd(a->transport) == RONDO_NO_FD);
    assert_true(strstr(rondo_last_error(), "unix sockets") != NULL);
    /* the transport is as good as before */
    assert_ok(rondo_transport_write(a->transport, "x", 1));
    test_run_until(w, b->bytes == 1);
    raw_close(file);
}

TEST(S16_descriptors_that_are_none)
{
    struct peer *a, *b;
    rondo_fd got = 0;

    local_need_passing(w);
    local_pair(w, &a, &b);
    b->user = &got;
    b->on_data = take_one;
    assert_einval(rondo_transport_send_fd(NULL, 0));
    assert_true(rondo_transport_take_fd(NULL) == RONDO_NO_FD);
    assert_error(rondo_transport_send_fd(a->transport, raw_dead_fd()),
                 RONDO_EBADF);
    assert_error(rondo_transport_send_fd(a->transport, RONDO_NO_FD),
                 RONDO_EBADF);
    assert_ok(rondo_transport_write(a->transport, "x", 1));
    test_run_until(w, b->bytes == 1);
    assert_true(got == RONDO_NO_FD);
    assert_true(rondo_transport_take_fd(b->transport) == RONDO_NO_FD);
    b->user = NULL;
    b->on_data = NULL;
}

TEST(S16_after_the_end_of_writing)
{
    struct peer *a, *b;
    raw_fd file = raw_file();

    local_need_passing(w);
    local_pair(w, &a, &b);
    b->keep_open = true;
    assert_ok(rondo_transport_write_eof(a->transport));
    assert_error(rondo_transport_send_fd(a->transport, file), RONDO_EPIPE);
    rondo_transport_close(b->transport);
    assert_error(rondo_transport_send_fd(b->transport, file), RONDO_ECLOSED);
    test_run_until(w, a->lost && b->lost);
    raw_close(file);
}

/* ---- S16: no room ------------------------------------------------------- */

TEST(S16_the_sender_has_no_room)
{
    struct peer *a, *b;
    raw_fd fds[ROOM];
    size_t count;
    int64_t before;
    int result;

    local_need_passing(w);
    local_pair(w, &a, &b);
    before = raw_set_descriptor_limit(100);
    count = raw_exhaust(fds, ROOM);
    result = rondo_transport_send_fd(a->transport, fds[0]);
    while (count > 0)
        raw_close(fds[--count]);
    (void)raw_set_descriptor_limit(before);
    assert_int_equal(result, RONDO_EMFILE);
    assert_ok(rondo_transport_write(a->transport, "x", 1));
    test_run_until(w, b->bytes == 1);
}

/* Two come, there is room for one: neither is kept, and it is told. */
TEST(S16_the_receiver_has_no_room)
{
    struct peer *p = test_peer(w);
    raw_fd end, fds[ROOM], two[2] = {raw_file(), raw_file()};
    size_t count, open;
    int64_t before;

    if (raw_under_valgrind())
        test_skip(w, "valgrind has a limit of descriptors of its own");
    local_need_passing(w);
    end = local_raw_peer(w, &recorder, p);
    open = raw_count_descriptors();
    assert_int_equal(raw_send_fds(end, "x", 1, two, 2), 1);
    before = raw_set_descriptor_limit(100);
    count = raw_exhaust(fds, ROOM);
    raw_close(fds[--count]);
    test_run_until(w, p->lost);
    while (count > 0)
        raw_close(fds[--count]);
    (void)raw_set_descriptor_limit(before);
    assert_int_equal(p->error, RONDO_EMFILE);
    assert_true(strstr(p->last_error, "EMFILE") != NULL);
    assert_string_equal(p->order, "ML");
    assert_int_equal(raw_count_descriptors(), open - 1); /* the transport's */
    raw_close(end);
    raw_close_pair(two);
}

/* ---- G8: no memory ------------------------------------------------------ */

TEST(G8_sending_without_memory)
{
    raw_fd file = raw_file();
    unsigned failures = 0;

    local_need_passing(w);
    for (uint64_t n = 1;; n++) {
        struct peer *a, *b;
        rondo_fd got = RONDO_NO_FD;
        int result;

        assert_in_range(n, 1, 20);
        local_pair(w, &a, &b);
        b->user = &got;
        b->on_data = take_one;
        test_fail_allocation(w, n);
        result = rondo_transport_send_fd(a->transport, file);
        test_fail_allocation(w, 0);
        if (result < 0) {
            assert_error(result, RONDO_ENOMEM);
            failures++;
        }
        assert_ok(rondo_transport_write(a->transport, "x", 1));
        test_run_until(w, b->bytes == 1);
        assert_int_equal(got != RONDO_NO_FD, result == 0);
        raw_close(got);
        b->on_data = NULL;
        if (result == 0)
            break;
    }
    assert_true(failures > 0);
    raw_close(file);
}

TEST(G8_receiving_without_memory)
{
    raw_fd file = raw_file();
    unsigned failures = 0;

    local_need_passing(w);
    for (uint64_t n = 1;; n++) {
        struct peer *p = test_peer(w);
        raw_fd end = local_raw_peer(w, &recorder, p);

        assert_in_range(n, 1, 20);
        test_fail_allocation(w, n);
        assert_int_equal(raw_send_fds(end, "x", 1, &file, 1), 1);
        test_run_until(w, p->bytes == 1 || p->lost);
        test_fail_allocation(w, 0);
        raw_close(end);
        if (!p->lost)
            break;
        assert_int_equal(p->error, RONDO_ENOMEM);
        failures++;
    }
    assert_true(failures > 0);
    raw_close(file);
}

/* ---- G9: never 0, 1 or 2 ------------------------------------------------ */

struct child {
    rondo_loop *loop;
    rondo_fd got;
    unsigned lost;
};

static void child_took(rondo_transport *t, void *self, const void *data,
                       size_t size)
{
    struct child *c = self;

    (void)data;
    (void)size;
    c->got = rondo_transport_take_fd(t);
    rondo_transport_close(t);
}

static void child_lost(rondo_transport *t, void *self, int error)
{
    struct child *c = self;

    (void)t;
    c->lost += error == 0;
}

static const rondo_protocol child_protocol = {.data_received = child_took,
                                              .connection_lost = child_lost};

static int receive_without_standard(void *arg)
{
    struct child c = {0};
    rondo_loop_options options = *(rondo_loop_options *)arg;
    raw_fd pair[2], file = raw_file();

    if (raw_local_pair(pair) != 0 || rondo_loop_new(&c.loop, &options) != 0 ||
        rondo_connect_accepted_socket(c.loop, pair[0], &child_protocol, &c,
                                      NULL) != 0)
        return 1;
    for (int fd = 0; fd < 3; fd++)
        raw_close(fd);
    if (raw_send_fds(pair[1], "x", 1, &file, 1) != 1 ||
        rondo_loop_run(c.loop) != 0 || c.lost != 1)
        return 2;
    if (c.got <= 2 || !raw_fd_close_on_exec(c.got) ||
        !raw_same_file(c.got, file))
        return 3;
    return raw_fd_valid(0) || raw_fd_valid(1) || raw_fd_valid(2) ? 4 : 0;
}

TEST(G9_what_arrives_is_never_0_to_2)
{
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;

    local_need_passing(w);
    options.backend = w->backend;
    assert_int_equal(raw_fork_run(receive_without_standard, &options), 0);
}

/* ---- S16: whole connections --------------------------------------------- */

struct handover {
    struct peer *worker;
    struct peer *got;
};

static void adopt_it(struct peer *p, const void *data, size_t size)
{
    struct handover *h = p->user;
    rondo_fd fd = rondo_transport_take_fd(p->transport);

    (void)data;
    (void)size;
    assert_true(fd != RONDO_NO_FD);
    test_adopt(p->w, fd, &recorder, h->got);
}

TEST(S16_a_connection_travels)
{
    struct peer *a, *b, *mine = test_peer(w);
    struct handover *h = test_alloc(w, sizeof *h);
    raw_fd tcp[2];

    local_need_passing(w);
    assert_int_equal(raw_pair(tcp), 0);
    local_pair(w, &a, &b);
    h->got = test_peer(w);
    b->user = h;
    b->on_data = adopt_it;
    assert_ok(rondo_transport_send_fd(a->transport, tcp[0]));
    assert_ok(rondo_transport_write(a->transport, "x", 1));
    raw_close(tcp[0]); /* it lives on, on its way */
    test_adopt(w, tcp[1], &recorder, mine);
    test_run_until(w, h->got->made && mine->made);
    assert_ok(rondo_transport_write(mine->transport, "hello", 5));
    test_run_until(w, h->got->bytes == 5);
    rondo_transport_close(h->got->transport);
    assert_lost(w, mine, NULL, 0);
}

/* ---- S16: the other end -------------------------------------------------- */

/* A program without Rondo sends and receives the same. */
TEST(S16_with_a_plain_socket)
{
    struct peer *p = test_peer(w);
    rondo_fd taken = RONDO_NO_FD;
    raw_fd end, file = raw_file(), other = raw_file(), got[4];
    size_t count = 4;
    char bytes[8];

    local_need_passing(w);
    p->user = &taken;
    p->on_data = take_one;
    end = local_raw_peer(w, &recorder, p);
    assert_int_equal(raw_send_fds(end, "ab", 2, &file, 1), 2);
    test_run_until(w, p->bytes == 2);
    assert_true(raw_same_file(taken, file));
    assert_ok(rondo_transport_send_fd(p->transport, file));
    assert_ok(rondo_transport_send_fd(p->transport, other));
    assert_ok(rondo_transport_write(p->transport, "cde", 3));
    assert_int_equal(raw_recv_fds(end, bytes, 8, got, &count, 1000), 3);
    assert_int_equal(count, 2);
    assert_true(raw_same_file(got[0], file));
    assert_true(raw_same_file(got[1], other));
    raw_close_pair(got);
    raw_close(taken);
    raw_close(end);
    raw_close(file);
    raw_close(other);
}

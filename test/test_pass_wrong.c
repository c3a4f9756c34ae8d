/* test_pass_wrong.c - descriptors that cannot travel, or have no room; a plain
 * socket at the other end. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"
#include "raw_net.h"

enum { ROOM = 200 };

static void take_one(struct peer *p)
{
    *(rondo_fd *)p->user = rondo_transport_take_fd(p->transport);
}

/* A pair whose b takes one descriptor, which answers where it goes. */
static rondo_fd *pair(struct world *w, struct peer **a, struct peer **b)
{
    rondo_fd *got = test_alloc(w, sizeof *got);

    local_need_passing(w);
    local_pair(w, a, b);
    *got = RONDO_NO_FD;
    (*b)->user = got;
    (*b)->on_bytes = take_one;
    return got;
}

static void write_x(struct peer *p)
{
    assert_ok(rondo_transport_write(p->transport, "x", 1));
}

/* ---- S16: refused ------------------------------------------------------- */

TEST_LEAVES(S16_only_unix_sockets_carry)
{
    struct peer *a, *b;
    raw_fd file = test_own(w, raw_file());

    test_pair(w, &a, &b);
    assert_refused(rondo_transport_send_fd(a->transport, file), RONDO_ENOTSUP,
                   "unix sockets");
    assert_true(rondo_transport_take_fd(a->transport) == RONDO_NO_FD);
    assert_true(strstr(rondo_last_error(), "unix sockets") != NULL);
    /* the transport is as good as before */
    write_x(a);
    test_run_until(w, b->bytes == 1);
}

TEST(S16_one_direction_alone_carries_none)
{
    struct peer *p = test_peer(w);
    raw_fd pair[2];

    local_need_passing(w);
    assert_int_equal(raw_local_pair(pair), 0);
    (void)test_own_pair(w, pair);
    assert_ok(rondo_connect_write_pipe(w->loop, pair[0], RONDO_PIPE_BORROW,
                                       &recorder, p, &p->transport));
    assert_refused(rondo_transport_send_fd(p->transport, pair[0]),
                   RONDO_ENOTSUP, "unix sockets that read and write");
    rondo_transport_abort(p->transport);
    test_run_until(w, p->lost);
}

TEST_LEAVES(S16_descriptors_that_are_none)
{
    struct peer *a, *b;
    const rondo_fd *got = pair(w, &a, &b);

    assert_einval(rondo_transport_send_fd(NULL, 0));
    assert_true(rondo_transport_take_fd(NULL) == RONDO_NO_FD);
    assert_error(rondo_transport_send_fd(a->transport, raw_dead_fd()),
                 RONDO_EBADF);
    assert_error(rondo_transport_send_fd(a->transport, RONDO_NO_FD),
                 RONDO_EBADF);
    write_x(a);
    test_run_until(w, b->bytes == 1);
    assert_true(*got == RONDO_NO_FD);
    assert_true(rondo_transport_take_fd(b->transport) == RONDO_NO_FD);
}

TEST(S16_after_the_end_of_writing)
{
    struct peer *a, *b;
    raw_fd file = test_own(w, raw_file());

    (void)pair(w, &a, &b);
    b->keep_open = true;
    assert_ok(rondo_transport_write_eof(a->transport));
    assert_error(rondo_transport_send_fd(a->transport, file), RONDO_EPIPE);
    rondo_transport_close(b->transport);
    assert_error(rondo_transport_send_fd(b->transport, file), RONDO_ECLOSED);
    test_run_until(w, a->lost && b->lost);
}

/* ---- S16: no room ------------------------------------------------------- */

TEST_LEAVES(S16_the_sender_has_no_room)
{
    struct peer *a, *b;
    raw_fd fds[ROOM];
    size_t count;
    int64_t before;
    int result;

    (void)pair(w, &a, &b);
    before = raw_set_descriptor_limit(100);
    count = raw_exhaust(fds, ROOM);
    result = rondo_transport_send_fd(a->transport, fds[0]);
    while (count > 0)
        raw_close(fds[--count]);
    (void)raw_set_descriptor_limit(before);
    assert_int_equal(result, RONDO_EMFILE);
    write_x(a);
    test_run_until(w, b->bytes == 1);
}

/* Two come, there is room for one: neither is kept, and it is told. */
TEST(S16_the_receiver_has_no_room)
{
    struct peer *p = test_peer(w);
    raw_fd end, fds[ROOM],
        two[2] = {test_own(w, raw_file()), test_own(w, raw_file())};
    size_t count, open;
    int64_t before;

    test_skip_if(w, raw_under_valgrind(),
                 "valgrind has a limit of descriptors of its own");
    local_need_passing(w);
    end = test_own(w, local_raw_peer(w, &recorder, p));
    open = raw_count_descriptors();
    assert_int_equal(raw_send_fds(end, "x", 1, two, 2), 1);
    before = raw_set_descriptor_limit(100);
    count = raw_exhaust(fds, ROOM);
    raw_close(fds[--count]);
    test_run_until(w, p->lost);
    while (count > 0)
        raw_close(fds[--count]);
    (void)raw_set_descriptor_limit(before);
    assert_lost(w, p, "ML", RONDO_EMFILE);
    assert_true(strstr(p->last_error, "EMFILE") != NULL);
    assert_int_equal(raw_count_descriptors(), open - 1); /* the transport's */
}

/* ---- G8: no memory ------------------------------------------------------ */

TEST_LEAVES(G8_sending_without_memory)
{
    raw_fd file = test_own(w, raw_file());
    int result = RONDO_ENOMEM;
    uint64_t n;

    for (n = 1; result < 0; n++) {
        struct peer *a, *b;
        const rondo_fd *got = pair(w, &a, &b);

        assert_in_range(n, 1, 20);
        test_fail_allocation(w, n);
        result = rondo_transport_send_fd(a->transport, file);
        test_fail_allocation(w, 0);
        if (result < 0)
            assert_error(result, RONDO_ENOMEM);
        write_x(a);
        test_run_until(w, b->bytes == 1);
        assert_int_equal(*got != RONDO_NO_FD, result == 0);
        raw_close(*got);
    }
    assert_true(n > 2); /* at least one has failed */
}

TEST_LEAVES(G8_receiving_without_memory)
{
    raw_fd file = test_own(w, raw_file());
    bool lost = true;
    uint64_t n;

    local_need_passing(w);
    for (n = 1; lost; n++) {
        struct peer *p = test_peer(w);
        raw_fd end = local_raw_peer(w, &recorder, p);

        assert_in_range(n, 1, 20);
        test_fail_allocation(w, n);
        assert_int_equal(raw_send_fds(end, "x", 1, &file, 1), 1);
        test_run_until(w, p->bytes == 1 || p->lost);
        test_fail_allocation(w, 0);
        raw_close(end);
        lost = p->lost;
        if (lost)
            assert_int_equal(p->error, RONDO_ENOMEM);
    }
    assert_true(n > 2); /* at least one has failed */
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
    int result;

    local_need_passing(w);
    options.backend = w->backend;
    result = raw_fork_run(receive_without_standard, &options);
    test_skip_if(w, result < 0, "no forks on this system");
    assert_int_equal(result, 0);
}

/* ---- S16: whole connections --------------------------------------------- */

static void adopt_it(struct peer *p)
{
    rondo_fd fd = rondo_transport_take_fd(p->transport);

    assert_true(fd != RONDO_NO_FD);
    test_adopt(p->w, fd, &recorder, p->user);
}

TEST_LEAVES(S16_a_connection_travels)
{
    struct peer *a, *b, *mine = test_peer(w), *got = test_peer(w);
    raw_fd tcp[2];

    (void)pair(w, &a, &b);
    assert_int_equal(raw_pair(tcp), 0);
    b->user = got;
    b->on_bytes = adopt_it;
    assert_ok(rondo_transport_send_fd(a->transport, tcp[0]));
    write_x(a);
    raw_close(tcp[0]); /* it lives on, on its way */
    test_adopt(w, tcp[1], &recorder, mine);
    test_run_until(w, got->made && mine->made);
    assert_ok(rondo_transport_write(mine->transport, "hello", 5));
    test_run_until(w, got->bytes == 5);
    rondo_transport_close(got->transport);
    assert_lost(w, mine, NULL, 0);
}

/* ---- S16: the other end -------------------------------------------------- */

/* A program without Rondo sends and receives the same. */
TEST_LEAVES(S16_with_a_plain_socket)
{
    struct peer *p = test_peer(w);
    rondo_fd taken = RONDO_NO_FD;
    raw_fd end, got[4];
    raw_fd file = test_own(w, raw_file()), other = test_own(w, raw_file());
    size_t count = 4;
    char bytes[8];

    local_need_passing(w);
    p->user = &taken;
    p->on_bytes = take_one;
    end = test_own(w, local_raw_peer(w, &recorder, p));
    assert_int_equal(raw_send_fds(end, "ab", 2, &file, 1), 2);
    test_run_until(w, p->bytes == 2);
    assert_true(raw_same_file(test_own(w, taken), file));
    assert_ok(rondo_transport_send_fd(p->transport, file));
    assert_ok(rondo_transport_send_fd(p->transport, other));
    assert_ok(rondo_transport_write(p->transport, "cde", 3));
    assert_int_equal(raw_recv_fds(end, bytes, 8, got, &count, 1000), 3);
    assert_int_equal(count, 2);
    assert_true(raw_same_file(got[0], file));
    assert_true(raw_same_file(got[1], other));
    raw_close_pair(got);
}

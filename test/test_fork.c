/* test_fork.c - a loop on both sides of a fork. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_net.h"

/* No assertions in a child: it answers with the step that went wrong. */
struct family {
    struct world *w;
    rondo_remote *remote;
    rondo_transport *t;
    rondo_server *server;
    struct listener *l;
    uint16_t port;
    unsigned ran, read, made, lost, accepted, bytes, done;
    raw_fd fds[2]; /* the first is watched */
    raw_fd peer;   /* the transport's other end */
    rondo_id timer;
};

static void on_readable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct family *f = arg;
    char byte;

    (void)loop;
    if (raw_recv(fd, &byte, 1, 0) == 1)
        f->read++;
}

static void on_made(rondo_transport *t, void *self)
{
    struct family *f = self;

    if (rondo_transport_server(t))
        f->accepted++;
    else
        f->t = t;
    f->made++;
}

static void on_data(rondo_transport *t, void *self, const void *data,
                    size_t size)
{
    struct family *f = self;

    (void)rondo_transport_write(t, data, size);
    f->bytes += (unsigned)size;
}

static void on_lost(rondo_transport *t, void *self, int error)
{
    struct family *f = self;

    (void)t;
    (void)error;
    f->lost++;
}

static const rondo_protocol echo = {.connection_made = on_made,
                                    .data_received = on_data,
                                    .connection_lost = on_lost};

/* A loop with a watcher, a timer, a server, an echoing transport. */
static struct family *family_new(struct world *w)
{
    struct family *f = test_alloc(w, sizeof *f);
    raw_fd fds[2];
    rondo_address a;

    f->w = w;
    assert_int_equal(raw_pair(f->fds), 0);
    assert_int_equal(raw_pair(fds), 0);
    f->peer = fds[1];
    assert_ok(rondo_add_reader(w->loop, f->fds[0], on_readable, f));
    assert_ok(rondo_connect_accepted_socket(w->loop, fds[0], &echo, f, NULL));
    assert_ok(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                  &echo, f, &f->server));
    assert_ok(rondo_server_address(f->server, 0, &a));
    f->port = rondo_address_port(&a);
    f->remote = rondo_loop_remote(w->loop);
    while (!f->made)
        assert_ok(rondo_loop_run_once(w->loop, 0));
    /* last, so that it is not due before the fork */
    f->timer = rondo_call_later(w->loop, RONDO_MS(30), count_call, &f->ran);
    return f;
}

static bool wait_for(rondo_loop *loop, const unsigned *value, unsigned wanted)
{
    int64_t end = raw_now_ns() + RONDO_SEC(10) * test_slowness();

    while (*value < wanted)
        if (rondo_loop_run_once(loop, RONDO_MS(2)) < 0 || raw_now_ns() > end)
            return false;
    return true;
}

/* Everything there is works in this process: 0, or the step that did not. */
static int use_everything(struct family *f)
{
    rondo_loop *loop = f->w->loop;
    char got[5];
    raw_fd fd;

    if (!wait_for(loop, &f->ran, 1))
        return 20;
    if (!raw_send_all(f->fds[1], "x", 1, 1000) ||
        !wait_for(loop, &f->read, f->read + 1))
        return 21;
    if (!raw_send_all(f->peer, "hello", 5, 1000) ||
        !wait_for(loop, &f->bytes, f->bytes + 5) ||
        !raw_recv_exact(f->peer, got, 5, 1000) || memcmp(got, "hello", 5) != 0)
        return 22;
    fd = raw_connect(f->port);
    if (fd == RONDO_NO_FD || !wait_for(loop, &f->accepted, f->accepted + 1))
        return 23;
    raw_close(fd);
    if (!wait_for(loop, &f->lost, f->lost + 1))
        return 24;
    if (rondo_remote_call(f->remote, count_call, &f->ran) < 0 ||
        !wait_for(loop, &f->ran, f->ran + 1))
        return 25;
    if (rondo_call_soon(loop, count_call, &f->ran) < 0 ||
        !wait_for(loop, &f->ran, f->ran + 1))
        return 26;
    return 0;
}

static void family_end(struct family *f)
{
    int step = use_everything(f);

    if (step)
        test_fail(f->w, "in the parent, step %d went wrong", step);
    rondo_remote_release(f->remote);
    raw_close_pair(f->fds);
    raw_close(f->peer);
}

/* ---- L8: after_fork ----------------------------------------------------- */

static int go_on(void *arg)
{
    struct family *f = arg;

    if (rondo_loop_after_fork(f->w->loop) != 0)
        return 1;
    if (rondo_loop_after_fork(f->w->loop) != 0)
        return 2;
    return use_everything(f);
}

TEST(L8_after_fork_everything_goes_on)
{
    struct family *f = family_new(w);

    test_run_child(w, go_on, f);
    assert_int_equal(f->ran + f->read, 0);
    family_end(f);
}

static int go_on_and_close(void *arg)
{
    struct family *f = arg;
    int step = go_on(f);

    if (step)
        return step;
    if (rondo_loop_close(f->w->loop) != 0)
        return 30;
    if (rondo_remote_call(f->remote, count_call, &f->ran) != RONDO_ECLOSED)
        return 31;
    return f->lost == f->made ? 0 : 32;
}

TEST(L8_the_parent_s_events_are_untouched)
{
    struct family *f = family_new(w);

    test_run_child(w, go_on_and_close, f);
    family_end(f);
}

/* What the child drops of the descriptors they share stays in the parent. */
static int remove_all(void *arg)
{
    struct family *f = arg;
    rondo_loop *loop = f->w->loop;

    if (rondo_loop_after_fork(loop) != 0)
        return 1;
    if (rondo_remove_reader(loop, f->fds[0]) != 1)
        return 2;
    rondo_server_close(f->server);
    if (rondo_cancel(loop, f->timer) != 0)
        return 3;
    raw_close(f->fds[0]);
    return rondo_loop_run_once(loop, 0) < 0 ? 4 : 0;
}

TEST(L8_what_the_child_removes_the_parent_keeps)
{
    struct family *f = family_new(w);

    test_run_child(w, remove_all, f);
    family_end(f);
}

/* A child that ends its loop does not make the parent's end a reset. */
TEST(L8_the_parent_s_connections_end_in_order)
{
    struct family *f = family_new(w);
    char byte;

    test_run_child(w, go_on_and_close, f);
    assert_ok(rondo_transport_write(f->t, "x", 1));
    rondo_transport_close(f->t);
    assert_true(wait_for(w->loop, &f->lost, 1));
    assert_int_equal(raw_recv(f->peer, &byte, 1, 5000), 1);
    assert_int_equal(raw_recv(f->peer, &byte, 1, 5000), 0);
    rondo_remote_release(f->remote);
    raw_close_pair(f->fds);
    raw_close(f->peer);
}

static int wake_a_lot(void *arg)
{
    struct family *f = arg;
    rondo_loop *loop = f->w->loop;

    rondo_loop_wake(loop);
    rondo_loop_stop(loop);
    (void)rondo_remote_call(f->remote, count_call, &f->ran);
    if (rondo_loop_after_fork(loop) != 0)
        return 1;
    for (int i = 0; i < 100; i++) {
        rondo_loop_wake(loop);
        if (rondo_remote_call(f->remote, count_call, &f->ran) < 0)
            return 2;
    }
    return wait_for(loop, &f->ran, 100) ? 0 : 3;
}

TEST(L8_the_child_does_not_wake_the_parent)
{
    struct family *f = test_alloc(w, sizeof *f);
    uint64_t events;

    f->w = w;
    f->remote = rondo_loop_remote(w->loop);
    test_spin(w, 3);
    test_run_child(w, wake_a_lot, f);
    events = test_metrics(w).events;
    assert_in_range(test_run_for(w, RONDO_MS(20)), 1, 4);
    assert_true(test_metrics(w).events == events);
    assert_int_equal(f->ran, 0);
    rondo_remote_release(f->remote);
}

/* ---- L8: further cases -------------------------------------------------- */

static int grandchild(void *arg)
{
    struct family *f = arg;

    if (rondo_loop_run_once(f->w->loop, 0) != RONDO_EFORKED)
        return 10;
    return go_on(f);
}

static int child_with_child(void *arg)
{
    struct family *f = arg;
    int status;

    if (rondo_loop_after_fork(f->w->loop) != 0)
        return 1;
    status = raw_fork_run(grandchild, f);
    return status ? status : use_everything(f);
}

TEST(L8_a_grandchild_is_eforked_again)
{
    struct family *f = family_new(w);

    test_run_child(w, child_with_child, f);
    family_end(f);
}

TEST(L8_after_fork_without_fork_does_nothing)
{
    struct family *f = family_new(w);

    assert_int_equal(rondo_loop_after_fork(w->loop), 0);
    family_end(f);
}

static int make_its_own(void *arg)
{
    struct family *f = arg;
    rondo_loop_options options = test_loop_options(f->w);
    rondo_loop *loop;

    if (rondo_loop_new(&loop, &options) < 0 ||
        rondo_call_later(loop, 0, count_call, &f->ran) < 0)
        return 1;
    if (rondo_loop_run(loop) != 0 || f->ran != 1)
        return 2;
    return rondo_loop_close(loop) < 0 ? 3 : 0;
}

TEST(L8_a_child_s_own_loop_needs_nothing)
{
    struct family *f = family_new(w);

    test_run_child(w, make_its_own, f);
    family_end(f);
}

static int in_debug_mode(void *arg)
{
    struct family *f = arg;

    if (rondo_loop_set_debug(f->w->loop, false, 0) != RONDO_EFORKED)
        return 1;
    return go_on(f);
}

TEST(L8_debug_mode_goes_through_fork)
{
    struct family *f = family_new(w);

    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(100)));
    test_run_child(w, in_debug_mode, f);
    assert_ok(rondo_loop_set_debug(w->loop, false, 0));
    family_end(f);
}

static void looked_up(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct family *f = arg;

    (void)loop;
    (void)t;
    (void)error;
    f->done++;
}

static rondo_id look_up(struct family *f, const char *host)
{
    return rondo_create_connection(f->w->loop,
                                   RONDO_CONNECT(.host = host, .port = f->port),
                                   &echo, f, looked_up, f);
}

/* The threads that look names up are not in the child. */
static int finish_look_up(void *arg)
{
    struct family *f = arg;

    if (rondo_loop_after_fork(f->w->loop) != 0)
        return 1;
    if (!wait_for(f->w->loop, &f->done, 1))
        return 2;
#if !THREAD_SANITIZER /* it ends a child that starts a thread */
    if (!raw_emulated() &&
        (look_up(f, "b.quick.test") < 0 || !wait_for(f->w->loop, &f->done, 2)))
        return 3;
#endif
    return rondo_loop_close(f->w->loop) < 0 ? 4 : 0;
}

TEST(L8_a_look_up_under_way_ends_in_the_child)
{
    struct family *f = family_new(w);

    if (!raw_names_replace())
        test_skip(w, "look-ups cannot be held up on this platform");
    assert_ok(look_up(f, "a.slow.test"));
    while (raw_names_waiting() == 0)
        assert_ok(rondo_loop_run_once(w->loop, 0));
    test_run_child(w, finish_look_up, f);
    raw_names_release();
    assert_true(wait_for(w->loop, &f->done, 1));
    family_end(f);
}

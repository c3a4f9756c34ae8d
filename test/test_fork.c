/* test_fork.c - a loop on both sides of a fork. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"
#include "harness_names.h"

/* A loop with a watcher, a timer, a server, an echoing transport. */
struct family {
    struct world *w;
    rondo_remote *remote;
    rondo_transport *t;
    rondo_server *server;
    uint16_t port;
    unsigned ran, read, made, lost, accepted, bytes, done;
    raw_fd *fds; /* the first is watched */
    raw_fd peer; /* the transport's other end */
    rondo_id timer;
    int status;
};

static void on_readable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    char byte;

    (void)loop;
    ((struct family *)arg)->read += raw_recv(fd, &byte, 1, 0) == 1;
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
    (void)t, (void)error;
    ((struct family *)self)->lost++;
}

static const rondo_protocol echo = {.connection_made = on_made,
                                    .data_received = on_data,
                                    .connection_lost = on_lost};

static struct family *family_new(struct world *w)
{
    struct family *f = test_alloc(w, sizeof *f);
    raw_fd *fds = test_sockets(w);

    f->w = w;
    f->fds = test_sockets(w);
    f->peer = fds[1];
    assert_ok(rondo_add_reader(w->loop, f->fds[0], on_readable, f));
    assert_ok(rondo_connect_accepted_socket(w->loop, fds[0], &echo, f, NULL));
    fds[0] = RONDO_NO_FD;
    assert_ok(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                  &echo, f, &f->server));
    f->port = raw_local_port(rondo_server_fd(f->server, 0));
    f->remote = rondo_loop_remote(w->loop);
    f->timer = rondo_call_later(w->loop, RONDO_SEC(1000), count_call, &f->ran);
    test_run_until(w, f->made);
    return f;
}

/* In the parent nothing has happened. */
static void check_untouched(const struct family *f)
{
    rondo_loop_metrics m;

    test_spin(f->w, 5);
    m = test_metrics(f->w);
    assert_int_equal(m.live_timers, 1);
    assert_int_equal(m.live_watchers, 1);
    assert_int_equal(m.live_transports, 1);
    assert_int_equal(m.live_servers, 1);
    assert_int_equal(f->ran + f->read + f->lost, 0);
    assert_true(rondo_server_is_serving(f->server));
    assert_false(rondo_transport_is_closing(f->t));
}

/* Everything there is works in this process, which may be a child without
 * assertions: 0, or the step that did not. */
static int use_everything(struct family *f)
{
    rondo_loop *loop = f->w->loop;
    char got[5];
    raw_fd fd;

    if (rondo_reschedule(loop, f->timer, rondo_loop_time(loop) + RONDO_MS(5)) <
            0 ||
        !child_runs_until(loop, &f->ran, 1))
        return 20;
    if (!raw_send_all(f->fds[1], "x", 1, 1000) ||
        !child_runs_until(loop, &f->read, f->read + 1))
        return 21;
    if (!raw_send_all(f->peer, "hello", 5, 1000) ||
        !child_runs_until(loop, &f->bytes, f->bytes + 5) ||
        !raw_recv_exact(f->peer, got, 5, 1000) || memcmp(got, "hello", 5) != 0)
        return 22;
    fd = raw_connect(f->port);
    if (fd == RONDO_NO_FD ||
        !child_runs_until(loop, &f->accepted, f->accepted + 1))
        return 23;
    raw_close(fd);
    if (!child_runs_until(loop, &f->lost, f->lost + 1))
        return 24;
    if (rondo_remote_call(f->remote, count_call, &f->ran) < 0 ||
        rondo_call_soon(loop, count_call, &f->ran) < 0 ||
        !child_runs_until(loop, &f->ran, f->ran + 2))
        return 25;
    return 0;
}

static void family_end(struct family *f)
{
    int step = use_everything(f);

    if (step)
        test_fail(f->w, "in the parent, step %d went wrong", step);
    rondo_remote_release(f->remote);
}

/* The child does that, and the parent goes on as if nothing had been. */
static void fork_and(struct world *w, int (*child)(void *family))
{
    struct family *f = family_new(w);

    test_run_child(w, child, f);
    check_untouched(f);
    family_end(f);
}

/* ---- L8: EFORKED -------------------------------------------------------- */

/* The first of the results that is another one, counted from 1; or 0. */
static int other_than_forked(const int64_t *results, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (results[i] != RONDO_EFORKED)
            return (int)i + 1;
    return 0;
}

static int use_loop(void *arg)
{
    struct family *f = arg;
    rondo_loop *loop = f->w->loop;
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    rondo_loop_metrics metrics = RONDO_LOOP_METRICS_INIT;
    const int64_t results[] = {
        rondo_loop_run(loop),
        rondo_loop_run_forever(loop),
        rondo_loop_run_once(loop, 0),
        rondo_loop_close(loop),
        rondo_loop_take(loop),
        rondo_loop_prepare(loop, &wait),
        rondo_loop_get_metrics(loop, &metrics),
        rondo_loop_set_debug(loop, true, 0),
        rondo_call_soon(loop, count_call, &f->ran),
        rondo_call_later(loop, 0, count_call, &f->ran),
        rondo_call_at(loop, 0, count_call, &f->ran),
        rondo_call_every(loop, 1, count_call, &f->ran),
        rondo_cancel(loop, f->timer),
        rondo_reschedule(loop, f->timer, 0),
        rondo_when(loop, f->timer),
        rondo_call_soon_threadsafe(loop, count_call, &f->ran),
        rondo_remote_call(f->remote, count_call, &f->ran),
        rondo_add_reader(loop, f->fds[0], on_readable, f),
        rondo_remove_reader(loop, f->fds[0]),
        rondo_add_signal_handler(loop, 2, ignore_signal, f),
        rondo_remove_signal_handler(loop, 2)};

    if (!strstr(rondo_last_error(), "after_fork"))
        return 100;
    return other_than_forked(results, COUNT_OF(results));
}

static int use_handles(void *arg)
{
    struct family *f = arg;
    rondo_loop *loop = f->w->loop;
    const int64_t results[] = {
        rondo_transport_write(f->t, "x", 1),
        rondo_transport_write_eof(f->t),
        rondo_transport_pause_reading(f->t),
        rondo_transport_resume_reading(f->t),
        rondo_transport_set_protocol(f->t, &echo, NULL),
        rondo_server_pause_serving(f->server),
        rondo_server_start_serving(f->server),
        rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &echo, f,
                            NULL),
        rondo_connect_accepted_socket(loop, f->peer, &echo, f, NULL),
        rondo_create_connection(loop, RONDO_CONNECT(.host = "127.0.0.1"), &echo,
                                f, NULL, NULL)};

    rondo_transport_close(f->t);
    rondo_transport_abort(f->t);
    rondo_server_close(f->server);
    rondo_loop_stop(loop);
    rondo_loop_wake(loop);
    if (f->lost + f->ran > 0)
        return 100;
    return other_than_forked(results, COUNT_OF(results));
}

TEST_CASE_LEAVES(L8_a_loop_in_the_child_is_eforked, fork_and(w, use_loop));

TEST_CASE_LEAVES(L8_handles_in_the_child_are_eforked, fork_and(w, use_handles));

/* ---- L8: after_fork ----------------------------------------------------- */

static int go_on(void *arg)
{
    struct family *f = arg;

    for (int i = 0; i < 2; i++)
        if (rondo_loop_after_fork(f->w->loop) != 0)
            return 1;
    return use_everything(f);
}

static int go_on_and_close(void *arg)
{
    struct family *f = arg;
    int step = go_on(f);

    if (step == 0 &&
        (rondo_loop_close(f->w->loop) != 0 || f->lost != f->made ||
         rondo_remote_call(f->remote, count_call, &f->ran) != RONDO_ECLOSED))
        step = 30;
    return step;
}

/* What the child drops of the descriptors they share stays in the parent. */
static int remove_all(void *arg)
{
    struct family *f = arg;
    rondo_loop *loop = f->w->loop;

    if (rondo_loop_after_fork(loop) != 0)
        return 1;
    if (rondo_remove_reader(loop, f->fds[0]) != 1 ||
        rondo_cancel(loop, f->timer) != 0)
        return 2;
    rondo_server_close(f->server);
    raw_close(f->fds[0]);
    return rondo_loop_run_once(loop, 0) < 0 ? 3 : 0;
}

static int grandchild(void *arg)
{
    struct family *f = arg;

    return rondo_loop_run_once(f->w->loop, 0) == RONDO_EFORKED ? go_on(f) : 10;
}

static int child_with_child(void *arg)
{
    struct family *f = arg;
    int status = rondo_loop_after_fork(f->w->loop);

    if (status == 0)
        status = raw_fork_run(grandchild, f);
    return status ? status : use_everything(f);
}

static int make_its_own(void *arg)
{
    struct family *f = arg;
    rondo_loop_options options = test_loop_options(f->w);
    rondo_loop *loop;

    if (rondo_loop_new(&loop, &options) < 0)
        return 1;
    if (rondo_call_later(loop, 0, count_call, &f->ran) < 0 ||
        rondo_loop_run(loop) != 0 || f->ran != 1)
        return 2;
    return rondo_loop_close(loop) < 0 ? 3 : 0;
}

TEST_CASE_LEAVES(L8_after_fork_everything_goes_on, fork_and(w, go_on));

TEST_CASE_LEAVES(L8_the_parent_s_events_are_untouched,
                 fork_and(w, go_on_and_close));

TEST_CASE_LEAVES(L8_what_the_child_removes_the_parent_keeps,
                 fork_and(w, remove_all));

TEST_CASE_LEAVES(L8_a_grandchild_is_eforked_again,
                 fork_and(w, child_with_child));

TEST_CASE_LEAVES(L8_a_child_s_own_loop_needs_nothing,
                 fork_and(w, make_its_own));

TEST_LEAVES(L8_debug_mode_goes_through_fork)
{
    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(100)));
    fork_and(w, grandchild);
    assert_ok(rondo_loop_set_debug(w->loop, false, 0));
}

TEST_LEAVES(L8_after_fork_without_fork_does_nothing)
{
    struct family *f = family_new(w);

    assert_int_equal(rondo_loop_after_fork(w->loop), 0);
    family_end(f);
}

/* A child that ends its loop does not make the parent's end a reset. */
TEST_LEAVES(L8_the_parent_s_connections_end_in_order)
{
    struct family *f = family_new(w);
    char byte;

    test_run_child(w, go_on_and_close, f);
    assert_ok(rondo_transport_write(f->t, "x", 1));
    rondo_transport_close(f->t);
    test_run_until(w, f->lost == 1);
    assert_int_equal(raw_recv(f->peer, &byte, 1, 5000), 1);
    assert_int_equal(raw_recv(f->peer, &byte, 1, 5000), 0);
    rondo_remote_release(f->remote);
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
    return child_runs_until(loop, &f->ran, 100) ? 0 : 3;
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

static int go_on_inside(void *arg)
{
    struct family *f = arg;
    rondo_loop *loop = f->w->loop;

    if (rondo_call_soon(loop, count_call, &f->ran) != RONDO_EFORKED ||
        rondo_loop_after_fork(loop) != 0)
        return 1;
    if (!rondo_loop_is_running(loop) || rondo_loop_run(loop) != RONDO_EBUSY)
        return 2;
    return rondo_call_soon(loop, count_call, &f->ran) > 0 ? 0 : 3;
}

static void fork_inside(rondo_loop *loop, void *arg)
{
    struct family *f = arg;

    (void)loop;
    f->status = raw_fork_run(go_on_inside, f);
    f->done++;
}

TEST_LEAVES(L8_a_fork_inside_a_callback)
{
    struct family *f = family_new(w);

    assert_ok(rondo_call_soon(w->loop, fork_inside, f));
    test_run_until(w, f->done);
    test_skip_if(w, f->status == -1, "no fork on this platform");
    assert_int_equal(f->status, 0);
    check_untouched(f);
    family_end(f);
}

static void looked_up(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    (void)t, (void)error;
    count_call(loop, &((struct family *)arg)->done);
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

    if (rondo_loop_after_fork(f->w->loop) != 0 ||
        !child_runs_until(f->w->loop, &f->done, 1))
        return 1;
    if (test_child_may_start_threads() &&
        (look_up(f, "b.quick.test") < 0 ||
         !child_runs_until(f->w->loop, &f->done, 2)))
        return 2;
    return rondo_loop_close(f->w->loop) < 0 ? 3 : 0;
}

TEST_LEAVES(L8_a_look_up_under_way_ends_in_the_child)
{
    struct family *f = family_new(w);

    names_replace(w);
    assert_ok(look_up(f, "a.slow.test"));
    test_run_until(w, raw_names_waiting() > 0);
    test_run_child(w, finish_look_up, f);
    raw_names_release();
    test_run_until(w, f->done == 1);
    family_end(f);
}

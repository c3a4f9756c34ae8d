/* test_loop_forked.c - a loop in a child is refused until after_fork. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

/* No assertions in a child: it answers with the step that went wrong. */
struct family {
    struct world *w;
    rondo_remote *remote;
    rondo_transport *t;
    rondo_server *server;
    raw_fd fds[2]; /* the first is watched */
    raw_fd peer;   /* the transport's other end */
    rondo_id timer;
    unsigned made, ran, lost;
    int status;
};

static void on_readable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct family *f = arg;

    (void)fd;
    count_call(loop, &f->ran);
}

static void on_signal(rondo_loop *loop, int signum, void *arg)
{
    on_readable(loop, signum, arg);
}

static void on_made(rondo_transport *t, void *self)
{
    struct family *f = self;

    f->t = t;
    f->made++;
}

static void on_lost(rondo_transport *t, void *self, int error)
{
    struct family *f = self;

    (void)t;
    (void)error;
    f->lost++;
}

static const rondo_protocol quiet = {.connection_made = on_made,
                                     .connection_lost = on_lost};

/* A loop with a watcher, a timer, a server and a transport. */
static struct family *family_new(struct world *w)
{
    struct family *f = test_alloc(w, sizeof *f);
    raw_fd fds[2];

    f->w = w;
    assert_int_equal(raw_pair(f->fds), 0);
    assert_int_equal(raw_pair(fds), 0);
    f->peer = fds[1];
    f->timer = rondo_call_later(w->loop, RONDO_SEC(1000), count_call, &f->ran);
    assert_ok(rondo_add_reader(w->loop, f->fds[0], on_readable, f));
    assert_ok(rondo_connect_accepted_socket(w->loop, fds[0], &quiet, f, NULL));
    assert_ok(rondo_create_server(w->loop, RONDO_SERVE(.host = "127.0.0.1"),
                                  &quiet, f, &f->server));
    f->remote = rondo_loop_remote(w->loop);
    test_run_until(w, f->made);
    return f;
}

/* In the parent nothing has happened. */
static void family_end(struct family *f)
{
    rondo_loop_metrics m;

    test_spin(f->w, 5);
    m = test_metrics(f->w);
    assert_int_equal(m.live_timers, 1);
    assert_int_equal(m.live_watchers, 1);
    assert_int_equal(m.live_transports, 1);
    assert_int_equal(m.live_servers, 1);
    assert_int_equal(f->ran + f->lost, 0);
    assert_true(rondo_server_is_serving(f->server));
    assert_false(rondo_transport_is_closing(f->t));
    rondo_remote_release(f->remote);
    raw_close_pair(f->fds);
    raw_close(f->peer);
}

/* ---- L8: EFORKED -------------------------------------------------------- */

#define REFUSED(call)                                                          \
    do {                                                                       \
        step++;                                                                \
        if ((call) != RONDO_EFORKED)                                           \
            return step;                                                       \
    } while (0)

static int use_loop(void *arg)
{
    struct family *f = arg;
    rondo_loop *loop = f->w->loop;
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    rondo_loop_metrics metrics = RONDO_LOOP_METRICS_INIT;
    int step = 0;

    REFUSED(rondo_loop_run(loop));
    REFUSED(rondo_loop_run_forever(loop));
    REFUSED(rondo_loop_run_once(loop, 0));
    REFUSED(rondo_loop_close(loop));
    REFUSED(rondo_loop_take(loop));
    REFUSED(rondo_loop_prepare(loop, &wait));
    REFUSED(rondo_loop_get_metrics(loop, &metrics));
    REFUSED(rondo_loop_set_debug(loop, true, 0));
    REFUSED(rondo_call_soon(loop, count_call, &f->ran));
    REFUSED(rondo_call_later(loop, 0, count_call, &f->ran));
    REFUSED(rondo_call_at(loop, 0, count_call, &f->ran));
    REFUSED(rondo_call_every(loop, 1, count_call, &f->ran));
    REFUSED(rondo_cancel(loop, f->timer));
    REFUSED(rondo_reschedule(loop, f->timer, 0));
    REFUSED(rondo_when(loop, f->timer));
    REFUSED(rondo_call_soon_threadsafe(loop, count_call, &f->ran));
    REFUSED(rondo_remote_call(f->remote, count_call, &f->ran));
    REFUSED(rondo_add_reader(loop, f->fds[0], on_readable, f));
    REFUSED(rondo_remove_reader(loop, f->fds[0]));
    REFUSED(rondo_add_signal_handler(loop, 2, on_signal, f));
    REFUSED(rondo_remove_signal_handler(loop, 2));
    if (!strstr(rondo_last_error(), "after_fork"))
        return 100;
    return 0;
}

TEST(L8_a_loop_in_the_child_is_eforked)
{
    struct family *f = family_new(w);

    test_run_child(w, use_loop, f);
    family_end(f);
}

static int use_handles(void *arg)
{
    struct family *f = arg;
    rondo_loop *loop = f->w->loop;
    int step = 0;

    REFUSED(rondo_transport_write(f->t, "x", 1));
    REFUSED(rondo_transport_write_eof(f->t));
    REFUSED(rondo_transport_pause_reading(f->t));
    REFUSED(rondo_transport_resume_reading(f->t));
    REFUSED(rondo_transport_set_protocol(f->t, &quiet, NULL));
    REFUSED(rondo_server_pause_serving(f->server));
    REFUSED(rondo_server_start_serving(f->server));
    REFUSED(rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"), &quiet,
                                f, NULL));
    REFUSED(rondo_connect_accepted_socket(loop, f->peer, &quiet, f, NULL));
    REFUSED(rondo_create_connection(loop, RONDO_CONNECT(.host = "127.0.0.1"),
                                    &quiet, f, NULL, NULL));
    rondo_transport_close(f->t);
    rondo_transport_abort(f->t);
    rondo_server_close(f->server);
    rondo_loop_stop(loop);
    rondo_loop_wake(loop);
    return f->lost + f->ran == 0 ? 0 : 100;
}

TEST(L8_handles_in_the_child_are_eforked)
{
    struct family *f = family_new(w);

    test_run_child(w, use_handles, f);
    family_end(f);
}

/* ---- L8: a fork inside a callback --------------------------------------- */

static int go_on_inside(void *arg)
{
    struct family *f = arg;
    rondo_loop *loop = f->w->loop;

    if (rondo_call_soon(loop, count_call, &f->ran) != RONDO_EFORKED)
        return 1;
    if (rondo_loop_after_fork(loop) != 0)
        return 2;
    if (!rondo_loop_is_running(loop) || rondo_loop_run(loop) != RONDO_EBUSY)
        return 3;
    return rondo_call_soon(loop, count_call, &f->ran) > 0 ? 0 : 4;
}

static void fork_inside(rondo_loop *loop, void *arg)
{
    struct family *f = arg;

    (void)loop;
    f->status = raw_fork_run(go_on_inside, f);
    f->made++;
}

TEST(L8_a_fork_inside_a_callback)
{
    struct family *f = family_new(w);

    assert_ok(rondo_call_soon(w->loop, fork_inside, f));
    test_run_until(w, f->made == 2);
    test_skip_if(w, f->status == -1, "no fork on this platform");
    assert_int_equal(f->status, 0);
    family_end(f);
}

/* test_watch_fork.c - watches, hooks, posts with ids after a fork. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

struct kin {
    struct world *w;
    rondo_remote *remote;
    rondo_id timer;
    raw_fd fd;
    unsigned calls, seen, hooked, posted;
};

static void told(rondo_loop *loop, rondo_fd fd, unsigned events, void *arg)
{
    struct kin *k = arg;

    (void)loop;
    (void)fd;
    k->calls++;
    k->seen = events;
}

static void counted(rondo_loop *loop, int signum, unsigned count, void *arg)
{
    (void)loop;
    (void)signum;
    (void)count;
    (void)arg;
}

/* A socket that is watched and ready on both sides, a hook and a post. */
static struct kin *kin_new(struct world *w)
{
    struct kin *k = test_alloc(w, sizeof *k);
    const raw_fd *fds = test_sockets(w);

    k->w = w;
    k->fd = fds[0];
    k->remote = rondo_loop_remote(w->loop);
    k->timer =
        rondo_call_later(w->loop, RONDO_SEC(1000), count_call, test_counter(w));
    assert_ok(
        rondo_watch(w->loop, k->fd, RONDO_READABLE | RONDO_WRITABLE, told, k));
    assert_true(raw_send_all(fds[1], "x", 1, 1000));
    test_run_until(w, k->seen == (RONDO_READABLE | RONDO_WRITABLE));
    assert_ok(
        rondo_add_hook(w->loop, RONDO_AFTER_WAIT, count_call, &k->hooked));
    assert_ok(rondo_remote_post(k->remote, count_call, &k->posted));
    return k;
}

static int in_child(struct world *w, int (*fn)(void *arg), struct kin *k)
{
    int status = raw_fork_run(fn, k);

    if (status < 0) {
        rondo_remote_release(k->remote);
        test_skip(w, "no fork on this system");
    }
    return status;
}

static int goes_on(void *arg)
{
    struct kin *k = arg;
    rondo_loop *loop = k->w->loop;

    if (rondo_loop_after_fork(loop) != 0)
        return 1;
    k->calls = k->seen = 0;
    for (int i = 0; i < 100 && k->calls < 3; i++)
        (void)rondo_loop_run_once(loop, RONDO_MS(100));
    if (k->calls != 3 || k->seen != (RONDO_READABLE | RONDO_WRITABLE))
        return 2;
    return k->hooked >= 3 && k->posted == 1 ? 0 : 3;
}

TEST_LEAVES(L8_watches_hooks_and_posts_go_on_in_a_forked_child)
{
    struct kin *k = kin_new(w);

    assert_int_equal(in_child(w, goes_on, k), 0);
    k->seen = 0;
    test_run_until(w, k->seen == (RONDO_READABLE | RONDO_WRITABLE));
    assert_int_equal(k->posted, 1); /* in both processes */
    rondo_remote_release(k->remote);
}

/* The number, from 1 on, of the first that is not RONDO_EFORKED. */
static int is_refused(void *arg)
{
    struct kin *k = arg;
    rondo_loop *loop = k->w->loop;
    int64_t timeout;
    const int64_t results[] = {
        rondo_watch(loop, k->fd, RONDO_READABLE, told, k),
        rondo_unwatch(loop, k->fd),
        rondo_add_hook(loop, RONDO_IDLE, count_call, &k->hooked),
        rondo_set_release(loop, k->timer, count_call),
        rondo_watch_signal(loop, 2, 0, counted, k),
        rondo_loop_prepare_poll(loop, NULL, 0, &timeout),
        rondo_remote_cancel(k->remote, k->timer),
        rondo_remote_post(k->remote, count_call, &k->posted)};

    for (unsigned i = 0; i < COUNT_OF(results); i++)
        if (results[i] != RONDO_EFORKED)
            return (int)i + 1;
    return 0;
}

TEST_LEAVES(L8_what_is_new_is_refused_before_after_fork)
{
    struct kin *k = kin_new(w);

    assert_int_equal(in_child(w, is_refused, k), 0);
    test_run_until(w, k->posted == 1);
    rondo_remote_release(k->remote);
}

/* test_watch_urgent.c - watching for urgent data, beside data and the end. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "raw_windows.h"

struct urgent {
    struct world *w;
    raw_fd *fds; /* the first is watched */
    unsigned calls, seen;
};

static void told(rondo_loop *loop, rondo_fd fd, unsigned events, void *arg)
{
    struct urgent *u = arg;

    (void)loop;
    assert_true((raw_fd)fd == u->fds[0]);
    u->calls++;
    u->seen |= events;
}

static void watch_for(struct urgent *u, unsigned events)
{
    assert_ok(rondo_watch(u->w->loop, (rondo_fd)u->fds[0], events, told, u));
    u->calls = u->seen = 0;
}

static struct urgent *watched(struct world *w)
{
    struct urgent *u = test_alloc(w, sizeof *u);

    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_WATCH_PRIORITY),
                 "no urgent data");
    u->w = w;
    u->fds = test_sockets(w);
    watch_for(u, RONDO_PRIORITY);
    return u;
}

/* The mark is passed, too. */
static void take_all(const struct urgent *u)
{
    char bytes[64];
    ptrdiff_t got;

    assert_true(raw_send_all(u->fds[1], "end.", 4, 1000));
    for (ptrdiff_t last = 0; last != '.';) {
        got = raw_recv(u->fds[0], bytes, sizeof bytes, 0);
        if (got > 0)
            last = bytes[got - 1];
        else
            test_spin(u->w, 1);
    }
}

TEST_LEAVES(W6_urgent_data_is_told_until_it_is_passed)
{
    struct urgent *u = watched(w);

    for (int i = 0; i < 3; i++) {
        assert_true(raw_send_all(u->fds[1], "abc", 3, 1000));
        assert_true(raw_send_urgent(u->fds[1]));
        test_run_until(w, u->calls >= 10);
        assert_int_equal(u->seen, RONDO_PRIORITY);
        take_all(u);
        (void)test_run_for(w, RONDO_MS(10)); /* one may be on its way */
        u->calls = 0;
        test_spin(w, 10);
        assert_int_equal(u->calls, 0);
        assert_true(test_run_for(w, RONDO_MS(10)) < 10);
    }
}

/* Neither data nor the end makes the loop spin. */
TEST_LEAVES(W6_no_urgent_data)
{
    struct urgent *u = watched(w);

    assert_true(raw_send_all(u->fds[1], "abc", 3, 1000));
    assert_true(test_run_for(w, RONDO_MS(10)) < 10);
    raw_shutdown_write(u->fds[1]);
    assert_true(test_run_for(w, RONDO_MS(10)) < 10);
    assert_int_equal(u->seen & ~(unsigned)RONDO_HANG_UP, 0);
}

/* Asked for later, when it is there; and no longer. */
TEST_LEAVES(W6_urgent_data_asked_for_later)
{
    struct urgent *u = watched(w);

    watch_for(u, RONDO_READABLE);
    assert_true(raw_send_urgent(u->fds[1]));
    assert_true(raw_send_all(u->fds[1], "abc", 3, 1000));
    test_run_until(w, u->calls);
    assert_int_equal(u->seen, RONDO_READABLE);
    watch_for(u, RONDO_PRIORITY);
    test_run_until(w, u->calls);
    assert_int_equal(u->seen, RONDO_PRIORITY);
    watch_for(u, RONDO_WRITABLE | RONDO_PRIORITY);
    test_run_until(w, u->seen == (RONDO_WRITABLE | RONDO_PRIORITY));
    watch_for(u, RONDO_WRITABLE);
    test_run_until(w, u->calls >= 5);
    assert_int_equal(u->seen, RONDO_WRITABLE);
}

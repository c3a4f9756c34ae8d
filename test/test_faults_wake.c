/* test_faults_wake.c - the program closes what wakes the loop. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

#include <stdatomic.h>

/* The loop's own descriptor is refused as busy, and no other of an empty loop;
 * RONDO_NO_FD: it has none. */
static raw_fd wake_number(struct world *w)
{
    for (raw_fd fd = 3; fd < 1000; fd++) {
        int error = rondo_add_reader(w->loop, fd, never_fd, NULL);

        if (error == 0)
            (void)rondo_remove_reader(w->loop, fd);
        if (error == RONDO_EBUSY)
            return fd;
    }
    return RONDO_NO_FD;
}

static void count_reports(rondo_loop *loop, void *arg, const rondo_exception *e)
{
    (void)loop;
    assert_true(e->error < 0);
    ++*(unsigned *)arg;
}

/* The process may have no further descriptor while the loop finds out. */
static void break_wake(struct world *w, unsigned *told)
{
    raw_fd fd = wake_number(w);

    test_skip_if(w, fd == RONDO_NO_FD, "this backend needs no descriptor");
    assert_ok(rondo_loop_set_exception_handler(w->loop, count_reports, told));
    test_limit_descriptors(w, 3);
    raw_close(fd);
    for (int i = 0; i < 5; i++)
        (void)rondo_loop_run_once(w->loop, 0);
    test_skip_if(w, !*told, "this backend does not see that one is closed");
    assert_int_equal(*told, 1);
    /* no wait is long, since nothing could end it */
    assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 1);
    /* but it is a wait */
    assert_true(test_run_for(w, RONDO_MS(300)) < 500);
    test_free_descriptors(w);
}

struct waker {
    rondo_loop *loop;
    atomic_bool over;
};

static void wake_until_over(void *arg)
{
    struct waker *waker = arg;

    while (!atomic_load(&waker->over)) {
        rondo_loop_wake(waker->loop);
        raw_yield();
    }
}

TEST_LEAVES(L11_a_wake_up_that_could_not_be_made_anew_is_made_later)
{
    unsigned *told = test_counter(w), *n = test_counter(w);
    struct waker *waker = test_alloc(w, sizeof *waker);
    struct raw_thread *thread;

    assert_ok(rondo_call_later(
        w->loop, RONDO_MS(TEST_DEADLINE_MS) * test_slowness(), count_call, n));
    break_wake(w, told);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_true(wake_number(w) != RONDO_NO_FD);
    waker->loop = w->loop;
    thread = raw_thread_start(wake_until_over, waker);
    assert_int_equal(rondo_loop_run_once(w->loop, RONDO_NEVER), 1);
    atomic_store(&waker->over, true);
    raw_thread_join(thread);
    assert_int_equal(*n, 0);
    assert_int_equal(*told, 1);
}

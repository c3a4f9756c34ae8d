/* test_sim_changes.c - changes and events of the kqueue for tests. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim_test.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- changes ------------------------------------------------------------ */

static void deleting_what_is_not_there(void **state)
{
    int fds[2];

    (void)state;
    make_pair(fds);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_DELETE), ENOENT);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(change(fds[0], EVFILT_WRITE, EV_DELETE), ENOENT);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_DELETE), 0);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_DELETE), ENOENT);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ENABLE), ENOENT);
    (void)close(fds[0]);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_DELETE),
                     sim_profile()->delete_closed);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), EBADF);
    assert_int_equal(change(-1, EVFILT_READ, EV_ADD), EBADF);
}

/* without room it ends at the error; what came before it is done */
static void an_error_without_room_ends_the_changes(void **state)
{
    struct kevent changes[3];
    int fds[2];

    (void)state;
    make_pair(fds);
    changes[0] = event_of(fds[0], EVFILT_WRITE, EV_ADD);
    changes[1] = event_of(fds[0], EVFILT_READ, EV_DELETE);
    changes[2] = event_of(fds[1], EVFILT_WRITE, EV_ADD);
    assert_int_equal(kevent(kq, changes, 3, NULL, 0, NULL), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].ident, fds[0]);
}

/* with room it is an event, and a pass with errors has nothing else */
static void an_error_with_room_is_an_event(void **state)
{
    struct kevent both[4];
    int fds[2], marker;

    (void)state;
    make_pair(fds);
    both[0] = event_of(fds[0], EVFILT_WRITE, EV_ADD);
    both[1] = event_of(fds[0], EVFILT_READ, EV_DELETE);
    both[1].udata = &marker;
    both[2] = event_of(fds[1], EVFILT_WRITE, EV_ADD);
    assert_int_equal(kevent(kq, both, 3, both, 4, NULL), 1);
    assert_int_equal(both[0].flags & EV_ERROR, EV_ERROR);
    assert_int_equal(both[0].data, ENOENT);
    assert_int_equal(both[0].ident, fds[0]);
    assert_int_equal(both[0].filter, EVFILT_READ);
    assert_ptr_equal(both[0].udata, &marker);
    assert_int_equal(look(), 2);
}

static void receipts(void **state)
{
    struct kevent changes[2];
    int fds[2];

    (void)state;
    make_pair(fds);
    changes[0] = event_of(fds[0], EVFILT_WRITE, EV_ADD | EV_RECEIPT);
    changes[1] = event_of(fds[0], EVFILT_READ, EV_DELETE | EV_RECEIPT);
    assert_int_equal(kevent(kq, changes, 2, got, 8, NULL), 2);
    assert_int_equal(got[0].flags, EV_ERROR);
    assert_int_equal(got[0].data, 0);
    assert_int_equal(got[1].flags, EV_ERROR);
    assert_int_equal(got[1].data, ENOENT);
    /* no room for the receipt: it ends there, without an error */
    changes[1] = event_of(fds[1], EVFILT_WRITE, EV_ADD);
    assert_int_equal(kevent(kq, changes, 2, NULL, 0, NULL), 0);
    assert_int_equal(look(), 1);
}

static volatile sig_atomic_t rang;

static void ring(int signum)
{
    (void)signum;
    rang = 1;
}

static void interrupted_after_its_changes(void **state)
{
    struct sigaction action = {.sa_handler = ring}, before;
    struct kevent e;
    int fds[2];

    (void)state;
    make_pair(fds);
    e = event_of(fds[0], EVFILT_READ, EV_ADD);
    rang = 0;
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    while (!rang) { /* it may come before the wait */
        (void)alarm(1);
        if (kevent(kq, &e, 1, got, 8, NULL) < 0)
            assert_int_equal(errno, EINTR);
    }
    assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(look(), 1);
}

static void closing_removes_silently(void **state)
{
    int fds[2], copy;

    (void)state;
    make_pair(fds);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 1);
    copy = dup(fds[0]); /* keeps the file, but not what is noted */
    (void)close(fds[0]);
    assert_int_equal(look(), 0);
    assert_int_equal(dup2(copy, fds[0]), fds[0]);
    assert_int_equal(look(), 0);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(dup2(fds[1], fds[0]), fds[0]);
    assert_int_equal(look(), 0);
}

static void adding_again_tells_again(void **state)
{
    int fds[2];

    (void)state;
    make_pair(fds);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD | EV_CLEAR), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(look(), 0);
    /* it stays one that is cleared */
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(look(), 0);
}

static void level_triggered_by_default(void **state)
{
    int fds[2];

    (void)state;
    make_pair(fds);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 0);
    assert_int_equal(write(fds[1], "xyz", 3), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(look(), 1);
        assert_int_equal(got[0].data, 3);
        assert_int_equal(got[0].flags & (EV_EOF | EV_ERROR), 0);
    }
    assert_int_equal(change(fds[0], EVFILT_READ, EV_DISABLE), 0);
    assert_int_equal(look(), 0);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ENABLE), 0);
    assert_int_equal(look(), 1);
}

static void once(void **state)
{
    int fds[2];

    (void)state;
    make_pair(fds);
    assert_int_equal(change(fds[0], EVFILT_WRITE, EV_ADD | EV_ONESHOT), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(look(), 0);
    assert_int_equal(change(fds[0], EVFILT_WRITE, EV_DELETE), ENOENT);
    assert_int_equal(change(fds[0], EVFILT_WRITE, EV_ADD | EV_DISPATCH), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(look(), 0);
    assert_int_equal(change(fds[0], EVFILT_WRITE, EV_ENABLE), 0);
    assert_int_equal(look(), 1);
}

/* more of them than the array has room for: all come, in turns */
static void more_than_the_array(void **state)
{
    int fds[20][2], seen[20] = {0};

    (void)state;
    for (int i = 0; i < 20; i++) {
        make_pair(fds[i]);
        assert_int_equal(change(fds[i][0], EVFILT_WRITE, EV_ADD), 0);
    }
    for (int turn = 0; turn < 10; turn++) {
        int count = look();

        assert_in_range(count, 1, 8);
        for (int i = 0; i < count; i++)
            for (int j = 0; j < 20; j++)
                seen[j] += got[i].ident == (uintptr_t)fds[j][0];
    }
    for (int i = 0; i < 20; i++)
        assert_true(seen[i] > 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SIM_TEST(deleting_what_is_not_there),
        SIM_TEST(an_error_without_room_ends_the_changes),
        SIM_TEST(an_error_with_room_is_an_event),
        SIM_TEST(receipts),
        SIM_TEST(interrupted_after_its_changes),
        SIM_TEST(closing_removes_silently),
        SIM_TEST(adding_again_tells_again),
        SIM_TEST(level_triggered_by_default),
        SIM_TEST(once),
        SIM_TEST(more_than_the_array)};

    return cmocka_run_group_tests_name(sim_profile()->name, tests, NULL, NULL);
}

/* test_sim_others.c - what else the kqueue for tests watches. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- other descriptors -------------------------------------------------- */

static void devices(void **state)
{
    const struct sim_profile *is = sim_profile();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    int own = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

    (void)state;
    assert_true(null >= 0 && terminal >= 0);
    assert_int_equal(change(null, EVFILT_READ, EV_ADD), is->null_error);
    assert_int_equal(change(null, EVFILT_WRITE, EV_ADD), is->null_error);
    for (int i = 0; i < 3; i++)
        assert_int_equal(look(), is->null_error ? 0 : 2);
    for (unsigned filter = EVFILT_WRITE; filter <= EVFILT_READ; filter++) {
        bool taken = is->takes_lowat || !is->null_error;
        struct kevent e;

        EV_SET(&e, null, filter, EV_ADD, NOTE_LOWAT, 1, NULL);
        assert_int_equal(kevent(kq, &e, 1, NULL, 0, NULL), taken ? 0 : -1);
        assert_int_equal(taken || errno == is->null_error, true);
        assert_int_equal(look(), !taken            ? 0
                                 : is->takes_lowat ? (int)filter
                                                   : 2);
    }
    (void)close(null);
    assert_int_equal(change(terminal, EVFILT_WRITE, EV_ADD),
                     is->refuses_devices ? EINVAL : 0);
    if (own >= 0) /* there is none without a controlling terminal */
        assert_int_equal(change(own, EVFILT_WRITE, EV_ADD), is->tty_error);
}

static void files(void **state)
{
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    assert_int_equal(change(fileno(file), EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(look(), sim_profile()->file_once ? 0 : 1);
    assert_int_equal(change(fileno(file), EVFILT_READ, EV_DELETE),
                     sim_profile()->file_once ? ENOENT : 0);
    (void)fclose(file);
}

static void a_kqueue_in_a_kqueue(void **state)
{
    int fds[2], outer = kqueue(), inner = kq;

    (void)state;
    make_pair(fds);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
    kq = outer;
    assert_int_equal(change(inner, EVFILT_READ, EV_ADD), 0);
    assert_int_equal(look(), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].ident, inner);
}

/* ---- processes ---------------------------------------------------------- */

static pid_t child_that_waits(int *release)
{
    int fds[2];
    pid_t pid;

    make_pipe(fds);
    (void)fcntl(fds[0], F_SETFL, 0);
    pid = fork();
    if (pid == 0) {
        char byte;

        (void)close(fds[1]);
        (void)!read(fds[0], &byte, 1);
        _exit(7);
    }
    assert_true(pid > 0);
    (void)close(fds[0]);
    *release = fds[1];
    return pid;
}

static int add_process(pid_t pid)
{
    struct kevent e;

    EV_SET(&e, pid, EVFILT_PROC, EV_ADD, NOTE_EXIT, 0, NULL);
    return kevent(kq, &e, 1, NULL, 0, NULL) < 0 ? errno : 0;
}

static void a_child_that_exits(void **state)
{
    int release, status = 0;
    pid_t pid = child_that_waits(&release), found;

    (void)state;
    assert_int_equal(add_process(pid), 0);
    assert_int_equal(look(), 0);
    (void)close(release);
    assert_int_equal(await(), 1);
    assert_int_equal(got[0].ident, pid);
    assert_int_equal(got[0].fflags & NOTE_EXIT, NOTE_EXIT);
    assert_int_equal(look(), 0);
    found = waitpid(pid, &status, WNOHANG);
    assert_int_equal(found, sim_profile()->exit_early ? 0 : pid);
    if (found == 0)
        assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void a_child_that_has_exited(void **state)
{
    int release, status;
    pid_t pid = child_that_waits(&release);
    siginfo_t info;

    (void)state;
    (void)close(release);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(add_process(pid), sim_profile()->exited_child);
    if (!sim_profile()->exited_child)
        assert_int_equal(await(), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(add_process(pid), ESRCH);
}

/* an ident belongs to its filter */
static void equal_numbers(void **state)
{
    int fds[2], release, status;
    pid_t pid = child_that_waits(&release);
    struct rlimit limit;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if ((rlim_t)pid >= limit.rlim_cur) {
        (void)close(release);
        (void)waitpid(pid, &status, 0);
        skip(); /* no descriptor can have the number of this child */
    }
    make_pair(fds);
    assert_int_equal(dup2(fds[0], pid), pid);
    assert_int_equal(change(pid, EVFILT_WRITE, EV_ADD), 0);
    assert_int_equal(add_process(pid), 0);
    assert_int_equal(look(), 1);
    (void)close(pid);
    (void)close(release);
    assert_int_equal(await(), 1);
    assert_int_equal(got[0].filter, EVFILT_PROC);
    (void)waitpid(pid, &status, 0);
    assert_int_equal(waitpid(pid, &status, 0), pid == 0 ? 0 : -1);
}

static void not_inherited(void **state)
{
    int status;
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        struct kevent e = event_of(0, EVFILT_READ, EV_ADD);
        bool none = kevent(kq, &e, 1, NULL, 0, NULL) < 0 && errno == EBADF;
        /* the number is free for anybody */
        bool free_ = fcntl(kq, F_GETFD) < 0 && dup2(2, kq) == kq;

        _exit(none && free_ && kqueue() >= 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(look(), 0);
}

/* ---- user events and time ----------------------------------------------- */

static void user_events(void **state)
{
    struct kevent e;
    int first, second;

    (void)state;
    EV_SET(&e, 1, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, &first);
    if (!sim_profile()->user) {
        assert_int_equal(kevent(kq, &e, 1, NULL, 0, NULL), -1);
        assert_int_equal(errno, EINVAL);
        return;
    }
    assert_int_equal(kevent(kq, &e, 1, NULL, 0, NULL), 0);
    assert_int_equal(look(), 0);
    EV_SET(&e, 1, EVFILT_USER, 0, NOTE_TRIGGER, 0, &second);
    for (int i = 0; i < 3; i++)
        assert_int_equal(kevent(kq, &e, 1, NULL, 0, NULL), 0);
    assert_int_equal(look(), 1);
    assert_int_equal(got[0].filter, EVFILT_USER);
    assert_ptr_equal(got[0].udata,
                     sim_profile()->trigger_udata ? &second : &first);
    assert_int_equal(look(), 0);
}

static int wait_for(time_t s, long ns)
{
    struct timespec timeout = {s, ns};

    return kevent(kq, NULL, 0, got, 8, &timeout) < 0 ? errno : 0;
}

static void timeouts(void **state)
{
    struct timespec before, after;
    int64_t took;

    (void)state;
    assert_int_equal(wait_for(-1, 0), EINVAL);
    assert_int_equal(wait_for(0, -1), EINVAL);
    assert_int_equal(wait_for(0, 1000000000), EINVAL);
    assert_int_equal(wait_for(INT_MAX, 0), EINVAL);
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(wait_for(0, 1500000), 0);
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    took = (after.tv_sec - before.tv_sec) * INT64_C(1000000000) +
           after.tv_nsec - before.tv_nsec;
    assert_true(took >= 1500000);
    assert_true(took >= sim_profile()->tick_ns);
    /* no room: at once, whatever the timeout says */
    assert_int_equal(kevent(kq, NULL, 0, NULL, 0, NULL), 0);
}

static void a_closed_kqueue(void **state)
{
    (void)state;
    (void)close(kq);
    assert_int_equal(look(), -1);
    assert_int_equal(errno, EBADF);
}

static void trouble_on_demand(void **state)
{
    struct kevent e;
    int fds[2];

    (void)state;
    make_pair(fds);
    e = event_of(fds[0], EVFILT_WRITE, EV_ADD);
    sim_fail(0, ENOMEM, false);
    assert_int_equal(kevent(kq, &e, 1, got, 8, NULL), -1);
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(look(), 0);
    sim_fail(0, ENOMEM, true);
    assert_int_equal(kevent(kq, &e, 1, got, 8, NULL), -1);
    assert_int_equal(look(), 1);
    sim_refuse(EVFILT_READ, ENOMEM);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), ENOMEM);
    assert_int_equal(change(fds[0], EVFILT_READ, EV_ADD), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {SIM_TEST(devices),
                                              SIM_TEST(files),
                                              SIM_TEST(a_kqueue_in_a_kqueue),
                                              SIM_TEST(a_child_that_exits),
                                              SIM_TEST(a_child_that_has_exited),
                                              SIM_TEST(equal_numbers),
                                              SIM_TEST(not_inherited),
                                              SIM_TEST(user_events),
                                              SIM_TEST(timeouts),
                                              SIM_TEST(a_closed_kqueue),
                                              SIM_TEST(trouble_on_demand)};

    return cmocka_run_group_tests_name(sim_profile()->name, tests, NULL, NULL);
}

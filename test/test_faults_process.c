/* test_faults_process.c - limits, groups and rights of a child. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

#include <signal.h>

/* ---- X1: a descriptor at the limit -------------------------------------- */

enum { LIMIT = 200 };

/* The highest numbers that the child can have; all others are below. */
TEST(X1_a_descriptor_at_the_limit)
{
    struct proc *p = proc_begin_unix(w, "no extra descriptors");
    rondo_stdio_entry extra[2];
    int64_t limit = raw_descriptor_limit();
    raw_fd fds[2];

    assert_int_equal(raw_pipe(fds), 0);
    for (int i = 0; i < 2; i++)
        extra[i] = (rondo_stdio_entry){LIMIT - 1 - i, RONDO_STDIO_FD, fds[1]};
    p->o.extra = extra;
    p->o.extra_count = 2;
    assert_true(raw_set_descriptor_limit(LIMIT) >= 0);
    proc_start(p, "say", "199", "here ", "say", "198", "too", NULL);
    (void)raw_set_descriptor_limit(limit);
    proc_wait(p);
    raw_close(fds[1]);
    assert_true(raw_recv_pipe(fds[0], "here too"));
    raw_close(fds[0]);
}

/* The parent's numbers are those of the child, in another order. */
TEST(X2_descriptors_that_change_places_at_the_limit)
{
    struct proc *p = proc_begin_unix(w, "no extra descriptors");
    rondo_stdio_entry extra[2];
    int64_t limit = raw_descriptor_limit();
    raw_fd a[2], b[2];

    assert_int_equal(raw_pipe(a), 0);
    assert_int_equal(raw_pipe(b), 0);
    a[1] = raw_move_fd(a[1], LIMIT - 1);
    b[1] = raw_move_fd(b[1], LIMIT - 2);
    assert_true(a[1] == LIMIT - 1 && b[1] == LIMIT - 2);
    extra[0] = (rondo_stdio_entry){LIMIT - 2, RONDO_STDIO_FD, a[1]};
    extra[1] = (rondo_stdio_entry){LIMIT - 1, RONDO_STDIO_FD, b[1]};
    p->o.extra = extra;
    p->o.extra_count = 2;
    assert_true(raw_set_descriptor_limit(LIMIT) >= 0);
    proc_start(p, "say", "199", "b", "say", "198", "a", NULL);
    (void)raw_set_descriptor_limit(limit);
    proc_wait(p);
    raw_close(a[1]);
    raw_close(b[1]);
    assert_true(raw_recv_pipe(a[0], "a"));
    assert_true(raw_recv_pipe(b[0], "b"));
    raw_close(a[0]);
    raw_close(b[0]);
}

TEST(X1_a_descriptor_beyond_the_limit)
{
    struct proc *p = proc_begin_unix(w, "no extra descriptors");
    rondo_stdio_entry extra = {LIMIT, RONDO_STDIO_NULL, 0};
    int64_t limit = raw_descriptor_limit();

    test_skip_if(w, raw_is_simulated(), "descriptors have higher numbers");
    p->o.extra = &extra;
    p->o.extra_count = 1;
    assert_true(raw_set_descriptor_limit(LIMIT) >= 0);
    assert_error(proc_try(p, "exit", "0", NULL), RONDO_EINVAL);
    (void)raw_set_descriptor_limit(limit);
}

/* ---- X4: a group -------------------------------------------------------- */

/* The child starts one of its own and waits; both hold stdout. */
static void check_group(struct proc *p)
{
    proc_start(p, "say", "1", "here", "start", "1", "sleep", "sleep", NULL);
    test_run_until(p->w, p->bytes[1] == 4);
    assert_ok(rondo_process_signal_group(p->process, 0));
    assert_ok(rondo_process_signal_group(p->process, SIGTERM));
    /* stdout ends with the last of them */
    proc_wait(p);
    assert_true(p->status.signaled);
    assert_int_equal(p->status.signal, SIGTERM);
}

TEST(X4_a_signal_to_a_group)
{
    struct proc *p = proc_begin_unix(w, "no groups");

    p->o.new_group = true;
    check_group(p);
}

TEST(X4_a_signal_to_a_session)
{
    struct proc *p = proc_begin_unix(w, "no sessions");

    p->o.new_session = true;
    check_group(p);
}

static void signal_again(struct proc *p)
{
    assert_refused(rondo_process_signal_group(p->process, SIGTERM), RONDO_ESRCH,
                   "has ended");
}

TEST(X4_no_group_and_no_process)
{
    struct proc *p = proc_begin(w, OUTPUT);

    p->on_exited = signal_again;
    proc_start(p, "say", "1", "here", "sleep", NULL);
    test_run_until(w, p->bytes[1] == 4);
    assert_refused(rondo_process_signal_group(p->process, SIGTERM),
                   RONDO_EINVAL, "leads no group");
    assert_einval(rondo_process_signal_group(NULL, SIGTERM));
    assert_ok(rondo_process_kill(p->process));
    proc_wait(p);
    assert_int_equal(p->exited, 1);
}

/* ---- X2: ids ------------------------------------------------------------ */

TEST(X2_a_uid_without_a_gid_keeps_no_group_of_root)
{
    const int64_t nobody = 65534;
    struct proc *p = proc_begin_unix(w, "no ids");

    test_skip_if(w, !raw_is_root(), "only root has group 0 to keep");
    p->o.uid = &nobody;
    assert_error(proc_try(p, "ids", NULL), RONDO_EINVAL);
    assert_non_null(strstr(rondo_last_error(), "without a gid"));
}

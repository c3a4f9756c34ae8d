/* test_fork_ready.c - a fork while things are on the ready list. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "raw_net.h"

enum { READERS = 8 };

/* No assertions in a child: it answers with the step that went wrong. */
struct family {
    struct world *w;
    rondo_transport *t;
    unsigned made, done, called;
    raw_fd fds[READERS][2]; /* the first of each is watched */
    bool child;
    int status; /* in the parent: the child's */
    jmp_buf back;
};

/* ---- L8: two forks ------------------------------------------------------ */

/* What is under way ends once in a child's child, too. The child forks before
 * its loop has run, so what after_fork has put on the ready list is still
 * there. */
static int finish_once(void *arg)
{
    struct family *f = arg;

    if (rondo_loop_after_fork(f->w->loop) != 0)
        return 1;
    if (!child_runs_until(f->w->loop, &f->done, 1) ||
        rondo_loop_run_once(f->w->loop, 0) < 0 || f->done != 1)
        return 2;
    return rondo_loop_close(f->w->loop) < 0 ? 3 : 0;
}

static int fork_and_finish(void *arg)
{
    struct family *f = arg;

    if (rondo_loop_after_fork(f->w->loop) != 0)
        return 40;
    return raw_fork_run(finish_once, f);
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* Where there is no fork the test is skipped here. */
static struct family *family_new(struct world *w)
{
    struct family *f = test_alloc(w, sizeof *f);

    test_run_child(w, do_nothing, NULL);
    f->w = w;
    return f;
}

static void end_after_two_forks(struct family *f, rondo_id id)
{
    assert_true(id > 0);
    assert_ok(rondo_loop_run_once(f->w->loop, 0));
    test_run_child(f->w, fork_and_finish, f);
    assert_int_equal(f->done, 0);
    assert_ok(rondo_cancel(f->w->loop, id));
    assert_true(child_runs_until(f->w->loop, &f->done, 1));
}

static int never_answer(void *context, rondo_lookup *lookup, const char *host,
                        const char *service, const rondo_lookup_hints *hints)
{
    (void)context;
    (void)lookup;
    (void)host;
    (void)service;
    (void)hints;
    return 0;
}

static void ignore_cancel(void *context, rondo_lookup *lookup)
{
    (void)context;
    (void)lookup;
}

static void looked_up(rondo_loop *loop, void *arg,
                      const rondo_address *addresses, size_t count,
                      const char *canonical_name, int error)
{
    struct family *f = arg;

    (void)loop;
    (void)addresses;
    (void)count;
    (void)canonical_name;
    f->done += error < 0;
}

TEST(L8_a_resolver_s_look_up_ends_once_after_two_forks)
{
    struct family *f = family_new(w);

    assert_ok(rondo_set_resolver(
        w->loop,
        &(rondo_resolver){.start = never_answer, .cancel = ignore_cancel}));
    end_after_two_forks(
        f, rondo_getaddrinfo(w->loop, "a.test", NULL, NULL, looked_up, f));
}

static void on_made(rondo_transport *t, void *self)
{
    struct family *f = self;

    f->t = t;
    f->made++;
}

static void file_sent(rondo_loop *loop, void *arg, int64_t result)
{
    struct family *f = arg;

    (void)loop;
    f->done += result < 0;
}

TEST_LEAVES(L8_a_file_on_a_thread_ends_once_after_two_forks)
{
    static const rondo_protocol quiet = {.connection_made = on_made};
    struct family *f = family_new(w);
    raw_fd fds[2], pipe[2];

    if (raw_pipe(pipe) != 0)
        test_skip(w, "no pipes on this platform");
    assert_int_equal(raw_pair(fds), 0);
    assert_ok(rondo_connect_accepted_socket(w->loop, fds[0], &quiet, f, NULL));
    test_run_until(w, f->made);
    end_after_two_forks(
        f, rondo_transport_sendfile(f->t, pipe[0], 0, 100, file_sent, f));
    raw_close_pair(pipe);
    raw_close(fds[1]);
}

/* ---- L8: inside a callback ---------------------------------------------- */

/* In the child: back into the callback, which returns to the loop. */
static int go_back(void *arg)
{
    struct family *f = arg;

    f->child = true;
    longjmp(f->back, 1);
}

static void fork_at_first(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct family *f = arg;

    (void)rondo_remove_reader(loop, fd);
    if (f->called++ > 0)
        return;
    if (setjmp(f->back) == 0)
        f->status = raw_fork_run(go_back, f);
    else if (rondo_loop_after_fork(loop) != 0)
        _Exit(1);
}

static int call_all(struct family *f)
{
    if (!child_runs_until(f->w->loop, &f->called, READERS))
        return 2;
    if (!f->child)
        return f->status;
    return rondo_loop_close(f->w->loop) < 0 ? 3 : 0;
}

/* All are ready in one wait, and so is the wake-up of the loop, in the midst
 * of them where the backend has the order of time. */
TEST(L8_after_fork_inside_a_callback_loses_no_event)
{
    struct family *f = family_new(w);
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    int status;

    for (int i = 0; i < READERS; i++) {
        assert_int_equal(raw_pair(f->fds[i]), 0);
        assert_ok(rondo_add_reader(w->loop, f->fds[i][0], fork_at_first, f));
    }
    assert_ok(rondo_loop_run_once(w->loop, 0));
    if (rondo_loop_supports(w->loop, RONDO_CAN_EMBED_FD))
        assert_ok(rondo_loop_prepare(w->loop, &wait)); /* so that wake sends */
    for (int i = 0; i < READERS; i++) {
        if (i == READERS / 2)
            rondo_loop_wake(w->loop);
        assert_true(raw_send_all(f->fds[i][1], "x", 1, 1000));
    }
    status = call_all(f);
    if (f->child)
        _Exit(status);
    for (int i = 0; i < READERS; i++)
        raw_close_pair(f->fds[i]);
    assert_int_equal(status, 0);
}

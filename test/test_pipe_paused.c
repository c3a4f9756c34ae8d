/* test_pipe_paused.c - pipes, files and children's pipes that start paused. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_pipe.h"
#include "harness_process.h"

/* Paused before the loop has run, it reads nothing before it is resumed. */
static void check_paused(struct world *w, struct peer *r)
{
    act_pause(r);
    test_run_until(w, r->made);
    test_spin(w, 30);
    assert_string_equal(r->order, "M");
    act_resume(r);
}

static void pause_reader(struct world *w, raw_fd pair[2])
{
    struct peer *r = test_reader(w, pair[0], RONDO_PIPE_OWN);

    assert_int_equal(raw_write(pair[1], "early", 5), 5);
    check_paused(w, r);
    assert_hears(w, r, "early");
    raw_close(pair[1]);
    test_run_until(w, r->lost);
}

TEST(S22_a_pipe_that_starts_paused)
{
    test_each_pipe(w, EACH_KIND, pause_reader);
}

/* A thread reads it, and does not begin either. */
TEST(S22_a_file_that_starts_paused)
{
    struct peer *r;

    test_need_pipes(w);
    r = test_reader(w, test_file(w, 100000), RONDO_PIPE_FILE);
    check_paused(w, r);
    test_run_until(w, r->lost);
    assert_received(r, 100000);
}

TEST(S22_a_childs_pipe_that_starts_paused)
{
    struct proc *p = proc_begin(w, OUTPUT);

    proc_start(p, "say", "1", "early", NULL);
    assert_ok(rondo_transport_pause_reading(proc_pipe(p, 1)));
    test_run_until(w, p->exited);
    test_spin(w, 30);
    assert_int_equal(p->bytes[1], 0);
    assert_ok(rondo_transport_resume_reading(proc_pipe(p, 1)));
    proc_says(p, 0, "early");
}

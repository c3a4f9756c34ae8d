/* test_kernels.c - ways of macOS's and the BSDs' kernels, beside kqueue's own. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "harness_calls.h"
#include "harness_pipe.h"
#include "sim.h"

#include <errno.h>

/* ---- FIFOs -------------------------------------------------------------- */

/* A thread reads it, and poll(2) may never report its end. */
static void S15_a_fifo_that_is_sent_ends(void **state)
{
    struct world *w = *state;
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0), fifo[2];

    test_fifo(w, fifo);
    assert_int_equal(raw_write(fifo[1], "abc", 3), 3);
    assert_ok(
        rondo_transport_sendfile(p->transport, fifo[0], 0, 1000, call_done, c));
    test_spin(w, 3);
    raw_close(fifo[1]);
    assert_int_equal(call_wait(w, c), 3);
    raw_close(fifo[0]);
    raw_close(other);
}

static void count(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    ++*(unsigned *)arg;
}

/* A reader of what is open for writing only hears when its reader leaves, and
 * not of bytes that nobody has read yet; nor does asking raise SIGPIPE. */
static void W4_the_reading_side_of_a_fifos_writer(void **state)
{
    struct world *w = *state;
    unsigned *calls = test_alloc(w, sizeof *calls);
    raw_fd fds[2];

    test_fifo(w, fds);
    assert_int_equal(raw_write(fds[1], "abc", 3), 3);
    assert_ok(rondo_add_reader(w->loop, fds[1], count, calls));
    assert_true(test_run_for(w, RONDO_MS(5)) < 10);
    assert_int_equal(*calls, 0);
    raw_close(fds[0]);
    test_run_until(w, *calls >= 2);
    assert_true(raw_sigpipe_untouched());
    assert_int_equal(rondo_remove_reader(w->loop, fds[1]), 1);
    raw_close(fds[1]);
}

/* A kernel may call a FIFO writable that is full. */
static void P1_a_full_fifo_does_not_spin(void **state)
{
    struct world *w = *state;
    static char bytes[65536];
    raw_fd fds[2];
    uint64_t sent;
    struct peer *p;

    test_fifo(w, fds);
    p = test_writer(w, fds[1], RONDO_PIPE_OWN);
    test_run_until(w, p->made);
    sent = test_fill_transport(w, p);
    assert_true(test_run_for(w, RONDO_MS(50)) < 20);
    while (sent) {
        ptrdiff_t got = raw_read(fds[0], bytes, sizeof bytes);

        if (got > 0)
            sent -= (uint64_t)got;
        else
            test_spin(w, 1);
    }
    assert_int_equal(rondo_transport_get_write_buffer_size(p->transport), 0);
    raw_close(fds[0]);
    test_run_until(w, p->lost);
    assert_int_equal(p->error, 0);
}

/* The same of a writer function. */
static void W4_a_full_fifo_calls_no_writer(void **state)
{
    struct world *w = *state;
    static char bytes[65536];
    unsigned *calls = test_alloc(w, sizeof *calls);
    raw_fd fds[2];

    test_fifo(w, fds);
    while (raw_write(fds[1], bytes, 4096) > 0)
        continue;
    assert_ok(rondo_add_writer(w->loop, fds[1], count, calls));
    assert_true(test_run_for(w, RONDO_MS(50)) < 20);
    assert_int_equal(*calls, 0);
    while (raw_read(fds[0], bytes, sizeof bytes) > 0)
        continue;
    test_run_until(w, *calls >= 2);
    assert_int_equal(rondo_remove_writer(w->loop, fds[1]), 1);
    raw_close(fds[0]);
    raw_close(fds[1]);
}

int main(void)
{
    static const struct test tests[] = {
        TEST(S15_a_fifo_that_is_sent_ends),
        TEST(W4_the_reading_side_of_a_fifos_writer),
        TEST(P1_a_full_fifo_does_not_spin),
        TEST(W4_a_full_fifo_calls_no_writer)};

    return test_run("kernels", tests, TEST_COUNT(tests));
}

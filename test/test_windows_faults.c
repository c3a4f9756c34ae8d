/* test_windows_faults.c - what Windows' calls answer when they go wrong. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "harness_datagram.h"
#include "harness_pipe.h"
#include "harness_process.h"
#include "raw_windows.h"

/* As test_windows.c it says nothing of one system. */

enum { SMALL = 8192 }; /* a kernel buffer */

static void need_fault(struct world *w, enum raw_fault which, unsigned times)
{
    if (!raw_fault(which, times))
        test_skip(w, "no call can be made to fail so on this system");
}

/* The same where the backend carries operations out. */
static void need_late_fault(struct world *w, enum raw_fault which)
{
    if (!rondo_loop_supports(w->loop, RONDO_CAN_NAMED_PIPES))
        test_skip(w, "this backend only waits until a call would not block");
    need_fault(w, which, 1);
}

/* ---- L7: wake-ups -------------------------------------------------------- */

struct waker {
    rondo_loop *loop;
    struct raw_thread *thread;
    volatile bool over;
};

static void wake_until_one_fails(void *arg)
{
    struct waker *waker = arg;

    while (!raw_faults())
        rondo_loop_wake(waker->loop);
    waker->over = true;
}

static void call_nothing(rondo_loop *loop, void *arg)
{
    (void)loop;
    (void)arg;
}

/* Another thread wakes the loop until that has failed. */
static void wake(struct world *w)
{
    struct waker *waker = test_alloc(w, sizeof *waker);

    assert_ok(rondo_call_later(w->loop, RONDO_SEC(3600), call_nothing, NULL));
    waker->loop = w->loop;
    waker->thread = raw_thread_start(wake_until_one_fails, waker);
    test_run_until(w, waker->over);
    raw_thread_join(waker->thread);
}

TEST_LEAVES(L7_a_wake_up_without_room_is_sent_again)
{
    enum { TIMES = 3 };

    need_fault(w, RAW_FAULT_WAKE, TIMES);
    wake(w);
    assert_int_equal(raw_faults(), TIMES);
}

static void count_exceptions(rondo_loop *loop, void *arg,
                             const rondo_exception *e)
{
    (void)loop;
    (void)e;
    ++*(unsigned *)arg;
}

/* Before it is connected with itself, anybody may send to the wake-up. */
TEST_LEAVES(L7_a_wake_up_of_somebody_else_is_one)
{
    unsigned *told = test_alloc(w, sizeof *told);

    if (rondo_loop_supports(w->loop, RONDO_CAN_EMBED_FD))
        test_skip(w, "this backend has no socket for wake-ups");
    need_fault(w, RAW_FAULT_WAKE_READ, 1);
    assert_ok(
        rondo_loop_set_exception_handler(w->loop, count_exceptions, told));
    wake(w);
    test_spin(w, 3);
    assert_int_equal(*told, 0);
}

/* Its number is somebody else's then, and is not closed once more. */
TEST(L11_a_wake_up_that_is_gone_is_closed_once)
{
    enum { MANY = 16 };
    unsigned *told = test_alloc(w, sizeof *told);
    raw_fd fds[MANY];

    if (rondo_loop_supports(w->loop, RONDO_CAN_EMBED_FD))
        test_skip(w, "this backend has no socket for wake-ups");
    need_fault(w, RAW_FAULT_WAKE_GONE, 2);
    assert_ok(
        rondo_loop_set_exception_handler(w->loop, count_exceptions, told));
    wake(w);
    test_run_until(w, *told || raw_faults() == 2);
    for (int i = 0; i < MANY; i++)
        fds[i] = raw_udp();
    test_close_loop(w);
    assert_int_equal(*told, 1);
    for (int i = 0; i < MANY; i++) {
        assert_true(raw_fd_valid(fds[i]));
        raw_close(fds[i]);
    }
}

/* ---- S7: no room --------------------------------------------------------- */

/* Writes until some bytes wait, and closes: how many bytes the transport has
 * taken. */
static uint64_t fill_and_close(struct peer *p)
{
    unsigned char piece[16384];
    uint64_t taken = 0;

    while (rondo_transport_get_write_buffer_size(p->transport) == 0) {
        test_fill(piece, taken, sizeof piece);
        if (rondo_transport_write(p->transport, piece, sizeof piece) < 0)
            break;
        taken += sizeof piece;
    }
    rondo_transport_close(p->transport);
    return taken;
}

/* Whichever allocation fails: what a closing transport has taken arrives, or
 * the peer sees a reset. */
TEST(S7_no_memory_is_no_orderly_end)
{
    for (uint64_t n = 1; n <= 6; n++) {
        struct peer *p = test_peer(w);
        raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
        uint64_t taken;
        int64_t arrived;

        test_fail_allocation(w, n);
        taken = fill_and_close(p);
        arrived = test_drain_raw(w, fd, 0);
        test_fail_allocation(w, 0);
        if (arrived != RAW_RESET)
            assert_int_equal(arrived, taken);
        test_run_until(w, p->lost);
        raw_close(fd);
    }
}

TEST(S7_no_room_in_the_kernel_loses_nothing)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    uint64_t taken;

    need_late_fault(w, RAW_FAULT_SEND_ROOM);
    taken = fill_and_close(p);
    assert_int_equal(raw_faults(), 1);
    assert_int_equal(test_drain_raw(w, fd, 0), taken);
    test_run_until(w, p->lost);
    assert_int_equal(p->error, 0);
    raw_close(fd);
}

static void release(void *arg)
{
    ++*(unsigned *)arg;
}

TEST(S7_a_large_write_to_a_pipe_leaves_in_pieces)
{
    enum { SIZE = 5 << 20 };
    struct peer *from, *to;
    unsigned *released = test_alloc(w, sizeof *released);
    unsigned char *bytes = test_alloc(w, SIZE);
    raw_fd pair[2];

    test_overlapped_pipe(w, pair);
    need_late_fault(w, RAW_FAULT_WRITE);
    test_fill(bytes, 0, SIZE);
    to = test_reader(w, pair[0], 0);
    from = test_writer(w, pair[1], 0);
    test_run_until(w, from->made && to->made);
    assert_ok(rondo_transport_write_owned(from->transport, bytes, SIZE, release,
                                          released));
    rondo_transport_close(from->transport);
    test_run_until(w, from->lost && to->lost);
    assert_int_equal(from->error, 0);
    assert_int_equal(to->bytes, SIZE);
    assert_int_equal(to->checksum, test_pattern_checksum(SIZE));
    assert_int_equal(*released, 1);
}

/* ---- H2: errors under another name --------------------------------------- */

TEST(H2_an_aborted_send_is_a_reset)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);

    need_late_fault(w, RAW_FAULT_SEND_ABORT);
    (void)test_fill_transport(w, p);
    test_run_until(w, p->lost);
    assert_int_equal(raw_faults(), 1);
    assert_int_equal(p->error, RONDO_ECONNRESET);
    raw_close(fd);
}

TEST(H2_a_send_that_ends_aborted_is_a_reset)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, SMALL);
    uint64_t filled;

    need_late_fault(w, RAW_FAULT_SENT_ABORT);
    filled = test_fill_transport(w, p);
    (void)test_drain_raw_some(w, fd, 0, filled);
    test_run_until(w, p->lost);
    assert_int_equal(raw_faults(), 1);
    assert_int_equal(p->error, RONDO_ECONNRESET);
    raw_close(fd);
}

/* ---- D2: the same for datagrams ------------------------------------------ */

TEST_LEAVES(D2_a_refused_look_is_told_as_that)
{
    struct endpoint *to = endpoint_bound(w), *e;

    need_late_fault(w, RAW_FAULT_LOOK);
    e = endpoint_to(w, &to->local);
    test_run_until(w, e->errors);
    assert_int_equal(e->error, RONDO_ECONNREFUSED);
    assert_int_equal(raw_faults(), 1);
}

TEST_LEAVES(D2_a_refused_send_is_told_as_that)
{
    struct endpoint *to = endpoint_bound(w), *e = endpoint_to(w, &to->local);

    need_late_fault(w, RAW_FAULT_SEND_TO);
    assert_true(raw_sends_fail(RAW_SEND_BLOCKED, 0, 1));
    assert_ok(rondo_datagram_send(e->d, "x", 1, NULL));
    test_run_until(w, e->errors);
    assert_int_equal(e->error, RONDO_ECONNREFUSED);
    assert_int_equal(raw_faults(), 1);
}

/* ---- S15: a file --------------------------------------------------------- */

TEST(S15_what_left_before_an_error_is_not_sent_again)
{
    enum { SIZE = 100000 };
    struct peer *p = test_peer(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0), file = call_file(SIZE);
    struct call *c = call_new(w);

    need_late_fault(w, RAW_FAULT_SENT_FILE);
    assert_ok(
        rondo_transport_sendfile(p->transport, file, 0, SIZE, call_done, c));
    assert_int_equal(test_drain_raw_some(w, other, 0, SIZE), SIZE);
    assert_int_equal(call_wait(w, c), SIZE);
    assert_int_equal(raw_faults(), 1);
    rondo_transport_close(p->transport);
    assert_int_equal(test_drain_raw(w, other, SIZE), 0);
    raw_close(file);
    raw_close(other);
}

/* ---- P2: a thread that could not be stopped ------------------------------ */

TEST(P2_a_read_that_could_not_be_ended_is_not_begun)
{
    struct peer *p;
    raw_fd pair[2];

    test_pipe(w, pair);
    need_late_fault(w, RAW_FAULT_THREAD);
    p = test_reader(w, pair[0], 0);
    test_run_until(w, p->lost);
    assert_int_equal(raw_faults(), 1);
    assert_int_equal(p->error, RONDO_ENOMEM);
    raw_close(pair[1]);
}

/* ---- X1: PATH ------------------------------------------------------------ */

TEST(X1_a_path_that_grows_is_no_crash)
{
    struct proc *p = proc_begin(w, OUTPUT);
    const char *argv[] = {"rondo-has-no-such-program", NULL};

    need_fault(p->w, RAW_FAULT_PATH, 1);
    p->o.argv = argv;
    assert_error(rondo_subprocess_exec(p->w->loop, &p->o, &proc_recorder, p,
                                       &p->process),
                 RONDO_ENOENT);
    assert_int_equal(raw_faults(), 1);
}

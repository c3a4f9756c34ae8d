/* test_kernels.c - ways of macOS's and the BSDs' kernels, beside kqueue's own. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "harness_calls.h"
#include "harness_local.h"
#include "harness_pipe.h"
#include "harness_process.h"
#include "raw_datagram.h"
#include "sim.h"

#include <errno.h>

/* ---- FIFOs -------------------------------------------------------------- */

/* A thread reads it, and poll(2) may never report its end. */
TEST_LEAVES(S15_a_fifo_that_is_sent_ends)
{
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
TEST(W4_the_reading_side_of_a_fifos_writer)
{
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
TEST(P1_a_full_fifo_does_not_spin)
{
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
TEST(W4_a_full_fifo_calls_no_writer)
{
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

/* ---- sockets that are shut in both directions --------------------------- */

/* Its client has written and left before anybody accepted it. No option can be
 * set by then, and it is a connection with bytes all the same. */
TEST_LEAVES(S16_a_client_that_left_before_it_was_accepted)
{
    const char *path = local_path(w, "left");
    struct listener *l = local_serve(w, path);
    raw_fd client = raw_local_connect(path);
    struct peer *p;

    assert_true(client != RONDO_NO_FD);
    assert_true(raw_send_all(client, "last words", 10, 1000));
    raw_close(client);
    test_run_until(w, l->count == 1);
    p = l->first;
    test_run_until(w, p->lost);
    assert_int_equal(p->bytes, 10);
    assert_int_equal(p->error, 0);
}

/* A socket with bytes to read, and nobody to write to. */
static raw_fd dead_socket(void)
{
    raw_fd fds[2];

    assert_int_equal(raw_local_pair(fds), 0);
    assert_true(raw_send_all(fds[1], "abc", 3, 1000));
    raw_close(fds[1]);
    raw_set_nonblocking(fds[0]);
    return fds[0];
}

TEST_LEAVES(S8_no_sigpipe_of_an_adopted_socket)
{
    struct peer *p = test_peer(w);
    raw_fd other;
    char byte;

    test_adopt(w, dead_socket(), &recorder, p);
    test_run_until(w, p->made);
    (void)rondo_transport_write(p->transport, "x", 1);
    test_run_until(w, p->lost);
    assert_true(p->error == RONDO_EPIPE || p->error == RONDO_ECONNRESET);
    assert_true(raw_sigpipe_untouched());
    /* others send as before */
    p = test_peer(w);
    other = test_raw_peer(w, &recorder, p, 0);
    assert_ok(rondo_transport_write(p->transport, "y", 1));
    assert_int_equal(raw_recv(other, &byte, 1, 1000), 1);
    raw_close(other);
}

TEST(S8_no_sigpipe_of_a_pipes_socket)
{
    struct peer *p = test_writer(w, dead_socket(), RONDO_PIPE_OWN);

    (void)rondo_transport_write(p->transport, "x", 1);
    test_run_until(w, p->lost);
    assert_true(raw_sigpipe_untouched());
}

/* The program's, whose options nobody has set: alive, or not any more. */
TEST(Q1_no_sigpipe_of_the_programs_socket)
{
    struct call *c = call_new(w);
    raw_fd fds[2], dead = dead_socket();

    assert_ok(rondo_sock_sendall(w->loop, dead, "x", 1, call_done, c));
    assert_int_equal(call_wait(w, c), RONDO_EPIPE);
    raw_close(dead);
    call_pair(fds, 0);
    raw_shutdown_write(fds[0]);
    c = call_new(w);
    assert_ok(rondo_sock_sendall(w->loop, fds[0], "x", 1, call_done, c));
    assert_int_equal(call_wait(w, c), RONDO_EPIPE);
    raw_close(fds[0]);
    raw_close(fds[1]);
    assert_true(raw_sigpipe_untouched());
}

/* macOS says so of a send to a connection that is just being torn down. */
TEST(S8_a_wrong_protocol_is_a_reset)
{
    struct peer *p = test_peer(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);

    sim_fail_sends(EPROTOTYPE, 1);
    (void)rondo_transport_write(p->transport, "x", 1);
    test_run_until(w, p->lost);
    assert_int_equal(p->error, RONDO_ECONNRESET);
    raw_close(other);
}

/* ---- datagrams ---------------------------------------------------------- */

/* An interface without room: the socket stays writable, and waiting for that
 * would spin. */
static void no_room_for(struct world *w, bool connected)
{
    struct call *c = call_new(w);
    raw_fd from = raw_udp(), to = raw_udp();
    rondo_address where;
    char byte;

    raw_set_nonblocking(from);
    raw_datagram_address(to, &where);
    if (connected)
        assert_true(raw_datagram_connect(from, &where));
    (void)raw_sends_fail(RAW_SEND_NO_BUFFERS, 0, UINT32_MAX);
    assert_ok(
        connected
            ? rondo_sock_sendall(w->loop, from, "x", 1, call_done, c)
            : rondo_sock_sendto(w->loop, from, "x", 1, &where, call_done, c));
    assert_true(test_run_for(w, RONDO_MS(50)) < 100);
    assert_int_equal(c->calls, 0);
    (void)raw_sends_fail(RAW_SEND_NO_BUFFERS, 0, 0);
    assert_int_equal(call_wait(w, c), 1);
    assert_int_equal(raw_recv(to, &byte, 1, 1000), 1);
    raw_close(from);
    raw_close(to);
}

TEST(Q1_no_room_in_the_interface)
{
    no_room_for(w, false);
    no_room_for(w, true);
}

/* ---- children ----------------------------------------------------------- */

static struct proc *begin_with_input(struct world *w)
{
    struct proc *p = proc_begin(w, NULLS);

    p->o.stdin_kind = RONDO_STDIO_PIPE;
    return p;
}

/* One with another user's rights: refused by NetBSD and OpenBSD (EACCES), not
 * seen by FreeBSD (ESRCH). The loop goes on, and hears of the end. */
static void watch_foreign(struct world *w, int os_error)
{
    struct proc *p = begin_with_input(w);

    sim_refuse(EVFILT_PROC, os_error);
    proc_start(p, "drain", "0", "exit", "7", NULL);
    test_run_until(w, p->made);
    assert_true(test_run_for(w, RONDO_MS(5)) < 10);
    assert_int_equal(p->exited, 0);
    proc_close_input(p);
    proc_ends(p, 7);
}

TEST(X6_a_child_that_kqueue_does_not_watch)
{
    static const int errors[] = {EACCES, EPERM, ESRCH};

    for (int i = 0; i < 3; i++)
        watch_foreign(w, errors[i]);
    sim_refuse(EVFILT_PROC, 0); /* other backends have not asked */
}

/* The number of descriptors has no limit that could be asked for. */
TEST(X2_only_the_listed_descriptors_without_a_limit)
{
    struct proc *p = proc_begin_unix(w, "no numbered descriptors");
    raw_fd fd = raw_null();

    if (!raw_kernel_lacks(RAW_LACKS_CLOSE_RANGE))
        test_skip(p->w, "the kernel cannot be made to lack close_range");
    raw_set_close_on_exec(fd, false);
    sim_hide_limit(true);
    proc_start(p, "descriptors", NULL);
    proc_wait(p);
    sim_hide_limit(false);
    (void)raw_kernel_lacks(RAW_LACKS_NOTHING);
    assert_string_equal(p->text[1], "0 1 2 ");
    raw_close(fd);
}

/* It can be killed and let go as any other. */
TEST(X4_a_child_that_kqueue_does_not_watch)
{
    struct proc *p = begin_with_input(w);

    sim_refuse(EVFILT_PROC, EACCES);
    proc_start(p, "sleep", NULL);
    test_run_until(w, p->made);
    assert_ok(rondo_process_kill(p->process));
    proc_ends_killed(p);
    p = begin_with_input(w);
    sim_refuse(EVFILT_PROC, EACCES);
    proc_start(p, "sleep", NULL);
    rondo_process_close(p->process);
    proc_wait(p);
    sim_refuse(EVFILT_PROC, 0);
}

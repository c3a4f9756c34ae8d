/* test_windows_handles.c - handles of other kinds, and packets of others. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "harness_pipe.h"
#include "harness_process.h"
#include "raw_windows.h"

/* As test_windows.c it says nothing of one system. */

static void count(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    ++*(unsigned *)arg;
}

static void count_exceptions(rondo_loop *loop, void *arg,
                             const rondo_exception *e)
{
    (void)loop;
    assert_int_equal(e->error, RONDO_EBADF);
    ++*(unsigned *)arg;
}

/* ---- P1, P2: messages and devices ---------------------------------------- */

static void message_pipe(struct world *w, raw_fd pair[2])
{
    test_need_pipes(w);
    if (raw_message_pipe(pair) != 0)
        test_skip(w, "no pipe keeps messages apart on this system");
}

static void write_message(struct world *w, raw_fd fd, uint64_t position,
                          size_t size)
{
    unsigned char *bytes = test_alloc(w, size);

    test_fill(bytes, position, size);
    assert_int_equal(raw_write(fd, bytes, size), size);
}

static void check_received(struct world *w, struct peer *p, uint64_t size)
{
    test_run_until(w, p->bytes >= size);
    assert_int_equal(p->bytes, size);
    assert_int_equal(p->checksum, test_pattern_checksum(size));
}

static void ends_in_order(struct world *w, struct peer *p)
{
    test_run_until(w, p->lost);
    assert_int_equal(p->error, 0);
    assert_int_equal(p->eof, 1);
}

TEST(P1_messages_that_wait_are_read)
{
    struct peer *p;
    raw_fd pair[2];

    message_pipe(w, pair);
    write_message(w, pair[1], 0, 1000);
    write_message(w, pair[1], 1000, 2000);
    p = test_reader(w, pair[0], 0);
    check_received(w, p, 3000);
    for (uint64_t i = 3; i < 20; i++) {
        write_message(w, pair[1], i * 1000, 1000);
        check_received(w, p, (i + 1) * 1000);
    }
    raw_close(pair[1]);
    ends_in_order(w, p);
}

TEST(P1_a_message_longer_than_a_read)
{
    struct peer *p;
    raw_fd pair[2];

    message_pipe(w, pair);
    p = test_reader(w, pair[0], 0);
    test_spin(w, 3);
    write_message(w, pair[1], 0, 200000);
    check_received(w, p, 200000);
    raw_close(pair[1]);
    ends_in_order(w, p);
}

/* A thread reads it, pieces of 64 KiB at a time. */
TEST(P2_a_borrowed_message_longer_than_a_read)
{
    struct peer *p;
    raw_fd pair[2];

    message_pipe(w, pair);
    write_message(w, pair[1], 0, 200000);
    p = test_reader(w, pair[0], RONDO_PIPE_BORROW);
    check_received(w, p, 200000);
    raw_close(pair[1]);
    ends_in_order(w, p);
    raw_close(pair[0]);
}

TEST(P2_a_borrowed_handle_keeps_the_programs_calls)
{
    struct peer *p;
    raw_fd pair[2];

    message_pipe(w, pair);
    p = test_reader(w, pair[0], RONDO_PIPE_BORROW);
    test_run_until(w, p->made);
    test_spin(w, 3);
    assert_true(raw_begin_read(pair[0]));
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
    assert_true(raw_end_read(pair[0]));
    raw_close(pair[0]);
    raw_close(pair[1]);
}

TEST(P1_a_device_whose_calls_end_later)
{
    raw_fd fds[2] = {raw_overlapped_null(), raw_overlapped_null()};
    struct peer *p;

    test_need_pipes(w);
    if (fds[0] == RONDO_NO_FD)
        test_skip(w, "no calls of a device end later on this system");
    p = test_reader(w, fds[0], 0);
    ends_in_order(w, p);
    p = test_writer(w, fds[1], 0);
    test_run_until(w, p->made);
    test_write_pattern(w, p, 200000, 10000);
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
    assert_int_equal(p->error, 0);
}

/* ---- W3, Q1: numbers ----------------------------------------------------- */

TEST(W3_a_number_that_is_no_socket_any_more)
{
    unsigned *calls = test_alloc(w, 2 * sizeof *calls);
    raw_fd fd = raw_udp(), reused;

    w->allow_descriptors = true;
    assert_ok(
        rondo_loop_set_exception_handler(w->loop, count_exceptions, &calls[1]));
    assert_ok(rondo_add_reader(w->loop, fd, count, &calls[0]));
    test_spin(w, 3);
    raw_close(fd);
    reused = raw_reuse_number(fd);
    if (reused == RONDO_NO_FD) {
        (void)rondo_remove_reader(w->loop, fd);
        test_skip(w, "this system does not use such a number again at once");
    }
    test_run_until(w, calls[1]);
    assert_int_equal(calls[0], 0);
    assert_true(test_run_for(w, RONDO_MS(50)) < 20);
    raw_close(reused);
}

/* The sentence must not say what some call before has met. */
TEST(Q1_closed_while_it_is_waited_for)
{
    struct call *c = call_new(w);
    char byte;
    raw_fd pair[2];
    rondo_server_options o = RONDO_SERVER_OPTIONS_INIT;
    uint16_t port;
    raw_fd taken = raw_listen(&port, 1);
    rondo_id id;

    call_pair(pair, 0);
    id = rondo_sock_recv(w->loop, pair[0], &byte, 1, call_done, c);
    assert_ok(id);
    test_spin(w, 3);
    raw_close(pair[0]);
    o.host = "127.0.0.1";
    o.port = port;
    assert_error(rondo_create_server(w->loop, &o, &recorder, NULL, NULL),
                 RONDO_EADDRINUSE);
    for (int i = 0; i < 100 && !c->calls; i++)
        (void)test_run_for(w, RONDO_MS(2));
    raw_close(pair[1]);
    raw_close(taken);
    if (!c->calls) {
        assert_ok(rondo_cancel(w->loop, id));
        test_run_until(w, c->calls);
        test_skip(w, "this backend does not notice");
    }
    assert_int_equal(c->result, RONDO_EBADF);
    assert_non_null(strstr(c->last_error, "EBADF"));
}

/* ---- W1: urgent data ----------------------------------------------------- */

/* Takes all the room that there is. */
static void fill(rondo_loop *loop, rondo_fd fd, void *arg)
{
    static const char bytes[65536];

    (void)loop;
    ++*(unsigned *)arg;
    while (raw_send(fd, bytes, sizeof bytes) > 0)
        continue;
}

TEST(W1_urgent_data_is_no_room_to_write)
{
    unsigned *calls = test_alloc(w, sizeof *calls);
    raw_fd pair[2];

    assert_int_equal(raw_pair_small(pair, 8192), 0);
    assert_ok(rondo_add_writer(w->loop, pair[0], fill, calls));
    (void)test_run_for(w, RONDO_MS(100)); /* until there is none */
    assert_true(raw_send_urgent(pair[1]));
    *calls = 0;
    assert_true(test_run_for(w, RONDO_MS(100)) < 20);
    assert_in_range(*calls, 0, 5);
    assert_int_equal(rondo_remove_writer(w->loop, pair[0]), 1);
    raw_close(pair[0]);
    raw_close(pair[1]);
}

/* ---- L5: the loop closes, and its port is full --------------------------- */

enum { MANY_PACKETS = 300 }; /* more than one wait collects */

static struct proc *start_behind_packets(struct world *w, const char *what)
{
    rondo_loop_wait wait = {.size = sizeof wait};
    struct proc *p = proc_begin(w, NULLS);

    if (!rondo_loop_supports(w->loop, RONDO_CAN_EMBED_FD))
        test_skip(w, "the backend has no RONDO_CAN_EMBED_FD");
    assert_ok(rondo_loop_prepare(w->loop, &wait));
    if (!raw_post_wake_ups(wait.fd, MANY_PACKETS))
        test_skip(w, "this system has no completion ports");
    p->o.leave_running = true;
    proc_start(p, what, "0", NULL);
    return p;
}

TEST(L5_a_child_is_let_go_behind_many_packets)
{
    struct proc *p = start_behind_packets(w, "sleep");
    int64_t pid = rondo_process_pid(p->process);

    test_close_loop(p->w);
    assert_int_equal(p->lost, 1);
    raw_process_kill(pid);
    (void)raw_process_wait(pid);
}

TEST(L5_a_child_has_ended_behind_many_packets)
{
    struct proc *p = start_behind_packets(w, "exit");

    raw_process_await(rondo_process_pid(p->process));
    test_close_loop(p->w);
    assert_int_equal(p->lost, 1);
}

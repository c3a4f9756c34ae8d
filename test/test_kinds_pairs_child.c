/* test_kinds_pairs_child.c - a child's pipes with all else, and its end. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_calls.h"
#include "harness_filter.h"
#include "harness_pipe.h"
#include "harness_process.h"

enum { MUCH = 1 << 20 };

/* A child, and a peer for one of its pipes. */
struct kid {
    struct proc *proc;
    struct peer *pipe;
};

static struct proc *with_stdio(struct world *w, rondo_stdio_kind in,
                               rondo_stdio_kind out)
{
    struct proc *proc = proc_new(w);

    proc->o.stdin_kind = in;
    proc->o.stdout_kind = out;
    proc->o.stderr_kind = RONDO_STDIO_NULL;
    return proc;
}

static struct kid kid_of(struct world *w, struct proc *proc, int fd)
{
    struct kid k = {proc, test_peer(w)};

    k.pipe->transport = rondo_process_pipe(proc->process, fd);
    assert_non_null(k.pipe->transport);
    k.pipe->joined = true; /* it may be made already */
    assert_ok(
        rondo_transport_set_protocol(k.pipe->transport, &recorder, k.pipe));
    test_spin(w, 1);
    return k;
}

/* A grandchild has its pipes, too, and reads none of them: closing does not wait
 * for it. It ends when its output is closed. */
static void start_with_grandchild(struct proc *proc)
{
    proc_start(proc, "start", "3", "flood", "1", "999999999999", "sleep", NULL);
    test_run_until(proc->w, proc->bytes[1]);
    assert_ok(
        rondo_transport_pause_reading(rondo_process_pipe(proc->process, 1)));
}

static struct kid kid_that_sleeps(struct world *w)
{
    struct proc *proc = with_stdio(w, RONDO_STDIO_PIPE, RONDO_STDIO_PIPE);

    proc_need(w);
    start_with_grandchild(proc);
    return kid_of(w, proc, 0);
}

/* It writes that much to its stdout, and sleeps. */
static struct kid kid_that_writes(struct world *w, const char *size)
{
    struct proc *proc = with_stdio(w, RONDO_STDIO_NULL, RONDO_STDIO_PIPE);

    proc_need(w);
    proc_start(proc, "flood", "1", size, "sleep", NULL);
    return kid_of(w, proc, 1);
}

/* Its descriptor 3 is a socket both ways, which it leaves alone. */
static struct kid kid_with_socket(struct world *w)
{
    static const rondo_stdio_entry three = {3, RONDO_STDIO_PIPE, RONDO_NO_FD};
    struct proc *proc = with_stdio(w, RONDO_STDIO_NULL, RONDO_STDIO_PIPE);

    proc_need(w);
    test_skip_if(w, !raw_has_signals(), "a child has three descriptors here");
    proc->o.extra = &three;
    proc->o.extra_count = 1;
    start_with_grandchild(proc);
    return kid_of(w, proc, 3);
}

/* The process is closed: the pipe is lost before it, with that error. */
static void close_process(struct kid *k, int error)
{
    rondo_process_close(k->proc->process);
    test_run_until(k->proc->w, k->pipe->lost);
    proc_wait(k->proc);
    assert_int_equal(k->pipe->error, error);
    assert_int_equal(k->proc->error, 0);
    assert_int_equal(k->proc->exited, 1);
}

/* ---- X4: the process is closed ------------------------------------------- */

TEST(X4_pair_lent_bytes_wait)
{
    struct kid k = kid_that_sleeps(w);
    unsigned *released = test_counter(w);

    assert_ok(rondo_transport_write_owned(
        k.pipe->transport, test_alloc(w, MUCH), MUCH, count_release, released));
    test_spin(w, 5);
    close_process(&k, RONDO_ECANCELED);
    assert_int_equal(*released, 1);
}

TEST(X4_pair_a_file_is_under_way)
{
    struct kid k = kid_that_sleeps(w);
    struct call *c = call_new(w);
    raw_fd file = call_file(MUCH);

    assert_ok(rondo_transport_sendfile(k.pipe->transport, file, 0, MUCH,
                                       call_done, c));
    (void)test_settle(w, k.pipe);
    close_process(&k, RONDO_ECANCELED);
    assert_int_equal(c->calls, 1);
    assert_error(c->result, RONDO_ECANCELED);
    raw_close(file);
}

/* The same in one iteration with the call. */
TEST(X4_pair_a_file_is_begun)
{
    struct kid k = kid_that_sleeps(w);
    struct call *c = call_new(w);
    raw_fd file = call_file(MUCH);

    assert_ok(rondo_transport_sendfile(k.pipe->transport, file, 0, MUCH,
                                       call_done, c));
    close_process(&k, RONDO_ECANCELED);
    assert_int_equal(c->calls, 1);
    assert_error(c->result, RONDO_ECANCELED);
    raw_close(file);
}

static void hold(struct peer *p, const void *data, size_t size)
{
    p->on_data = NULL;
    assert_ok(rondo_transport_unread(p->transport, data, size));
    assert_ok(rondo_transport_pause_reading(p->transport));
}

/* What is held while reading is paused goes with the pipe. */
TEST(X4_pair_bytes_are_held)
{
    struct kid k = kid_that_writes(w, "1000");

    k.pipe->on_data = hold;
    test_run_until(w, k.pipe->data);
    close_process(&k, 0);
    assert_int_equal(k.pipe->data, 1);
}

static void refuse_once(struct peer *p, const void *data, size_t size)
{
    p->on_data = NULL;
    assert_ok(rondo_transport_unread(p->transport, data, size));
    p->bytes -= size;
}

/* What was given back is delivered once more, and what it has, too. */
TEST(X4_pair_bytes_were_given_back)
{
    struct kid k = kid_that_writes(w, "40000");

    k.pipe->on_data = refuse_once;
    k.pipe->no_checksum = true;
    test_run_until(w, k.pipe->data);
    assert_int_equal(k.pipe->lost, 0);
    close_process(&k, 0);
    assert_true(k.pipe->data > 1 && k.pipe->bytes <= 40000);
}

/* Bytes that wait for a filter are dropped as any are. */
TEST(X4_pair_bytes_wait_for_a_filter)
{
    struct kid k = kid_with_socket(w);
    struct toy *y = test_toy(w, 1);

    y->silent = true;
    toy_push(k.pipe->transport, y);
    assert_ok(rondo_transport_write(k.pipe->transport, "x", 1));
    test_run_until(w, y->started);
    close_process(&k, RONDO_ECANCELED);
    assert_error(y->result, RONDO_ECANCELED);
    assert_string_equal(y->order, "sL");
}

TEST(X4_pair_a_filter_gets_ready)
{
    struct kid k = kid_with_socket(w);
    struct toy *y = test_toy(w, 1);

    y->silent = true;
    toy_push(k.pipe->transport, y);
    test_run_until(w, y->started);
    close_process(&k, 0);
    assert_error(y->result, RONDO_ECANCELED);
}

/* ---- X3: a pipe goes before the process ---------------------------------- */

TEST(X3_pair_the_time_of_a_pipe)
{
    struct kid k = kid_that_writes(w, "10");

    test_run_until(w, k.pipe->bytes == 10);
    assert_ok(rondo_transport_set_timeouts(k.pipe->transport, RONDO_MS(10), 0));
    test_run_until(w, k.pipe->lost);
    assert_int_equal(k.pipe->error, RONDO_ETIMEDOUT);
    assert_int_equal(k.proc->exited, 0);
    assert_null(rondo_process_pipe(k.proc->process, 1));
    rondo_process_close(k.proc->process);
    proc_wait(k.proc);
}

TEST(X3_pair_the_write_time_of_a_pipe)
{
    struct kid k = kid_that_sleeps(w);
    struct call *c = call_new(w);
    raw_fd file = call_file(MUCH);

    assert_ok(rondo_transport_sendfile(k.pipe->transport, file, 0, MUCH,
                                       call_done, c));
    (void)test_settle(w, k.pipe);
    assert_ok(rondo_transport_set_timeouts(k.pipe->transport, 0, RONDO_MS(10)));
    test_run_until(w, k.pipe->lost);
    assert_int_equal(k.pipe->error, RONDO_ETIMEDOUT);
    assert_error(c->result, RONDO_ETIMEDOUT);
    assert_int_equal(k.proc->exited, 0);
    rondo_process_close(k.proc->process);
    proc_wait(k.proc);
    raw_close(file);
}

/* The child, and with it the reader, dies with bytes waiting. */
TEST(X3_pair_the_child_dies)
{
    struct proc *proc = with_stdio(w, RONDO_STDIO_PIPE, RONDO_STDIO_NULL);
    unsigned *released = test_counter(w);
    struct kid k;

    proc_need(w);
    proc_start(proc, "sleep", NULL);
    k = kid_of(w, proc, 0);
    assert_ok(rondo_transport_write_owned(
        k.pipe->transport, test_alloc(w, MUCH), MUCH, count_release, released));
    (void)test_settle(w, k.pipe);
    assert_ok(rondo_process_kill(proc->process));
    proc_wait(proc);
    assert_int_equal(k.pipe->lost, 1);
    assert_int_equal(k.pipe->error, RONDO_EPIPE);
    assert_int_equal(*released, 1);
}

/* write_eof behind a file, and the child ends by itself. */
TEST(X3_pair_a_file_to_the_end)
{
    struct proc *proc = with_stdio(w, RONDO_STDIO_PIPE, RONDO_STDIO_NULL);
    struct call *c = call_new(w);
    raw_fd file = call_file(MUCH);
    struct kid k;

    proc_need(w);
    proc_start(proc, "drain", "0", "exit", "7", NULL);
    k = kid_of(w, proc, 0);
    assert_ok(rondo_transport_sendfile(k.pipe->transport, file, 0, MUCH,
                                       call_done, c));
    assert_ok(rondo_transport_write_eof(k.pipe->transport));
    proc_wait(proc);
    assert_int_equal(proc->status.code, 7);
    assert_int_equal(c->result, MUCH);
    assert_int_equal(k.pipe->error, 0);
    raw_close(file);
}

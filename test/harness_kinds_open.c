/* harness_kinds_open.c - makes every kind of transport, and its other end. */
/* SPDX-License-Identifier: MIT */
#include "harness_kinds.h"

#include "harness_local.h"
#include "harness_named.h"
#include "harness_pipe.h"
#include "harness_process.h"

/* ---- sockets ------------------------------------------------------------ */

enum { SMALL_BUFFERS = 16384 };

static bool open_tcp(struct rig *r)
{
    raw_fd fds[2];

    assert_int_equal(raw_pair_small(fds, SMALL_BUFFERS), 0);
    test_adopt(r->w, fds[0], &recorder, r->p);
    test_adopt(r->w, fds[1], &recorder, r->far);
    return true;
}

static bool open_unix(struct rig *r)
{
    raw_fd fds[2];

    if (raw_local_pair(fds) != 0)
        return false;
    test_adopt(r->w, fds[0], &recorder, r->p);
    test_adopt(r->w, fds[1], &recorder, r->far);
    return true;
}

/* A named pipe's ends are made when they are there. */
static bool open_named(struct rig *r, struct peer **served,
                       struct peer **client)
{
    struct named_pair pair;

    if (!rondo_loop_supports(r->w->loop, RONDO_CAN_NAMED_PIPES))
        return false;
    pair = named_pair(r->w);
    r->l = pair.l;
    *served = pair.s;
    *client = pair.c;
    return true;
}

static bool open_served(struct rig *r)
{
    return open_named(r, &r->p, &r->far);
}

static bool open_client(struct rig *r)
{
    return open_named(r, &r->far, &r->p);
}

/* ---- half transports ----------------------------------------------------- */

static bool can_pipes(const struct rig *r)
{
    return rondo_loop_supports(r->w->loop, RONDO_CAN_PIPES);
}

static void reads_from(struct peer *p, raw_fd fd, unsigned flags)
{
    assert_ok(rondo_connect_read_pipe(p->w->loop, fd, flags, &recorder, p,
                                      &p->transport));
}

static void writes_to(struct peer *p, raw_fd fd, unsigned flags)
{
    assert_ok(rondo_connect_write_pipe(p->w->loop, fd, flags, &recorder, p,
                                       &p->transport));
}

/* What is written to fds[1] is read from fds[0]. */
static bool open_reader(struct rig *r, int made, const raw_fd fds[2])
{
    if (made != 0)
        return false;
    reads_from(r->p, fds[0], RONDO_PIPE_OWN);
    writes_to(r->far, fds[1], RONDO_PIPE_OWN);
    return true;
}

static bool open_writer(struct rig *r, int made, const raw_fd fds[2])
{
    if (made != 0)
        return false;
    writes_to(r->p, fds[1], RONDO_PIPE_OWN);
    reads_from(r->far, fds[0], RONDO_PIPE_OWN);
    return true;
}

static bool open_pipe_reads(struct rig *r)
{
    raw_fd fds[2];

    return can_pipes(r) && open_reader(r, raw_pipe(fds), fds);
}

static bool open_pipe_writes(struct rig *r)
{
    raw_fd fds[2];

    return can_pipes(r) && open_writer(r, raw_pipe(fds), fds);
}

static bool open_lent_reads(struct rig *r)
{
    raw_fd fds[2];

    if (!can_pipes(r) || raw_pipe(fds) != 0)
        return false;
    r->lent = fds[0];
    reads_from(r->p, fds[0], RONDO_PIPE_BORROW);
    writes_to(r->far, fds[1], RONDO_PIPE_OWN);
    return true;
}

static bool open_lent_writes(struct rig *r)
{
    raw_fd fds[2];

    if (!can_pipes(r) || raw_pipe(fds) != 0)
        return false;
    r->lent = fds[1];
    writes_to(r->p, fds[1], RONDO_PIPE_BORROW);
    reads_from(r->far, fds[0], RONDO_PIPE_OWN);
    return true;
}

static bool open_overlapped_reads(struct rig *r)
{
    raw_fd fds[2];

    return can_pipes(r) && open_reader(r, raw_overlapped_pipe(fds), fds);
}

static bool open_overlapped_writes(struct rig *r)
{
    raw_fd fds[2];

    return can_pipes(r) && open_writer(r, raw_overlapped_pipe(fds), fds);
}

static bool open_fifo_reads(struct rig *r)
{
    raw_fd fds[2];

    return can_pipes(r) && open_reader(r, raw_fifo(fds), fds);
}

static bool open_fifo_writes(struct rig *r)
{
    raw_fd fds[2];

    return can_pipes(r) && open_writer(r, raw_fifo(fds), fds);
}

/* The master is at the far end. */
static bool open_terminal_reads(struct rig *r)
{
    raw_fd fds[2];
    int made = can_pipes(r) ? raw_terminal(fds) : -1;

    return open_reader(r, made, (const raw_fd[]){fds[1], fds[0]});
}

static bool open_terminal_writes(struct rig *r)
{
    raw_fd fds[2];

    return can_pipes(r) && open_writer(r, raw_terminal(fds), fds);
}

static bool open_half_tcp_reads(struct rig *r)
{
    raw_fd fds[2];

    if (!can_pipes(r) || raw_pair_small(fds, SMALL_BUFFERS) != 0)
        return false;
    reads_from(r->p, fds[0], RONDO_PIPE_OWN);
    test_adopt(r->w, fds[1], &recorder, r->far);
    return true;
}

static bool open_half_tcp_writes(struct rig *r)
{
    raw_fd fds[2];

    if (!can_pipes(r) || raw_pair_small(fds, SMALL_BUFFERS) != 0)
        return false;
    writes_to(r->p, fds[1], RONDO_PIPE_OWN);
    test_adopt(r->w, fds[0], &recorder, r->far);
    return true;
}

static bool open_half_unix_reads(struct rig *r)
{
    raw_fd fds[2];

    return can_pipes(r) && open_reader(r, raw_local_pair(fds), fds);
}

static bool open_half_unix_writes(struct rig *r)
{
    raw_fd fds[2];

    return can_pipes(r) && open_writer(r, raw_local_pair(fds), fds);
}

/* ---- children ------------------------------------------------------------ */

/* The transport of that descriptor of the child is p's: p hears all of it. */
static void take_pipe(struct rig *r, int child_fd)
{
    r->p->transport = rondo_process_pipe(r->proc->process, child_fd);
    assert_non_null(r->p->transport);
    rig_use(r, &recorder);
}

/* The child copies from a pipe of the test's to one of its own, or the other
 * way round. */
static bool start_child(struct rig *r, bool reads, rondo_process_options *o,
                        const char *from, const char *to)
{
    raw_fd fds[2];

    if (!rondo_loop_supports(r->w->loop, RONDO_CAN_SUBPROCESS) ||
        !can_pipes(r) || raw_pipe(fds) != 0)
        return false;
    r->proc = proc_new(r->w);
    *(reads ? &o->stdin_kind : &o->stdout_kind) = RONDO_STDIO_FD;
    *(reads ? &o->stdin_fd : &o->stdout_fd) = fds[!reads];
    r->proc->o = *o;
    proc_start(r->proc, "copy", from, to, NULL);
    raw_close(fds[!reads]);
    if (reads)
        writes_to(r->far, fds[1], RONDO_PIPE_OWN);
    else
        reads_from(r->far, fds[0], RONDO_PIPE_OWN);
    return true;
}

static bool open_child_reads(struct rig *r)
{
    rondo_process_options o = RONDO_PROCESS_OPTIONS_INIT;

    o.stdout_kind = RONDO_STDIO_PIPE;
    if (!start_child(r, true, &o, "0", "1"))
        return false;
    take_pipe(r, 1);
    return true;
}

static bool open_child_writes(struct rig *r)
{
    rondo_process_options o = RONDO_PROCESS_OPTIONS_INIT;

    o.stdin_kind = RONDO_STDIO_PIPE;
    if (!start_child(r, false, &o, "0", "1"))
        return false;
    take_pipe(r, 0);
    return true;
}

static bool open_child_extra(struct rig *r)
{
    static const rondo_stdio_entry three = {3, RONDO_STDIO_PIPE, RONDO_NO_FD};
    rondo_process_options o = RONDO_PROCESS_OPTIONS_INIT;

    o.extra = &three;
    o.extra_count = 1;
    if (!raw_has_signals() || !start_child(r, true, &o, "0", "3"))
        return false;
    take_pipe(r, 3);
    return true;
}

/* ---- files --------------------------------------------------------------- */

static bool open_file_reads(struct rig *r)
{
    r->far = NULL;
    if (!can_pipes(r))
        return false;
    reads_from(r->p, test_file(r->w, RIG_SUPPLY), RONDO_PIPE_FILE);
    return true;
}

static bool open_file_writes(struct rig *r)
{
    raw_fd fd;

    r->far = NULL;
    if (!can_pipes(r))
        return false;
    fd = test_file(r->w, 0);
    r->copy = raw_duplicate(fd);
    writes_to(r->p, fd, RONDO_PIPE_FILE);
    return true;
}

/* ---- all ----------------------------------------------------------------- */

#define READS  .half = true, .reads = true
#define WRITES .half = true, .writes = true
#define BOTH   .reads = true, .writes = true

const struct kind kinds[KINDS] = {
    [KIND_TCP] = {"TCP socket", open_tcp, BOTH},
    [KIND_UNIX] = {"unix socket", open_unix, BOTH},
    [KIND_SERVED] = {"named pipe, served", open_served, BOTH},
    [KIND_CLIENT] = {"named pipe, client", open_client, BOTH},
    [KIND_PIPE_READS] = {"pipe reads", open_pipe_reads, READS},
    [KIND_PIPE_WRITES] = {"pipe writes", open_pipe_writes, WRITES},
    [KIND_LENT_READS] = {"borrowed pipe reads", open_lent_reads, READS},
    [KIND_LENT_WRITES] = {"borrowed pipe writes", open_lent_writes, WRITES},
    [KIND_OVERLAPPED_READS] = {"overlapped reads", open_overlapped_reads,
                               READS},
    [KIND_OVERLAPPED_WRITES] = {"overlapped writes", open_overlapped_writes,
                                WRITES},
    [KIND_FIFO_READS] = {"FIFO reads", open_fifo_reads, READS},
    [KIND_FIFO_WRITES] = {"FIFO writes", open_fifo_writes, WRITES},
    [KIND_TERMINAL_READS] = {"terminal reads", open_terminal_reads, READS,
                             .drops = true},
    [KIND_TERMINAL_WRITES] = {"terminal writes", open_terminal_writes, WRITES,
                              .drops = true},
    [KIND_HALF_TCP_READS] = {"TCP as pipe reads", open_half_tcp_reads, READS},
    [KIND_HALF_TCP_WRITES] = {"TCP as pipe writes", open_half_tcp_writes,
                              WRITES},
    [KIND_HALF_UNIX_READS] = {"unix as pipe reads", open_half_unix_reads,
                              READS},
    [KIND_HALF_UNIX_WRITES] = {"unix as pipe writes", open_half_unix_writes,
                               WRITES},
    [KIND_CHILD_READS] = {"child's stdout", open_child_reads, READS},
    [KIND_CHILD_WRITES] = {"child's stdin", open_child_writes, WRITES},
    [KIND_CHILD_EXTRA] = {"child's fd 3", open_child_extra, .reads = true},
    [KIND_FILE_READS] = {"file reads", open_file_reads, READS, .file = true},
    [KIND_FILE_WRITES] = {"file writes", open_file_writes, WRITES,
                          .file = true},
};

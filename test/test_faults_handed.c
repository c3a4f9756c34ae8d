/* test_faults_handed.c - descriptors over a child's own pipe. */
/* SPDX-License-Identifier: MIT */
#include "harness_local.h"
#include "harness_process.h"

/* The child's descriptor 3 is a pair of unix sockets. */
static struct proc *worker(struct world *w)
{
    static const rondo_stdio_entry three = {3, RONDO_STDIO_PIPE, RONDO_NO_FD};
    struct proc *p;

    local_need_passing(w);
    p = proc_begin_unix(w, "children have three descriptors");
    p->o.extra = &three;
    p->o.extra_count = 1;
    return p;
}

static void take(struct proc *p, int fd)
{
    raw_fd *got = p->user;

    if (fd == 3 && *got == RONDO_NO_FD)
        *got = rondo_transport_take_fd(proc_pipe(p, 3));
}

TEST(S16_a_connection_goes_to_a_worker_and_comes_back)
{
    struct proc *p = worker(w);
    raw_fd got = RONDO_NO_FD, pair[2];
    char text[6] = "";

    assert_int_equal(raw_pair(pair), 0);
    p->user = &got;
    p->on_data = take;
    proc_start(p, "pass", "3", NULL);
    assert_ok(rondo_transport_send_fd(proc_pipe(p, 3), pair[0]));
    proc_write(p, 3, "x");
    proc_ends(p, 0);
    assert_int_equal(raw_recv(pair[1], text, 5, 1000), 5);
    assert_string_equal(text, "hello");
    assert_true(got != RONDO_NO_FD && raw_fd_close_on_exec(got));
    assert_true(raw_same_file(got, pair[0]));
    raw_close(got);
    raw_close(pair[0]);
    raw_close(pair[1]);
}

/* What the worker sent and nobody took does not stay open. */
TEST(S16_what_a_worker_sends_is_closed_if_nobody_takes_it)
{
    struct proc *p = worker(w);
    char byte;
    raw_fd pair[2];

    assert_int_equal(raw_pair(pair), 0);
    proc_start(p, "pass", "3", NULL);
    assert_ok(rondo_transport_send_fd(proc_pipe(p, 3), pair[0]));
    proc_write(p, 3, "x");
    proc_ends(p, 0);
    raw_close(pair[0]);
    while (raw_recv(pair[1], &byte, 1, 1000) == 1)
        ; /* hello */
    assert_int_equal(raw_recv(pair[1], &byte, 1, 1000), 0);
    raw_close(pair[1]);
}

TEST(S12_a_worker_s_pipe_has_the_address_of_a_unix_socket)
{
    struct proc *p = worker(w);
    rondo_credentials who = RONDO_CREDENTIALS_INIT;
    rondo_address a;

    proc_start(p, "drain", "3", NULL);
    assert_ok(rondo_transport_peer_address(proc_pipe(p, 3), &a));
    assert_int_equal(rondo_address_family(&a), RONDO_FAMILY_UNIX);
    assert_ok(rondo_transport_peer_credentials(proc_pipe(p, 3), &who));
    rondo_transport_close(proc_pipe(p, 3));
    proc_ends(p, 0);
}

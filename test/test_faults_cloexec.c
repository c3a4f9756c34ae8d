/* test_faults_cloexec.c - descriptors that nobody knows of. */
/* SPDX-License-Identifier: MIT */
#include "harness_datagram.h"
#include "harness_local.h"
#include "harness_process.h"
#include "raw_make.h"

/* ---- G9: close-on-exec from the start ----------------------------------- */

/* A child that another thread starts at any moment inherits none. */
static int begin(struct world *w)
{
    test_skip_if(w, raw_made_inheritable() < 0 || !local_has_abstract_names(),
                 "this system marks a descriptor after it is made");
    return raw_made_inheritable();
}

TEST(G9_no_child_of_another_thread_gets_a_loop_s)
{
    rondo_loop_options options = test_loop_options(w);
    const int before = begin(w);
    rondo_loop *loop;

    assert_ok(rondo_loop_new(&loop, &options));
    assert_ok(rondo_loop_close(loop));
    assert_int_equal(raw_made_inheritable(), before);
}

TEST_LEAVES(G9_no_child_of_another_thread_gets_a_connection)
{
    const int before = begin(w);
    struct listener *l = test_serve(w);
    struct peer *client = test_connect(w, l->port);

    test_run_until(w, client->made && l->first && l->first->made);
    assert_int_equal(raw_made_inheritable(), before);
}

TEST_LEAVES(G9_no_child_of_another_thread_gets_a_unix_socket)
{
    const char *path = local_path(w, "stale");
    struct listener *l;
    int before;

    raw_close(raw_local_bind(path)); /* who holds it is asked by a socket */
    before = begin(w);
    l = local_serve(w, path);
    (void)local_connect(w, path);
    test_run_until(w, l->first && l->first->made);
    assert_int_equal(raw_made_inheritable(), before);
}

TEST_LEAVES(G9_no_child_of_another_thread_gets_an_endpoint)
{
    const int before = begin(w);

    (void)endpoint_bound(w);
    assert_int_equal(raw_made_inheritable(), before);
}

TEST(G9_no_child_of_another_thread_gets_a_child_s_pipe)
{
    static const rondo_stdio_entry three = {3, RONDO_STDIO_PIPE, RONDO_NO_FD};
    const int before = begin(w);
    struct proc *p = proc_begin_unix(w, "children have three descriptors");

    p->o.extra = &three;
    p->o.extra_count = 1;
    proc_start(p, "exit", "0", NULL);
    proc_ends(p, 0);
    assert_int_equal(raw_made_inheritable(), before);
}

/* ---- S16: pidfds --------------------------------------------------------- */

enum { MESSAGES = 20 };

/* With SO_PASSPIDFD each message brings one. */
TEST_LEAVES(S16_a_pidfd_beside_a_message_is_closed)
{
    struct peer *a, *b;
    raw_fd file = test_own(w, raw_file());
    size_t before;

    local_need_passing(w);
    test_skip_if(w, !local_has_abstract_names(), "not Linux");
    local_pair(w, &a, &b);
    test_skip_if(w, !raw_pass_pidfds(rondo_transport_fd(b->transport)),
                 "this kernel sends no pidfds");
    before = raw_count_descriptors();
    for (unsigned i = 1; i <= MESSAGES; i++) {
        if (i % 2) /* which nobody takes */
            assert_ok(rondo_transport_send_fd(a->transport, file));
        assert_ok(rondo_transport_write(a->transport, "x", 1));
        test_run_until(w, b->bytes == i);
    }
    test_spin(w, 1);
    assert_int_equal(raw_count_descriptors(), before);
}

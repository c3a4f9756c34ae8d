/* test_bsd_sendfile.c - the sendfile(2) of macOS and FreeBSD, which fails and
 * has sent something all the same. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "harness_calls.h"
#include "sim.h"

#include <errno.h>

enum { SIZE = 300000, CUT = 70001 };

static void needs_a_sendfile(struct world *w)
{
    test_skip_if(w, !sim_sends(), "this system has no sendfile");
}

/* A file of the pattern arrives whole, whatever the first call says: how many
 * there were. */
static unsigned send_whole(struct world *w, int64_t bytes, int os_error)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);
    raw_fd file = call_file(SIZE);
    unsigned before = sim_sendfiles();

    sim_cut_sendfile(bytes, os_error);
    assert_ok(
        rondo_transport_sendfile(p->transport, file, 0, SIZE, call_done, c));
    assert_int_equal(test_drain_raw_some(w, other, 0, SIZE), SIZE);
    assert_int_equal(call_wait(w, c), SIZE);
    assert_ok(rondo_transport_write(p->transport, "x", 1));
    assert_int_equal(p->lost, 0);
    raw_close(file);
    raw_close(other);
    return sim_sendfiles() - before;
}

/* Not an error: what was sent counts, and it goes on from there. */
TEST_LEAVES(S15_interrupted_or_full_in_the_middle)
{
    static const int errors[] = {EAGAIN, EINTR, ENOBUFS, EIO};

    needs_a_sendfile(w);
    for (int i = 0; i < 4; i++)
        assert_true(send_whole(w, CUT, errors[i]) > 1);
}

TEST_LEAVES(S15_interrupted_before_the_first_byte)
{
    needs_a_sendfile(w);
    assert_true(send_whole(w, 0, EINTR) > 1);
    assert_true(send_whole(w, 0, EAGAIN) > 1);
}

/* What it does not do for this file or this socket, a thread does. */
TEST_LEAVES(S15_refused_at_once)
{
    static const int errors[] = {EOPNOTSUPP, ENOTSOCK, EINVAL, ENOSYS, ENOBUFS};

    needs_a_sendfile(w);
    for (int i = 0; i < 5; i++)
        assert_int_equal(send_whole(w, 0, errors[i]), 1);
}

/* Without one a thread reads; nothing calls it, or it is missing. */
TEST_LEAVES(S15_where_there_is_none)
{
    const char *name = sim_profile()->name;

    assert_true(sim_set_profile("netbsd"));
    assert_false(sim_sends());
    assert_true(send_whole(w, 0, 0) <= 1);
    assert_true(sim_set_profile(name));
}

/* harness_fds.c - how many descriptors a test may have. */
/* SPDX-License-Identifier: MIT */
#include "harness_internal.h"

#include "raw_net.h"

void test_limit_descriptors(struct world *w, int64_t limit)
{
    int64_t before = raw_set_descriptor_limit(limit);

    test_skip_if(w, before < 0, "no limit of descriptors on this system");
    if (!w->descriptor_limit)
        w->descriptor_limit = before;
}

void test_allow_descriptors(struct world *w, int64_t count)
{
    int64_t before = raw_descriptor_limit();

    if (before < 0)
        return;
    if (!w->descriptor_limit)
        w->descriptor_limit = before;
    if (raw_raise_descriptor_limit(count) < 0 || raw_descriptor_limit() < count)
        test_skip(w, "the process may not have so many descriptors");
}

int64_t test_number_limit(struct world *w)
{
    int64_t limit = rondo_loop_limit(w->loop, RONDO_LIMIT_DESCRIPTOR_NUMBER);

    if (limit > 60000)
        test_skip(w, "this backend takes descriptors of any number");
    test_allow_descriptors(w, limit + 50);
    test_skip_if(w, raw_descriptor_limit() < 0,
                 "the process may not have descriptors of such a number");
    return limit;
}

void test_exhaust_descriptors(struct world *w, size_t left)
{
    enum { ROOM = 4096 };
    raw_fd *fds = test_alloc(w, ROOM * sizeof *fds);

    test_limit_descriptors(w, (int64_t)raw_count_descriptors() + 40);
    w->exhausted = fds;
    w->exhausted_count = raw_exhaust(fds, ROOM);
    assert_in_range(w->exhausted_count, 1 + left, ROOM - 1);
    while (left-- > 0)
        raw_close(fds[--w->exhausted_count]);
}

void test_free_descriptors(struct world *w)
{
    while (w->exhausted_count > 0)
        raw_close(w->exhausted[--w->exhausted_count]);
    if (w->descriptor_limit)
        (void)raw_set_descriptor_limit(w->descriptor_limit);
    w->descriptor_limit = 0;
}

/* harness_later.c - bytes that a callback writes, and when they leave. */
/* SPDX-License-Identifier: MIT */
#include "harness_later.h"

void later_from_the_loop(struct peer *p, rondo_fn fn)
{
    assert_ok(rondo_call_soon(p->w->loop, fn, p));
    test_spin(p->w, 1);
}

void later_in_bytes(struct peer *p, uint64_t position, size_t size)
{
    for (uint64_t i = position; i < position + size; i++)
        (void)peer_write(p, i, 1);
}

void later_has_left(struct peer *p, uint64_t position, size_t size)
{
    unsigned char *bytes = test_alloc(p->w, size);

    assert_true(raw_recv_exact(p->fd, bytes, size, 5000));
    assert_true(test_matches(bytes, position, size));
}

void later_write_ten(rondo_loop *loop, void *arg)
{
    (void)loop;
    later_in_bytes(arg, 0, 10);
}

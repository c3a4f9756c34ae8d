/* harness_pump.c - pumps of tests. */
/* SPDX-License-Identifier: MIT */
#include "harness_pump.h"

void pumped(rondo_loop *loop, void *arg, uint64_t moved, int error)
{
    struct pumping *p = arg;

    (void)loop;
    p->done++;
    p->moved = moved;
    p->error = error;
    if (error)
        assert_true(strncmp(rondo_last_error(), "pump", 4) == 0);
}

struct pumping *pump(struct world *w, struct peer *from, struct peer *to,
                     int64_t size, unsigned flags)
{
    struct pumping *p = test_alloc(w, sizeof *p);

    p->id = assert_ok(
        rondo_pump(from->transport, to->transport, size, flags, pumped, p));
    assert_int_equal(p->done, 0);
    return p;
}

void pump_ends(struct world *w, struct pumping *p, uint64_t moved, int error)
{
    test_run_until(w, p->done);
    assert_int_equal(p->error, error);
    assert_int_equal(p->moved, moved);
    test_spin(w, 3);
    assert_int_equal(p->done, 1);
    assert_error(rondo_cancel(w->loop, p->id), RONDO_ENOENT);
}

void pump_close_both(struct peer *a, struct peer *b)
{
    rondo_transport_close(a->transport);
    rondo_transport_close(b->transport);
}

/* harness_lent.c - bytes that are lent to a transport. */
/* SPDX-License-Identifier: MIT */
#include "harness_lent.h"

static void lent_back(struct call *c, rondo_loop *loop)
{
    struct lent *n = c->user;

    assert_ptr_equal(loop, n->p->w->loop);
    n->lost_before = n->p->lost;
    n->place = (*n->told)++;
    memset(n->data, 0, n->size); /* a late send would show */
    if (n->act)
        n->act(n->p);
}

struct lent *lent_new(struct peer *p, unsigned *told, uint64_t position,
                      size_t size)
{
    struct lent *n = test_alloc(p->w, sizeof *n);

    n->call.then = lent_back;
    n->call.user = n;
    n->p = p;
    n->told = told;
    n->size = size;
    n->data = test_bytes(p->w, position, size + 1);
    return n;
}

int lent_try(struct lent *n)
{
    const rondo_buffer piece = {n->data, n->size};

    return rondo_transport_write_then(n->p->transport, &piece, 1, call_done,
                                      &n->call);
}

struct lent *lent_write(struct peer *p, unsigned *told, uint64_t position,
                        size_t size)
{
    struct lent *n = lent_new(p, told, position, size);

    assert_ok(lent_try(n));
    assert_int_equal(n->call.calls, 0); /* not inside the call */
    return n;
}

void lent_ends(const struct lent *n, int64_t result)
{
    assert_int_equal(n->call.calls, 1);
    assert_int_equal(n->call.result, result);
    assert_int_equal(n->lost_before, 0);
    if (result < 0)
        assert_non_null(strstr(n->call.last_error, "transport_write_then"));
}

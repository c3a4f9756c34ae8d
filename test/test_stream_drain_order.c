/* test_stream_drain_order.c - several who wait for one write buffer. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"

enum { SMALL = 8192, LARGE = 1 << 20 };

static struct call *drain(struct peer *p, size_t mark)
{
    struct call *c = call_new(p->w);

    c->id = assert_ok(rondo_transport_drain(p->transport, mark, call_done, c));
    return c;
}

struct turns {
    struct call *calls[5];
    unsigned told;
};

static void check_turn(struct call *c, rondo_loop *loop)
{
    struct turns *x = c->user;

    (void)loop;
    assert_ptr_equal(x->calls[x->told++], c);
}

/* Those that are told together; one is cancelled before its turn. */
TEST(S20_drain_in_the_order_of_the_calls)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct turns x = {.told = 0};

    (void)peer_write(p, 0, LARGE);
    for (size_t i = 0; i < COUNT_OF(x.calls); i++) {
        struct call *c = drain(p, i % 2 ? 0 : 1000);

        c->user = &x;
        c->then = check_turn;
        x.calls[i] = c;
    }
    x.calls[4]->then = NULL;
    assert_ok(rondo_cancel(w->loop, x.calls[4]->id));
    assert_int_equal(call_wait(w, x.calls[4]), RONDO_ECANCELED);
    x.calls[4] = drain(p, 0);
    x.calls[4]->user = &x;
    x.calls[4]->then = check_turn;
    rondo_transport_close_now(p->transport); /* ends all of them at once */
    test_run_until(w, x.told == COUNT_OF(x.calls));
    assert_lost(w, p, NULL, RONDO_ECANCELED);
}

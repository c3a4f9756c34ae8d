/* test_filter_inside.c - doing everything inside every callback of a filter. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"

#include <assert.h>

enum place {
    START,
    RECEIVED,
    END_OF_FILE,
    WRITE,
    WRITE_EOF,
    LOST,
    DONE,
    PEER_MADE,
    PEER_DATA,
    PEER_EOF,
    PEER_LOST,
    PLACES
};

/* The subject has two filters; the hooks are the lower one's or the upper's,
 * or the protocol's. The other side answers in kind. */
struct scene {
    struct world *w;
    void (*action)(struct scene *s);
    struct toy_pair pair;
    struct toy *upper, *other_upper, *third;
    unsigned fired;
    rondo_transport *t;
    rondo_layer *layer; /* of the toy whose callback it is */
};

static void fire(struct scene *s, rondo_transport *t, rondo_layer *layer)
{
    if (s->fired++)
        return;
    s->t = t;
    s->layer = layer;
    s->action(s);
}

static void inside(struct toy *y)
{
    fire(y->user, y->transport, y->layer);
}

static void inside_peer(struct peer *p)
{
    struct scene *s = p->user;

    fire(s, p->transport, s->upper->layer);
}

static void inside_data(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    inside_peer(p);
}

static void set_hook(struct scene *s, enum place place, bool upper)
{
    struct toy *y = upper ? s->upper : s->pair.ya;
    struct peer *p = s->pair.a;

    y->user = p->user = s;
    y->on_start = place == START ? inside : NULL;
    y->on_received = place == RECEIVED ? inside : NULL;
    y->on_eof = place == END_OF_FILE ? inside : NULL;
    y->on_write = place == WRITE ? inside : NULL;
    y->on_write_eof = place == WRITE_EOF ? inside : NULL;
    y->on_lost = place == LOST ? inside : NULL;
    y->on_done = place == DONE ? inside : NULL;
    if (place == END_OF_FILE) { /* one that nobody announced */
        y->no_goodbye = s->other_upper->no_goodbye = true;
        s->pair.yb->no_goodbye = !upper;
    }
    p->on_made = place == PEER_MADE ? inside_peer : NULL;
    p->on_data = place == PEER_DATA ? inside_data : NULL;
    p->on_eof = place == PEER_EOF ? inside_peer : NULL;
    p->on_lost = place == PEER_LOST ? inside_peer : NULL;
}

static void provoke(struct scene *s, enum place place)
{
    rondo_transport *a = s->pair.a->transport, *b = s->pair.b->transport;

    if (place == WRITE)
        (void)rondo_transport_write(a, "something", 9);
    else if (place == WRITE_EOF)
        (void)rondo_transport_write_eof(a);
    else if (place == END_OF_FILE || place == PEER_EOF)
        (void)rondo_transport_write_eof(b);
    else if (place == LOST || place == PEER_LOST)
        rondo_transport_close(a);
    else
        (void)rondo_transport_write(b, "something", 9);
}

static void check_over(struct scene *s)
{
    assert_int_equal(s->pair.a->lost + s->pair.b->lost, 2);
    assert_int_equal(s->pair.ya->lost + s->upper->lost, 2);
    assert_int_equal(s->pair.yb->lost + s->other_upper->lost, 2);
    assert_int_equal(s->pair.ya->done + s->upper->done, 2);
    if (s->third)
        assert_int_equal(s->third->lost, 1);
}

/* Two toys on each side, and the hook set. */
static struct scene *set_scene(struct world *w, enum place place, bool upper,
                               void (*action)(struct scene *s))
{
    struct scene *s = test_alloc(w, sizeof *s);
    struct toy_pair pair = toy_pair(w, 0);

    assert(pair.a && pair.b);
    *s = (struct scene){.w = w, .action = action, .pair = pair};
    s->upper = test_toy(w, 5);
    s->other_upper = test_toy(w, 6);
    toy_push(pair.a->transport, s->upper);
    toy_push(pair.b->transport, s->other_upper);
    set_hook(s, place, upper);
    return s;
}

/* Runs until it is there. */
static void reach(struct scene *s, enum place place)
{
    if (place != START && place != DONE && place != PEER_MADE) {
        test_run_until(s->w, s->fired || (s->pair.a->made && s->pair.b->made));
        if (!s->fired)
            provoke(s, place);
    }
    test_run_until(s->w, s->fired);
}

static void run_scene(struct world *w, enum place place, bool upper,
                      void (*action)(struct scene *s))
{
    struct scene *s = set_scene(w, place, upper, action);

    reach(s, place);
    test_spin(w, 10); /* and now make an end, whatever it did */
    if (!s->pair.a->lost)
        rondo_transport_abort(s->pair.a->transport);
    if (!s->pair.b->lost)
        rondo_transport_close(s->pair.b->transport);
    test_run_until(w, test_metrics(w).live_transports == 0);
    check_over(s);
}

static void everywhere(struct world *w, void (*action)(struct scene *s))
{
    for (int place = 0; place < PLACES; place++) {
        run_scene(w, (enum place)place, false, action);
        if (place < PEER_MADE)
            run_scene(w, (enum place)place, true, action);
    }
}

/* ---- actions ------------------------------------------------------------ */

static void close_it(struct scene *s)
{
    rondo_transport_close(s->t);
    rondo_transport_close(s->t);
}

static void abort_it(struct scene *s)
{
    rondo_transport_abort(s->t);
    rondo_transport_abort_with(s->t, RONDO_EACCES);
}

static void close_then_abort(struct scene *s)
{
    rondo_transport_close(s->t);
    rondo_transport_abort(s->t);
}

static void end_writing(struct scene *s)
{
    (void)rondo_transport_write(s->t, "last words", 10);
    (void)rondo_transport_write_eof(s->t);
    assert_true(rondo_transport_write(s->t, "x", 1) < 0);
}

static void write_much(struct scene *s)
{
    enum { MUCH = 300000 };
    unsigned char *much = test_alloc(s->w, MUCH);

    (void)rondo_transport_write(s->t, much, MUCH);
}

static void pause_it(struct scene *s)
{
    assert_ok(rondo_transport_pause_reading(s->t));
}

static void pause_and_resume(struct scene *s)
{
    assert_ok(rondo_transport_pause_reading(s->t));
    assert_ok(rondo_transport_resume_reading(s->t));
}

static void push_another(struct scene *s)
{
    struct toy *third = test_toy(s->w, 77);

    third->clear = true;
    if (rondo_transport_push_filter(s->t, &toy_filter, third, NULL, NULL) == 0)
        s->third = third;
}

static void end_the_other(struct scene *s)
{
    if (!s->pair.b->lost && s->pair.b->transport)
        rondo_transport_abort(s->pair.b->transport);
}

static void use_the_layer(struct scene *s)
{
    if (!s->layer)
        return;
    (void)rondo_layer_deliver_eof(s->layer);
    (void)rondo_layer_deliver(s->layer, "x", 1);
    (void)rondo_layer_ready(s->layer);
    (void)rondo_layer_send(s->layer, "junk", 4);
}

static void take_over(struct scene *s)
{
    static const rondo_protocol nobody;

    if (s->pair.a->lost)
        return;
    s->pair.a->lost = 1; /* it hears no more */
    s->pair.a->transport = s->t;
    assert_ok(rondo_transport_set_protocol(s->t, &nobody, NULL));
    rondo_transport_close(s->t);
}

static void stop_loop(struct scene *s)
{
    rondo_loop_stop(s->w->loop);
    if (rondo_loop_is_running(s->w->loop)) /* not in the test's own write */
        assert_error(rondo_loop_close(s->w->loop), RONDO_EBUSY);
}

TEST_CASE(G7_close, everywhere(w, close_it));

TEST_CASE(G7_abort, everywhere(w, abort_it));

TEST_CASE(G7_close_then_abort, everywhere(w, close_then_abort));

TEST_CASE(G7_write_eof, everywhere(w, end_writing));

TEST_CASE(G7_write_much, everywhere(w, write_much));

TEST_CASE(G7_pause, everywhere(w, pause_it));

TEST_CASE(G7_pause_and_resume, everywhere(w, pause_and_resume));

TEST_CASE(G7_push_another, everywhere(w, push_another));

TEST_CASE(G7_abort_the_other_side, everywhere(w, end_the_other));

TEST_CASE(G7_wild_use_of_the_layer, everywhere(w, use_the_layer));

TEST_CASE(G7_set_protocol, everywhere(w, take_over));

TEST_CASE(G7_stop_the_loop, everywhere(w, stop_loop));

/* an error from each callback ends the connection with it */
static void answer_error(struct scene *s)
{
    struct toy *y = s->layer == s->upper->layer ? s->upper : s->pair.ya;

    y->answer = RONDO_EPERM;
}

TEST(S13_an_error_from_each_callback)
{
    for (int place = START; place <= WRITE_EOF; place++)
        for (int upper = 0; upper < 2; upper++) {
            struct scene *s =
                set_scene(w, (enum place)place, upper, answer_error);

            s->pair.a->keep_open = true;
            reach(s, (enum place)place);
            test_run_until(w, s->pair.a->lost && s->pair.b->lost);
            assert_int_equal(s->pair.a->error, RONDO_EPERM);
            assert_int_equal(s->pair.ya->error, RONDO_EPERM);
            assert_int_equal(s->upper->error, RONDO_EPERM);
            check_over(s);
        }
}

/* test_stream_random.c - many connections doing random things at any time. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

enum { PAIRS_AT_ONCE = 30, CHUNK = 40000 };

/* What all peers of one run share. The seed decides everything but what the
 * kernel does. */
struct chaos {
    struct world *w;
    uint32_t random;
    unsigned live, lost, owned, released;
    bool inside_get_buffer;
    struct peer **all;
    unsigned count;
};

static unsigned roll(struct chaos *c, unsigned sides)
{
    c->random = c->random * UINT32_C(1664525) + UINT32_C(1013904223);
    return (c->random >> 8) % sides;
}

static const unsigned char bytes[CHUNK];

static void write_something(struct chaos *c, rondo_transport *t)
{
    size_t size = roll(c, CHUNK);
    const rondo_buffer pieces[3] = {
        {bytes, size / 3}, {NULL, 0}, {bytes, size / 2}};
    unsigned way = roll(c, 3);

    if (way == 0)
        (void)rondo_transport_write(t, bytes, size);
    else if (way == 1)
        (void)rondo_transport_writev(t, pieces, 3);
    else if (rondo_transport_write_owned(t, bytes, size, count_release,
                                         &c->released) >= 0)
        c->owned++;
}

static void change_reading(struct chaos *c, rondo_transport *t)
{
    if (roll(c, 2))
        assert_ok(rondo_transport_pause_reading(t));
    else
        assert_ok(rondo_transport_resume_reading(t));
}

static void change_settings(struct chaos *c, struct peer *p)
{
    rondo_transport *t = p->transport;
    bool idle =
        p->pauses == p->resumes && !rondo_transport_is_writing_paused(t);

    if (roll(c, 2))
        (void)rondo_transport_set_write_buffer_limits(t, roll(c, 50000),
                                                      roll(c, 20000));
    if (roll(c, 4) == 0)
        assert_ok(rondo_transport_set_timeouts(t, roll(c, 3000000),
                                               roll(c, 3000000)));
    if (idle && !c->inside_get_buffer && !p->lost)
        assert_ok(rondo_transport_set_protocol(
            t, roll(c, 2) ? &recorder : &buffered_recorder, p));
}

static void act_on(struct chaos *c, struct peer *p)
{
    rondo_transport *t = p->transport;
    unsigned n;

    if (!t)
        return;
    n = roll(c, 24);
    if (n == 0)
        rondo_transport_close(t);
    else if (n == 1)
        rondo_transport_abort(t);
    else if (n == 2)
        rondo_transport_abort_with(t, RONDO_EPROTO);
    else if (n == 3)
        (void)rondo_transport_write_eof(t);
    else if (n <= 6)
        change_settings(c, p);
    else if (n <= 8)
        change_reading(c, t);
    else if (n <= 12)
        write_something(c, t);
}

static void anything(struct peer *p)
{
    struct chaos *c = p->user;

    for (unsigned n = roll(c, 4); n > 0; n--)
        act_on(c, roll(c, 4) ? p : p->other);
    p->keep_open = roll(c, 2);
    p->go_on = roll(c, 2);
}

static void anything_in_get_buffer(struct peer *p)
{
    struct chaos *c = p->user;

    c->inside_get_buffer = true;
    anything(p);
    c->inside_get_buffer = false;
    p->no_buffer = roll(c, 50) == 0;
}

static void lost(struct peer *p)
{
    struct chaos *c = p->user;

    anything(p);
    c->live--;
    c->lost++;
}

static struct peer *chaotic_peer(struct chaos *c)
{
    struct peer *p = test_peer(c->w);

    p->user = c;
    p->joined = true; /* it may be given to itself again */
    p->no_checksum = true;
    act_in_all(p, anything);
    p->on_get_buffer = anything_in_get_buffer;
    p->on_lost = lost;
    c->all[c->count++] = p;
    c->live++;
    return p;
}

static void start_pair(struct chaos *c)
{
    static const int sizes[] = {0, 4096, 32768};
    struct peer *a = chaotic_peer(c);
    struct peer *b = chaotic_peer(c);
    raw_fd fds[2];

    assert_int_equal(raw_pair_small(fds, sizes[roll(c, 3)]), 0);
    a->other = b;
    b->other = a;
    test_adopt(c->w, fds[0], roll(c, 2) ? &recorder : &buffered_recorder, a);
    test_adopt(c->w, fds[1], roll(c, 2) ? &recorder : &buffered_recorder, b);
    act_on(c, a);
    write_something(c, b->transport);
}

/* Somebody who waits for nothing any more is stirred, so that there is an
 * end; on closing peers it has no effect, but for the write timeout. */
static void stir(struct peer *p)
{
    struct chaos *c = p->user;

    if (!p->transport)
        return;
    if (roll(c, 200) == 0)
        rondo_transport_abort(p->transport);
    else if (roll(c, 4) == 0)
        act_on(c, p);
}

static void run_chaos(struct world *w, uint32_t seed, unsigned pairs)
{
    struct chaos *c = test_alloc(w, sizeof *c);
    struct peer **all = test_alloc(w, pairs * 2 * sizeof(struct peer *));
    unsigned started = 0;
    int64_t end =
        raw_now_ns() + INT64_C(1000000) * TEST_DEADLINE_MS * test_slowness();

    c->w = w;
    c->random = seed;
    c->all = all;
    while (started < pairs || c->live > 0) {
        for (; started < pairs && c->live < PAIRS_AT_ONCE * 2; started++)
            start_pair(c);
        assert_true(rondo_loop_run_once(w->loop, RONDO_MS(1)) >= 0);
        for (unsigned i = 0; i < c->count; i++)
            stir(all[i]);
        if (raw_now_ns() > end)
            test_fail(w, "seed %u: %u peers are still alive", (unsigned)seed,
                      c->live);
    }
    assert_int_equal(c->lost, pairs * 2);
    test_run_until(w, c->released == c->owned);
}

TEST(S7_random_things_inside_any_callback)
{
    for (uint32_t seed = 1; seed <= 10; seed++)
        run_chaos(w, seed, 200 / (unsigned)test_slowness());
}

/* the loop is closed in the middle of it */
TEST(S7_closing_the_loop_under_random_things)
{
    struct chaos *c = test_alloc(w, sizeof *c);

    c->w = w;
    c->random = 4711;
    c->all = test_alloc(w, PAIRS_AT_ONCE * 2 * sizeof(struct peer *));
    for (int i = 0; i < PAIRS_AT_ONCE; i++)
        start_pair(c);
    test_spin(w, 7);
    test_close_loop(w);
    assert_int_equal(c->live, 0);
    assert_int_equal(c->lost, PAIRS_AT_ONCE * 2);
    assert_int_equal(c->released, c->owned);
}

/* test_stream_drain.c - waiting for the write buffer, and its pauses. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "harness_filter.h"

enum { SMALL = 8192, LARGE = 1 << 20 };

static struct call *drain(struct peer *p, size_t mark)
{
    struct call *c = call_new(p->w);

    c->id = assert_ok(rondo_transport_drain(p->transport, mark, call_done, c));
    c->user = p;
    assert_int_equal(c->calls, 0); /* not inside the call */
    return c;
}

/* ---- S20: drain ---------------------------------------------------------- */

TEST(S20_drain_where_nothing_waits)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    assert_int_equal(call_wait(w, drain(p, 0)), 0);
    assert_int_equal(call_wait(w, drain(p, SIZE_MAX)), 0);
    peer_finish(p, 0);
}

static void check_mark(struct call *c, rondo_loop *loop)
{
    (void)loop;
    assert_true(peer_buffered(c->user) <= 300000);
}

TEST(S20_drain_down_to_a_mark)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct call *all, *some, *now;

    /* in pieces: a completion backend counts whole ones */
    for (uint64_t at = 0; at < LARGE; at += 16384)
        (void)peer_write(p, at, 16384);
    all = drain(p, 0);
    some = drain(p, 300000);
    some->then = check_mark;
    now = drain(p, LARGE);
    assert_int_equal(call_wait(w, now), 0);
    (void)test_settle(w, p);
    assert_int_equal(some->calls + all->calls, 0);
    plain_takes(p, 0, LARGE - 200000);
    assert_int_equal(call_wait(w, some), 0);
    plain_takes(p, LARGE - 200000, 200000);
    assert_int_equal(call_wait(w, all), 0);
    assert_int_equal(peer_buffered(p), 0);
    act_close(p);
    assert_lost(w, p, NULL, 0);
}

TEST(S20_drain_while_closing)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct call *before, *during;

    (void)peer_write(p, 0, LARGE);
    before = drain(p, 0);
    act_close(p);
    during = drain(p, 1000);
    assert_int_equal(plain_drain(p), LARGE);
    assert_lost(w, p, NULL, 0);
    assert_true(before->calls == 1 && before->result == 0);
    assert_true(during->calls == 1 && during->result == 0);
}

static void close_now(struct peer *p)
{
    rondo_transport_close_now(p->transport);
}

static void close_loop(struct peer *p)
{
    test_close_loop(p->w);
}

static void close_and_reset(struct peer *p)
{
    act_close(p);
    plain_reset(p);
}

static void not_lost(struct call *c, rondo_loop *loop)
{
    const struct peer *p = c->user;

    (void)loop;
    assert_int_equal(p->lost, 0);
}

TEST(S20_drain_tells_what_ended_it)
{
    static const struct {
        const char *name;
        void (*end)(struct peer *p);
        int error, lost;
    } rows[] = {
        {"abort", act_abort, RONDO_ECANCELED, RONDO_ECANCELED},
        {"close_now", close_now, RONDO_ECANCELED, RONDO_ECANCELED},
        {"a reset", plain_reset, RONDO_ECONNRESET, RONDO_ECONNRESET},
        {"while closing", close_and_reset, RONDO_ECONNRESET, 0},
        /* operations are cancelled first */
        {"the loop closes", close_loop, RONDO_ECANCELED, RONDO_ECLOSED},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, &recorder, SMALL);
        struct call *c;

        (void)peer_write(p, 0, LARGE);
        c = drain(p, 0);
        c->then = not_lost;
        row->end(p);
        assert_lost(w, p, NULL, row->lost);
        assert_int_equal(c->calls, 1);
        assert_int_equal(c->result, row->error);
        assert_non_null(strstr(c->last_error, "transport_drain"));
    }
}

TEST(S20_drain_cancelled)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct call *c, *other, *done;

    (void)peer_write(p, 0, LARGE);
    c = drain(p, 0);
    other = drain(p, 0);
    done = drain(p, LARGE);
    assert_ok(rondo_cancel(w->loop, c->id));
    assert_error(rondo_cancel(w->loop, c->id), RONDO_ENOENT);
    assert_int_equal(c->calls, 0);
    call_fails(w, c, RONDO_ECANCELED, "transport_drain");
    assert_int_equal(call_wait(w, done), 0);
    assert_error(rondo_cancel(w->loop, done->id), RONDO_ENOENT);
    peer_finish(p, LARGE);
    assert_true(other->calls == 1 && other->result == 0);
}

static void drain_again(struct call *c, rondo_loop *loop)
{
    struct peer *p = c->user;

    (void)loop;
    if (p->updates++ < 1000)
        c->calls = 0;
    if (!c->calls)
        assert_ok(rondo_transport_drain(p->transport, 0, call_done, c));
}

TEST(S20_drain_in_its_own_callback)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    struct call *c = drain(p, 0);

    c->then = drain_again;
    test_run_until(w, p->updates > 1000);
    peer_finish(p, 0);
}

TEST(S20_drain_refused)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    struct call *c = call_new(w);

    assert_einval(rondo_transport_drain(NULL, 0, call_done, c));
    assert_refused(rondo_transport_drain(p->transport, 0, NULL, NULL),
                   RONDO_EINVAL, "no function");
    act_abort(p);
    assert_refused(rondo_transport_drain(p->transport, 0, call_done, c),
                   RONDO_ECLOSED, NULL);
    assert_lost(w, p, NULL, RONDO_ECANCELED);
    assert_int_equal(c->calls, 0);
}

TEST(S20_drain_out_of_memory)
{
    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        struct peer *p;
        struct call *c;
        int64_t id;

        test_fail_allocation(w, 0);
        p = plain_peer(w, &recorder, 0);
        c = call_new(w);
        test_fail_allocation(w, n);
        id = rondo_transport_drain(p->transport, 0, call_done, c);
        if (id < 0)
            assert_error(id, RONDO_ENOMEM);
        test_spin(w, 3);
        peer_finish(p, 0);
        assert_int_equal(c->calls, id > 0);
    }
}

/* It is listed, and counted, and may be left alone. */
TEST(S20_drain_is_an_operation)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct call *c;
    char line[256] = "";

    (void)peer_write(p, 0, LARGE);
    c = drain(p, 12345);
    assert_int_equal(test_metrics(w).live_operations, 1);
    (void)rondo_loop_dump(w->loop, copy_line, line);
    rondo_transport_set_background(p->transport, true);
    assert_ok(rondo_set_background(w->loop, c->id, true));
    assert_int_equal(rondo_loop_run(w->loop), 0); /* nothing keeps it going */
    peer_finish(p, LARGE);
    assert_int_equal(c->result, 0);
}

/* ---- S20: no buffer, and pauses inside ----------------------------------- */

TEST(S20_no_buffer_pauses_at_the_first_byte)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);
    uint64_t sent;
    size_t high = 1, low = 1;

    assert_einval(rondo_transport_set_write_buffer_limits(p->transport,
                                                          RONDO_NO_BUFFER, 1));
    peer_set_limits(p, RONDO_NO_BUFFER, 0);
    rondo_transport_get_write_buffer_limits(p->transport, &high, &low);
    assert_true(high == 0 && low == 0);
    sent = test_fill_transport(w, p);
    test_run_until(w, p->pauses == 1);
    plain_takes(p, 0, sent);
    test_run_until(w, p->resumes == 1);
    assert_int_equal(peer_buffered(p), 0);
    peer_set_limits(p, 0, 0);
    rondo_transport_get_write_buffer_limits(p->transport, &high, &low);
    assert_true(high == 65536 && low == 16384);
    act_close(p);
    assert_lost(w, p, "MPRL", 0);
}

static int write_plain(struct peer *p, const void *data, size_t size)
{
    return rondo_transport_write(p->transport, data, size);
}

static int write_gathered(struct peer *p, const void *data, size_t size)
{
    const char *bytes = data;
    const rondo_buffer pieces[2] = {{bytes, 1000}, {bytes + 1000, size - 1000}};

    return rondo_transport_writev(p->transport, pieces, 2);
}

static int write_owned(struct peer *p, const void *data, size_t size)
{
    return rondo_transport_write_owned(p->transport, data, size, ignore_release,
                                       NULL);
}

static int write_lent(struct peer *p, const void *data, size_t size)
{
    const rondo_buffer piece = {data, size};

    return rondo_transport_write_then(p->transport, &piece, 1, call_done,
                                      call_new(p->w));
}

static const struct {
    const char *name;
    int (*write)(struct peer *p, const void *data, size_t size);
} writes[] = {{"write", write_plain},
              {"writev", write_gathered},
              {"write_owned", write_owned},
              {"write_then", write_lent}};

TEST(S20_pause_inside_the_write)
{
    for (EACH_ROW(w, row, writes)) {
        struct peer *p = plain_peer(w, &recorder, SMALL);

        rondo_transport_set_pause_inside(p->transport, true);
        assert_int_equal(row->write(p, test_bytes(w, 0, LARGE), LARGE), 1);
        assert_int_equal(p->pauses, 1);
        assert_true(rondo_transport_is_writing_paused(p->transport));
        assert_int_equal(peer_write(p, LARGE, 10), 1); /* not again */
        plain_takes(p, 0, LARGE + 10);
        test_run_until(w, p->resumes == 1);
        rondo_transport_set_pause_inside(p->transport, false);
        (void)peer_write(p, LARGE + 10, LARGE);
        assert_int_equal(p->pauses, 1);
        test_run_until(w, p->pauses == 2);
        plain_takes(p, LARGE + 10, LARGE);
        act_close(p);
        assert_lost(w, p, "MPRPRL", 0);
    }
}

TEST(S20_pause_inside_new_limits)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    rondo_transport_set_pause_inside(p->transport, true);
    peer_set_limits(p, SIZE_MAX, 0);
    (void)peer_write(p, 0, LARGE);
    assert_int_equal(p->pauses, 0);
    peer_set_limits(p, 1000, 0);
    assert_int_equal(p->pauses, 1);
    peer_finish(p, LARGE);
}

static void write_more(struct peer *p)
{
    assert_int_equal(
        rondo_transport_write(p->transport, test_bytes(p->w, LARGE, 5), 5), 1);
}

TEST(S20_acting_in_a_pause_inside)
{
    for (EACH_ROW(w, row, writes)) {
        static void (*const acts[])(struct peer * p) = {write_more, act_abort,
                                                        act_close};

        for (size_t i = 0; i < COUNT_OF(acts); i++) {
            struct peer *p = plain_peer(w, &recorder, SMALL);

            rondo_transport_set_pause_inside(p->transport, true);
            p->on_pause = acts[i];
            assert_int_equal(row->write(p, test_bytes(w, 0, LARGE), LARGE), 1);
            assert_int_equal(p->pauses, 1);
            assert_int_equal(p->lost, 0);
            if (i == 1)
                assert_lost(w, p, "MPL", RONDO_ECANCELED);
            else
                peer_finish(p, LARGE + (i == 0 ? 5 : 0));
        }
    }
}

TEST(S20_pause_inside_through_filters)
{
    struct toy_pair p = toy_pair_ready(w, SMALL);

    rondo_transport_pause_reading(p.b->transport);
    rondo_transport_set_pause_inside(p.a->transport, true);
    assert_int_equal(peer_write(p.a, 0, LARGE), 1);
    assert_int_equal(p.a->pauses, 1);
    rondo_transport_resume_reading(p.b->transport);
    assert_received(p.b, LARGE);
    test_run_until(w, p.a->resumes == 1);
    act_close(p.a);
    test_run_until(w, p.a->lost && p.b->lost);
}

/* A file's own bytes pass the limit: the program's would come between them. */
TEST(S20_not_inside_a_files_writes)
{
    struct toy_pair p = toy_pair_ready(w, SMALL);
    struct call *c;

    rondo_transport_set_pause_inside(p.a->transport, true);
    peer_set_limits(p.a, RONDO_NO_BUFFER, 0);
    c = call_sendfile(p.a, call_kept_file(w, LARGE), 0, LARGE);
    assert_received(p.b, LARGE);
    assert_int_equal(call_wait(w, c), LARGE);
    act_close(p.a);
    test_run_until(w, p.a->lost && p.b->lost);
}

/* ---- S20: while closing -------------------------------------------------- */

TEST(S20_resume_writing_comes_while_closing)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    (void)peer_write(p, 0, LARGE);
    test_run_until(w, p->pauses == 1);
    act_close(p);
    assert_int_equal(plain_drain(p), LARGE);
    assert_lost(w, p, "MPRL", 0);
}

TEST(S20_no_resume_writing_for_what_is_dropped)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    (void)peer_write(p, 0, LARGE);
    test_run_until(w, p->pauses == 1);
    act_close(p);
    act_abort(p);
    assert_lost(w, p, "MPL", RONDO_ECANCELED);
}

/* A filter that goes on sending after its write_eof, for as long as the buffer
 * is not out. */
struct tail {
    rondo_layer *layer;
    unsigned left;
};

static void send_tail(rondo_loop *loop, void *arg)
{
    struct tail *t = arg;

    assert_ok(rondo_layer_send(t->layer, "tail", 4));
    if (--t->left)
        assert_ok(rondo_call_soon(loop, send_tail, t));
}

static int tail_eof(rondo_layer *layer, void *self)
{
    struct tail *t = self;
    rondo_loop *loop = rondo_transport_loop(rondo_layer_transport(layer));

    t->layer = layer;
    return (int)(rondo_call_soon(loop, send_tail, t) > 0 ? 0 : RONDO_ENOMEM);
}

TEST(S20_filters_send_their_tail_while_closing)
{
    static const rondo_filter tailed = {.write_eof = tail_eof};
    struct peer *p = plain_peer(w, &recorder, SMALL);
    struct tail tail = {.left = 5};

    assert_ok(
        rondo_transport_push_filter(p->transport, &tailed, &tail, NULL, NULL));
    test_spin(w, 2);
    (void)peer_write(p, 0, LARGE);
    act_close(p);
    test_run_until(w, tail.left == 0);
    plain_takes(p, 0, LARGE);
    toy_raw_hears(w, p->fd, "tailtailtailtailtail", 20);
    plain_close(p);
    assert_lost(w, p, NULL, 0);
}

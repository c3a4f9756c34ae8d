/* test_stream_inside.c - doing everything inside every callback. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

enum { SMALL = 8192, LARGE = 200000 };

enum place {
    MADE,
    DATA,
    GET_BUFFER,
    UPDATED,
    END_OF_FILE,
    PAUSE,
    RESUME,
    TIMEOUT,
    RELEASE,
    LOST,
    PLACES
};

/* A subject and the other side of its connection. The subject's hook at one
 * place does one thing, once. */
struct scene {
    struct world *w;
    enum place place;
    void (*action)(struct scene *s);
    struct peer *subject, *other;
    struct peer *heir; /* takes over by set_protocol */
    const rondo_protocol *protocol;
    unsigned fired, released;
    rondo_transport *t; /* the subject's, while the action runs */
};

static void fire(struct scene *s)
{
    if (s->fired++)
        return;
    s->t = s->subject->transport;
    s->action(s);
    s->t = NULL;
}

static void inside(struct peer *p)
{
    fire(p->user);
}

static void inside_data(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    fire(p->user);
}

static void inside_updated(struct peer *p, size_t size)
{
    (void)size;
    fire(p->user);
}

static void inside_release(void *arg)
{
    struct scene *s = arg;

    s->released++;
    if (s->place == RELEASE)
        fire(s);
}

static void set_hook(struct scene *s)
{
    struct peer *p = s->subject;

    p->user = s;
    p->on_made = s->place == MADE ? inside : NULL;
    p->on_data = s->place == DATA ? inside_data : NULL;
    p->on_get_buffer = s->place == GET_BUFFER ? inside : NULL;
    p->on_updated = s->place == UPDATED ? inside_updated : NULL;
    p->on_eof = s->place == END_OF_FILE ? inside : NULL;
    p->on_pause = s->place == PAUSE ? inside : NULL;
    p->on_resume = s->place == RESUME ? inside : NULL;
    p->on_timeout = s->place == TIMEOUT ? inside : NULL;
    p->on_lost = s->place == LOST ? inside : NULL;
}

static bool alive(const struct peer *p)
{
    return p->transport && !p->lost;
}

/* what it takes to get the callback of that place */
static void provoke(struct scene *s)
{
    rondo_transport *t = s->subject->transport;
    unsigned char *data = test_alloc(s->w, LARGE);

    if (s->place == PAUSE || s->place == RESUME || s->place == RELEASE) {
        assert_ok(rondo_transport_set_write_buffer_limits(t, 1, 0));
        assert_ok(
            rondo_transport_write_owned(t, data, LARGE, inside_release, s));
    } else if (s->place == END_OF_FILE) {
        assert_ok(rondo_transport_write_eof(s->other->transport));
    } else if (s->place == TIMEOUT) {
        assert_ok(rondo_transport_set_timeouts(t, RONDO_MS(1), 0));
    } else if (s->place == LOST) {
        rondo_transport_close(t);
    } else {
        assert_ok(rondo_transport_write(s->other->transport, data, 1000));
    }
}

static void run_scene(struct world *w, const rondo_protocol *protocol,
                      enum place place, void (*action)(struct scene *s))
{
    struct scene *s = test_alloc(w, sizeof *s);
    raw_fd fds[2];

    *s = (struct scene){.w = w, .place = place, .action = action};
    s->protocol = protocol;
    s->subject = test_peer(w);
    s->other = test_peer(w);
    s->heir = test_peer(w);
    s->heir->joined = true;
    set_hook(s);
    assert_int_equal(raw_pair_small(fds, SMALL), 0);
    test_adopt(w, fds[0], protocol, s->subject);
    test_adopt(w, fds[1], &recorder, s->other);
    if (place != MADE) {
        test_run_until(w, s->subject->made && s->other->made);
        provoke(s);
    }
    test_run_until(w, s->fired);
    test_spin(w, 10); /* and now make an end, whatever it did */
    if (alive(s->subject) && !s->heir->lost)
        rondo_transport_abort(s->subject->transport);
    if (alive(s->other))
        rondo_transport_close(s->other->transport);
    test_run_until(w, test_metrics(w).live_transports == 0);
    assert_int_equal(s->subject->lost + s->heir->lost, 1);
    assert_int_equal(s->other->lost, 1);
    assert_int_equal(s->subject->made, 1);
    test_run_until(w, s->released == (place == PAUSE || place == RESUME ||
                                      place == RELEASE));
}

static void everywhere(struct world *w, void (*action)(struct scene *s))
{
    w->expect_clean = true;
    for (int place = 0; place < PLACES; place++) {
        if (place != GET_BUFFER && place != UPDATED)
            run_scene(w, &recorder, (enum place)place, action);
        if (place != DATA)
            run_scene(w, &buffered_recorder, (enum place)place, action);
    }
}

/* ---- on itself ---------------------------------------------------------- */

static void close_self(struct scene *s)
{
    rondo_transport_close(s->t);
    assert_true(rondo_transport_is_closing(s->t));
}

TEST_CASE(S7_close_inside_every_callback, everywhere(w, close_self));

static void abort_self(struct scene *s)
{
    rondo_transport_abort(s->t);
    assert_true(rondo_transport_is_closing(s->t));
    assert_int_equal(rondo_transport_get_write_buffer_size(s->t), 0);
}

TEST_CASE(S7_abort_inside_every_callback, everywhere(w, abort_self));

static void end_again_and_again(struct scene *s)
{
    for (int i = 0; i < 3; i++) {
        rondo_transport_close(s->t);
        rondo_transport_abort(s->t);
        rondo_transport_abort_with(s->t, RONDO_EPROTO);
        (void)rondo_transport_write_eof(s->t);
        (void)rondo_transport_pause_reading(s->t);
        (void)rondo_transport_resume_reading(s->t);
    }
}

TEST_CASE(S7_ending_many_times_inside_every_callback,
          everywhere(w, end_again_and_again));

static void abort_then_close(struct scene *s)
{
    rondo_transport_abort(s->t);
    rondo_transport_close(s->t);
}

TEST_CASE(S7_abort_then_close_inside_every_callback,
          everywhere(w, abort_then_close));

static void take_over(struct scene *s)
{
    bool buffered = s->protocol == &buffered_recorder;

    if (s->place == LOST) { /* too late, and harmless */
        (void)rondo_transport_set_protocol(s->t, &recorder, s->heir);
        return;
    }
    if (s->place == GET_BUFFER) { /* buffer_updated is the next callback */
        s->heir->buffers = 1;
        s->heir->buffer = s->subject->buffer;
        s->heir->buffer_size = s->subject->buffer_size;
        s->heir->order[0] = 'g';
        assert_ok(
            rondo_transport_set_protocol(s->t, &buffered_recorder, s->heir));
        return;
    }
    assert_ok(rondo_transport_set_protocol(
        s->t, buffered ? &recorder : &buffered_recorder, s->heir));
}

TEST_CASE(S7_set_protocol_inside_every_callback, everywhere(w, take_over));

static void write_all_ways(struct scene *s)
{
    static const unsigned char data[50000];
    const rondo_buffer pieces[2] = {{data, 10000}, {data, 20000}};
    bool over = s->place == LOST;

    assert_int_equal(rondo_transport_write(s->t, data, sizeof data) < 0, over);
    assert_int_equal(rondo_transport_writev(s->t, pieces, 2) < 0, over);
    assert_int_equal(rondo_transport_printf(s->t, "%s", "x") < 0, over);
    assert_int_equal(rondo_transport_write_eof(s->t) < 0, over);
    assert_true(rondo_transport_write(s->t, data, 1) < 0);
}

TEST_CASE(S7_writing_inside_every_callback, everywhere(w, write_all_ways));

static void write_and_close(struct scene *s)
{
    static const unsigned char data[50000];

    (void)rondo_transport_write(s->t, data, sizeof data);
    rondo_transport_close(s->t);
}

TEST_CASE(S7_write_and_close_inside_every_callback,
          everywhere(w, write_and_close));

static void change_all_settings(struct scene *s)
{
    (void)rondo_transport_pause_reading(s->t);
    (void)rondo_transport_resume_reading(s->t);
    (void)rondo_transport_pause_reading(s->t);
    (void)rondo_transport_set_write_buffer_limits(s->t, 0, 0);
    (void)rondo_transport_set_write_buffer_limits(s->t, 1, 1);
    (void)rondo_transport_set_timeouts(s->t, RONDO_MS(1), RONDO_MS(1));
    rondo_transport_set_background(s->t, true);
    rondo_transport_set_background(s->t, false);
}

TEST_CASE(S7_changing_settings_inside_every_callback,
          everywhere(w, change_all_settings));

/* ---- on the other side, on both, on the loop ---------------------------- */

static void close_other(struct scene *s)
{
    if (alive(s->other))
        rondo_transport_close(s->other->transport);
}

TEST_CASE(S7_closing_the_other_inside_every_callback,
          everywhere(w, close_other));

static void abort_other(struct scene *s)
{
    if (alive(s->other))
        rondo_transport_abort(s->other->transport);
}

TEST_CASE(S7_aborting_the_other_inside_every_callback,
          everywhere(w, abort_other));

static void abort_both(struct scene *s)
{
    abort_other(s);
    abort_self(s);
    abort_other(s);
}

TEST_CASE(S7_aborting_both_inside_every_callback, everywhere(w, abort_both));

static void close_both(struct scene *s)
{
    close_self(s);
    close_other(s);
}

TEST_CASE(S7_closing_both_inside_every_callback, everywhere(w, close_both));

static void write_to_other(struct scene *s)
{
    static const unsigned char data[100000];

    if (alive(s->other) && !rondo_transport_is_closing(s->other->transport))
        (void)rondo_transport_write(s->other->transport, data, sizeof data);
}

TEST_CASE(S4_writing_to_the_other_inside_every_callback,
          everywhere(w, write_to_other));

static void stop_and_misuse_the_loop(struct scene *s)
{
    rondo_loop *loop = s->w->loop;

    rondo_loop_stop(loop);
    rondo_loop_wake(loop);
    assert_error(rondo_loop_run(loop), RONDO_EBUSY);
    assert_error(rondo_loop_run_once(loop, 0), RONDO_EBUSY);
    assert_error(rondo_loop_close(loop), RONDO_EBUSY);
}

TEST_CASE(S7_stopping_the_loop_inside_every_callback,
          everywhere(w, stop_and_misuse_the_loop));

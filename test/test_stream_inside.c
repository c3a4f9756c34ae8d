/* test_stream_inside.c - doing everything inside every callback. */
/* SPDX-License-Identifier: MIT */
#include "ground_stage.h"

/* The act in each place of a stream, plain and buffered. */
static void everywhere(struct world *w, act_fn *act)
{
    static const struct {
        const char *name;
        enum place place;
        bool plain, buffered;
    } rows[] = {
        {"connection_made", MADE, true, true},
        {"data_received", DATA, true, false},
        {"get_buffer", GET_BUFFER, false, true},
        {"buffer_updated", UPDATED, false, true},
        {"eof_received", PEER_EOF, true, true},
        {"pause_writing", PAUSE, true, true},
        {"resume_writing", RESUME, true, true},
        {"timed_out", TIMEOUT, true, true},
        {"release", RELEASE, true, true},
        {"connection_lost", LOST, true, true},
    };

    for (EACH_ROW(w, row, rows)) {
        if (row->plain)
            stage_play(w, &recorder, row->place, act);
        if (row->buffered)
            stage_play(w, &buffered_recorder, row->place, act);
    }
}

static bool alive(const struct peer *p)
{
    return p && p->transport && !p->lost;
}

/* ---- on itself ---------------------------------------------------------- */

static void close_self(struct stage *s, struct peer *self)
{
    (void)s;
    rondo_transport_close(self->transport);
    assert_true(rondo_transport_is_closing(self->transport));
}

TEST_CASE(S7_close_inside_every_callback, everywhere(w, close_self));

static void abort_self(struct stage *s, struct peer *self)
{
    (void)s;
    rondo_transport_abort(self->transport);
    assert_true(rondo_transport_is_closing(self->transport));
    assert_int_equal(peer_buffered(self), 0);
}

TEST_CASE(S7_abort_inside_every_callback, everywhere(w, abort_self));

static void end_again_and_again(struct stage *s, struct peer *self)
{
    rondo_transport *t = self->transport;

    (void)s;
    for (int i = 0; i < 3; i++) {
        rondo_transport_close(t);
        rondo_transport_abort(t);
        rondo_transport_abort_with(t, RONDO_EPROTO);
        (void)rondo_transport_write_eof(t);
        (void)rondo_transport_pause_reading(t);
        (void)rondo_transport_resume_reading(t);
    }
}

TEST_CASE(S7_ending_many_times_inside_every_callback,
          everywhere(w, end_again_and_again));

static void abort_then_close(struct stage *s, struct peer *self)
{
    (void)s;
    rondo_transport_abort(self->transport);
    rondo_transport_close(self->transport);
}

TEST_CASE(S7_abort_then_close_inside_every_callback,
          everywhere(w, abort_then_close));

static void take_over(struct stage *s, struct peer *self)
{
    const rondo_protocol *other_kind =
        s->protocol == &recorder ? &buffered_recorder : &recorder;
    struct peer *heir;

    if (s->place == LOST) { /* too late, and harmless */
        (void)rondo_transport_set_protocol(self->transport, &recorder, self);
        return;
    }
    heir = stage_successor(s, self);
    if (s->place == GET_BUFFER) { /* buffer_updated is the next callback */
        heir->buffers = 1;
        heir->buffer = self->buffer;
        heir->buffer_size = self->buffer_size;
        heir->order[0] = 'g';
        other_kind = &buffered_recorder;
    }
    assert_ok(rondo_transport_set_protocol(self->transport, other_kind, heir));
}

TEST_CASE(S7_set_protocol_inside_every_callback, everywhere(w, take_over));

static void write_all_ways(struct stage *s, struct peer *self)
{
    static const unsigned char data[50000];
    const rondo_buffer pieces[2] = {{data, 10000}, {data, 20000}};
    rondo_transport *t = self->transport;
    bool over = s->place == LOST;

    assert_int_equal(rondo_transport_write(t, data, sizeof data) < 0, over);
    assert_int_equal(rondo_transport_writev(t, pieces, 2) < 0, over);
    assert_int_equal(rondo_transport_printf(t, "%s", "x") < 0, over);
    assert_int_equal(rondo_transport_write_eof(t) < 0, over);
    assert_true(rondo_transport_write(t, data, 1) < 0);
}

TEST_CASE(S7_writing_inside_every_callback, everywhere(w, write_all_ways));

static void write_and_close(struct stage *s, struct peer *self)
{
    static const unsigned char data[50000];

    (void)s;
    (void)rondo_transport_write(self->transport, data, sizeof data);
    rondo_transport_close(self->transport);
}

TEST_CASE(S7_write_and_close_inside_every_callback,
          everywhere(w, write_and_close));

static void change_all_settings(struct stage *s, struct peer *self)
{
    rondo_transport *t = self->transport;

    (void)s;
    (void)rondo_transport_pause_reading(t);
    (void)rondo_transport_resume_reading(t);
    (void)rondo_transport_pause_reading(t);
    (void)rondo_transport_set_write_buffer_limits(t, 0, 0);
    (void)rondo_transport_set_write_buffer_limits(t, 1, 1);
    (void)rondo_transport_set_timeouts(t, RONDO_MS(1), RONDO_MS(1));
    rondo_transport_set_background(t, true);
    rondo_transport_set_background(t, false);
}

TEST_CASE(S7_changing_settings_inside_every_callback,
          everywhere(w, change_all_settings));

/* ---- on the other side, on both, on the loop ---------------------------- */

static void close_other(struct stage *s, struct peer *self)
{
    rondo_transport_close(stage_transport(stage_other(s, self)));
}

TEST_CASE(S7_closing_the_other_inside_every_callback,
          everywhere(w, close_other));

static void abort_other(struct stage *s, struct peer *self)
{
    rondo_transport_abort(stage_transport(stage_other(s, self)));
}

TEST_CASE(S7_aborting_the_other_inside_every_callback,
          everywhere(w, abort_other));

static void abort_both(struct stage *s, struct peer *self)
{
    abort_other(s, self);
    abort_self(s, self);
    abort_other(s, self);
}

TEST_CASE(S7_aborting_both_inside_every_callback, everywhere(w, abort_both));

static void close_both(struct stage *s, struct peer *self)
{
    close_self(s, self);
    close_other(s, self);
}

TEST_CASE(S7_closing_both_inside_every_callback, everywhere(w, close_both));

static void write_to_other(struct stage *s, struct peer *self)
{
    static const unsigned char data[100000];
    struct peer *other = stage_other(s, self);

    if (alive(other) && !rondo_transport_is_closing(other->transport))
        (void)rondo_transport_write(other->transport, data, sizeof data);
}

TEST_CASE(S4_writing_to_the_other_inside_every_callback,
          everywhere(w, write_to_other));

static void stop_and_misuse_the_loop(struct stage *s, struct peer *self)
{
    rondo_loop *loop = s->w->loop;

    (void)self;
    rondo_loop_stop(loop);
    rondo_loop_wake(loop);
    assert_error(rondo_loop_run(loop), RONDO_EBUSY);
    assert_error(rondo_loop_run_once(loop, 0), RONDO_EBUSY);
    assert_error(rondo_loop_close(loop), RONDO_EBUSY);
}

TEST_CASE(S7_stopping_the_loop_inside_every_callback,
          everywhere(w, stop_and_misuse_the_loop));

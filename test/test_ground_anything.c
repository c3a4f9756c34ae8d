/* test_ground_anything.c - every act inside every callback. */
/* SPDX-License-Identifier: MIT */
#include "ground_stage.h"

/* ---- acts on itself ----------------------------------------------------- */

static void close_twice(struct stage *s, struct peer *self)
{
    rondo_transport *t = stage_transport(self);

    (void)s;
    rondo_transport_close(t);
    rondo_transport_close(t);
    assert_true(!t || rondo_transport_is_closing(t));
}

static void abort_twice(struct stage *s, struct peer *self)
{
    rondo_transport *t = stage_transport(self);

    (void)s;
    rondo_transport_abort(t);
    rondo_transport_abort_with(t, RONDO_EPROTO);
    assert_true(!t || rondo_transport_is_closing(t));
    assert_int_equal(t ? peer_buffered(self) : 0, 0);
}

static void close_then_abort(struct stage *s, struct peer *self)
{
    (void)s;
    rondo_transport_close(stage_transport(self));
    rondo_transport_abort(stage_transport(self));
    rondo_transport_close(stage_transport(self));
}

static void abort_then_close(struct stage *s, struct peer *self)
{
    (void)s;
    rondo_transport_abort(stage_transport(self));
    rondo_transport_close(stage_transport(self));
}

static void end_again_and_again(struct stage *s, struct peer *self)
{
    rondo_transport *t = stage_transport(self);

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

static void set_protocol(struct stage *s, struct peer *self)
{
    rondo_transport *t = stage_transport(self);

    if (t && !self->lost && (self == s->a || self == s->b))
        assert_ok(rondo_transport_set_protocol(t, &recorder,
                                               stage_successor(s, self)));
}

/* The same, with a protocol of the other kind. */
static void change_kind(struct stage *s, struct peer *self)
{
    const rondo_protocol *kind =
        s->protocol == &recorder ? &buffered_recorder : &recorder;
    rondo_transport *t = stage_transport(self);
    struct peer *heir;

    if (!t || self->lost || !(self == s->a || self == s->b))
        return;
    heir = stage_successor(s, self);
    if (s->place == GET_BUFFER) { /* buffer_updated is the next callback */
        heir->buffers = 1;
        heir->buffer = self->buffer;
        heir->buffer_size = self->buffer_size;
        heir->order[0] = 'g';
        kind = &buffered_recorder;
    }
    assert_ok(rondo_transport_set_protocol(t, kind, heir));
}

static void write_all_ways(struct stage *s, struct peer *self)
{
    static const unsigned char data[50000];
    const rondo_buffer pieces[2] = {{data, 10000}, {data, 20000}};
    rondo_transport *t = stage_transport(self);
    bool over = !t || s->place == LOST;

    assert_int_equal(rondo_transport_write(t, data, sizeof data) < 0, over);
    assert_int_equal(rondo_transport_writev(t, pieces, 2) < 0, over);
    assert_int_equal(rondo_transport_printf(t, "%s", "x") < 0, over);
    assert_int_equal(rondo_transport_write_eof(t) < 0, over);
    assert_true(rondo_transport_write(t, data, 1) < 0);
}

static void write_and_end(struct stage *s, struct peer *self)
{
    static const char bytes[100000];
    rondo_transport *t = stage_transport(self);

    (void)s;
    (void)rondo_transport_write(t, bytes, sizeof bytes);
    (void)rondo_transport_write_eof(t);
    (void)rondo_transport_write_eof(t);
    (void)rondo_transport_write(t, bytes, sizeof bytes);
}

static void write_and_close(struct stage *s, struct peer *self)
{
    static const unsigned char data[50000];

    (void)s;
    (void)rondo_transport_write(stage_transport(self), data, sizeof data);
    rondo_transport_close(stage_transport(self));
}

static void change_limits(struct stage *s, struct peer *self)
{
    rondo_transport *t = stage_transport(self);

    (void)s;
    (void)rondo_transport_set_write_buffer_limits(t, 1, 0);
    (void)rondo_transport_set_write_buffer_limits(t, 1 << 30, 1 << 29);
    (void)rondo_transport_set_timeouts(t, RONDO_SEC(90), RONDO_SEC(90));
    (void)rondo_transport_set_timeouts(t, 0, 0);
    (void)rondo_transport_set_write_buffer_limits(t, 0, 0);
    rondo_transport_set_background(t, true);
    rondo_transport_set_background(t, false);
}

/* Paused, and soon timed out, with a buffer that is nearly always full. */
static void change_settings(struct stage *s, struct peer *self)
{
    rondo_transport *t = stage_transport(self);

    (void)s;
    (void)rondo_transport_pause_reading(t);
    (void)rondo_transport_resume_reading(t);
    (void)rondo_transport_pause_reading(t);
    (void)rondo_transport_set_write_buffer_limits(t, 0, 0);
    (void)rondo_transport_set_write_buffer_limits(t, 1, 1);
    (void)rondo_transport_set_timeouts(t, RONDO_MS(1), RONDO_MS(1));
}

/* ---- on the other side, and on both ------------------------------------- */

static void close_other(struct stage *s, struct peer *self)
{
    rondo_transport_close(stage_transport(stage_other(s, self)));
}

static void abort_other(struct stage *s, struct peer *self)
{
    rondo_transport_abort(stage_transport(stage_other(s, self)));
}

static void close_both(struct stage *s, struct peer *self)
{
    close_twice(s, self);
    close_other(s, self);
}

static void abort_both(struct stage *s, struct peer *self)
{
    abort_other(s, self);
    abort_twice(s, self);
    abort_other(s, self);
}

static void write_to_other(struct stage *s, struct peer *self)
{
    static const unsigned char data[100000];
    struct peer *other = stage_other(s, self);

    if (other && other->transport && !other->lost &&
        !rondo_transport_is_closing(other->transport))
        (void)rondo_transport_write(other->transport, data, sizeof data);
}

static void pause_both(struct stage *s, struct peer *self)
{
    for (int i = 0; i < 2; i++) {
        (void)rondo_transport_pause_reading(stage_transport(self));
        (void)rondo_transport_pause_reading(
            stage_transport(stage_other(s, self)));
    }
    for (int i = 0; i < 2; i++) {
        (void)rondo_transport_resume_reading(stage_transport(self));
        (void)rondo_transport_resume_reading(
            stage_transport(stage_other(s, self)));
    }
}

/* ---- on the loop, the server, the watchers ------------------------------ */

static void stop_loop(struct stage *s, struct peer *self)
{
    (void)self;
    rondo_loop_stop(s->w->loop);
    rondo_loop_stop(s->w->loop);
    rondo_loop_wake(s->w->loop);
}

static void run_nested(struct stage *s, struct peer *self)
{
    (void)self;
    assert_error(rondo_loop_run(s->w->loop), RONDO_EBUSY);
    assert_error(rondo_loop_run_once(s->w->loop, 0), RONDO_EBUSY);
    assert_error(rondo_loop_close(s->w->loop), RONDO_EBUSY);
    assert_error(rondo_loop_take(s->w->loop), RONDO_EBUSY);
}

static void stop_and_run_nested(struct stage *s, struct peer *self)
{
    stop_loop(s, self);
    run_nested(s, self);
}

static void cancel_all(struct stage *s, struct peer *self)
{
    const rondo_id ids[] = {s->connecting, s->refused, s->timer, s->soon};

    (void)self;
    for (int i = 0; i < 8; i++)
        (void)rondo_cancel(s->w->loop, ids[i % 4]);
}

static void end_server(struct stage *s, struct peer *self)
{
    (void)self;
    rondo_server_close_clients(s->l->server);
    rondo_server_close(s->l->server);
    rondo_server_abort_clients(s->l->server);
    rondo_server_close(s->l->server);
}

static void pause_serving(struct stage *s, struct peer *self)
{
    (void)self;
    (void)rondo_server_pause_serving(s->l->server);
    (void)rondo_server_pause_serving(s->l->server);
    (void)rondo_server_start_serving(s->l->server);
}

static void remove_watchers(struct stage *s, struct peer *self)
{
    (void)self;
    stage_remove_watchers(s);
    stage_remove_watchers(s);
}

static void everything(struct stage *s, struct peer *self)
{
    remove_watchers(s, self);
    cancel_all(s, self);
    change_limits(s, self);
    pause_both(s, self);
    write_and_end(s, self);
    set_protocol(s, self);
    close_both(s, self);
    end_server(s, self);
    abort_both(s, self);
    stop_loop(s, self);
}

static act_fn *const acts[] = {
    close_twice,         abort_twice,    close_then_abort,
    abort_then_close,    set_protocol,   end_again_and_again,
    change_kind,         write_all_ways, write_and_end,
    write_and_close,     change_limits,  change_settings,
    close_other,         abort_other,    close_both,
    abort_both,          write_to_other, pause_both,
    stop_loop,           run_nested,     cancel_all,
    end_server,          pause_serving,  remove_watchers,
    stop_and_run_nested, everything};

static void try_all(struct world *w, const rondo_protocol *protocol,
                    enum place place)
{
    for (size_t i = 0; i < COUNT_OF(acts); i++)
        stage_play(w, protocol, place, acts[i]);
}

/* ---- G7 ----------------------------------------------------------------- */

TEST_CASE(G7_in_connection_made, try_all(w, &recorder, MADE));
TEST_CASE(G7_in_data_received, try_all(w, &recorder, DATA));
TEST_CASE(G7_in_get_buffer, try_all(w, &buffered_recorder, GET_BUFFER));
TEST_CASE(G7_in_buffer_updated, try_all(w, &buffered_recorder, UPDATED));
TEST_CASE(G7_in_eof_received, try_all(w, &recorder, PEER_EOF));
TEST_CASE(G7_in_pause_writing, try_all(w, &recorder, PAUSE));
TEST_CASE(G7_in_resume_writing, try_all(w, &recorder, RESUME));
TEST_CASE(G7_in_connection_lost, try_all(w, &recorder, LOST));
TEST_CASE(G7_in_timed_out, try_all(w, &recorder, TIMEOUT));
TEST_CASE(G7_in_a_connect_s_done, try_all(w, &recorder, CONNECTED));
TEST_CASE(G7_in_a_refused_connect_s_done, try_all(w, &recorder, REFUSED));
TEST_CASE(G7_in_a_protocol_factory, try_all(w, &recorder, FACTORY));
TEST_CASE(G7_in_a_server_s_closed, try_all(w, &recorder, CLOSED));
TEST_CASE(G7_in_a_release, try_all(w, &recorder, RELEASE));
TEST_CASE(G7_in_a_callback, try_all(w, &recorder, SOON));
TEST_CASE(G7_in_a_timer, try_all(w, &recorder, TIMER));
TEST_CASE(G7_in_a_post, try_all(w, &recorder, POST));
TEST_CASE(G7_in_a_reader, try_all(w, &recorder, READER));
TEST_CASE(G7_in_a_writer, try_all(w, &recorder, WRITER));
TEST_CASE(G7_in_an_exception_handler, try_all(w, &recorder, EXCEPTION));

/* ---- S7: the callbacks of a stream that reads into buffers -------------- */

TEST_CASE(S7_buffered_in_connection_made, try_all(w, &buffered_recorder, MADE));
TEST_CASE(S7_buffered_in_eof, try_all(w, &buffered_recorder, PEER_EOF));
TEST_CASE(S7_buffered_in_pause_writing, try_all(w, &buffered_recorder, PAUSE));
TEST_CASE(S7_buffered_in_resume_writing,
          try_all(w, &buffered_recorder, RESUME));
TEST_CASE(S7_buffered_in_timed_out, try_all(w, &buffered_recorder, TIMEOUT));
TEST_CASE(S7_buffered_in_a_release, try_all(w, &buffered_recorder, RELEASE));
TEST_CASE(S7_buffered_in_connection_lost, try_all(w, &buffered_recorder, LOST));

/* test_ground_anything.c - every act inside every callback. */
/* SPDX-License-Identifier: MIT */
#include "ground_stage.h"

/* ---- the acts ----------------------------------------------------------- */

static struct peer *other_of(struct stage *s, struct peer *self)
{
    return self == s->b ? s->a : s->b;
}

static void close_twice(struct stage *s, struct peer *self)
{
    (void)s;
    rondo_transport_close(stage_transport(self));
    rondo_transport_close(stage_transport(self));
}

static void abort_twice(struct stage *s, struct peer *self)
{
    (void)s;
    rondo_transport_abort(stage_transport(self));
    rondo_transport_abort_with(stage_transport(self), RONDO_EPROTO);
}

static void close_then_abort(struct stage *s, struct peer *self)
{
    (void)s;
    rondo_transport_close(stage_transport(self));
    rondo_transport_abort(stage_transport(self));
    rondo_transport_close(stage_transport(self));
}

static void close_other(struct stage *s, struct peer *self)
{
    rondo_transport_close(stage_transport(other_of(s, self)));
}

static void abort_other(struct stage *s, struct peer *self)
{
    rondo_transport_abort(stage_transport(other_of(s, self)));
}

static void abort_both(struct stage *s, struct peer *self)
{
    rondo_transport_abort(stage_transport(other_of(s, self)));
    rondo_transport_abort(stage_transport(self));
}

static void successor_lost(struct peer *p)
{
    struct peer *old = p->user;

    old->transport = NULL;
    old->lost += old->made + p->made;
    old->made += p->made;
    p->made = 0;
}

static void set_protocol(struct stage *s, struct peer *self)
{
    rondo_transport *t = stage_transport(self);

    if (!t || self->lost || !(self == s->a || self == s->b))
        return;
    s->successor = test_peer(s->w);
    s->successor->joined = true;
    s->successor->no_checksum = true;
    s->successor->user = self;
    s->successor->on_lost = successor_lost;
    assert_ok(rondo_transport_set_protocol(t, &recorder, s->successor));
}

static void stop_loop(struct stage *s, struct peer *self)
{
    (void)self;
    rondo_loop_stop(s->w->loop);
    rondo_loop_stop(s->w->loop);
    rondo_loop_wake(s->w->loop);
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

static void write_and_end(struct stage *s, struct peer *self)
{
    static const char bytes[100000];

    (void)s;
    (void)rondo_transport_write(stage_transport(self), bytes, sizeof bytes);
    (void)rondo_transport_write_eof(stage_transport(self));
    (void)rondo_transport_write_eof(stage_transport(self));
    (void)rondo_transport_write(stage_transport(self), bytes, sizeof bytes);
}

static void pause_both(struct stage *s, struct peer *self)
{
    for (int i = 0; i < 2; i++) {
        (void)rondo_transport_pause_reading(stage_transport(self));
        (void)rondo_transport_pause_reading(stage_transport(other_of(s, self)));
    }
    for (int i = 0; i < 2; i++) {
        (void)rondo_transport_resume_reading(stage_transport(self));
        (void)rondo_transport_resume_reading(
            stage_transport(other_of(s, self)));
    }
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

static void remove_watchers(struct stage *s, struct peer *self)
{
    (void)self;
    stage_remove_watchers(s);
    stage_remove_watchers(s);
}

static void run_nested(struct stage *s, struct peer *self)
{
    (void)self;
    assert_error(rondo_loop_run(s->w->loop), RONDO_EBUSY);
    assert_error(rondo_loop_run_once(s->w->loop, 0), RONDO_EBUSY);
    assert_error(rondo_loop_close(s->w->loop), RONDO_EBUSY);
    assert_error(rondo_loop_take(s->w->loop), RONDO_EBUSY);
}

static void everything(struct stage *s, struct peer *self)
{
    remove_watchers(s, self);
    cancel_all(s, self);
    change_limits(s, self);
    pause_both(s, self);
    write_and_end(s, self);
    set_protocol(s, self);
    close_twice(s, self);
    close_other(s, self);
    end_server(s, self);
    abort_both(s, self);
    stop_loop(s, self);
}

static act_fn *const acts[] = {close_twice,  abort_twice,   close_then_abort,
                               close_other,  abort_other,   abort_both,
                               set_protocol, stop_loop,     cancel_all,
                               end_server,   pause_serving, write_and_end,
                               pause_both,   change_limits, remove_watchers,
                               run_nested,   everything};

enum { ACTS = sizeof acts / sizeof *acts };

/* ---- G7 ---------------------------------------------------------------- */

static void try_all(struct world *w, enum place place)
{
    w->expect_clean = true;
    for (int i = 0; i < ACTS; i++)
        stage_play(w, place, acts[i]);
}

TEST_CASE(G7_in_connection_made, try_all(w, MADE));
TEST_CASE(G7_in_data_received, try_all(w, DATA));
TEST_CASE(G7_in_get_buffer, try_all(w, GET_BUFFER));
TEST_CASE(G7_in_buffer_updated, try_all(w, UPDATED));
TEST_CASE(G7_in_eof_received, try_all(w, PEER_EOF));
TEST_CASE(G7_in_pause_writing, try_all(w, PAUSE));
TEST_CASE(G7_in_resume_writing, try_all(w, RESUME));
TEST_CASE(G7_in_connection_lost, try_all(w, LOST));
TEST_CASE(G7_in_timed_out, try_all(w, TIMEOUT));
TEST_CASE(G7_in_a_connect_s_done, try_all(w, CONNECTED));
TEST_CASE(G7_in_a_refused_connect_s_done, try_all(w, REFUSED));
TEST_CASE(G7_in_a_protocol_factory, try_all(w, FACTORY));
TEST_CASE(G7_in_a_server_s_closed, try_all(w, CLOSED));
TEST_CASE(G7_in_a_release, try_all(w, RELEASE));
TEST_CASE(G7_in_a_callback, try_all(w, SOON));
TEST_CASE(G7_in_a_timer, try_all(w, TIMER));
TEST_CASE(G7_in_a_post, try_all(w, POST));
TEST_CASE(G7_in_a_reader, try_all(w, READER));
TEST_CASE(G7_in_a_writer, try_all(w, WRITER));
TEST_CASE(G7_in_an_exception_handler, try_all(w, EXCEPTION));

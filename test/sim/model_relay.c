/* model_relay.c - two pumps between a client and a server, which do not know. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stddef.h>

/* One of the two connections, and the pump out of it. */
struct relay_end {
    struct relay *relay;
    rondo_transport *t;
    rondo_id pump;
    struct op *op;
    bool is_second, made, lost, over, aborted;
};

struct relay {
    struct actor actor;
    struct place *place;
    struct relay_end ends[2];
    struct timer *timer;
    unsigned late;
};

static struct relay_end *other_end(struct relay_end *e)
{
    return &e->relay->ends[!e->is_second];
}

static void end_abort(struct relay_end *e)
{
    if (!e->t)
        return;
    e->aborted = true;
    rondo_transport_abort(e->t);
}

/* ---- the pumps ---- */

static void end_pump(struct relay_end *e);

static void pumped(rondo_loop *loop, void *arg, uint64_t moved, int error)
{
    struct relay_end *e = arg;
    struct op *op = e->op;
    (void)moved;
    e->pump = 0;
    (void)op_ended(op, loop, error);
    if (error == 0) {
        e->over = true;
    } else if (error == RONDO_ECANCELED && e->t && other_end(e)->t &&
               !rondo_transport_is_closing(e->t)) {
        end_pump(e);
    } else {
        end_abort(e);
        end_abort(other_end(e));
    }
}

static void end_pump(struct relay_end *e)
{
    struct relay_end *to = other_end(e);
    e->op = op_new("pump", e->relay->place, NULL, 0);
    e->pump = op_called(e->op, rondo_pump(e->t, to->t, -1, 0, pumped, e));
    if (e->pump > 0)
        return;
    must(model.faults || e->pump == RONDO_ECLOSED || e->pump == RONDO_EPIPE ||
             e->pump == RONDO_ECONNRESET || model.relays_break ||
             e->relay->place->closing,
         "pump: %s", rondo_last_error());
    e->pump = 0;
    end_abort(e);
    end_abort(to);
}

/* ---- what goes wrong ---- */

static void relay_ticks(struct timer *timer);

static void relay_next(struct relay *r)
{
    struct step step;
    (void)step_begin(&step, &r->actor, "tick");
    r->timer = timer_start(r->place, RONDO_US(step_below(&step, 9000)),
                           relay_ticks, r);
}

static void relay_break(struct relay *r, struct step *step)
{
    struct relay_end *e = &r->ends[step_below(step, 2)];
    if (!e->t)
        return;
    switch (step_below(step, 6)) {
    case 0:
        step_did(step, "close", 0);
        rondo_transport_close(e->t);
        break;
    case 1:
        step_did(step, "abort", 0);
        end_abort(e);
        break;
    case 2:
        step_did(step, "close_now", 0);
        rondo_transport_close_now(e->t);
        break;
    case 3:
        step_did(step, "limits",
                 rondo_transport_set_write_buffer_limits(
                     e->t, 1 + step_below(step, 900), 0));
        break;
    default:
        if (e->pump > 0)
            step_did(step, "cancel", rondo_cancel(r->place->loop, e->pump));
        break;
    }
}

static void relay_ticks(struct timer *timer)
{
    struct relay *r = timer->arg;
    struct step step;
    r->timer = NULL;
    if (model.relays_break && step_begin(&step, &r->actor, "timer"))
        relay_break(r, &step);
    if (r->place->ending && ++r->late > 50) { /* a side keeps its descriptor */
        end_abort(&r->ends[0]);
        end_abort(&r->ends[1]);
    }
    if (r->ends[0].t || r->ends[1].t)
        relay_next(r);
}

/* ---- the connections ---- */

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct relay_end *second = arg, *first = other_end(second);
    (void)t;
    (void)op_ended(second->op, loop, error);
    if (error || !first->t) {
        end_abort(first);
        end_abort(second);
        return;
    }
    end_pump(first);
    if (first->t && second->t && !second->aborted)
        end_pump(second);
    if (first->t)
        (void)rondo_transport_resume_reading(first->t);
}

static const rondo_protocol ends;

static void relay_connects(struct relay *r)
{
    struct step step;
    struct relay_end *second = &r->ends[1];
    (void)step_begin(&step, &r->actor, "connect");
    second->op = op_new("relay's connect", r->place, NULL, -1);
    rondo_id id = op_called(
        second->op,
        rondo_create_connection(
            r->place->loop,
            RONDO_CONNECT(.host = model_hosts[step_below(&step, MODEL_HOSTS)],
                          .port =
                              (uint16_t)(MODEL_PORT + step_below(&step, 4))),
            &ends, second, connected, second));
    step_did(&step, "relay connects", id);
    if (id < 0)
        end_abort(&r->ends[0]);
}

static void made(rondo_transport *t, void *self)
{
    struct relay_end *e = self;
    must(!e->made, "a relay's connection_made twice");
    e->made = true;
    e->t = t;
    if (!e->is_second) {
        relay_connects(e->relay);
        relay_next(e->relay);
    }
}

static void data(rondo_transport *t, void *self, const void *bytes, size_t size)
{
    (void)t;
    (void)self;
    (void)bytes;
    must(model.relays_break || model.faults, "a pump leaves %zu bytes", size);
}

static void lost(rondo_transport *t, void *self, int error)
{
    struct relay_end *e = self;
    (void)error;
    must(e->t == t && !e->lost, "a relay's connection_lost twice");
    e->lost = true;
    e->t = NULL;
    if (other_end(e)->t && !e->over && !e->pump)
        end_abort(other_end(e));
}

static const rondo_protocol ends = {
    .connection_made = made, .data_received = data, .connection_lost = lost};

static int factory(rondo_server *server, void *arg, rondo_transport *t,
                   const rondo_protocol **protocol, void **self)
{
    struct relay *r = model_alloc(sizeof *r);
    struct step step;
    (void)server;
    (void)arg;
    r->place = place_of(rondo_transport_loop(t));
    (void)step_begin(&step, &r->place->actor, "relay");
    r->actor = actor_child(&step, "relay");
    r->ends[0].relay = r->ends[1].relay = r;
    r->ends[1].is_second = true;
    *protocol = &ends;
    *self = &r->ends[0];
    return 0;
}

int relay_serve(struct place *p, const char *ip, uint16_t port,
                void (*closed)(rondo_server *server, void *arg), void *arg,
                rondo_server **server)
{
    return rondo_create_server(
        p->loop,
        RONDO_SERVE(.host = ip, .port = port, .protocol_factory = factory,
                    .closed = closed, .start_reading = RONDO_OFF),
        NULL, arg, server);
}

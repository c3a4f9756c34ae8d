/* model_net.c - servers, groups and connects of a random program. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdio.h>

/* What a server serves. */
struct serving {
    struct place *place;
    enum side_kind kind;
    unsigned slot;
};

/* ---- clients come ---- */

static int factory(rondo_server *server, void *arg, rondo_transport *t,
                   const rondo_protocol **protocol, void **self)
{
    struct serving *v = arg;
    struct place *p = place_of(rondo_transport_loop(t));
    struct step step;
    bool acts = step_begin(&step, &p->actor, "accept");
    (void)server;
    must(!p->finished, "a client after the loop's end");
    if (acts && step_below(&step, 20) == 0) {
        step_did(&step, "refuse", 0);
        return RONDO_ECANCELED;
    }
    struct side *s = side_new(p, v->kind, &step);
    *protocol = side_protocol(s);
    *self = s;
    if (acts && step_below(&step, 4) == 0)
        side_writes_early(s, t);
    return 0;
}

static void accepted(rondo_server *server, void *arg, rondo_fd fd,
                     const rondo_address *peer)
{
    struct serving *v = arg;
    struct step step;
    (void)server;
    (void)peer;
    (void)step_begin(&step, &v->place->actor, "accepted");
    struct side *s = side_new(v->place, SIDE_ACCEPTED, &step);
    s->made = s->raw = s->detached = true;
    v->place->open++;
    step_did(&step, "accepted", fd);
    raw_begin(s, fd);
}

static void closed(rondo_server *server, void *arg)
{
    struct serving *v = arg;
    must(v->place->servers[v->slot] == server, "a server is closed twice");
    v->place->servers[v->slot] = NULL;
    v->place->server_count--;
}

/* ---- groups ---- */

static void member_is_told(rondo_loop *loop, void *arg,
                           const rondo_exception *e)
{
    (void)loop;
    (void)arg;
    rondo_sim_log("exception: %s", e->message);
}

static int64_t member_begins(rondo_loop *loop, size_t index, void *arg)
{
    const struct place *home = arg;
    struct place *p = rondo_loop_data(loop);
    if (!p) {
        p = model_alloc(sizeof *p);
        p->actor = (struct actor){.key = home->actor.key * 100 + index,
                                  .number = (unsigned)index,
                                  .kind = "member"};
        p->loop = loop;
        p->host = home->host;
        p->group = home->group;
        p->awake_at = rondo_sim_now();
        rondo_loop_set_data(loop, p);
        rondo_loop_set_exception_handler(loop, member_is_told, NULL);
    }
    return 0;
}

static int64_t member_ends(rondo_loop *loop, size_t index, void *arg)
{
    (void)index;
    (void)arg;
    struct place *p = rondo_loop_data(loop);
    if (p) /* without memory it has none */
        p->ending = p->closing = true;
    if (p && side_wants_ending(ENDED_loop_closed))
        rondo_loop_stop(loop); /* before its clients have ended */
    return 0;
}

static void group_done(rondo_loop *loop, void *arg, int64_t result)
{
    (void)op_ended(arg, loop, result);
}

static int64_t serve_group(struct place *p, struct step *step,
                           struct serving *v)
{
    const rondo_group_options o = {.size = sizeof o, .loops = 2};
    char ip[] = "10.0.0.1";
    ip[7] = (char)('1' + p->host);
    if (p->group || p->ending)
        return RONDO_EBUSY;
    int error = rondo_create_group(p->loop, &o, &p->group);
    if (error) {
        p->group = NULL;
        return error;
    }
    struct op *op = op_new("group_each", p, NULL, 0);
    int64_t begun = op_called(
        op, rondo_group_each(p->group, member_begins, p, group_done, op));
    if (begun < 0)
        return begun;
    return rondo_group_serve(p->group,
                             RONDO_SERVE(.host = ip, .port = MODEL_PORT + 3,
                                         .protocol_factory = factory),
                             step_below(step, 2) ? RONDO_SPREAD_IN_TURN
                                                 : RONDO_SPREAD_TO_FEWEST,
                             NULL, v, &p->group_server);
}

/* ---- servers ---- */

static int64_t server_begin(struct place *p, struct step *step, unsigned slot)
{
    static const enum side_kind kinds[] = {SIDE_SERVER,      SIDE_SERVER,
                                           SIDE_ACCEPTED,    SIDE_GROUP,
                                           SIDE_UNIX_SERVER, SIDE_SERVER};
    struct serving *v = model_alloc(sizeof *v);
    char ip[] = "10.0.0.1", path[] = "/0";
    ip[7] = (char)('1' + p->host);
    path[1] = (char)('0' + p->host);
    v->place = p;
    v->kind = kinds[slot];
    v->slot = slot;
    if (slot == 3)
        return serve_group(p, step, v);
    rondo_server_options o = {.size = sizeof o, .closed = closed};
    if (slot == 4)
        o.path = path;
    else
        o.host = ip;
    if (slot != 4)
        o.port = (uint16_t)(MODEL_PORT + slot);
    if (slot == 2)
        o.accepted = accepted;
    else
        o.protocol_factory = factory;
    if (slot == 1) {
        o.setup = filter_setup;
        o.setup_arg = &p->actor;
    }
    o.max_clients = step_below(step, 4) == 0 ? 2 : 0;
    o.start_reading = step_below(step, 6) == 0 ? RONDO_OFF : RONDO_DEFAULT;
    int error =
        slot == 5
            ? relay_serve(p, ip, o.port, closed, v, &p->servers[slot])
            : rondo_create_server(p->loop, &o, NULL, v, &p->servers[slot]);
    if (error == 0)
        p->server_count++;
    else
        p->servers[slot] = NULL;
    must(error == 0 || model.faults || error == RONDO_EADDRINUSE, "serve: %s",
         rondo_last_error());
    return error;
}

/* The server ends its clients: they have a reason. */
static void server_ends_clients(struct place *p, rondo_server *server,
                                bool aborts)
{
    model.relays_break |= server == p->servers[5];
    for (unsigned i = 0; i < model.sides; i++) {
        struct side *s = model.all_sides[i];
        if (s->place == p && s->t && !s->lost && !s->detached &&
            rondo_transport_server(s->t) == server) {
            s->by_server = true;
            s->aborted |= aborts;
            s->closed |= !aborts;
        }
    }
    if (aborts)
        rondo_server_abort_clients(server);
    else
        rondo_server_close_clients(server);
}

int64_t net_serve(struct place *p, struct step *step)
{
    unsigned slot = step_below(step, MODEL_PORTS);
    rondo_server *server = p->servers[slot];
    if (!server)
        return server_begin(p, step, slot);
    bool ends = side_wants_ending(ENDED_by_server) && step_below(step, 2);
    switch (ends ? 2 : step_below(step, 6)) {
    case 0:
        return rondo_server_pause_serving(server);
    case 1:
        rondo_server_close(server);
        return 0;
    case 2:
        server_ends_clients(p, server, step_below(step, 2));
        return 0;
    case 3:
        rondo_server_set_background(server, true);
        rondo_server_set_background(server, false);
        return 0;
    default:
        return rondo_server_start_serving(server);
    }
}

void net_begin(struct place *p)
{
    struct step step;
    if (!step_begin(&step, &p->actor, "net_begin"))
        return;
    for (unsigned i = 0; i < MODEL_PORTS; i++)
        if (step_below(&step, 3))
            step_did(&step, "serve", server_begin(p, &step, i));
}

void net_end(struct place *p)
{
    struct step step;
    (void)step_begin(&step, &p->actor, "net_end");
    for (unsigned i = 0; i < MODEL_PORTS; i++) {
        rondo_server *server = p->servers[i];
        if (server && step_below(&step, 3) == 0)
            server_ends_clients(p, server, step_below(&step, 2));
        if (server)
            rondo_server_close(server);
    }
    if (!p->group)
        return;
    rondo_group *group = p->group;
    (void)rondo_group_each(group, member_ends, p, NULL, NULL);
    struct op *op = op_new("group_close", p, NULL, 0);
    must(op_called(op,
                   rondo_group_close(group, RONDO_US(step_below(&step, 20000)),
                                     group_done, op)) == 0 ||
             model.faults,
         "group_close: %s", rondo_last_error());
}

/* ---- a reader ---- */

static void reader_read(struct side *s);

static void reader_came(rondo_reader *reader, void *arg, const void *data,
                        size_t size, int error)
{
    struct op *op = arg;
    struct side *s = op->arg;
    op->dones++;
    must(op->accepted && op->dones == 1 && reader == s->reader,
         "a read is done twice, or after its reader's end");
    s->read = NULL;
    if (size)
        side_received(s, data, size);
    if (error == RONDO_EOF && s->heard_end && !s->closed && !s->eof)
        side_ended(s);
    side_act(s, "read's done");
    if (!error && !s->place->closing && s->reader && !s->read)
        reader_read(s);
}

static void reader_read(struct side *s)
{
    struct step step;
    struct op *op = op_new("read", s->place, NULL, -1);
    (void)step_begin(&step, &s->actor, "read");
    op->arg = s;
    int error = 0;
    switch (step_below(&step, 3)) {
    case 0:
        error = rondo_read_exactly(s->reader, 1 + step_below(&step, 40),
                                   reader_came, op);
        break;
    case 1:
        error = rondo_read_line(s->reader, reader_came, op);
        break;
    default:
        error = rondo_read_some(s->reader, reader_came, op);
        break;
    }
    op->accepted = error == 0;
    s->read = error == 0 ? op : NULL;
    must(error == 0 || model.faults || s->place->closing, "read: %s",
         rondo_last_error());
}

/* The connection goes on with the side's own protocol. */
int64_t v_reader_free(struct side *s, struct step *step)
{
    rondo_reader *reader = s->reader;
    (void)step;
    if (!reader || rondo_transport_is_closing(s->t))
        return RONDO_ENOENT;
    s->reader = NULL;
    s->paused = false;
    if (s->read)
        s->read->accepted = false; /* it is forgotten */
    rondo_reader_free(reader);
    return 0;
}

int64_t v_reader_drain(struct side *s, struct step *step)
{
    if (!s->reader)
        return RONDO_ENOENT;
    rondo_reader_set_drain(s->reader, step_below(step, 2));
    return 0;
}

/* ---- connecting ---- */

static void connected(rondo_loop *loop, void *arg, rondo_transport *t,
                      int error)
{
    struct op *op = arg;
    struct side *s = op->arg;
    (void)op_ended(op, loop, error);
    must(error || s->made, "connected before connection_made");
    must(!error || !t, "an error and a transport");
    if (error) {
        must(!s->made, "connection_made and an error");
        must(model.faults || error == RONDO_ECONNREFUSED ||
                 error == RONDO_ECANCELED || error == RONDO_ENOENT ||
                 error == RONDO_ECONNRESET || error == RONDO_ETIMEDOUT ||
                 error == RONDO_ECONNABORTED || s->place->closing,
             "connect: %s", rondo_last_error());
        rondo_reader_free(s->reader);
        s->reader = NULL;
    } else if (s->reader) {
        reader_read(s);
    }
}

static rondo_id connect_to(struct place *p, struct step *step, struct side *s,
                           struct op *op, const rondo_connect_options *o)
{
    const rondo_protocol *protocol = side_protocol(s);
    void *self = s;
    (void)step;
    if (s->reader) {
        protocol = rondo_reader_protocol();
        self = s->reader;
    }
    return rondo_create_connection(p->loop, o, protocol, self, connected, op);
}

int64_t net_connect(struct place *p, struct step *step)
{
    rondo_connect_options o = {.size = sizeof o};
    unsigned slot = step_below(step, MODEL_PORTS);
    if (side_wants_fds() && step_below(step, 2))
        slot = 4;
    char path[] = "/0";
    path[1] = (char)('0' + p->host);
    struct side *s =
        side_new(p, slot == 4 ? SIDE_UNIX_CLIENT : SIDE_CLIENT, step);
    struct op *op = op_new("connect", p, NULL, -1);
    op->arg = s;
    if (slot == 4)
        o.path = path;
    else
        o.host = model_hosts[step_below(step, MODEL_HOSTS)];
    s->relayed = slot == 5;
    if (s->relayed)
        side_has(s, TRAIT_RELAYED);
    o.port = slot == 4 ? 0 : (uint16_t)(MODEL_PORT + slot);
    if (step_below(step, 4) == 0) {
        o.setup = filter_setup;
        o.setup_arg = &s->actor;
    }
    o.timeout_ns = step_below(step, 4) ? 0 : RONDO_US(step_below(step, 9000));
    o.start_reading = step_below(step, 6) == 0 ? RONDO_OFF : RONDO_DEFAULT;
    if (step_below(step, 5) < (side_wants_reader() ? 4U : 1U) &&
        rondo_reader_new(p->loop, 41 + step_below(step, 3000), side_protocol(s),
                         s, &s->reader) != 0)
        s->reader = NULL;
    s->had_reader = s->reader;
    if (s->reader)
        side_has(s, TRAIT_READER);
    rondo_id id = connect_to(p, step, s, op, &o);
    (void)op_called(op, id);
    if (id < 0) {
        rondo_reader_free(s->reader);
        s->reader = NULL;
    } else if (step_below(step, 10) == 0) {
        (void)rondo_cancel(p->loop, id);
    }
    op_may_be_cancelled(p, id);
    return id;
}

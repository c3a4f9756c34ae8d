/* ground_stage.c - a stage on which every act is tried in every callback. */
/* SPDX-License-Identifier: MIT */
#include "ground_stage.h"

#include "harness_dial.h"

rondo_transport *stage_transport(struct peer *p)
{
    return p ? p->transport : NULL;
}

struct peer *stage_other(struct stage *s, struct peer *self)
{
    return self == s->b ? s->a : s->b;
}

static void successor_lost(struct peer *p)
{
    struct peer *old = p->user;

    old->transport = NULL;
    old->lost += old->made + p->made;
    old->made += p->made;
    p->made = 0;
}

struct peer *stage_successor(struct stage *s, struct peer *self)
{
    s->successor = test_peer(s->w);
    s->successor->joined = true;
    s->successor->no_checksum = true;
    s->successor->user = self;
    s->successor->on_lost = successor_lost;
    return s->successor;
}

void stage_remove_watchers(struct stage *s)
{
    (void)rondo_remove_reader(s->w->loop, s->watched[0]);
    (void)rondo_remove_writer(s->w->loop, s->watched[0]);
}

static void at(struct stage *s, enum place place, struct peer *self)
{
    if (s->place != place || s->done)
        return;
    s->done = true;
    s->act(s, self);
}

/* ---- the callbacks ------------------------------------------------------ */

static void on_lost(struct peer *p)
{
    at(p->user, LOST, p);
}

static void on_pause(struct peer *p)
{
    at(p->user, PAUSE, p);
}

static void on_resume(struct peer *p)
{
    at(p->user, RESUME, p);
    (void)rondo_transport_write_eof(p->transport);
}

static void on_eof(struct peer *p)
{
    at(p->user, PEER_EOF, p);
}

static void on_bytes(struct peer *p)
{
    at(p->user, p->updates ? UPDATED : DATA, p);
}

static void on_get_buffer(struct peer *p)
{
    at(p->user, GET_BUFFER, p);
}

static void on_connected(struct peer *p)
{
    struct stage *s = p->user;

    at(s, p == s->x ? REFUSED : CONNECTED, p);
}

static void on_release(void *arg)
{
    struct stage *s = arg;

    s->released++;
    at(s, RELEASE, s->a);
}

static void on_soon(rondo_loop *loop, void *arg)
{
    struct stage *s = arg;

    (void)loop;
    at(s, SOON, s->a);
}

static void on_timer(rondo_loop *loop, void *arg)
{
    struct stage *s = arg;

    (void)loop;
    at(s, TIMER, s->a);
}

static void on_post(rondo_loop *loop, void *arg)
{
    struct stage *s = arg;
    rondo_exception e = {.size = sizeof e, .message = "staged"};

    at(s, POST, s->a);
    rondo_loop_call_exception_handler(loop, &e);
}

static void on_exception(rondo_loop *loop, void *arg,
                         const rondo_exception *what)
{
    struct stage *s = arg;

    (void)loop;
    assert_string_equal(what->message, "staged");
    at(s, EXCEPTION, s->a);
}

static void on_readable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct stage *s = arg;

    at(s, READER, s->a);
    (void)rondo_remove_reader(loop, fd);
}

static void on_writable(rondo_loop *loop, rondo_fd fd, void *arg)
{
    struct stage *s = arg;

    at(s, WRITER, s->a);
    (void)rondo_remove_writer(loop, fd);
}

/* ---- the stage ---------------------------------------------------------- */

static void start_traffic(struct peer *p)
{
    struct stage *s = p->user;
    rondo_transport *t = p->transport;
    static const char bytes[60000];

    (void)rondo_transport_set_write_buffer_limits(t, 1000, 0);
    if (rondo_transport_write_owned(t, "owned", 5, on_release, s) >= 0)
        s->owned++;
    for (int i = 0; i < 100; i++)
        if (rondo_transport_write(t, bytes, sizeof bytes) != 0)
            break;
}

static void on_timeout(struct peer *p)
{
    struct stage *s = p->user;

    if (p != s->a)
        return;
    at(s, TIMEOUT, p);
    (void)rondo_transport_set_timeouts(p->transport, 0, 0);
    start_traffic(p);
}

static void on_made(struct peer *p)
{
    struct stage *s = p->user;

    if (p != s->a)
        return;
    raw_set_buffers(rondo_transport_fd(p->transport), 8192);
    at(s, MADE, p);
    if (s->place == TIMEOUT)
        assert_ok(rondo_transport_set_timeouts(p->transport, RONDO_MS(1), 0));
    else
        start_traffic(p);
}

static void give_hooks(struct stage *s, struct peer *p)
{
    p->user = s;
    p->no_checksum = true;
    p->go_on = true;
    p->on_made = on_made;
    p->on_bytes = on_bytes;
    p->on_get_buffer = on_get_buffer;
    p->on_eof = on_eof;
    p->on_pause = on_pause;
    p->on_resume = on_resume;
    p->on_lost = on_lost;
    p->on_timeout = on_timeout;
    p->on_connected = on_connected;
}

static int factory(rondo_server *server, void *arg, rondo_transport *t,
                   const rondo_protocol **protocol, void **self)
{
    struct listener *l = arg;
    struct stage *s = l->model.user;

    (void)server;
    s->b = test_peer(s->w);
    give_hooks(s, s->b);
    s->b->transport = t;
    at(s, FACTORY, s->b);
    *protocol = l->protocol;
    *self = s->b;
    return 0;
}

static void closed(rondo_server *server, void *arg)
{
    struct listener *l = arg;
    struct stage *s = l->model.user;

    (void)server;
    l->closed++;
    at(s, CLOSED, s->a);
    l->server = NULL;
}

static void add_watchers(struct stage *s)
{
    rondo_loop *loop = s->w->loop;

    assert_int_equal(raw_pair(s->watched), 0);
    assert_true(raw_send_all(s->watched[1], "x", 1, 1000));
    assert_ok(rondo_add_reader(loop, s->watched[0], on_readable, s));
    assert_ok(rondo_add_writer(loop, s->watched[0], on_writable, s));
}

static struct stage *stage_new(struct world *w, const rondo_protocol *protocol,
                               enum place place, act_fn *act)
{
    struct stage *s = test_alloc(w, sizeof *s);
    rondo_server_options options = RONDO_SERVER_OPTIONS_INIT;

    s->w = w;
    s->protocol = protocol;
    s->place = place;
    s->act = act;
    options.protocol_factory = factory;
    options.closed = closed;
    s->l = test_serve_with(w, protocol, &options);
    s->l->model.user = s;
    s->a = test_peer(w);
    s->x = test_peer(w);
    give_hooks(s, s->a);
    give_hooks(s, s->x);
    s->connecting = test_connect_peer(w, s->l->port, protocol, s->a);
    s->refused = test_connect_peer(w, dial_dead_port(), protocol, s->x);
    s->timer = rondo_call_later(w->loop, 0, on_timer, s);
    s->soon = rondo_call_soon(w->loop, on_soon, s);
    assert_ok(rondo_call_soon_threadsafe(w->loop, on_post, s));
    assert_ok(rondo_loop_set_exception_handler(w->loop, on_exception, s));
    add_watchers(s);
    return s;
}

static bool is_at_rest(struct world *w)
{
    rondo_loop_metrics m = test_metrics(w);

    return m.live_timers + m.live_watchers + m.live_transports +
               m.live_servers + m.live_operations ==
           0;
}

/* A client may be accepted after the first look, and need not hear that its
 * peer has gone: that is not what is tried here. */
static bool is_cleared(struct stage *s)
{
    rondo_transport_abort(stage_transport(s->a));
    rondo_transport_abort(stage_transport(s->b));
    rondo_transport_abort(stage_transport(s->x));
    return s->l->closed && is_at_rest(s->w);
}

static void stage_end(struct stage *s)
{
    struct world *w = s->w;

    test_spin(w, 5);
    (void)is_cleared(s);
    rondo_server_close(s->l->server);
    stage_remove_watchers(s);
    (void)rondo_cancel(w->loop, s->timer);
    test_run_until(w, is_cleared(s));
    assert_true(s->done);
    assert_int_equal(s->l->closed, 1);
    assert_int_equal(s->a->connected, 1);
    assert_int_equal(s->x->connected, 1);
    assert_int_not_equal(s->x->connect_error, 0);
    assert_int_equal(s->a->made, s->a->lost);
    assert_int_equal(s->b ? s->b->made : 0, s->b ? s->b->lost : 0);
    assert_int_equal(s->released, s->owned);
    raw_close_pair(s->watched);
}

void stage_play(struct world *w, const rondo_protocol *protocol,
                enum place place, act_fn *act)
{
    struct stage *s = stage_new(w, protocol, place, act);

    if (place != CLOSED)
        test_run_until(w, s->done);
    stage_end(s);
}

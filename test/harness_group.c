/* harness_group.c - groups of loops, and servers on them, for tests. */
/* SPDX-License-Identifier: MIT */
#include "harness_group.h"

/* ---- done --------------------------------------------------------------- */

void told_done(rondo_loop *loop, void *arg, int64_t result)
{
    struct told *t = arg;

    (void)loop;
    t->count++;
    t->result = result;
    snprintf(t->sentence, sizeof t->sentence, "%s",
             result < 0 ? rondo_last_error() : "");
}

void told_is(struct world *w, const struct told *t, int64_t result)
{
    test_run_until(w, t->count > 0);
    assert_int_equal(t->count, 1);
    assert_true(t->result == result);
}

/* ---- groups ------------------------------------------------------------- */

static void loop_ended(rondo_group *group, void *arg, size_t index, int error)
{
    struct crew *c = arg;

    (void)group;
    c->ended++;
    c->ended_index = index;
    c->ended_error = error;
    snprintf(c->ended_why, sizeof c->ended_why, "%s", rondo_last_error());
}

rondo_group_options crew_options(struct world *w, struct crew *c,
                                 rondo_loop_options *loop)
{
    rondo_group_options o = RONDO_GROUP_OPTIONS_INIT;

    *loop = test_loop_options(w);
    o.loop = loop;
    o.loop_ended = loop_ended;
    o.arg = c;
    return o;
}

struct crew *crew_new(struct world *w, unsigned loops)
{
    struct crew *c = test_alloc(w, sizeof *c);
    rondo_loop_options loop;
    rondo_group_options o = crew_options(w, c, &loop);

    c->w = w;
    o.loops = loops;
    assert_ok(rondo_create_group(w->loop, &o, &c->group));
    return c;
}

void crew_close(struct crew *c)
{
    assert_ok(rondo_group_close(c->group, 0, told_done, &c->closed));
    told_is(c->w, &c->closed, 0);
    c->group = NULL;
}

/* ---- servers ------------------------------------------------------------ */

static _Atomic(guest_fn) on_call;

void site_on_call(guest_fn fn)
{
    atomic_store(&on_call, fn);
}

const void *group_this_thread(void)
{
    static _Thread_local char here;

    return &here;
}

void guest_moves(struct guest *g)
{
    g->thread = NULL;
    g->loop = NULL;
}

void guest_arrives(struct guest *g, rondo_loop *loop)
{
    g->loop = loop;
    g->thread = group_this_thread();
}

static void check_guest(const struct guest *g, rondo_transport *t)
{
    if (g->thread != group_this_thread() || g->loop != rondo_transport_loop(t))
        atomic_fetch_add(&g->site->wrong, 1);
}

static void guest_made(rondo_transport *t, void *self)
{
    struct guest *g = self;
    struct site *s = g->site;
    int index = rondo_group_index(s->crew->group, rondo_transport_loop(t));

    check_guest(g, t);
    if (index < 0 || index >= GROUP_LOOPS) {
        atomic_fetch_add(&s->wrong, 1);
        return;
    }
    atomic_fetch_add(&s->on[index], 1);
    atomic_fetch_add(&s->made, 1);
}

static void guest_data(rondo_transport *t, void *self, const void *data,
                       size_t size)
{
    struct guest *g = self;
    guest_fn fn = atomic_load(&on_call);

    check_guest(g, t);
    g->bytes += size;
    if (!atomic_load(&g->site->silent))
        (void)rondo_transport_write(t, data, size);
    if (fn && memchr(data, '!', size))
        fn(g);
}

static void guest_lost(rondo_transport *t, void *self, int error)
{
    struct guest *g = self;
    struct site *s = g->site;

    check_guest(g, t);
    if (error == RONDO_ETIMEDOUT)
        atomic_fetch_add(&s->cut, 1);
    free(g);
    atomic_fetch_add(&s->lost, 1);
}

static const rondo_protocol guest_protocol = {.connection_made = guest_made,
                                              .data_received = guest_data,
                                              .connection_lost = guest_lost};

int site_take(rondo_server *server, void *arg, rondo_transport *t,
              const rondo_protocol **protocol, void **self)
{
    struct site *s = arg;
    struct guest *g;

    (void)server;
    if (atomic_load(&s->answer))
        return (int)atomic_load(&s->answer);
    g = calloc(1, sizeof *g);
    if (!g)
        return RONDO_ENOMEM;
    g->site = s;
    g->transport = t;
    guest_arrives(g, rondo_transport_loop(t));
    *protocol = &guest_protocol;
    *self = g;
    return 0;
}

struct site *site_with(struct crew *c, rondo_spread spread,
                       const rondo_server_options *options)
{
    struct site *s = test_alloc(c->w, sizeof *s);
    rondo_server_options o = *options;
    rondo_address address;

    s->crew = c;
    s->path = o.path;
    if (!o.host && !o.path && !o.socket && !o.addresses)
        o.host = "127.0.0.1";
    o.protocol_factory = site_take;
    assert_ok(rondo_group_serve(c->group, &o, spread, NULL, s, &s->server));
    assert_ok(rondo_group_server_address(s->server, 0, &address));
    s->port = rondo_address_port(&address);
    return s;
}

struct site *site_new(struct crew *c, rondo_spread spread)
{
    return site_with(c, spread, RONDO_SERVE(.backlog = 0));
}

void site_close(struct site *s)
{
    assert_ok(rondo_group_server_close(s->server, 0, told_done, &s->closed));
    test_run_until(s->crew->w, s->closed.count);
    assert_true(s->closed.result >= 0);
    s->server = NULL;
}

struct peer *site_connect(struct site *s)
{
    struct peer *p = test_connect(s->crew->w, s->port);

    test_run_until(s->crew->w, p->connected);
    assert_int_equal(p->connect_error, 0);
    return p;
}

void site_echoes(struct site *s, struct peer *p, size_t size)
{
    uint64_t before = p->bytes;
    char *text = test_alloc(s->crew->w, size);

    memset(text, 'x', size);
    assert_true(rondo_transport_write(p->transport, text, size) >= 0);
    test_run_until(s->crew->w, p->bytes == before + size || p->lost);
    assert_true(p->bytes == before + size);
}

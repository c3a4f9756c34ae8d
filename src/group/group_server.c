/* group_server.c - one server over all loops of a group. */
/* SPDX-License-Identifier: MIT */
#include "group/group.h"

#include "base/error.h"
#include "core/observe.h"

static const char serve_name[] = "group_serve";

void group_server_ref(rondo_group_server *gs)
{
    atomic_fetch_add_explicit(&gs->refs, 1, memory_order_relaxed);
}

void group_server_unref(rondo_group_server *gs)
{
    if (atomic_fetch_sub(&gs->refs, 1) != 1)
        return;
    for (unsigned i = 0; i < gs->group->count; i++)
        sys_free(gs->part[i].fds);
    sys_free(gs->addresses);
    group_unref(gs->group);
    sys_free(gs);
}

/* ---- the parts, on their loops ---- */

static void part_close_fds(struct group_part *p)
{
    while (p->fd_count)
        sys_close(p->fds[--p->fd_count]);
}

/* The last that a loop does with it. */
static void part_end(struct group_part *p)
{
    p->server = NULL;
    atomic_store(&p->takes, false);
    if (!remote_deliver(p->gs->group->home_remote, &p->closed))
        group_server_unref(p->gs);
}

static void part_on_closed(rondo_server *s, void *arg)
{
    struct group_part *p = s->part;
    (void)arg;
    part_end(p);
}

void group_part_counted(rondo_server *s)
{
    struct group_part *p = s->part;
    unsigned before = atomic_exchange(&p->clients, s->clients);
    if (s->clients < before && p->gs->options.max_clients)
        group_accept_has_room(p->gs);
}

static void part_failed(rondo_loop *loop, struct group_part *p, int error)
{
    error_in("group_serve: a loop cannot take its part", error);
    rondo_exception e = loop_exception(error);
    part_close_fds(p);
    rondo_loop_call_exception_handler(loop, &e);
    part_end(p);
}

void group_part_open(rondo_loop *loop, struct completion *c)
{
    struct group_part *p =
        (struct group_part *)(void *)((char *)c -
                                      offsetof(struct group_part, open));
    rondo_group_server *gs = p->gs;
    rondo_server_options o = gs->options;
    if (p->fd_count) { /* so much room */
        o.addresses = gs->addresses;
        o.address_count = p->fd_count;
    }
    rondo_server *s = server_new(loop, &o, gs->protocol, gs->arg);
    int error = s ? 0 : error_set(RONDO_ENOMEM, "out of memory");
    while (!error && p->fd_count) {
        error = server_add(s, p->fds[p->fd_count - 1]);
        if (!error)
            p->fd_count--;
    }
    if (error && s)
        server_drop(s);
    if (error) {
        part_failed(loop, p, error);
        return;
    }
    assert(s);
    s->part = p;
    s->counted = group_part_counted;
    p->server = s;
    server_open(s);
}

static void part_close(rondo_loop *loop, struct completion *c)
{
    struct group_part *p =
        (struct group_part *)(void *)((char *)c -
                                      offsetof(struct group_part, close));
    (void)loop;
    if (p->server)
        rondo_server_close(p->server);
    group_server_unref(p->gs);
}

/* Those that close already, by close_within for instance, are cut, too; not
 * those that have ended and are to be told so. */
static void part_cut(rondo_loop *loop, struct completion *c)
{
    struct group_part *p =
        (struct group_part *)(void *)((char *)c -
                                      offsetof(struct group_part, cut_all));
    (void)loop;
    if (p->server) {
        for (rondo_transport *t = p->server->owner.first; t; t = t->next) {
            p->cut += t->phase < PHASE_ENDING;
            rondo_transport_abort_with(t, RONDO_ETIMEDOUT);
        }
    }
    group_server_unref(p->gs);
}

struct group_part *group_part_of(const rondo_group *g, const rondo_transport *t)
{
    const rondo_server *s = rondo_transport_server(t);
    struct group_part *p = s ? s->part : NULL;
    return p && p->gs->group == g ? p : NULL;
}

/* ---- the end, on the home loop ---- */

static bool gs_is_over(const rondo_group_server *gs)
{
    return gs->closing && !gs->left && !gs->accepting;
}

bool group_servers_are_over(const rondo_group *g)
{
    for (const rondo_group_server *gs = g->servers; gs; gs = gs->next)
        if (!gs->told)
            return false;
    return true;
}

static void gs_unlink(rondo_group_server *gs)
{
    rondo_group_server **link = &gs->group->servers;
    while (*link != gs)
        link = &(*link)->next;
    *link = gs->next;
}

/* Without a done the program does not know when the pointer ends: it stays
 * valid until the group ends. */
static void gs_tell(rondo_group_server *gs, int64_t result)
{
    rondo_group *g = gs->group;
    bool done = gs->done != NULL;
    group_stop_timer(g, &gs->timer);
    gs->told = true;
    if (result < 0)
        error_os((int)result, "group_server_close");
    if (done)
        OBSERVE_DONE(g->home, "group_server_close", gs->done, g->home,
                     gs->done_arg, result);
    if (!done || g->over)
        return;
    gs_unlink(gs);
    group_settle(g);
    group_server_unref(gs);
}

static void gs_turn(rondo_loop *home, struct task *task)
{
    rondo_group_server *gs =
        (rondo_group_server *)(void *)((char *)task -
                                       offsetof(rondo_group_server, task));
    (void)home;
    if (!gs->told)
        gs_tell(gs, gs->cut_clients);
    group_settle(gs->group);
    group_server_unref(gs);
}

void group_server_settle(rondo_group_server *gs)
{
    rondo_group *g = gs->group;
    if (gs->told || gs->task.state != TASK_IDLE || !gs_is_over(gs))
        return;
    group_server_ref(gs);
    loop_push(g->home, &gs->task);
    loop_nudge(g->home);
}

/* Before the group tells its own end, which frees the list. */
void group_server_give_up(rondo_group_server *gs, int error)
{
    if (gs->told)
        return;
    if (!gs->closing) /* after a fork: it has no threads */
        gs->closing = true;
    gs->told = true;
    group_stop_timer(gs->group, &gs->timer);
    error_no_os();
    error_os(error, "group_server_close");
    if (gs->done)
        OBSERVE_DONE(gs->group->home, "group_server_close", gs->done,
                     gs->group->home, gs->done_arg, error);
}

void group_servers_free(rondo_group *g)
{
    while (g->servers) {
        rondo_group_server *gs = g->servers;
        g->servers = gs->next;
        group_server_unref(gs);
    }
}

static void gs_part_closed(rondo_loop *home, struct completion *c)
{
    struct group_part *p =
        (struct group_part *)(void *)((char *)c -
                                      offsetof(struct group_part, closed));
    rondo_group_server *gs = p->gs;
    (void)home;
    assert(gs->left > 0);
    gs->left--;
    gs->cut_clients += p->cut;
    if (!gs->left && gs->accepting)
        rondo_server_close(gs->accepting); /* nobody could be served */
    group_server_settle(gs);
    group_server_unref(gs);
}

static void gs_accepting_closed(rondo_server *s, void *arg)
{
    rondo_group_server *gs = arg;
    (void)s;
    gs->accepting = NULL;
    group_server_settle(gs);
    group_server_unref(gs);
}

/* Each has a reference: the part may end before it comes. */
static void gs_send_all(rondo_group_server *gs, size_t place)
{
    rondo_group *g = gs->group;
    for (unsigned i = 0; i < g->count; i++) {
        void *c = (char *)&gs->part[i] + place;
        group_server_ref(gs);
        if (!group_send(g, i, c))
            group_server_unref(gs);
    }
}

void group_server_close(rondo_group_server *gs, bool now)
{
    rondo_group *g = gs->group;
    if (gs->told)
        return;
    if (!gs->closing) {
        /* A move that begins after this is refused; one that began before has
         * been sent, and arrives before part_close. */
        sys_mutex_lock(&g->lock);
        gs->closing = true;
        sys_mutex_unlock(&g->lock);
        gs_send_all(gs, offsetof(struct group_part, close));
        if (gs->accepting)
            rondo_server_close(gs->accepting);
    }
    if (now && !gs->cut) {
        gs->cut = true;
        gs_send_all(gs, offsetof(struct group_part, cut_all));
    }
    group_server_settle(gs);
}

static void gs_on_time(rondo_loop *home, void *arg)
{
    rondo_group_server *gs = arg;
    (void)home;
    gs->timer = 0;
    group_server_close(gs, true);
}

static int gs_check(const rondo_group_server *gs, const char *what)
{
    return gs ? group_check_home(gs->group, what)
              : error_set(RONDO_EINVAL, "%s: no server", what);
}

int rondo_group_server_close(rondo_group_server *gs, int64_t grace_ns,
                             rondo_done_fn done, void *arg)
{
    const char *what = "group_server_close";
    rondo_id timer = 0;
    int error = gs_check(gs, what);
    if (error)
        return error;
    assert(gs);
    if (grace_ns < 0)
        return error_set(RONDO_EINVAL, "%s: a negative time", what);
    if (done && (gs->done || gs->told))
        return error_set(RONDO_EBUSY, "%s: the server closes already", what);
    if (grace_ns && !gs->told && !gs->group->home->closing)
        error = group_start_timer(gs->group, &timer, grace_ns, gs_on_time, gs);
    if (error)
        return error_in(what, error);
    group_stop_timer(gs->group, &gs->timer);
    gs->timer = timer;
    if (done) {
        gs->done = done;
        gs->done_arg = arg;
    }
    group_server_close(gs, grace_ns == 0);
    return 0;
}

/* ---- making one, on the home loop ---- */

static bool serve_has_port(const rondo_server_options *o)
{
    for (size_t i = 0; i < o->address_count; i++)
        if (rondo_address_family(&o->addresses[i]) == RONDO_FAMILY_UNIX)
            return false;
    return !o->path && !o->socket;
}

static int serve_choose(const rondo_server_options *o, rondo_spread *spread)
{
    bool can = sys_supports(RONDO_CAN_REUSE_PORT) && serve_has_port(o);
    if (*spread == RONDO_SPREAD_DEFAULT)
        *spread = can ? RONDO_SPREAD_BY_KERNEL : RONDO_SPREAD_TO_FEWEST;
    if (*spread == RONDO_SPREAD_BY_KERNEL && !can)
        return error_set(RONDO_ENOTSUP,
                         "%s: the kernel spreads clients of a port on Linux "
                         "alone; RONDO_SPREAD_TO_FEWEST does it everywhere",
                         serve_name);
    return 0;
}

static int serve_check(const rondo_server_options *o,
                       const rondo_protocol *protocol, rondo_spread *spread)
{
    if ((unsigned)*spread > RONDO_SPREAD_TO_FEWEST)
        return error_set(RONDO_EINVAL, "%s: spread %d", serve_name,
                         (int)*spread);
    if (o->closed || o->accepted)
        return error_set(RONDO_EINVAL,
                         "%s: the options closed and accepted are for "
                         "rondo_create_server alone",
                         serve_name);
    if (o->start_serving == RONDO_OFF)
        return error_set(RONDO_EINVAL,
                         "%s: start_serving off: there is no call that starts "
                         "it later",
                         serve_name);
    if (!protocol && !o->protocol_factory)
        return error_set(RONDO_EINVAL, "%s: no protocol, no protocol_factory",
                         serve_name);
    if (o->path && sys_is_pipe_name(o->path))
        return error_set(RONDO_ENOTSUP,
                         "%s: a pipe's clients stay with the loop that "
                         "listens",
                         serve_name);
    return serve_choose(o, spread);
}

static rondo_group_server *serve_new(rondo_group *g,
                                     const rondo_server_options *o,
                                     const rondo_protocol *protocol, void *arg)
{
    rondo_group_server *gs =
        sys_alloc_zeroed(1, sizeof *gs + g->count * sizeof *gs->part);
    if (!gs)
        return NULL;
    group_ref(g);
    gs->group = g;
    gs->options = *o;
    gs->options.closed = part_on_closed;
    gs->protocol = protocol;
    gs->arg = arg;
    gs->task.done = gs_turn;
    gs->room.done = group_accept_go_on;
    atomic_init(&gs->refs, 1);
    for (unsigned i = 0; i < g->count; i++) {
        struct group_part *p = &gs->part[i];
        p->gs = gs;
        p->index = i;
        p->open.done = group_part_open;
        p->close.done = part_close;
        p->cut_all.done = part_cut;
        p->closed.done = gs_part_closed;
        atomic_init(&p->takes, false);
    }
    return gs;
}

/* Keeps the addresses of a server that listens. */
static int serve_keep_addresses(rondo_group_server *gs, rondo_server *s)
{
    gs->addresses = sys_alloc_zeroed(s->listeners ? s->listeners : 1,
                                     sizeof *gs->addresses);
    if (!gs->addresses)
        return error_set(RONDO_ENOMEM, "out of memory");
    for (size_t i = 0; i < s->listeners; i++)
        if (sys_local_address(s->listener[i].io.fd, &gs->addresses[i]) < 0)
            gs->addresses[i] = (rondo_address){0};
    gs->address_count = s->listeners;
    return 0;
}

/* Takes the sockets out of a server of the home loop, which is dropped. */
static int serve_take_sockets(struct group_part *p, rondo_server *s)
{
    sys_fd fd;
    p->fds = sys_alloc_zeroed(s->listeners, sizeof *p->fds);
    if (!p->fds) {
        server_drop(s);
        return error_set(RONDO_ENOMEM, "out of memory");
    }
    while ((fd = server_take_listener(s)) != SYS_NO_FD)
        p->fds[p->fd_count++] = fd;
    server_drop(s);
    return 0;
}

/* SO_REUSEPORT would join a server of another process in silence: a port that
 * the program has named is tried without it first. */
static int serve_try_port(rondo_group *g, const rondo_server_options *o,
                          const rondo_group_server *gs)
{
    rondo_server *s = NULL;
    rondo_server_options alone = *o;
    if (o->reuse_port == RONDO_ON)
        return 0;
    alone.reuse_port = RONDO_OFF;
    int error = server_listen(g->home, &alone, gs->protocol, gs->arg, &s);
    if (!error)
        server_drop(s);
    return error;
}

/* One set of sockets for each loop, all at the first one's addresses. */
static int serve_by_kernel(rondo_group_server *gs,
                           const rondo_server_options *options)
{
    rondo_group *g = gs->group;
    rondo_server_options o = *options;
    int error = serve_try_port(g, &o, gs);
    o.reuse_port = RONDO_ON;
    for (unsigned i = 0; i < g->count && !error; i++) {
        rondo_server *s = NULL;
        error = server_listen(g->home, &o, gs->protocol, gs->arg, &s);
        if (!error && i == 0) {
            error = serve_keep_addresses(gs, s);
            o.host = NULL;
            o.addresses = gs->addresses;
            o.address_count = gs->address_count;
        }
        if (!error)
            error = serve_take_sockets(&gs->part[i], s);
        else if (s)
            server_drop(s);
    }
    for (unsigned i = 0; i < g->count && error; i++)
        part_close_fds(&gs->part[i]);
    return error;
}

/* A server of the home loop accepts; its clients have no limit there, nor
 * options of their own but those of the socket. */
static int serve_by_home(rondo_group_server *gs,
                         const rondo_server_options *options)
{
    rondo_group *g = gs->group;
    rondo_server *s = NULL;
    rondo_server_options o = *options;
    o.accepted = group_accepted;
    o.closed = gs_accepting_closed;
    o.protocol_factory = NULL;
    o.setup = NULL;
    o.max_clients = 0;
    o.no_delay = o.keep_alive = RONDO_OFF; /* a part sets them */
    int error = server_listen(g->home, &o, gs->protocol, gs, &s);
    if (error)
        return error;
    error = serve_keep_addresses(gs, s);
    if (error) {
        if (options->socket)
            (void)server_take_listener(s);
        server_drop(s);
        return error;
    }
    gs->accepting = s;
    return 0;
}

/* Of the parts' options: what has been done, and is not a part's. */
static void serve_clean_options(rondo_group_server *gs)
{
    rondo_server_options *o = &gs->options;
    if (o->path || !serve_has_port(o))
        o->no_delay = o->keep_alive = RONDO_OFF;
    o->host = o->path = NULL;
    o->socket = NULL;
    o->addresses = NULL;
    o->address_count = 0;
}

/* From now on loops may have it. */
static int serve_send_parts(rondo_group_server *gs)
{
    rondo_group *g = gs->group;
    for (unsigned i = 0; i < g->count; i++) {
        struct group_part *p = &gs->part[i];
        group_server_ref(gs);
        gs->left++;
        atomic_store(&p->takes, true);
        if (group_send(g, i, &p->open))
            continue;
        atomic_store(&p->takes, false);
        part_close_fds(p);
        gs->left--;
        atomic_fetch_sub(&gs->refs, 1); /* not the last: ours stays */
    }
    return gs->left ? 0
                    : error_set(RONDO_ECLOSED, "no loop of the group is left");
}

static int serve_begin(rondo_group_server *gs, const rondo_server_options *o)
{
    int error = gs->spread == RONDO_SPREAD_BY_KERNEL ? serve_by_kernel(gs, o)
                                                     : serve_by_home(gs, o);
    if (error)
        return error_in(serve_name, error);
    serve_clean_options(gs);
    error = serve_send_parts(gs);
    if (!error)
        return 0;
    if (gs->accepting && o->socket)
        (void)server_take_listener(gs->accepting);
    if (gs->accepting)
        server_drop(gs->accepting);
    return error_in(serve_name, error);
}

int rondo_group_serve(rondo_group *group, const rondo_server_options *options,
                      rondo_spread spread, const rondo_protocol *protocol,
                      void *arg, rondo_group_server **server)
{
    rondo_server_options o;
    int error = group_check_begin(group, serve_name);
    if (!error)
        error = loop_options(&o, sizeof o, options, serve_name);
    if (!error)
        error = serve_check(&o, protocol, &spread);
    if (error)
        return error;
    rondo_group_server *gs = serve_new(group, &o, protocol, arg);
    if (!gs)
        return error_set(RONDO_ENOMEM, "%s: out of memory", serve_name);
    gs->spread = spread;
    error = serve_begin(gs, &o);
    if (error) {
        group_server_unref(gs);
        return error;
    }
    gs->next = group->servers;
    group->servers = gs;
    if (gs->accepting) {
        group_server_ref(gs);
        server_open(gs->accepting);
    }
    if (server)
        *server = gs;
    return 0;
}

/* ---- the program's questions ---- */

int rondo_group_server_address(const rondo_group_server *gs, size_t i,
                               rondo_address *address)
{
    const char *what = "group_server_address";
    int error = gs_check(gs, what);
    if (error)
        return error;
    assert(gs);
    if (!address)
        return error_set(RONDO_EINVAL, "%s: nowhere to put the address", what);
    if (gs->closing || i >= gs->address_count)
        return error_set(RONDO_ENOENT, "%s: no socket of number %zu", what, i);
    *address = gs->addresses[i];
    return 0;
}

size_t rondo_group_server_clients(const rondo_group_server *gs, size_t index)
{
    return gs && index < gs->group->count
               ? atomic_load(&gs->part[index].clients)
               : 0;
}

rondo_spread rondo_group_server_spread(const rondo_group_server *gs)
{
    return gs ? gs->spread : RONDO_SPREAD_DEFAULT;
}

/* server.c - a server's life, its clients and the program's calls. */
/* SPDX-License-Identifier: MIT */
#include "net/server.h"
#include "base/error.h"
#include "core/observe.h"
#include "core/quarantine.h"
#include "stream/filter.h"

#include <stdio.h>
#include <string.h>

static rondo_server *server_of_handle(struct handle *handle)
{
    return (rondo_server *)(void *)((char *)handle -
                                    offsetof(rondo_server, handle));
}

/* ---- settling ---- */

static bool server_is_idle(const rondo_server *s)
{
    for (size_t i = 0; i < s->listeners; i++)
        for (int j = 0; j < op_accepts(s->loop); j++)
            if (!op_is_idle(&s->listener[i].acceptor[j].accept.op))
                return false;
    return !s->instances || server_pipe_is_idle(s);
}

/* Closes the sockets before the cancelled accepts are done, so that clients are
 * refused from now on. No backend needs the descriptor to end an accept. */
static void server_stop_listening(rondo_server *s)
{
    if (s->instances)
        server_pipe_stop(s);
    for (size_t i = 0; i < s->listeners; i++) {
        struct listener *l = &s->listener[i];
        if (l->io.fd == SYS_NO_FD)
            continue;
        for (int j = 0; j < op_accepts(s->loop); j++)
            op_cancel(s->loop, &l->acceptor[j].accept.op);
        io_detach(s->loop, &l->io);
        /* The file is removed first: while the socket is open no other file
         * gets its inode number. A forked child leaves it to the parent. */
        if (!s->handle.inherited)
            sys_path_remove(&l->address, &l->file);
        sys_close(l->io.fd);
        l->io.fd = SYS_NO_FD;
    }
}

void server_hold(rondo_server *s, struct acceptor *a)
{
    assert(!a->held && op_is_idle(&a->accept.op) && !s->closing);
    a->held = true;
    a->next_held = NULL;
    *s->last_held = a;
    s->last_held = &a->next_held;
}

static struct acceptor *server_take_held(rondo_server *s)
{
    struct acceptor *a = s->held;
    if (!a)
        return NULL;
    s->held = a->next_held;
    if (!s->held)
        s->last_held = &s->held;
    assert(a->held);
    a->held = false;
    return a;
}

static void server_accept_more(rondo_loop *loop, struct listener *l)
{
    for (int i = 0; i < op_accepts(loop); i++) {
        struct acceptor *a = &l->acceptor[i];
        assert(!a->held || op_is_idle(&a->accept.op));
        if (op_is_idle(&a->accept.op) && !a->held)
            op_submit(loop, &a->accept.op);
    }
}

/* Held clients come again through the ready list, all of them. A client that
 * finds no place this time is held again, in the same order. */
static void server_take_in_held(rondo_server *s)
{
    struct acceptor *a;
    while (server_accepts(s) && (a = server_take_held(s)))
        op_finish(s->loop, &a->accept.op, 0);
}

static void server_wind_down(rondo_server *s)
{
    struct acceptor *a;
    while ((a = server_take_held(s)))
        sys_close(a->accept.accepted);
    if (s->retry > 0)
        (void)timers_cancel(s->loop, s->retry);
    s->retry = 0;
    server_stop_listening(s);
}

/* Submits accepts, too, and not only when its dispatch has ended: the next one
 * is under way before the program hears of a client. */
static void server_decide(void *handle)
{
    rondo_server *s = handle;
    bool over = false;
    assert(!s->ended && s->listeners <= s->room);
    assert(!s->options.max_clients || s->clients <= s->options.max_clients ||
           s->part);
    if (s->closing) {
        server_wind_down(s);
        over = server_is_idle(s) && !s->clients;
    } else {
        for (size_t i = 0; i < s->listeners && server_accepts(s); i++)
            server_accept_more(s->loop, &s->listener[i]);
        if (s->instances)
            server_pipe_settle(s);
        server_take_in_held(s);
    }
    dispatch_set(&s->dispatch, SERVER_OWED_CLOSED,
                 over ? SERVER_OWED_CLOSED : 0);
}

/* ---- telling ---- */

/* In debug mode it is told from now on what it was. */
static void server_free(rondo_server *s)
{
    rondo_loop *loop = s->loop;
    struct ended *e = loop->debug ? quarantine_begin(loop, "server", "") : NULL;
    if (!e) {
        loop_free(loop, s);
        return;
    }
    e->member = "closed";
    e->last = OBSERVE_PLAIN(s->options.closed);
    quarantine_keep(e, s, &s->loop);
}

static void server_tell_closed(void *handle)
{
    rondo_server *s = handle;
    rondo_loop *loop = s->loop;
    assert(s->closing && !s->ended && !s->clients && !s->owner.first);
    assert(!s->held && !s->retry && server_is_idle(s));
    server_pipe_free(s);
    server_report_rest(s);
    if (s->options.closed)
        OBSERVE_DONE(loop, "closed", s->options.closed, s, s->arg);
    handle_close(loop, &s->handle);
    s->ended = true;
    if (s->options.closed) {
        server_free(s);
        return;
    }
    /* Without `closed` the program cannot know when the pointer ends, so it
     * stays valid until the loop is freed. */
    s->free_at_close.next = loop->free_at_close;
    s->free_at_close.memory = s;
    loop->free_at_close = &s->free_at_close;
}

static void (*const server_tell[])(void *handle) = {server_tell_closed};

static const struct dispatch_class server_dispatch = {
    .place = offsetof(rondo_server, dispatch),
    .settle = server_decide,
    .tell = server_tell,
    /* In a turn of its own, after the dispatch of an accept. */
    .bounded = SERVER_OWED_CLOSED,
    .last = SERVER_OWED_CLOSED};

static void server_turn(rondo_loop *loop, struct task *task)
{
    dispatch_turn(&server_dispatch, loop, task);
}

void server_settle(rondo_server *s)
{
    dispatch_settle(&server_dispatch, s->loop, s);
}

void server_finish(rondo_server *s)
{
    dispatch_end(&server_dispatch, s->loop, s);
}

void server_count(rondo_server *s, int change)
{
    s->clients += (unsigned)change;
    if (s->counted)
        s->counted(s);
}

static void server_client_gone(rondo_loop *loop, struct stream_owner *owner)
{
    rondo_server *s = (rondo_server *)(void *)owner;
    (void)loop;
    assert(s->clients && !s->ended);
    bool accepts = server_accepts(s);
    server_count(s, -1);
    /* a server that takes clients waits for nothing but clients */
    if (!accepts || s->part || s->instances)
        server_settle(s);
}

/* ---- for listen.c ---- */

rondo_server *server_new(rondo_loop *loop, const rondo_server_options *options,
                         const rondo_protocol *protocol, void *arg)
{
    size_t room =
        options->addresses ? options->address_count : SERVER_LISTENERS;
    rondo_server *s =
        room < (SIZE_MAX - sizeof *s) / sizeof *s->listener
            ? loop_alloc(loop, sizeof *s + room * sizeof *s->listener)
            : NULL;
    if (!s)
        return NULL;
    *s = (rondo_server){.loop = loop,
                        .options = *options,
                        .protocol = protocol,
                        .arg = arg,
                        .room = room,
                        .serving = options->start_serving != RONDO_OFF};
    memset(s->listener, 0, room * sizeof *s->listener);
    /* The caller's strings, addresses and descriptor are not kept. */
    s->options.host = s->options.path = NULL;
    s->options.addresses = NULL;
    if (options->path)
        s->options.no_delay = s->options.keep_alive = RONDO_OFF;
    s->options.socket = NULL;
    s->owner.gone = server_client_gone;
    s->last_held = &s->held;
    s->owner.handshake_ns = options->handshake_timeout_ns
                                ? options->handshake_timeout_ns
                                : RONDO_SEC(FILTER_HANDSHAKE_S);
    dispatch_init(&s->dispatch, server_turn);
    return s;
}

int server_add(rondo_server *s, sys_fd fd)
{
    struct listener *l = &s->listener[s->listeners];
    assert(s->listeners < s->room);
    assert(op_accepts(s->loop) <= SERVER_ACCEPTS);
    l->server = s;
    io_init(&l->io, fd, IO_SERVER);
    for (int i = 0; i < op_accepts(s->loop); i++) {
        l->acceptor[i].listener = l;
        op_init(&l->acceptor[i].accept.op, &l->io, OP_ACCEPT,
                server_accept_done);
    }
    int error = io_attach(s->loop, &l->io);
    if (!error)
        s->listeners++;
    return error;
}

void server_open(rondo_server *s)
{
    assert(!s->closing && (s->part || s->listeners || s->instances));
    handle_open(s->loop, &s->handle, HANDLE_SERVER);
    server_settle(s);
    loop_nudge(s->loop);
}

/* ---- the program's calls ---- */

static int server_check(const rondo_server *s, const char *what)
{
    int error = loop_check(s ? s->loop : NULL, what);
    if (!error && s->closing)
        return error_set(RONDO_ECLOSED, "%s: the server is closed", what);
    return error;
}

int rondo_server_start_serving(rondo_server *server)
{
    int error = server_check(server, "server_start_serving");
    if (error)
        return error;
    server->serving = true;
    server_settle(server);
    loop_nudge(server->loop);
    return 0;
}

int rondo_server_pause_serving(rondo_server *server)
{
    int error = server_check(server, "server_pause_serving");
    if (error)
        return error;
    /* A pending accept finds this out when a client comes. */
    server->serving = false;
    return 0;
}

void rondo_server_close(rondo_server *server)
{
    if (loop_check(server ? server->loop : NULL, "server_close") ||
        server->closing)
        return;
    server->closing = true;
    server_settle(server);
}

static void server_for_each_client(rondo_server *server, const char *what,
                                   void (*end)(rondo_transport *t))
{
    if (loop_check(server ? server->loop : NULL, what))
        return;
    /* `end` frees no transport: the loop does that later. */
    for (rondo_transport *t = server->owner.first; t; t = t->next)
        end(t);
}

void rondo_server_close_clients(rondo_server *server)
{
    server_for_each_client(server, "server_close_clients",
                           rondo_transport_close);
}

void rondo_server_abort_clients(rondo_server *server)
{
    server_for_each_client(server, "server_abort_clients",
                           rondo_transport_abort);
}

bool rondo_server_is_serving(const rondo_server *server)
{
    return server && server->serving && !server->closing;
}

int rondo_server_address(const rondo_server *server, size_t i,
                         rondo_address *address)
{
    int error = loop_check(server ? server->loop : NULL, "server_address");
    if (error)
        return error;
    if (!address)
        return error_set(RONDO_EINVAL,
                         "server_address: nowhere to put the address");
    if (server->closing || i >= server->listeners)
        return error_set(RONDO_ENOENT,
                         "server_address: no socket of number "
                         "%zu",
                         i);
    error = sys_local_address(server->listener[i].io.fd, address);
    return error ? error_os(error, "server_address") : 0;
}

rondo_fd rondo_server_fd(const rondo_server *server, size_t i)
{
    if (!server || server->closing || i >= server->listeners)
        return RONDO_NO_FD;
    return (rondo_fd)server->listener[i].io.fd;
}

rondo_loop *rondo_server_loop(const rondo_server *server)
{
    return server ? quarantine_loop_of(server->loop, "server_loop") : NULL;
}

void rondo_server_set_background(rondo_server *server, bool background)
{
    if (!loop_check(server ? server->loop : NULL, "server_set_background") &&
        !server->ended)
        handle_set_background(server->loop, &server->handle, background);
}

rondo_server *rondo_transport_server(const rondo_transport *t)
{
    bool has = t && t->owner && t->owner->gone == server_client_gone;
    return has ? (rondo_server *)(void *)t->owner : NULL;
}

/* ---- for the loop ---- */

static void server_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    (void)loop;
    rondo_server_close(server_of_handle(handle));
}

static bool server_describe(const struct handle *handle, char *text,
                            size_t size)
{
    const rondo_server *s =
        (const rondo_server *)(const void *)((const char *)handle -
                                             offsetof(rondo_server, handle));
    char where[RONDO_ADDRESS_TEXT] = "-";
    rondo_address address;
    if (!s->closing && s->listeners &&
        sys_local_address(s->listener[0].io.fd, &address) == 0)
        (void)rondo_address_text(&address, where, sizeof where);
    if (s->instances && !s->closing)
        snprintf(where, sizeof where, "%s", server_pipe_name(s));
    const char *state = s->closing   ? "closing"
                        : s->retry   ? "out of room"
                        : s->serving ? "serving"
                                     : "paused";
    snprintf(text, size, "fd %lld, %s, %s, %u clients",
             s->listeners ? (long long)s->listener[0].io.fd : -1LL, where,
             state, s->clients);
    return true;
}

const struct handle_class server_class = {"server", server_close_at_loop_close,
                                          server_describe};

/* accept.c - accepts a server's clients, and pauses when that fails. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/observe.h"
#include "core/probe.h"
#include "net/server.h"
#include "stream/filter.h"

enum {
    ACCEPT_ROUNDS = 16,    /* in one dispatch */
    ACCEPT_RETRY_MS = 100, /* when the system had no room for one more */
    REPORTS_LIMIT = 10,    /* in a period */
    REPORT_PERIOD_S = 10
};

/* ---- trouble ---- */

static void accept_tell(rondo_server *s, int error)
{
    rondo_exception e = loop_exception(error);
    e.server = s;
    rondo_loop_call_exception_handler(s->loop, &e);
}

void server_report(rondo_server *s, int error)
{
    int64_t os_error = rondo_last_os_error();
    if (s->loop->now >= s->report_until) {
        s->report_until = s->loop->now + RONDO_SEC(REPORT_PERIOD_S);
        s->reports = 0;
    }
    if (s->reports >= REPORTS_LIMIT) {
        s->unreported++;
        return;
    }
    if (s->unreported) {
        error_set(error, "%s (and %u more before)", rondo_last_error(),
                  s->unreported);
        error_keep_os(os_error);
    }
    s->unreported = 0;
    s->reports++;
    accept_tell(s, error);
}

void server_report_rest(rondo_server *s)
{
    if (!s->unreported)
        return;
    unsigned more = s->unreported - 1;
    error_set(RONDO_OK, "server: the last client's handshake failed");
    if (more)
        error_set(RONDO_OK, "server: clients' handshakes failed (and %u more)",
                  more);
    s->unreported = 0;
    accept_tell(s, RONDO_OK);
}

static void accept_retry(rondo_loop *loop, void *arg)
{
    rondo_server *s = arg;
    (void)loop;
    assert(s->retry > 0 && !s->closing);
    s->retry = 0;
    server_settle(s);
}

void server_pause_for(rondo_server *s, int error)
{
    rondo_loop *loop = s->loop;
    int64_t when = sys_clock() + RONDO_MS(ACCEPT_RETRY_MS);
    if (!s->retry)
        s->retry = timers_start_hidden(loop, when, accept_retry, s);
    if (s->retry < 0)
        s->retry = 0; /* no memory for the timer: it goes on without a pause */
    if (s->reported)
        return;
    s->reported = true;
    error_in("server: cannot accept, and tries again", error);
    accept_tell(s, error);
}

/* Concerns this client or the network: the next accept may succeed. */
static bool accept_is_client_error(int error)
{
    switch (error) {
    case RONDO_ECONNABORTED:
    case RONDO_ECONNRESET:
    case RONDO_EPERM: /* Linux: a firewall's rule */
    case RONDO_ENETDOWN:
    case RONDO_ENETUNREACH:
    case RONDO_EHOSTUNREACH:
    case RONDO_ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

/* ---- a new connection ---- */

/* The process has no room for one more. */
static bool accept_is_shortage(int error)
{
    return error == RONDO_ENOMEM || error == RONDO_ENOBUFS ||
           error == RONDO_EMFILE || error == RONDO_ENFILE;
}

/* The program's factory, or start_server's, has refused a client: its own
 * decision, unless it had no room. */
static void accept_refused(rondo_server *s, int error)
{
    if (!accept_is_shortage(error))
        return;
    error_no_os();
    server_pause_for(s, error_os(error, "no room for a client"));
}

static int accept_choose_protocol(rondo_server *s, rondo_transport *t)
{
    const rondo_protocol *protocol = s->protocol;
    void *self = s->arg;
    if (!s->options.protocol_factory)
        return 0;
    int error;
    OBSERVE(s->loop, RONDO_DOES_PROTOCOL, "protocol_factory",
            s->options.protocol_factory, t,
            error =
                s->options.protocol_factory(s, s->arg, t, &protocol, &self));
    if (!error)
        error = LOOP_CHECK_TABLE(protocol, "protocol_factory", "protocol");
    t->protocol = protocol;
    t->self = self;
    return error;
}

/* The filters are ready or have failed. RONDO_ECANCELED and RONDO_ECLOSED are
 * not reported: the program has ended the client, or the loop, itself. */
static void accept_handshake_done(rondo_transport *t, void *arg, int error)
{
    rondo_server *s = arg;
    assert(s->clients && !s->ended); /* the client keeps its server */
    int refusal = error ? 0 : accept_choose_protocol(s, t);
    if (refusal) {
        stream_fail(t, RONDO_ECANCELED, STREAM_BY_RESET);
        accept_refused(s, refusal);
    } else if (!error) {
        stream_make(t);
    } else if (error != RONDO_ECANCELED && error != RONDO_ECLOSED) {
        server_report(s, error_in("server: a handshake failed", error));
    }
}

/* A setup that fails is told as a handshake that fails: often it is a function
 * of a filter's library, and the program hears of it in no other way. */
static void accept_setup_failed(rondo_server *s, int error)
{
    const char *words = error_given(error);
    if (accept_is_shortage(error)) {
        accept_refused(s, error);
        return;
    }
    if (error >= 0 || error == RONDO_ECANCELED)
        return;
    error_set(error, "server: setup refused a client: %s (%s)",
              words ? words : rondo_strerror(error), rondo_error_name(error));
    server_report(s, error);
}

static int accept_set_up(rondo_server *s, rondo_transport *t)
{
    stream_prepare(t);
    stream_open(t, s->protocol, s->arg);
    if (s->options.start_reading == RONDO_OFF)
        t->reading = READ_PAUSED;
    return s->options.setup ? s->options.setup(t, s->options.setup_arg) : 0;
}

static int accept_begin(rondo_server *s, rondo_transport *t)
{
    if (t->handshaking) {
        filters_wait(t, s->owner.handshake_ns, accept_handshake_done, s);
        return 0;
    }
    int error = accept_choose_protocol(s, t);
    if (!error)
        stream_begin(t);
    return error;
}

static void accept_hand_on(rondo_server *s, sys_fd fd,
                           const rondo_address *peer)
{
    s->reported = false;
    OBSERVE_DONE(s->loop, "accepted", s->options.accepted, s, s->arg,
                 (rondo_fd)fd, peer);
}

/* Takes the socket; after an error it is closed. */
static int accept_make_stream(const rondo_server *s, const struct listener *l,
                              sys_fd fd, const rondo_address *peer,
                              rondo_transport **t)
{
    const rondo_address *local = l && l->local.native_size ? &l->local : NULL;
    int error = stream_new_connected(s->loop, fd, peer, local, t);
    if (error)
        sys_close(fd);
    return error;
}

void server_begin(rondo_server *s, rondo_transport *t)
{
    assert(server_accepts(s) || s->part);
    assert(!s->closing && dispatch_runs(&s->dispatch));
    stream_own(t, &s->owner);
    server_count(s, 1);
    int failed = accept_set_up(s, t);
    int error = failed ? failed : accept_begin(s, t);
    if (error) {
        server_count(s, -1);
        stream_discard(t);
        if (failed)
            accept_setup_failed(s, failed);
        else
            accept_refused(s, error);
        return;
    }
    s->reported = false;
    stream_end(t);
}

static void accept_set_options(const rondo_server *s, sys_fd fd)
{
    if (s->options.no_delay != RONDO_OFF)
        (void)sys_option(fd, SYS_NO_DELAY, true);
    if (s->options.keep_alive == RONDO_ON)
        (void)sys_option(fd, SYS_KEEP_ALIVE, true);
}

/* l: where it was accepted; NULL: another server has, and handed it on. */
static void accept_take(rondo_server *s, const struct listener *l, sys_fd fd,
                        const rondo_address *peer)
{
    rondo_transport *t;
    PROBE2(server_accept, s, fd);
    if (!l || !l->inherits)
        accept_set_options(s, fd);
    if (s->options.accepted) {
        accept_hand_on(s, fd, peer);
        return;
    }
    int error = accept_make_stream(s, l, fd, peer, &t);
    if (error) {
        server_pause_for(s, error);
        return;
    }
    server_begin(s, t);
}

void server_take_handed(rondo_server *s, sys_fd fd, const rondo_address *peer)
{
    if (s->closing) {
        sys_close(fd);
        return;
    }
    dispatch_begin(&s->dispatch);
    accept_take(s, NULL, fd, peer);
    server_finish(s);
}

static bool accept_is_full(const rondo_server *s)
{
    return s->options.max_clients && s->clients >= s->options.max_clients;
}

bool server_accepts(const rondo_server *s)
{
    return s->serving && !s->closing && !s->retry && !accept_is_full(s);
}

static void accept_some(rondo_server *s, struct listener *l)
{
    for (int i = 0; i < ACCEPT_ROUNDS && server_accepts(s); i++) {
        sys_fd fd;
        rondo_address peer;
        int error = sys_accept(l->io.fd, &fd, &peer);
        if (error == RONDO_EAGAIN)
            return;
        if (error && !accept_is_client_error(error)) {
            server_pause_for(s, error_os(error, "accept"));
            return;
        }
        if (error)
            continue;
        accept_take(s, l, fd, &peer);
    }
}

/* The backend has accepted a client. The next accept is submitted before the
 * program is called, which may close the server. */
static void accept_accepted(rondo_server *s, struct acceptor *a)
{
    sys_fd fd = a->accept.accepted;
    rondo_address peer = a->accept.peer;
    if (s->closing) {
        sys_close(fd);
        return;
    }
    if (!server_accepts(s)) {
        server_hold(s, a);
        return;
    }
    s->clients++; /* so that settle sees whether this client is the last */
    server_settle(s);
    s->clients--;
    accept_take(s, a->listener, fd, &peer);
}

void server_accept_done(rondo_loop *loop, struct task *task)
{
    struct acceptor *a =
        (struct acceptor *)(void *)((char *)task -
                                    offsetof(struct acceptor, accept.op.task));
    struct listener *l = a->listener;
    rondo_server *s = l->server;
    (void)loop;
    assert(!a->held && !s->ended);
    dispatch_begin(&s->dispatch);
    if (!task->error && a->accept.op.count)
        accept_accepted(s, a);
    else if (!task->error)
        accept_some(s, l);
    else if (task->error != RONDO_ECANCELED &&
             !accept_is_client_error(task->error)) {
        error_keep_os(a->accept.op.os_error);
        server_pause_for(s, error_os(task->error, "accept"));
    }
    server_finish(s);
}

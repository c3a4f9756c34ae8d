/* connect.c - create_connection: from the call to its done. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/id.h"
#include "core/observe.h"
#include "core/probe.h"
#include "net/happy_eyeballs.h"
#include "stream/filter.h"
#include "threads/lookup.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One call of create_connection. It lives until its done is called. */
struct connect {
    struct handle handle;
    struct task deferred; /* runs connect_start */
    rondo_loop *loop;
    rondo_id id, timer;
    const rondo_protocol *protocol;
    void *self;
    rondo_connect_fn done;
    void *arg;
    rondo_lookup *lookup; /* NULL: no name is being looked up */
    struct happy_eyeballs race;
    rondo_transport *t;     /* the connection: adopted, or the race's winner */
    struct backoff backoff; /* of a named pipe */
    rondo_setup_fn setup;
    void *setup_arg;
    int (*factory)(rondo_loop *loop, void *arg, rondo_transport *t,
                   const rondo_protocol **protocol, void **self);
    void *factory_arg;
    bool adopted, racing;
    bool paused;      /* it begins without reading */
    bool pipe;        /* host is the name of one */
    bool handshaking; /* connected; its filters get ready */
    int lead;         /* addresses before the other family's first */
    uint16_t port;
    int stopped; /* RONDO_ECANCELED, RONDO_ETIMEDOUT: nothing more is tried */
    int64_t os_error;
    char host[]; /* the name or the path, or the address in words */
};

/* c->t is connected: calls setup, waits for filters, then connect_succeed. */
static void connect_begin(struct connect *c);
/* Frees c and calls done with the error. */
static void connect_fail(struct connect *c, int error);
static void connect_free(struct connect *c);

enum { ATTEMPT_DELAY_MS = 250 };

static void connect_race_over(struct happy_eyeballs *race, rondo_transport *t,
                              int error)
{
    struct connect *c =
        (struct connect *)(void *)((char *)race -
                                   offsetof(struct connect, race));
    assert(c->racing && !c->t && !c->lookup);
    c->racing = false;
    c->t = t;
    c->os_error = race->os_error;
    if (t)
        connect_begin(c);
    else
        connect_fail(c, error);
}

/* ---- a named pipe ---- */

static void connect_try_pipe(struct connect *c);

static void connect_retry_pipe(rondo_loop *loop, void *arg)
{
    struct connect *c = arg;
    (void)loop;
    assert(c->pipe && !c->stopped);
    c->backoff.timer = 0;
    connect_try_pipe(c);
}

/* Windows answers at once. If each instance has a client (RONDO_EBUSY), it
 * tries again after a delay. */
static void connect_try_pipe(struct connect *c)
{
    sys_fd fd;
    int error = sys_pipe_connect(c->host, &fd);
    if (error == RONDO_EBUSY) {
        error = backoff_begin(c->loop, &c->backoff, connect_retry_pipe, c);
        if (!error)
            return;
    } else if (!error) {
        error = stream_new_pipe(c->loop, fd, SIDE_READ | SIDE_WRITE, 0, &c->t);
        if (error)
            sys_pipe_discard(fd);
    }
    c->os_error = rondo_last_os_error();
    if (error)
        connect_fail(c, error);
    else
        connect_begin(c);
}

/* ---- the beginning ---- */

static void connect_run_race(struct connect *c)
{
    assert(!c->racing && !c->t && !c->stopped);
    c->racing = true;
    happy_eyeballs_start(&c->race);
}

static void connect_looked_up(rondo_loop *loop, void *arg,
                              const struct sys_names *found, int error)
{
    struct connect *c = arg;
    (void)loop;
    assert(c->lookup && !c->stopped); /* stopping cancels the look-up */
    c->lookup = NULL;
    c->os_error = rondo_last_os_error();
    for (size_t i = 0; i < found->count; i++)
        rondo_address_set_port(&found->addresses[i], c->port);
    if (!error && !found->count)
        error = RONDO_ENONAME;
    if (!error)
        error = happy_eyeballs_set(&c->race, found->addresses, found->count,
                                   c->lead);
    if (error)
        connect_fail(c, error);
    else
        connect_run_race(c);
}

static void connect_look_up(struct connect *c)
{
    rondo_lookup_hints hints = {.size = sizeof hints, .family = c->race.family};
    int error = lookup_start(c->loop, c->host, NULL, &hints, connect_looked_up,
                             c, &c->lookup);
    c->os_error = rondo_last_os_error();
    if (error)
        connect_fail(c, error);
}

static void connect_start(rondo_loop *loop, struct task *task)
{
    struct connect *c =
        (struct connect *)(void *)((char *)task -
                                   offsetof(struct connect, deferred));
    (void)loop;
    if (c->stopped)
        connect_fail(c, c->stopped);
    else if (c->adopted)
        connect_begin(c);
    else if (c->pipe)
        connect_try_pipe(c);
    else if (c->race.attempts)
        connect_run_race(c);
    else
        connect_look_up(c);
}

/* ---- cancelling ---- */

static void connect_stop(struct connect *c, int error)
{
    if (c->stopped)
        return;
    c->stopped = error;
    id_free(c->loop, c->id);
    if (c->lookup) {
        lookup_cancel(c->loop, c->lookup);
        c->lookup = NULL;
        loop_push(c->loop, &c->deferred);
    } else if (backoff_end(c->loop, &c->backoff)) {
        loop_push(c->loop, &c->deferred);
    } else if (c->racing) {
        happy_eyeballs_stop(&c->race, error);
    } else if (c->handshaking) {
        error_no_os();
        stream_fail(c->t, error, 0);
        stream_settle(c->t);
    }
    /* else it is on the ready list: connect_start sees c->stopped */
    loop_nudge(c->loop);
}

static void connect_cancel(rondo_loop *loop, struct handle *handle)
{
    (void)loop;
    connect_stop((struct connect *)(void *)handle, RONDO_ECANCELED);
}

static void connect_on_timeout(rondo_loop *loop, void *arg)
{
    struct connect *c = arg;
    (void)loop;
    assert(c->timer > 0);
    c->timer = 0;
    connect_stop(c, RONDO_ETIMEDOUT);
}

/* ---- the call ---- */

static int connect_check(const rondo_connect_options *o,
                         const rondo_protocol *protocol)
{
    const char *what = "create_connection";
    int targets = (o->host ? 1 : 0) + (o->path ? 1 : 0) + (o->address ? 1 : 0) +
                  (o->socket ? 1 : 0);
    if (targets != 1)
        return error_set(RONDO_EINVAL,
                         "%s: exactly one of host, path, address and socket, "
                         "not %d",
                         what, targets);
    int error = o->protocol_factory
                    ? LOOP_CHECK_TABLE_OR_NULL(protocol, what, "protocol")
                    : LOOP_CHECK_TABLE(protocol, what, "protocol");
    if (!error && o->host)
        error = lookup_check_host(o->host, what);
    if (error)
        return error;
    if (o->address && rondo_address_family(o->address) == RONDO_FAMILY_ANY)
        return error_set(RONDO_EINVAL, "%s: an empty address", what);
    if (o->timeout_ns < 0 || (unsigned)o->family > RONDO_FAMILY_INET6)
        return error_set(RONDO_EINVAL,
                         "%s: a negative timeout or an unknown "
                         "family",
                         what);
    return 0;
}

static void connect_set_race(struct connect *c, const rondo_connect_options *o)
{
    c->race.loop = c->loop;
    c->race.family = o->path ? RONDO_FAMILY_ANY : o->family;
    c->race.has_local = o->local_address != NULL;
    if (o->local_address)
        c->race.local = *o->local_address;
    c->race.no_delay = o->no_delay != RONDO_OFF;
    c->race.keep_alive = o->keep_alive == RONDO_ON;
    c->race.delay_ns = o->happy_eyeballs_delay_ns ? o->happy_eyeballs_delay_ns
                                                  : RONDO_MS(ATTEMPT_DELAY_MS);
    c->race.over = connect_race_over;
}

static struct connect *connect_new(rondo_loop *loop,
                                   const rondo_connect_options *o)
{
    char text[RONDO_ADDRESS_TEXT] = "";
    if (o->address)
        (void)rondo_address_text(o->address, text, sizeof text);
    const char *host = o->host ? o->host : o->path ? o->path : text;
    size_t size = strlen(host) + 1;
    struct connect *c = loop_alloc(loop, sizeof *c + size);
    if (!c)
        return NULL;
    *c = (struct connect){.loop = loop,
                          .port = o->port,
                          .setup = o->setup,
                          .setup_arg = o->setup_arg,
                          .factory = o->protocol_factory,
                          .factory_arg = o->factory_arg,
                          .paused = o->start_reading == RONDO_OFF};
    c->lead = o->interleave ? o->interleave : 1;
    memcpy(c->host, host, size);
    c->deferred.done = connect_start;
    connect_set_race(c, o);
    return c;
}

static int connect_adopt(struct connect *c, rondo_fd socket)
{
    int error = stream_adopt(c->loop, socket, "create_connection", &c->t);
    c->adopted = !error;
    if (!error)
        happy_eyeballs_set_options(&c->race, c->t->io.fd);
    return error;
}

static int connect_set_pipe(struct connect *c, const char *name)
{
    if (c->race.has_local)
        return error_set(RONDO_EAFNOSUPPORT,
                         "create_connection: a pipe has no local address");
    int error = stream_pipe_name(c->loop, name, "create_connection");
    c->pipe = !error;
    return error;
}

/* Takes the socket, or the one address that a path or a literal address is. A
 * name keeps race.attempts NULL, so that connect_start looks it up. */
static int connect_set_target(struct connect *c, const rondo_connect_options *o)
{
    rondo_address made;
    const rondo_address *target = o->address;
    int error = 0;
    if (o->socket)
        return connect_adopt(c, *o->socket);
    if (o->path && sys_is_pipe_name(o->path))
        return connect_set_pipe(c, o->path);
    if (o->path) {
        error = address_of_path(&made, o->path, "create_connection");
        target = &made;
    } else if (o->host && !rondo_address_parse(&made, o->host, o->port)) {
        target = &made;
    }
    if (!error && target && happy_eyeballs_set(&c->race, target, 1, c->lead))
        error = error_set(RONDO_ENOMEM, "create_connection: out of memory");
    return error;
}

static int connect_set_timeout(struct connect *c, int64_t timeout_ns)
{
    int64_t now = sys_clock();
    if (!timeout_ns || timeout_ns > RONDO_NEVER - now)
        return 0;
    c->timer =
        timers_start_hidden(c->loop, now + timeout_ns, connect_on_timeout, c);
    return c->timer < 0 ? (int)c->timer : 0;
}

rondo_id rondo_create_connection(rondo_loop *loop,
                                 const rondo_connect_options *options,
                                 const rondo_protocol *protocol, void *self,
                                 rondo_connect_fn done, void *arg)
{
    rondo_connect_options o;
    int error = loop_check_create(loop, "create_connection");
    if (!error)
        error = loop_options(&o, sizeof o, options, "create_connection");
    if (!error)
        error = connect_check(&o, protocol);
    if (error)
        return error;
    struct connect *c = connect_new(loop, &o);
    if (!c)
        return error_set(RONDO_ENOMEM, "create_connection: out of memory");
    c->protocol = protocol;
    c->self = self;
    c->done = done;
    c->arg = arg;
    handle_open(loop, &c->handle, HANDLE_OPERATION);
    c->id = id_new(loop, &c->handle, connect_cancel);
    error = c->id < 0 ? (int)c->id : connect_set_timeout(c, o.timeout_ns);
    if (!error)
        error = connect_set_target(c, &o);
    if (error) {
        connect_free(c);
        return error;
    }
    rondo_id id = c->id;
    loop_push(loop, &c->deferred);
    loop_nudge(loop);
    return id;
}

/* ---- for the loop ---- */

static void connect_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    connect_cancel(loop, handle);
}

static bool connect_describe(const struct handle *handle, char *text,
                             size_t size)
{
    const struct connect *c = (const struct connect *)(const void *)handle;
    snprintf(text, size, "fd %lld, to %.100s, %s",
             (long long)(c->t ? c->t->io.fd : happy_eyeballs_fd(&c->race)),
             *c->host ? c->host : "-",
             c->lookup        ? "looking up"
             : c->handshaking ? "handshake"
                              : "connecting");
    return true;
}

const struct handle_class connect_class = {
    "connect", connect_close_at_loop_close, connect_describe};

static void connect_free(struct connect *c)
{
    assert(!c->lookup && !c->racing && c->backoff.timer <= 0);
    id_free(c->loop, c->id);
    if (c->timer > 0)
        (void)timers_cancel(c->loop, c->timer);
    handle_close(c->loop, &c->handle);
    happy_eyeballs_free(&c->race);
    loop_free(c->loop, c);
}

/* One address was tried, which is what the program has named. */
static bool connect_repeats_host(const struct connect *c, const char *host)
{
    const char *tried = c->race.tried;
    size_t size = strlen(host), bracket = *tried == '[';
    return strncmp(tried + bracket, host, size) == 0 &&
           (tried[bracket + size] == ':' || tried[bracket + size] == ']') &&
           !strstr(tried, "; ");
}

/* What to do about it; NULL: who knows. Not about what the program itself has
 * done or refused. */
static const char *connect_advice(const struct connect *c, int error)
{
    if (c->stopped == RONDO_ECANCELED || !c->os_error)
        return error == RONDO_ENONAME
                   ? "check the name, and that this machine can look up names"
                   : NULL;
    switch (error) {
    case RONDO_ECONNREFUSED:
        return "nobody listens there";
    case RONDO_ENOENT:
        return "no server has made it";
    case RONDO_EACCES:
        return "it is not for this user";
    case RONDO_ENETUNREACH:
    case RONDO_EHOSTUNREACH:
        return "this machine has no way there";
    case RONDO_ETIMEDOUT:
        return "no answer: it is down, or a firewall drops what is sent";
    case RONDO_ENONAME:
        return "check the name, and that this machine can look up names";
    case RONDO_EMFILE:
        return "close some descriptors, or raise the limit (ulimit -n)";
    default:
        return NULL;
    }
}

static void connect_tell(struct connect *c, int error)
{
    const char *host = *c->host ? c->host : "the socket";
    const char *what = "create_connection: cannot connect to";
    if (connect_repeats_host(c, host))
        error_set(error, "%s %s", what, c->race.tried);
    else if (*c->race.tried)
        error_set(error, "%s %s: %s", what, host, c->race.tried);
    else if (c->stopped)
        error_set(error, "%s %s: %s (%s)", what, host, rondo_strerror(error),
                  rondo_error_name(error));
    else
        error_os(error, "%s %s", what, host);
    error_advise(error, connect_advice(c, error));
}

/* Without done nobody else hears of it. */
static void connect_report(rondo_loop *loop, int error)
{
    rondo_exception e = loop_exception(error);
    rondo_loop_call_exception_handler(loop, &e);
}

static void connect_fail(struct connect *c, int error)
{
    rondo_loop *loop = c->loop;
    rondo_connect_fn done = c->done;
    void *arg = c->arg;
    int64_t os_error = c->os_error;
    PROBE2(connect_fail, loop, error);
    if (c->t)
        stream_discard(c->t);
    connect_tell(c, error);
    if (os_error && !c->stopped)
        error_keep_os(os_error);
    connect_free(c);
    if (done)
        OBSERVE_DONE(loop, "create_connection", done, loop, arg, NULL, error);
    else if (error != RONDO_ECANCELED)
        connect_report(loop, error);
}

/* As setup, it may cancel the connect: then that is the error. */
static int connect_choose_protocol(struct connect *c)
{
    const rondo_protocol *protocol = c->protocol;
    void *self = c->self;
    rondo_transport *t = c->t;
    if (!c->factory)
        return 0;
    int error;
    OBSERVE(c->loop, RONDO_DOES_PROTOCOL, "protocol_factory", c->factory, t,
            error = c->factory(c->loop, c->factory_arg, t, &protocol, &self));
    if (!error && !c->stopped)
        error = LOOP_CHECK_TABLE(protocol, "protocol_factory", "protocol");
    t->protocol = protocol;
    t->self = self;
    return c->stopped ? c->stopped : error;
}

/* The transport is ready: from here on nothing cancels the connect. */
static void connect_succeed(struct connect *c)
{
    assert(c->t && !c->stopped);
    rondo_loop *loop = c->loop;
    rondo_connect_fn done = c->done;
    void *arg = c->arg;
    rondo_transport *t = c->t;
    PROBE2(connect_done, loop, t);
    handle_set_background(loop, &t->handle, c->handle.background);
    connect_free(c);
    stream_make(t);
    if (done)
        OBSERVE_DONE(loop, "create_connection", done, loop, arg, t, 0);
}

/* `who`, a function of the program's, does not want it: c->t's error. */
static int connect_note_refusal(struct connect *c, int error, const char *who)
{
    const char *words = error_given(error);
    c->os_error = 0;
    if (error >= 0)
        error = RONDO_ECANCELED;
    if (!c->stopped)
        snprintf(c->race.tried, sizeof c->race.tried, "%s: %s (%s)", who,
                 words ? words : rondo_strerror(error),
                 rondo_error_name(error));
    return c->stopped ? c->stopped : error;
}

static void connect_refuse(struct connect *c, int error, const char *who)
{
    c->t->error = connect_note_refusal(c, error, who);
    connect_fail(c, c->t->error);
}

static void connect_handshake_done(rondo_transport *t, void *arg, int error)
{
    struct connect *c = arg;
    assert(c->handshaking && c->t == t);
    if (!error) {
        c->handshaking = false;
        error = connect_choose_protocol(c);
        if (!error) {
            connect_succeed(c);
            return;
        }
        error = connect_note_refusal(c, error, "protocol_factory");
        stream_fail(t, error, STREAM_BY_RESET);
    } else {
        c->os_error = t->os_error;
        snprintf(c->race.tried, sizeof c->race.tried, "%s", rondo_last_error());
    }
    c->t = NULL; /* the transport ends by itself */
    connect_fail(c, c->stopped ? c->stopped : error);
}

/* Until done is called, the connect keeps the loop running and not its
 * transport, and the program may cancel it. */
static void connect_begin(struct connect *c)
{
    rondo_transport *t = c->t;
    assert(t && !c->racing && !c->stopped);
    stream_prepare(t);
    stream_open(t, c->protocol, c->self);
    handle_set_background(c->loop, &t->handle, true);
    if (c->paused)
        t->reading = READ_PAUSED;
    int error = c->setup ? c->setup(t, c->setup_arg) : 0;
    if (error || c->stopped) {
        connect_refuse(c, error, "setup");
        return;
    }
    if (t->handshaking) {
        c->handshaking = true;
        filters_wait(t, RONDO_NEVER, connect_handshake_done, c);
    } else if ((error = connect_choose_protocol(c))) {
        connect_refuse(c, error, "protocol_factory");
        return;
    } else {
        connect_succeed(c);
    }
    stream_end(t);
}

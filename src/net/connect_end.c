/* connect_end.c - how a connect ends: a transport, or an error. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/id.h"
#include "net/connect.h"
#include "stream/filter.h"

#include <stdio.h>

void connect_free(struct connect *c)
{
    id_free(c->loop, c->id);
    if (c->timer > 0)
        (void)timers_cancel(c->loop, c->timer);
    handle_close(c->loop, &c->handle);
    race_free(&c->race);
    loop_free(c->loop, c);
}

static void tell(struct connect *c, int error)
{
    const char *host = *c->host ? c->host : "the socket";
    const char *what = "create_connection: cannot connect to";
    if (*c->race.tried)
        error_set(error, "%s %s: %s", what, host, c->race.tried);
    else if (c->stopped)
        error_set(error, "%s %s: %s (%s)", what, host, rondo_strerror(error),
                  rondo_error_name(error));
    else
        error_os(error, "%s %s", what, host);
}

void connect_fail(struct connect *c, int error)
{
    rondo_loop *loop = c->loop;
    rondo_connect_fn done = c->done;
    void *arg = c->arg;
    int64_t os_error = c->os_error;
    if (c->t)
        stream_discard(c->t);
    tell(c, error);
    if (os_error && !c->stopped)
        error_keep_os(os_error);
    connect_free(c);
    if (done)
        done(loop, arg, NULL, error);
}

/* Connected, and the filters are ready: nothing cancels it any more. */
static void succeed(struct connect *c)
{
    rondo_loop *loop = c->loop;
    rondo_connect_fn done = c->done;
    void *arg = c->arg;
    rondo_transport *t = c->t;
    handle_set_background(loop, &t->handle, c->handle.background);
    connect_free(c);
    stream_make(t);
    if (done)
        done(loop, arg, t, 0);
}

static void shaken(rondo_transport *t, void *arg, int error)
{
    struct connect *c = arg;
    if (!error) {
        succeed(c);
        return;
    }
    c->os_error = t->os_error;
    snprintf(c->race.tried, sizeof c->race.tried, "%s", rondo_last_error());
    c->t = NULL; /* it ends by itself */
    connect_fail(c, c->stopped ? c->stopped : error);
}

static void refuse(struct connect *c, int error)
{
    const char *words = error_given(error);
    c->os_error = 0;
    c->t->error = error < 0 ? error : RONDO_ECANCELED;
    if (!c->stopped)
        snprintf(c->race.tried, sizeof c->race.tried, "setup: %s (%s)",
                 words ? words : rondo_strerror(c->t->error),
                 rondo_error_name(c->t->error));
    connect_fail(c, c->stopped ? c->stopped : c->t->error);
}

/* Until `done` is told the connect is what keeps the loop alive, and what the
 * program may cancel. */
void connect_begin(struct connect *c)
{
    rondo_transport *t = c->t;
    stream_prepare(t);
    stream_open(t, c->protocol, c->self);
    handle_set_background(c->loop, &t->handle, true);
    int error = c->setup ? c->setup(t, c->setup_arg) : 0;
    if (error || c->stopped) {
        refuse(c, error);
        return;
    }
    if (t->flags & STREAM_SHAKING) {
        c->shaking = true;
        filters_wait(t, RONDO_NEVER, shaken, c);
    } else {
        succeed(c);
    }
    stream_end(t);
}

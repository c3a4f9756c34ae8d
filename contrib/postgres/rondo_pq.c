/* rondo_pq.c - libpq's connections to PostgreSQL on a Rondo loop. */
/* SPDX-License-Identifier: MIT */
#include "rondo_pq.h"

#include "../options.h"

#include <stdio.h>
#include <stdlib.h>

enum pq_state { PQ_CONNECTING, PQ_CONNECTED, PQ_LOST };

struct rondo_pq {
    rondo_loop *loop;
    PGconn *conn;
    rondo_pq_protocol protocol;
    enum pq_state state;
    int fd;                /* the one that is watched, or -1 */
    unsigned events;       /* for which */
    rondo_pq_result_fn fn; /* of the query that is under way, or NULL */
    void *arg;
    rondo_id soon; /* looks at results that are there already, or 0 */
    bool busy;     /* the program is being called: */
    bool ended;    /* it was freed there, and the memory goes after it */
};

static void on_event(rondo_loop *loop, rondo_fd fd, unsigned events, void *arg);

/* ---- watching ----------------------------------------------------------- */

static void unwatch(rondo_pq *pq)
{
    if (pq->fd >= 0)
        (void)rondo_unwatch(pq->loop, pq->fd);
    pq->fd = -1;
}

static int watch(rondo_pq *pq, unsigned events)
{
    int fd = PQsocket(pq->conn);
    if (fd == pq->fd && events == pq->events)
        return 0;
    if (fd != pq->fd)
        unwatch(pq);
    if (fd < 0)
        return rondo_set_error(RONDO_ENOTCONN, "libpq has no socket");
    int error = rondo_watch(pq->loop, fd, events, on_event, pq);
    if (error < 0)
        return error;
    pq->fd = fd;
    pq->events = events;
    return 0;
}

/* ---- telling: each returns false if the program has freed pq ------------- */

/* After a call into the program. */
static bool told(rondo_pq *pq)
{
    bool ended = pq->ended;
    pq->busy = false;
    if (ended)
        free(pq);
    return !ended;
}

static bool tell_result(rondo_pq *pq, const PGresult *result, int error)
{
    rondo_pq_result_fn fn = pq->fn;
    if (!result)
        pq->fn = NULL; /* it may send the next one */
    pq->busy = true;
    fn(pq->loop, pq->arg, result, error);
    return told(pq);
}

static bool tell_error(rondo_pq *pq,
                       void (*fn)(rondo_loop *loop, void *arg, int error),
                       int error)
{
    if (!fn)
        return true;
    pq->busy = true;
    fn(pq->loop, pq->protocol.arg, error);
    return told(pq);
}

static bool tell_notify(rondo_pq *pq, const PGnotify *notify)
{
    if (!pq->protocol.notified)
        return true;
    pq->busy = true;
    pq->protocol.notified(pq->loop, pq->protocol.arg, notify);
    return told(pq);
}

/* ---- the end ------------------------------------------------------------ */

/* libpq's sentence ends with a newline, and so may its lines before. */
static int pq_error(const rondo_pq *pq, int error)
{
    const char *text = PQerrorMessage(pq->conn);
    size_t length = strlen(text);
    while (length && text[length - 1] == '\n')
        length--;
    return rondo_set_error(error, "%.*s", (int)(length < 400 ? length : 400),
                           text);
}

/* The sentence is there. */
static void lose(rondo_pq *pq, int error)
{
    bool connecting = pq->state == PQ_CONNECTING;
    unwatch(pq);
    pq->state = PQ_LOST;
    if (pq->fn && !tell_result(pq, NULL, error))
        return;
    (void)tell_error(
        pq, connecting ? pq->protocol.connected : pq->protocol.lost, error);
}

/* ---- connecting --------------------------------------------------------- */

/* The socket that libpq has now may be another one with the same number, so it
 * is watched anew each time. */
static void go_on_connecting(rondo_pq *pq)
{
    int error = 0;
    unwatch(pq);
    switch (PQconnectPoll(pq->conn)) {
    case PGRES_POLLING_READING:
        error = watch(pq, RONDO_READABLE);
        break;
    case PGRES_POLLING_WRITING:
        error = watch(pq, RONDO_WRITABLE);
        break;
    case PGRES_POLLING_OK:
        error = PQsetnonblocking(pq->conn, 1) == 0 ? watch(pq, RONDO_READABLE)
                                                   : pq_error(pq, RONDO_ENOMEM);
        if (error)
            break;
        pq->state = PQ_CONNECTED;
        (void)tell_error(pq, pq->protocol.connected, 0);
        return;
    default:
        error = pq_error(pq, RONDO_ECONNREFUSED);
    }
    if (error)
        lose(pq, error);
}

/* ---- connected ---------------------------------------------------------- */

/* Writes what waits. */
static int flush(rondo_pq *pq)
{
    int left = PQflush(pq->conn);
    if (left < 0)
        return pq_error(pq, RONDO_ECONNRESET);
    return watch(pq, RONDO_READABLE | (left ? RONDO_WRITABLE : 0U));
}

/* Returns false if pq is gone. */
static bool tell_results(rondo_pq *pq)
{
    while (pq->fn && !PQisBusy(pq->conn)) {
        PGresult *result = PQgetResult(pq->conn);
        bool there = tell_result(pq, result, 0);
        PQclear(result);
        if (!there)
            return false;
    }
    return true;
}

static bool tell_notifies(rondo_pq *pq)
{
    PGnotify *notify;
    bool there = true;
    while (there && (notify = PQnotifies(pq->conn))) {
        there = tell_notify(pq, notify);
        PQfreemem(notify);
    }
    return there;
}

/* What the server has sent before it closed is told first. */
static void go_on(rondo_pq *pq)
{
    bool lost = PQconsumeInput(pq->conn) == 0;
    int error = lost ? pq_error(pq, RONDO_ECONNRESET) : flush(pq);
    char sentence[512];
    (void)snprintf(sentence, sizeof sentence, "%s",
                   error ? rondo_last_error() : "");
    if (!tell_results(pq) || !tell_notifies(pq) || pq->state != PQ_CONNECTED)
        return;
    if (error)
        lose(pq, rondo_set_error(error, "%s", sentence));
}

static void on_event(rondo_loop *loop, rondo_fd fd, unsigned events, void *arg)
{
    rondo_pq *pq = arg;
    (void)loop, (void)fd, (void)events;
    if (pq->state == PQ_CONNECTING)
        go_on_connecting(pq);
    else
        go_on(pq);
}

/* ---- for the program ---------------------------------------------------- */

int rondo_pq_connect(rondo_loop *loop, const char *conninfo,
                     const rondo_pq_protocol *protocol, rondo_pq **made)
{
    rondo_pq_protocol known;
    int error =
        contrib_options(&known, sizeof known, protocol, "rondo_pq_connect");
    if (error < 0)
        return error;
    if (!loop || !conninfo || !protocol || !made)
        return rondo_set_error(RONDO_EINVAL,
                               "rondo_pq_connect: no loop, conninfo, protocol "
                               "or pq");
    rondo_pq *pq = calloc(1, sizeof *pq);
    if (!pq)
        return rondo_set_error(RONDO_ENOMEM, "rondo_pq_connect: no memory");
    *pq = (rondo_pq){.loop = loop,
                     .conn = PQconnectStart(conninfo),
                     .protocol = known,
                     .fd = -1};
    if (!pq->conn)
        error = rondo_set_error(RONDO_ENOMEM, "rondo_pq_connect: no memory");
    else if (PQstatus(pq->conn) == CONNECTION_BAD)
        error = pq_error(pq, RONDO_ECONNREFUSED);
    else
        error = watch(pq, RONDO_WRITABLE);
    if (error) {
        rondo_pq_free(pq);
        return error;
    }
    *made = pq;
    return 0;
}

void rondo_pq_free(rondo_pq *pq)
{
    if (!pq)
        return;
    if (pq->soon > 0)
        (void)rondo_cancel(pq->loop, pq->soon);
    unwatch(pq);
    PQfinish(pq->conn);
    pq->ended = true;
    if (!pq->busy)
        free(pq);
}

PGconn *rondo_pq_connection(rondo_pq *pq)
{
    return pq->conn;
}

static void look_soon(rondo_loop *loop, void *arg)
{
    rondo_pq *pq = arg;
    (void)loop;
    pq->soon = 0;
    (void)tell_results(pq);
}

int rondo_pq_await(rondo_pq *pq, rondo_pq_result_fn fn, void *arg)
{
    if (!pq || !fn)
        return rondo_set_error(RONDO_EINVAL, "rondo_pq_await: no pq or fn");
    if (pq->state != PQ_CONNECTED)
        return rondo_set_error(RONDO_ENOTCONN,
                               "rondo_pq_await: it is not connected");
    if (pq->fn)
        return rondo_set_error(RONDO_EBUSY,
                               "rondo_pq_await: the last query has not ended");
    int error = flush(pq);
    if (!error && !PQisBusy(pq->conn) && !pq->soon) { /* flush has read it */
        pq->soon = rondo_call_soon(pq->loop, look_soon, pq);
        error = pq->soon < 0 ? (int)pq->soon : 0;
        pq->soon = pq->soon < 0 ? 0 : pq->soon;
    }
    if (error)
        return error;
    pq->fn = fn;
    pq->arg = arg;
    return 0;
}

/* rondo_pq.h - libpq's connections to PostgreSQL on a Rondo loop. */
/* SPDX-License-Identifier: MIT */
/**
 * libpq speaks the protocol; the loop watches its socket. All functions are
 * called on the loop's thread.
 *
 * Stability: may change; since 0.1.
 */
#ifndef RONDO_PQ_H
#define RONDO_PQ_H

#include <libpq-fe.h>
#include <rondo.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A connection to a server. */
typedef struct rondo_pq rondo_pq;

/** What the loop calls for a connection. Begin with
 * {.size = sizeof(rondo_pq_protocol)}. A member that is NULL is not called.
 * Each member may call rondo_pq_free. */
typedef struct rondo_pq_protocol {
    size_t size;
    /** Called once, when connecting has ended. error is 0, RONDO_ECONNREFUSED
     * or RONDO_ENOMEM; rondo_last_error then has the words of PostgreSQL. */
    void (*connected)(rondo_loop *loop, void *arg, int error);
    /** A notification (NOTIFY) that the connection listens for. Lent for the
     * call. */
    void (*notified)(rondo_loop *loop, void *arg, const PGnotify *notify);
    /** Called once, after connected(0): the server has ended the connection, or
     * the loop cannot watch it. The query that waits has been told before. */
    void (*lost)(rondo_loop *loop, void *arg, int error);
    void *arg; /**< Given to each function. */
} rondo_pq_protocol;

/**
 * Starts to connect, with a connection string (PQconnectStart). The connection
 * keeps rondo_loop_run going. Free it before the loop is closed.
 *
 * This call blocks while it looks up a host's name: give hostaddr, or the
 * directory of a unix socket. libpq's connect_timeout has no effect: use a timer
 * and rondo_pq_free.
 *
 * Returns 0, or an error; rondo_last_error says why:
 * - RONDO_EINVAL: no loop, no string, no protocol or no size
 * - RONDO_ECONNREFUSED: libpq refuses at once
 * - RONDO_ENOMEM
 */
RONDO_MUST_CHECK int rondo_pq_connect(rondo_loop *loop, const char *conninfo,
                                      const rondo_pq_protocol *protocol,
                                      rondo_pq **pq);

/** Closes the connection (PQfinish): nothing is called any more. NULL is
 * ignored. */
void rondo_pq_free(rondo_pq *pq);

/** Returns the connection, for PQsendQuery, PQsendQueryParams, PQsendPrepare,
 * PQescapeLiteral and other functions that do not block. It is in non-blocking
 * mode and stays Rondo's. */
PGconn *rondo_pq_connection(rondo_pq *pq);

/** Gets one result of a query, lent for the call. result NULL and error 0: the
 * query has ended, and the next one may be sent. result NULL and an error: the
 * connection is lost. */
typedef void (*rondo_pq_result_fn)(rondo_loop *loop, void *arg,
                                   const PGresult *result, int error);

/**
 * Calls fn for each result of a query that a PQsend function has accepted
 * (returned 1). The loop sends what libpq has left to send, and calls fn. libpq
 * allows one query at a time; COPY and pipelines are not supported.
 *
 * Returns 0, or an error:
 * - RONDO_EBUSY: the last query has not ended
 * - RONDO_ENOTCONN: not connected
 * - RONDO_EINVAL: no function
 *
 * As PQgetResult.
 */
RONDO_MUST_CHECK int rondo_pq_await(rondo_pq *pq, rondo_pq_result_fn fn,
                                    void *arg);

#ifdef __cplusplus
}
#endif

#endif

/* rondo_pq.h - libpq's connections to PostgreSQL on a Rondo loop. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_PQ_H
#define RONDO_PQ_H

#include <libpq-fe.h>
#include <rondo.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rondo_pq rondo_pq;

/** What a program is told of a connection, from the loop. Begin with
 * {.size = sizeof(rondo_pq_protocol)}; what is NULL is not told. Each may call
 * rondo_pq_free. */
typedef struct rondo_pq_protocol {
    size_t size;
    /** Once: it is connected (0), or not, and rondo_last_error says what
     * PostgreSQL says (RONDO_ECONNREFUSED, RONDO_ENOMEM). */
    void (*connected)(rondo_loop *loop, void *arg, int error);
    /** A NOTIFY that it listens for. Lent for the call. */
    void (*notified)(rondo_loop *loop, void *arg, const PGnotify *notify);
    /** The server is gone, or the connection cannot be watched. Once, after
     * what waits for a result has been told; only after connected(0). */
    void (*lost)(rondo_loop *loop, void *arg, int error);
    void *arg;
} rondo_pq_protocol;

/**
 * Begins to connect, with a connection string (PQconnectStart). A host given
 * by its name is looked up in this call, which waits for it: give hostaddr, or
 * a socket's directory. libpq's connect_timeout does not count: use a timer and
 * rondo_pq_free. The connection keeps rondo_loop_run going. Free it before the
 * loop is closed. 0; RONDO_EINVAL: no loop, string, protocol or size;
 * RONDO_ECONNREFUSED: libpq refuses at once; RONDO_ENOMEM. rondo_last_error
 * says why. The loop's thread, for all functions.
 */
RONDO_MUST_CHECK int rondo_pq_connect(rondo_loop *loop, const char *conninfo,
                                      const rondo_pq_protocol *protocol,
                                      rondo_pq **pq);

/** Closes the connection (PQfinish): nothing is told any more. NULL is
 * ignored. */
void rondo_pq_free(rondo_pq *pq);

/** For PQsendQuery, PQsendQueryParams, PQsendPrepare, PQescapeLiteral and
 * others: whatever does not wait. It is non-blocking. */
PGconn *rondo_pq_connection(rondo_pq *pq);

/** One result of a query, lent for the call; NULL with 0: that was all, and the
 * next query may be sent; NULL with an error: the connection is lost. */
typedef void (*rondo_pq_result_fn)(rondo_loop *loop, void *arg,
                                   const PGresult *result, int error);

/**
 * Call it once a PQsend function of libpq has returned 1: sends what waits, and
 * tells each result from the loop. One query at a time, as libpq has it; COPY
 * and pipelines are not driven. 0; RONDO_EBUSY: the last one has not ended;
 * RONDO_ENOTCONN: it is not connected; RONDO_EINVAL: no function. As
 * PQgetResult.
 */
RONDO_MUST_CHECK int rondo_pq_await(rondo_pq *pq, rondo_pq_result_fn fn,
                                    void *arg);

#ifdef __cplusplus
}
#endif

#endif

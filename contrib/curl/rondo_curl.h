/* rondo_curl.h - libcurl's multi interface on a Rondo loop. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CURL_H
#define RONDO_CURL_H

#include <curl/curl.h>
#include <rondo.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rondo_curl rondo_curl;

/** The transfer has ended, with CURLE_OK or why not. It has left the handle
 * already: easy is the program's, which may read its results, clean it up, or
 * start it again. From the loop. */
typedef void (*rondo_curl_done_fn)(rondo_loop *loop, void *arg, CURL *easy,
                                   CURLcode result);

/**
 * Makes a CURLM that the loop drives: its sockets are watched, its timeout is a
 * timer (CURLMOPT_SOCKETFUNCTION and CURLMOPT_TIMERFUNCTION, which the program
 * leaves alone, as CURLOPT_PRIVATE of each transfer). Call curl_global_init
 * first. Free it before the loop is closed. 0; RONDO_EINVAL: no loop or no
 * place for it; RONDO_ENOMEM; RONDO_EOTHER: libcurl refuses. rondo_last_error
 * says why. The loop's thread, for all functions.
 */
RONDO_MUST_CHECK int rondo_curl_new(rondo_loop *loop, rondo_curl **curl);

/** Transfers under way leave it without their done; the easy handles stay the
 * program's. Also from a done or a callback of the loop, not from one of
 * libcurl's. NULL is ignored. */
void rondo_curl_free(rondo_curl *curl);

/** For curl_multi_setopt: limits of connections, multiplexing. */
CURLM *rondo_curl_multi(rondo_curl *curl);

/**
 * Starts a transfer; easy is lent until done is called once, from the loop.
 * The transfer keeps rondo_loop_run going. 0; RONDO_EINVAL: no easy handle or
 * no done; RONDO_EBUSY: it is under way already; RONDO_ENOMEM; RONDO_EOTHER.
 * As curl_multi_add_handle.
 */
RONDO_MUST_CHECK int rondo_curl_start(rondo_curl *curl, CURL *easy,
                                      rondo_curl_done_fn done, void *arg);

/** Ends a transfer: done is not called any more. 0; RONDO_ENOENT: it is not
 * under way; RONDO_EBUSY: in a callback of libcurl's. As
 * curl_multi_remove_handle. */
RONDO_MUST_CHECK int rondo_curl_stop(rondo_curl *curl, CURL *easy);

#ifdef __cplusplus
}
#endif

#endif

/* rondo_curl.h - libcurl's multi interface on a Rondo loop. */
/* SPDX-License-Identifier: MIT */
/**
 * libcurl makes the transfers; the loop watches its sockets and runs its timer.
 * All functions are called on the loop's thread. Call curl_global_init first.
 *
 *     CURL *easy = curl_easy_init();
 *     curl_easy_setopt(easy, CURLOPT_URL, "http://localhost/");
 *     rondo_curl_new(loop, &curl);
 *     rondo_curl_start(curl, easy, finished, NULL);
 *     rondo_loop_run(loop);
 *     rondo_curl_free(curl);
 *
 * Stability: may change; since 0.1.
 */
#ifndef RONDO_CURL_H
#define RONDO_CURL_H

#include <curl/curl.h>
#include <rondo.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A CURLM that a loop drives. */
typedef struct rondo_curl rondo_curl;

/** Tells that a transfer has ended: result is CURLE_OK, or why it failed. The
 * loop calls it. The easy handle is the program's again: the program may read
 * its results, clean it up, or start it again, also inside this call. */
typedef void (*rondo_curl_done_fn)(rondo_loop *loop, void *arg, CURL *easy,
                                   CURLcode result);

/**
 * Makes a CURLM that the loop drives. It sets CURLMOPT_SOCKETFUNCTION and
 * CURLMOPT_TIMERFUNCTION, and CURLOPT_PRIVATE of each transfer: the program
 * must not set these. Free it before the loop is closed.
 *
 * Returns 0, or an error; rondo_last_error says why:
 * - RONDO_EINVAL: no loop, or `curl` is NULL
 * - RONDO_ENOMEM
 * - RONDO_EOTHER: libcurl refuses
 */
RONDO_MUST_CHECK int rondo_curl_new(rondo_loop *loop, rondo_curl **curl);

/** Frees it: transfers under way end, and their done is not called. The easy
 * handles stay the program's. It may be called in a done and in any callback of
 * the loop, but not in a callback of libcurl. NULL is ignored. */
void rondo_curl_free(rondo_curl *curl);

/** Returns the CURLM, for curl_multi_setopt: limits of connections,
 * multiplexing. */
CURLM *rondo_curl_multi(rondo_curl *curl);

/**
 * Starts a transfer. easy is lent until the loop calls done, once. The transfer
 * keeps rondo_loop_run going.
 *
 * Returns 0, or an error, and done is not called:
 * - RONDO_EINVAL: no easy handle, or no done
 * - RONDO_EBUSY: the transfer is under way already
 * - RONDO_ENOMEM
 * - RONDO_EOTHER: libcurl refuses
 *
 * As curl_multi_add_handle.
 */
RONDO_MUST_CHECK int rondo_curl_start(rondo_curl *curl, CURL *easy,
                                      rondo_curl_done_fn done, void *arg);

/**
 * Ends a transfer; its done is not called.
 *
 * Returns 0, or an error:
 * - RONDO_ENOENT: the transfer is not under way
 * - RONDO_EBUSY: called in a callback of libcurl
 *
 * As curl_multi_remove_handle.
 */
RONDO_MUST_CHECK int rondo_curl_stop(rondo_curl *curl, CURL *easy);

#ifdef __cplusplus
}
#endif

#endif

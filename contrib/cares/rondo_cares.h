/* rondo_cares.h - a resolver for Rondo on c-ares: names without threads. */
/* SPDX-License-Identifier: MIT */
/**
 * c-ares looks up names over sockets that the loop watches, with a timer of the
 * loop, and without threads. Both functions are called on the loop's thread.
 *
 * Stability: may change; since 0.1.
 */
#ifndef RONDO_CARES_H
#define RONDO_CARES_H

#include <rondo.h>

#if defined(_WIN32) && defined(RONDO_CARES_SHARED)
#ifdef RONDO_CARES_BUILDING
#define RONDO_CARES_API __declspec(dllexport)
#else
#define RONDO_CARES_API __declspec(dllimport)
#endif
#elif defined(__GNUC__) && defined(RONDO_CARES_BUILDING)
#define RONDO_CARES_API __attribute__((__visibility__("default")))
#else
#define RONDO_CARES_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** A c-ares channel that is the resolver of one loop. */
typedef struct rondo_cares rondo_cares;

/** The options of a resolver. Begin with {.size = sizeof(rondo_cares_options)};
 * zero is the default of every member. */
typedef struct rondo_cares_options {
    size_t size;
    /** The name servers, "1.2.3.4,[::1]:53". NULL: the system's. */
    const char *servers;
    /** How long the first try may take, in nanoseconds. c-ares counts in
     * milliseconds and has room for 24 days. 0: the default of c-ares. */
    int64_t timeout_ns;
    int tries; /**< How many tries. 0: the default of c-ares. */
} rondo_cares_options;

/**
 * Makes a c-ares channel on a loop and sets it as the loop's resolver
 * (rondo_set_resolver). The loop watches its sockets, and its timeouts are a
 * timer of the loop. options may be NULL; what they point at is needed during
 * the call only. Free the resolver before the loop is closed.
 *
 * A look-up ends with addresses, or with one of these errors:
 * - RONDO_ENONAME: there is no such host or service
 * - RONDO_EAGAIN: the servers fail or refuse
 * - RONDO_ETIMEDOUT: the servers do not answer
 * - RONDO_ENOMEM: also all look-ups under way, if there is no memory for the timer
 * - RONDO_EOTHER: any other failure of c-ares
 *
 * A cancelled look-up ends at once. c-ares keeps its query until the answer
 * comes or no other look-up is under way.
 *
 * Returns 0, or an error; rondo_last_error says why:
 * - RONDO_EINVAL: no loop, no size, a negative number, or servers that c-ares
 *   does not understand
 * - RONDO_ENOTSUP: an option of a newer header
 * - RONDO_ENOMEM
 * - RONDO_EOTHER: c-ares refuses
 * - the errors of rondo_set_resolver
 */
RONDO_CARES_API RONDO_MUST_CHECK int rondo_cares_new(
    rondo_loop *loop, const rondo_cares_options *options, rondo_cares **cares);

/** Frees a resolver: look-ups under way end with RONDO_ECANCELED, and the loop
 * uses the system's resolver again. NULL is ignored. It must not be called from
 * inside rondo_getaddrinfo. */
RONDO_CARES_API void rondo_cares_free(rondo_cares *cares);

#ifdef __cplusplus
}
#endif

#endif

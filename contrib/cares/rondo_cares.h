/* rondo_cares.h - a resolver for Rondo on c-ares: names without threads. */
/* SPDX-License-Identifier: MIT */
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

typedef struct rondo_cares rondo_cares;

/** Begin with {.size = sizeof(rondo_cares_options)}; zero is the default. */
typedef struct rondo_cares_options {
    size_t size;
    const char *servers; /**< "1.2.3.4,[::1]:53"; NULL: the system's */
    /** Of the first try, in nanoseconds: c-ares counts in milliseconds, and has
     * room for 24 days. 0: c-ares' own */
    int64_t timeout_ns;
    int tries; /**< 0: c-ares' own */
} rondo_cares_options;

/**
 * Makes a c-ares channel on a loop, and makes it the loop's resolver
 * (rondo_set_resolver): its sockets are watched by the loop, its timeouts are
 * a timer. options may be NULL, and what they point to is needed during the
 * call only. Free it before the loop is closed. 0, RONDO_EINVAL (no loop, no
 * size, what is negative, servers that c-ares does not understand),
 * RONDO_ENOTSUP (an option of a newer header), RONDO_ENOMEM, rondo_set_resolver's
 * errors, or RONDO_EOTHER: c-ares refuses. rondo_last_error says why. The loop's
 * thread, for both functions.
 *
 * What a look-up gets besides addresses: RONDO_ENONAME, RONDO_EAGAIN (the
 * servers fail or refuse), RONDO_ETIMEDOUT, RONDO_ENOMEM (all that are
 * under way, if there is none for the timer), RONDO_EOTHER. One
 * that is cancelled ends at once; its question stays with c-ares until the
 * answer comes or nothing else is asked.
 */
RONDO_CARES_API RONDO_MUST_CHECK int rondo_cares_new(
    rondo_loop *loop, const rondo_cares_options *options, rondo_cares **cares);

/** Look-ups under way end with RONDO_ECANCELED; the loop's resolver is the
 * system's again. NULL is ignored. Not from a look-up's start. */
RONDO_CARES_API void rondo_cares_free(rondo_cares *cares);

#ifdef __cplusplus
}
#endif

#endif

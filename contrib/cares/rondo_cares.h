/* rondo_cares.h - a resolver for Rondo on c-ares: names without threads. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CARES_H
#define RONDO_CARES_H

#include <rondo.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rondo_cares rondo_cares;

/** Begin with {.size = sizeof(rondo_cares_options)}; zero is the default. */
typedef struct rondo_cares_options {
    size_t size;
    const char *servers; /**< "1.2.3.4,[::1]:53"; NULL: the system's */
    int64_t timeout_ns;  /**< of the first try. 0: c-ares' own */
    int tries;           /**< 0: c-ares' own */
} rondo_cares_options;

/**
 * Makes a c-ares channel on a loop, and makes it the loop's resolver
 * (rondo_set_resolver): its sockets are watched by the loop, its timeouts are
 * a timer. options may be NULL. Free it before the loop is closed. 0,
 * RONDO_EINVAL (servers that c-ares does not understand), RONDO_ENOMEM, or
 * RONDO_EOTHER: c-ares refuses, as the sentence of rondo_cares_error says.
 *
 * What a look-up gets besides addresses: RONDO_ENONAME, RONDO_EAGAIN (the
 * servers fail or refuse), RONDO_ETIMEDOUT, RONDO_ENOMEM, RONDO_EOTHER. One
 * that is cancelled ends at once; its question stays with c-ares until the
 * answer comes or nothing else is asked.
 */
RONDO_MUST_CHECK int rondo_cares_new(rondo_loop *loop,
                                     const rondo_cares_options *options,
                                     rondo_cares **cares);

/** Look-ups under way end with RONDO_ECANCELED; the loop's resolver is the
 * system's again. NULL is ignored. Not from a look-up's start. */
void rondo_cares_free(rondo_cares *cares);

/** What c-ares said when rondo_cares_new failed last in this thread. */
const char *rondo_cares_error(void);

#ifdef __cplusplus
}
#endif

#endif

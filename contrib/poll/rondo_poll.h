/* rondo_poll.h - a library that waits by poll(2), in a Rondo loop. */
/* SPDX-License-Identifier: MIT */
/**
 * For any library that can say which descriptors it waits for, and how long.
 * Both functions are called on the loop's thread.
 *
 * Stability: may change; since 0.1.
 */
#ifndef RONDO_POLL_H
#define RONDO_POLL_H

#include <poll.h>
#include <rondo.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What waits for descriptors: two functions of the program. Begin with
 * {.size = sizeof(rondo_poll_source)}. */
typedef struct rondo_poll_source {
    size_t size;
    /**
     * Says what to wait for, in each iteration before the loop waits. It fills
     * in fd and events of the first `room` entries, and returns how many
     * entries there are. If that is more than `room`, it is called again with
     * room for all.
     *
     * *timeout_ms is -1 before the call: no deadline. 0: do not wait. The time
     * counts from the first call after a dispatch; a later call can only make
     * the wait end sooner. A descriptor may be in several entries. A descriptor
     * below 0 is ignored.
     */
    int (*prepare)(void *arg, struct pollfd *fds, int room, int *timeout_ms);
    /** Gets the entries after the wait: revents of each is set, as by poll(2).
     * It is called if one of them has an event, or if the time is up. It may
     * call rondo_poll_free. */
    void (*dispatch)(void *arg, struct pollfd *fds, int count);
    void *arg; /**< Given to both functions. */
} rondo_poll_source;

/** A source that a loop waits for. */
typedef struct rondo_poll rondo_poll;

/**
 * Adds a source to a loop. *source is copied. The descriptors stay the
 * library's, which may close them at any time; nothing else in the loop may
 * watch them. A descriptor that the loop cannot watch has the event POLLNVAL.
 * The descriptors and the timeout keep rondo_loop_run going. Free the source
 * before the loop is closed.
 *
 * Returns 0, or an error; rondo_last_error says why:
 * - RONDO_EINVAL: no loop, no size or no function
 * - RONDO_ENOMEM
 */
RONDO_MUST_CHECK int rondo_poll_new(rondo_loop *loop,
                                    const rondo_poll_source *source,
                                    rondo_poll **poll);

/** Removes a source: its functions are not called any more. NULL is ignored. */
void rondo_poll_free(rondo_poll *poll);

#ifdef __cplusplus
}
#endif

#endif

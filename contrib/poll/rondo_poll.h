/* rondo_poll.h - a library that waits by poll(2), in a Rondo loop. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_POLL_H
#define RONDO_POLL_H

#include <poll.h>
#include <rondo.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A library that can say for which descriptors it waits, and how long. Begin
 * with {.size = sizeof(rondo_poll_source)}.
 */
typedef struct rondo_poll_source {
    size_t size;
    /**
     * Says what to wait for: fills in fd and events of the first `room` entries
     * and returns how many there are. If these are more than `room`, it is
     * called again with room for all. *timeout_ms is -1 before the call: no
     * deadline; 0: do not wait; it counts from the first call after a dispatch,
     * if a later one does not end it sooner. A descriptor may be in several entries; one
     * below 0 is ignored. Called in each iteration, before the loop waits.
     */
    int (*prepare)(void *arg, struct pollfd *fds, int room, int *timeout_ms);
    /**
     * The wait for these entries is over: revents of each has been filled in,
     * as poll(2) does it. Called only if one has an event, or if the time is
     * up. May call rondo_poll_free.
     */
    void (*dispatch)(void *arg, struct pollfd *fds, int count);
    void *arg;
} rondo_poll_source;

typedef struct rondo_poll rondo_poll;

/**
 * Adds a source to a loop. Its descriptors and its timeout keep
 * rondo_loop_run going. They stay the library's, which may close them at any
 * time; no other part of the loop may watch them. A descriptor that the loop
 * cannot watch is told as POLLNVAL. Free it before the loop is closed. 0;
 * RONDO_EINVAL: no loop, size or function; RONDO_ENOMEM. rondo_last_error says
 * why. The loop's thread, for both functions.
 */
RONDO_MUST_CHECK int rondo_poll_new(rondo_loop *loop,
                                    const rondo_poll_source *source,
                                    rondo_poll **poll);

/** No function of the source is called any more. NULL is ignored. */
void rondo_poll_free(rondo_poll *poll);

#ifdef __cplusplus
}
#endif

#endif

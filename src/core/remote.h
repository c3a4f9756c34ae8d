/* remote.h - what other threads send to a loop; it outlives the loop. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_REMOTE_H
#define RONDO_CORE_REMOTE_H

#include "core/loop.h"

/* A callback that another thread sends. */
struct post {
    rondo_fn fn; /* NULL: cancelled */
    void *arg;
    /* The callbacks of the ring before this place come first; the low half. */
    uint32_t place;
};

/* The loop has two of these: senders fill one, the loop runs the other. */
struct posts {
    struct post *items;
    size_t used, room;
    uint64_t first; /* the number of the first one among all posts, with the
                       bits of an id; its id is one more */
};

/* What a thread sends back when it is done with something of the loop's: a job,
 * a look-up, a piece of a file. It lies inside that thing, so sending needs no
 * memory, and a loop takes it until it is freed, when it has long refused
 * posts. */
struct completion {
    struct completion *next;
    /* From the loop, after all posts that were sent before. May free it. */
    void (*done)(rondo_loop *loop, struct completion *completion);
};

/* ---- any thread ---- */

/* Sends a post: what the public calls do, under their name `what`. Returns 0,
 * or with a sentence RONDO_EINVAL (no function), RONDO_ECLOSED (the loop is
 * closing or gone), RONDO_EFORKED (it is the parent process's) or
 * RONDO_ENOMEM. */
int remote_post(rondo_remote *remote, rondo_fn fn, void *arg, const char *what);

/* Sends a completion, which is the loop's then. Returns false if the loop is
 * gone or is the parent process's: the completion stays the caller's, who frees
 * what it lies in. */
bool remote_deliver(rondo_remote *remote, struct completion *completion);

/* ---- the loop's thread ---- */

/* Makes loop->remote. Returns 0, or RONDO_ENOMEM with a sentence. */
int remote_open(rondo_loop *loop);
/* Refuses posts from now on; completions are still taken. */
void remote_refuse_posts(rondo_loop *loop);
/* Refuses completions, too; runs those that were sent, frees the loop's part
 * and releases the counted object, which senders may still hold. */
void remote_close(rondo_loop *loop);
/* In a forked child: the posts that were sent before the fork are this process's
 * now; completions are forgotten, since no thread here will free them. */
void remote_reopen(rondo_loop *loop);

/* Takes over what was sent so far, unless some of what it took before has not
 * run yet. Returns true if there is something to run. */
bool remote_take(rondo_loop *loop);
/* Runs at most `most` of what was taken: posts first, then completions. */
void remote_run(rondo_loop *loop, size_t most);
/* The same, each post between the callbacks that were scheduled before it and
 * those after it; these run up to place `end`. */
void remote_run_in_order(rondo_loop *loop, size_t most, uint64_t end);
/* As rondo_remote_cancel, but without a sentence, and nothing is on its way:
 * the loop runs no post meanwhile. */
int remote_cancel_own(rondo_loop *loop, rondo_id id);
/* Tells whether anything was sent that has not run, or may have been. */
static inline bool remote_has_work(const rondo_loop *loop)
{
    return loop->posts_left || atomic_load(&loop->requests) & LOOP_POSTED;
}

/* Does anything keep rondo_loop_run running? */
static inline bool loop_is_alive(const rondo_loop *loop)
{
    return loop->alive || loop->ready_first ||
           loop->ring_tail - loop->ring_head > loop->ring_background ||
           remote_has_work(loop);
}

/* How many posts wait, and the function of one; NULL: it was cancelled. */
size_t remote_posts(const rondo_loop *loop);
rondo_fn remote_post_at(const rondo_loop *loop, size_t i);
/* How often senders have made the inbox grow, for the metrics. */
uint64_t remote_allocations(const rondo_loop *loop);

#endif

/* remote.h - what other threads send to a loop; it outlives the loop. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_REMOTE_H
#define RONDO_CORE_REMOTE_H

#include "core/loop.h"

struct post {
    rondo_fn fn;
    void *arg;
};

/* Two arrays: senders fill one while the loop runs the other. */
struct posts {
    struct post *items;
    size_t used, room;
};

/* What a thread is given by the loop and gives back: it needs no memory, and
 * is taken until the loop is freed. */
struct completion {
    struct completion *next;
    /* From the loop, after all posts that were there before it. */
    void (*done)(rondo_loop *loop, struct completion *completion);
};

/* Any thread: rondo_remote_call under another name. */
int remote_post(rondo_remote *remote, rondo_fn fn, void *arg, const char *what);
/* Any thread. false: the loop is gone, or the parent process's; the completion is
 * the caller's. */
bool remote_deliver(rondo_remote *remote, struct completion *completion);

int remote_open(rondo_loop *loop);
/* No post is accepted any more. */
void remote_shut(rondo_loop *loop);
/* No completion either: runs those that there are, frees the loop's own arrays
 * and gives back its share of the counted object. */
void remote_close(rondo_loop *loop);
/* In a forked child: another thread may have held the lock, and none will
 * deliver. Completions are forgotten. */
int remote_reopen(rondo_loop *loop);
/* Takes what has been posted so far; false: nothing. */
bool remote_take(rondo_loop *loop);
/* Runs at most `most` of what was taken, posts and then completions. */
void remote_run(rondo_loop *loop, size_t most);
/* How often senders have made the inbox grow. */
uint64_t remote_allocations(const rondo_loop *loop);
/* Posts or completions that wait, asked before a wait: with `sleeping` set before. */
bool remote_waiting(rondo_loop *loop);

#endif

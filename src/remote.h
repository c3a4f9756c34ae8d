/* remote.h - what other threads send to a loop; it outlives the loop. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_REMOTE_H
#define RONDO_REMOTE_H

#include "loop.h"

struct post {
    rondo_fn fn;
    void *arg;
};

/* Two arrays: senders fill one while the loop runs the other. */
struct posts {
    struct post *items;
    size_t used, room;
};

int remote_open(rondo_loop *loop);
/* Nothing is accepted any more. */
void remote_shut(rondo_loop *loop);
/* The loop's own arrays and its share of the counted object. */
void remote_close(rondo_loop *loop);
/* In a forked child: another thread may have held the lock. */
int remote_reopen(rondo_loop *loop);
/* Takes what has been posted so far; false: nothing. */
bool remote_take(rondo_loop *loop);
/* Runs at most `most` of what was taken. */
void remote_run(rondo_loop *loop, size_t most);
/* How often senders have made the inbox grow. */
uint64_t remote_allocations(const rondo_loop *loop);
/* Posts that wait, asked before a wait: with `sleeping` set before. */
bool remote_waiting(rondo_loop *loop);

#endif

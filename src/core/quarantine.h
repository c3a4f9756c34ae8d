/* quarantine.h - what has ended in debug mode, and calls that still use it. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_QUARANTINE_H
#define RONDO_CORE_QUARANTINE_H

#include "core/loop.h"

/* A handle that has ended in debug mode. Its memory is kept, and its pointer to
 * the loop leads to `stone`, in place of the loop: each call that uses it looks
 * there first, finds no loop that may be used, and is told what has ended. */
struct ended {
    struct ended *next;
    void *memory;
    rondo_loop *loop;
    int64_t when;
    rondo_fn last;      /* the program's last callback; NULL: there was none */
    const char *member; /* what it was */
    bool told;          /* to the exception handler: once */
    char words[160];    /* what it was */
    int (*tell)(const rondo_loop *stone, const char *what); /* check.c's way */
    rondo_loop stone;
};

/* Begins to end a handle: `what`, and `about`, which of them. NULL: the loop is
 * not in debug mode, or has no memory; then the handle is freed as usual. */
COLD struct ended *quarantine_begin(rondo_loop *loop, const char *what,
                                    const char *about);
/* All of it has ended but `memory`, which has its loop at `place`. */
COLD void quarantine_keep(struct ended *e, void *memory, rondo_loop **place);
/* Frees all. */
void quarantine_close(rondo_loop *loop);

/* What a call that uses an ended handle gets: RONDO_ECLOSED, with a sentence.
 * The exception handler is told, too. */
COLD int quarantine_tell(const rondo_loop *stone, const char *what);
/* A call of a wrong thread: the loop's thread tells the exception handler. */
COLD void quarantine_tell_thread(rondo_loop *loop, const char *what);

COLD rondo_loop *quarantine_loop(const rondo_loop *loop, const char *what);
/* The loop of a handle, for rondo_..._loop. */
static inline rondo_loop *quarantine_loop_of(rondo_loop *loop, const char *what)
{
    return loop_is_plain(loop) ? loop : quarantine_loop(loop, what);
}

#endif

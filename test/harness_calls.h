/* harness_calls.h - operations that call back once, and files of the pattern.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_HARNESS_CALLS_H
#define RONDO_TEST_HARNESS_CALLS_H

#include "harness_plain.h"
#include "raw_file.h"

/* One operation: what its callback was told. */
struct call {
    rondo_id id;
    unsigned calls;
    int64_t result; /* an accept's is its error */
    raw_fd socket;  /* accepted */
    rondo_address address;
    char last_error[256]; /* rondo_last_error in the callback, of an error */
    void (*then)(struct call *c, rondo_loop *loop); /* inside it; or NULL */
    void *user;
};

struct call *call_new(struct world *w);
/* The callbacks, with a struct call as arg; told twice they fail the test. */
void call_done(rondo_loop *loop, void *arg, int64_t result);
void call_received(rondo_loop *loop, void *arg, int64_t result,
                   const rondo_address *from);
void call_accepted(rondo_loop *loop, void *arg, rondo_fd socket,
                   const rondo_address *peer, int error);
/* Runs the loop until it has been told; its result. */
int64_t call_wait(struct world *w, struct call *c);
/* The same for an error, whose sentence must have these words. */
void call_fails(struct world *w, struct call *c, int error, const char *words);

/* Two ends of a TCP connection, non-blocking; bytes: as raw_pair_small. */
void call_pair(raw_fd pair[2], int bytes);
/* Waits until no more than so many descriptors are open: a thread closes its
 * own a little later. */
void call_descriptors_back(struct world *w, size_t before);
/* A temporary file with the pattern's first bytes; one that the end of the
 * test closes. */
raw_fd call_file(size_t size);
raw_fd call_kept_file(struct world *w, size_t size);

/* Begins to send that part of a file through the transport. */
struct call *call_sendfile(struct peer *p, raw_fd file, int64_t offset,
                           int64_t size);
/* The same, and all of it arrives. */
void call_sends(struct peer *p, raw_fd file, int64_t offset, int64_t size);
/* A beginning of the pattern arrives, with "the end." behind it: how long it
 * is. */
size_t call_beginning(struct world *w, raw_fd fd);
/* The next sendfile of the kernel fails, after so many that do not; skips the
 * test where that cannot be. */
void call_need_failure(struct world *w, enum raw_sendfile_failure how,
                       unsigned after);

#endif

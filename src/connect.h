/* connect.h - a connect under way: shared by doing it and putting it in words. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CONNECT_H
#define RONDO_CONNECT_H

#include "stream.h"

struct connect {
    struct handle handle;
    struct task deferred;
    rondo_loop *loop;
    rondo_id id, timer;
    rondo_id retry; /* at work: a full backlog is tried again */
    int retry_ms;
    const rondo_protocol *protocol;
    void *self;
    rondo_connect_fn done;
    void *arg;
    struct lookup *lookup;
    rondo_transport *t; /* being connected; adopted: connected */
    struct op op;
    rondo_address *addresses; /* what is tried, one after another */
    size_t count, next;
    rondo_address local;
    bool has_local, no_delay, keep_alive, adopted;
    bool pipe; /* host is the name of one */
    rondo_family family;
    uint16_t port;
    int stopped; /* ECANCELED, ETIMEDOUT: nothing more is tried */
    int error;   /* the last address's */
    int64_t os_error;
    char tried[1792]; /* each address and why it failed */
    char host[]; /* as the sentences call it; with a name, what to look up */
};

/* Refuses options that make no sense. */
int connect_check(const rondo_connect_options *o,
                  const rondo_protocol *protocol);
/* Keeps the sentence of an address that failed; error is the last system
 * call's. */
void connect_note(struct connect *c, int error, const rondo_address *a,
                  const char *verb);
/* What was under way when it was stopped belongs among the addresses. */
void connect_note_stopped(struct connect *c);
/* Sets the last error: all that was tried and why it failed. */
void connect_tell(struct connect *c, int error);
/* For the dump. */
bool connect_describe(const struct handle *handle, char *text, size_t size);

#endif

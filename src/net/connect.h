/* connect.h - what create_connection's files share. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_NET_CONNECT_H
#define RONDO_NET_CONNECT_H

#include "net/happy_eyeballs.h"
#include "threads/lookup.h"

struct connect {
    struct handle handle;
    struct task deferred;
    rondo_loop *loop;
    rondo_id id, timer;
    const rondo_protocol *protocol;
    void *self;
    rondo_connect_fn done;
    void *arg;
    rondo_lookup *lookup;
    struct race race;
    rondo_transport *t;     /* connected: adopted, or the race's winner */
    struct backoff backoff; /* of a named pipe */
    rondo_setup_fn setup;
    void *setup_arg;
    bool adopted, racing;
    bool pipe;    /* host is the name of one */
    bool shaking; /* connected; its filters get ready */
    int lead;     /* addresses before the other family's first */
    uint16_t port;
    int stopped; /* ECANCELED, ETIMEDOUT: nothing more is tried */
    int64_t os_error;
    char host[]; /* as the sentences call it; a name is looked up */
};

/* Connected: pushes filters, and then, or when they are ready, `done`. */
void connect_begin(struct connect *c);
/* The last of c, and `done` with the error. */
void connect_fail(struct connect *c, int error);
void connect_free(struct connect *c);

#endif

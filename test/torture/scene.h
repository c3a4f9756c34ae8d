/* scene.h - what the scenes share: things that are held to what was promised. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_TORTURE_SCENE_H
#define RONDO_TORTURE_SCENE_H

#include "rondo.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPS_MOST = 40, PEERS_MOST = 8, DATA_MOST = 100000 };

/* Something that owes exactly one done, if it has begun. */
struct op {
    struct play *play;
    const char *what;
    bool begun, timer; /* timer: it is not done when the loop closes before */
    unsigned dones;
    int64_t result;
    void (*then)(struct play *p, int64_t result);
};

/* One end of a connection: lost once if it was made, and called by nothing
 * behind that. */
struct peer {
    struct play *play;
    const char *what;
    rondo_transport *t;
    unsigned made, lost, eofs;
    size_t received, sends; /* bytes to send when it is made, or to echo */
    bool echoes;
    void (*on_made)(struct peer *peer);
    void (*on_lost)(struct peer *peer);
    struct op write, connect;
};

struct play {
    const char *backend, *folder; /* for files */
    rondo_loop *loop;
    struct op *ops[OPS_MOST];
    size_t op_count;
    struct peer peers[PEERS_MOST];
    size_t peer_count;
    rondo_server *server;
    unsigned clients, closed, servers; /* clients: not over yet */
    bool cut_short;                    /* run has ended with an error */
    void *more;                        /* of the scene */
    int own[8];                        /* descriptors that it closes itself */
    size_t own_count;
    char broken[200]; /* the first promise that was */
};

struct scene {
    const char *name;
    void (*begin)(struct play *p);
    void (*end)(struct play *p); /* the loop is closed; may be NULL */
    size_t size;                 /* of what is its more */
};
extern const struct scene scenes_stream[], scenes_files[], scenes_others[];

void must(struct play *p, bool holds, const char *what, const char *whose);

/* op_begun says what the call that was given op_done and the op has returned. */
void op_init(struct op *op, struct play *p, const char *what);
bool op_begun(struct op *op, int64_t result);
void op_done(rondo_loop *loop, void *op, int64_t result);
void op_over(struct op *op, int64_t result);

extern const rondo_protocol peer_protocol;
struct peer *peer_new(struct play *p, const char *what);
void peer_connect(struct peer *peer, const rondo_connect_options *options);
/* A connection of two peers over a socketpair; false: it could not be made. */
bool peer_pair(struct peer *a, struct peer *b);
void peer_write(struct peer *peer, size_t size);
/* For a server, whose arg is the play. */
int peer_factory(rondo_server *server, void *arg, rondo_transport *t,
                 const rondo_protocol **protocol, void **self);
void peer_server_closed(rondo_server *server, void *arg);
void peer_client_over(struct play *p);

void play_own(struct play *p, int fd);
const char *play_path(const struct play *p, char *room, size_t size,
                      const char *name);
extern const unsigned char play_data[DATA_MOST];

#endif

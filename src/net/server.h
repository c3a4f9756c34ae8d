/* server.h - a server's parts: shared by making one and running it. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_NET_SERVER_H
#define RONDO_NET_SERVER_H

#include "stream/stream.h"

enum {
    SERVER_LISTENERS = 2, /* IPv4 and IPv6 */
    SERVER_ACCEPTS = 4    /* the most that any backend keeps outstanding */
};

/* What it owes: closed, the last. */
enum { SERVER_OWED_CLOSED = 1 };

struct listener {
    struct io io;
    rondo_server *server;
    struct acceptor {
        struct accept_op accept;
        struct listener *listener;
        struct acceptor *next_held;
        bool held; /* accepted when there was no place for it */
    } acceptor[SERVER_ACCEPTS];
};

struct rondo_server {
    struct stream_owner owner; /* first: a transport's owner is the server */
    struct handle handle;
    struct loop_block free_at_close;
    struct dispatch dispatch;
    rondo_loop *loop;
    rondo_server_options options;
    const rondo_protocol *protocol;
    void *arg;
    rondo_reader_fn connected; /* start_server's */
    size_t reader_limit;
    rondo_id retry; /* accepting pauses until this timer */
    struct listener listener[SERVER_LISTENERS];
    size_t listeners;
    struct acceptor *held, **last_held; /* in the order they came */
    rondo_address address;              /* a path's, and its file */
    struct sys_file file;
    struct instances *instances; /* of a pipe with a name; NULL: sockets */
    unsigned clients;
    bool serving, closing, ended;
    bool reported; /* the trouble at hand */
};

/* NULL: out of memory. */
rondo_server *server_new(rondo_loop *loop, const rondo_server_options *options,
                         const rondo_protocol *protocol, void *arg);
/* The socket is the caller's still, and so on failure. */
int server_add(rondo_server *s, sys_fd fd);
void server_open(rondo_server *s);
/* Decides what is outstanding; runs no code of the program's. */
void server_settle(rondo_server *s);
/* An accept's done begins with dispatch_begin and ends with this. */
void server_finish(rondo_server *s);
/* Keeps an accepted client until there is a place for it. */
void server_hold(rondo_server *s, struct acceptor *a);
/* Has it a place for one more now? */
bool server_accepts(const rondo_server *s);
void server_accept_done(rondo_loop *loop, struct task *task);
/* A client has come: from now on it is one of the server's. */
void server_begin(rondo_server *s, rondo_transport *t);
/* Accepting has to pause: told once, tried again until it works. The last
 * error says why. */
void server_pause_for(rondo_server *s, int error);

/* The same by the name of a pipe (accept_pipe.c). */
int server_pipe_open(rondo_server *s, const char *name);
void server_pipe_settle(rondo_server *s);
void server_pipe_stop(rondo_server *s);
bool server_pipe_is_idle(const rondo_server *s);
void server_pipe_free(rondo_server *s);
const char *server_pipe_name(const rondo_server *s);

#endif

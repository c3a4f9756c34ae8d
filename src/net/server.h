/* server.h - a server's parts, shared by what makes, runs and closes it. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_NET_SERVER_H
#define RONDO_NET_SERVER_H

#include "stream/stream.h"

enum {
    SERVER_LISTENERS = 2, /* without a list: IPv4 and IPv6 */
    SERVER_ACCEPTS = 4    /* the most that any backend keeps outstanding */
};

/* The only callback that a server owes, and so its last. */
enum { SERVER_OWED_CLOSED = 1 };

struct listener {
    struct io io;
    rondo_server *server;
    rondo_address local;   /* each client's; native_size 0: they differ */
    bool inherits;         /* clients have its options */
    rondo_address address; /* of the socket file */
    struct sys_file file;  /* the socket file, if it made one */
    struct acceptor {
        struct accept_op accept;
        struct listener *listener;
        struct acceptor *next_held;
        bool held; /* accept.accepted waits until the server has room */
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
    rondo_reader_fn connected; /* start_server's; else NULL */
    size_t reader_limit;
    rondo_id retry; /* a timer until which accepting pauses; 0: none */
    struct acceptor *held, **last_held; /* in the order they came */
    struct instances *instances;        /* of a named pipe; NULL: sockets */
    unsigned clients;
    /* A server of a group: a loop's part, and who is told that `clients` has
     * changed. NULL: it is none. */
    void *part;
    void (*counted)(rondo_server *s);
    bool serving, closing;
    bool ended;           /* closed has been called */
    bool reported;        /* the present trouble with accepting */
    int64_t report_until; /* the end of a period: see server_report */
    unsigned reports;     /* in this period */
    unsigned unreported;  /* failures since the last report */
    size_t listeners, room;
    struct listener listener[]; /* room for `room` */
};

/* A server without sockets that is not open yet; the caller frees it with
 * loop_free if it cannot be opened. NULL: out of memory. */
rondo_server *server_new(rondo_loop *loop, const rondo_server_options *options,
                         const rondo_protocol *protocol, void *arg);
/* Attaches a listening socket. The server closes it once it is open; until
 * then, and after an error of io_attach's, it is the caller's. */
int server_add(rondo_server *s, sys_fd fd);
/* It becomes a live handle and begins to accept. */
void server_open(rondo_server *s);
/* Decides what is outstanding. Never calls the program. */
void server_settle(rondo_server *s);
/* An accept's done begins with dispatch_begin and ends with this. */
void server_finish(rondo_server *s);
/* Keeps an accepted client until there is a place for it. */
void server_hold(rondo_server *s, struct acceptor *a);
/* Whether it would take one more client now. */
bool server_accepts(const rondo_server *s);
void server_accept_done(rondo_loop *loop, struct task *task);
/* Counts a new client, calls the program's setup and factory, and begins it, or
 * discards it where they refuse. */
void server_begin(rondo_server *s, rondo_transport *t);
/* Tells the exception handler of a failure that clients can bring about, at most
 * ten times in ten seconds: others are counted, and the next report, or the
 * server's end, tells how many. The sentence is the last error. */
void server_report(rondo_server *s, int error);
/* Tells of those that were counted. */
void server_report_rest(rondo_server *s);
/* Pauses accepting for a while and reports why, once until a client has been
 * accepted again. The last error's sentence is the reason. */
void server_pause_for(rondo_server *s, int error);

/* One client more or less. */
void server_count(rondo_server *s, int change);
/* Takes in a client that another loop has accepted; the socket is the server's
 * in any case. A server that is closing refuses it. */
void server_take_handed(rondo_server *s, sys_fd fd, const rondo_address *peer);

/* ---- making one: listen.c ---- */

/* As rondo_create_server, whose name its sentences have, with complete options;
 * but the server is not open yet, and server_drop undoes it. */
int server_listen(rondo_loop *loop, const rondo_server_options *o,
                  const rondo_protocol *protocol, void *arg, rondo_server **s);
/* Takes the last listening socket out of one that is not open; SYS_NO_FD: it
 * has no more. */
sys_fd server_take_listener(rondo_server *s);
/* Frees one that is not open and closes its sockets. */
void server_drop(rondo_server *s);

/* ---- a server by the name of a pipe: accept_pipe.c ---- */

/* Makes the first instance. RONDO_ENOMEM, or why the name cannot be had. */
int server_pipe_open(rondo_server *s, const char *name);
void server_pipe_settle(rondo_server *s);
/* Closes the instances that have no client. */
void server_pipe_stop(rondo_server *s);
/* No operation of its instances is pending. */
bool server_pipe_is_idle(const rondo_server *s);
/* Does nothing for a server of sockets. */
void server_pipe_free(rondo_server *s);
const char *server_pipe_name(const rondo_server *s);

#endif

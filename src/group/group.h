/* group.h - a group's parts, shared by its files. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_GROUP_GROUP_H
#define RONDO_GROUP_GROUP_H

#include "core/loop.h"
#include "core/remote.h"
#include "net/server.h"

/* How far a thread has come. */
enum member_state {
    MEMBER_STARTING, /* its loop is being made */
    MEMBER_OPEN,
    MEMBER_FAILED, /* it had no loop; the thread has ended */
    MEMBER_ENDED   /* the thread has ended */
};

/* One loop and its thread. The lock of the group guards `loop`, `state`,
 * `takes`. */
struct group_member {
    rondo_group *group;
    unsigned index;
    rondo_loop *loop; /* NULL: not made yet, or closed */
    enum member_state state;
    bool takes; /* completions may be sent to it; its loop runs them */
    rondo_remote *remote;    /* from MEMBER_OPEN on, until the group is freed */
    int error;               /* why it failed, or its run has ended */
    char why[256];           /* the sentence */
    struct completion stop;  /* to its loop */
    struct completion ended; /* to the home loop */
};

/* From malloc: the threads have references. The lock guards what the comments
 * say; all else is the home loop's. What is sent to a member under the lock runs
 * in the order in which it was sent, and before its loop's close. */
struct rondo_group {
    struct handle handle; /* first */
    struct task task;     /* the end of the group is told */
    rondo_loop *home;
    rondo_remote *home_remote;
    rondo_group_options options;
    rondo_loop_options loop_options;
    rondo_allocator allocator;
    sys_mutex lock;
    sys_cond changed; /* signalled: a member's state */
    atomic_uint refs;
    uint32_t generation; /* sys_fork_generation when it was made */
    bool unwanted;       /* lock; it could not be made: no end is told */
    bool closing;        /* lock, for other threads */
    bool stopped;        /* the members have been stopped */
    bool over;           /* its end is told, or is not to be */
    unsigned running;    /* members whose end has not come */
    rondo_id cut_timer, give_up_timer;
    rondo_done_fn done;
    void *done_arg;
    struct group_call *calls;
    rondo_group_server *servers;
    unsigned count;
    struct group_member member[];
};

/* ---- life: group.c ---- */

void group_ref(rondo_group *g);
void group_unref(rondo_group *g);
/* For calls of any thread. */
int group_check(const rondo_group *g, const char *what);
/* For calls of the home loop's thread. */
int group_check_home(const rondo_group *g, const char *what);
/* ... that begin something: RONDO_ECLOSED while the group closes. */
int group_check_begin(const rondo_group *g, const char *what);
/* Any thread. false: that loop takes nothing more; the completion is still the
 * caller's. */
bool group_send(rondo_group *g, unsigned index, struct completion *c);
/* The same, with the lock held. */
bool group_send_locked(rondo_group *g, unsigned index, struct completion *c);
/* Decides what is due, on the home loop. Runs none of the program's code. */
void group_settle(rondo_group *g);
/* A hidden timer of the home loop, in *timer: later by that than now. */
int group_start_timer(rondo_group *g, rondo_id *timer, int64_t after_ns,
                      rondo_fn fn, void *arg);
void group_stop_timer(rondo_group *g, rondo_id *timer);
/* now + after, which may be RONDO_NEVER. */
int64_t group_after(int64_t start, int64_t length_ns);

/* ---- threads: group_thread.c ---- */

/* Starts all threads and waits until their loops are made. Or none is left. */
int group_start(rondo_group *g);
void group_stop(rondo_group *g);
/* On the home loop: a member's thread has ended. */
void group_member_ended(rondo_loop *home, struct completion *c);

/* ---- calls: group_call.c ---- */

/* What still runs is given up: tells that error. */
void group_calls_give_up(rondo_group *g, int error);

/* ---- servers: group_server.c ---- */

/* A loop's part of a server. The loop's thread has `server` and `cut`. */
struct group_part {
    rondo_group_server *gs;
    unsigned index;
    rondo_server *server; /* NULL: not open, or closed */
    sys_fd *fds;          /* to listen on, for the thread to take */
    size_t fd_count;
    struct completion open, close, cut_all, closed;
    unsigned cut;        /* clients that were aborted when the time was over */
    atomic_bool takes;   /* clients may be handed to it */
    atomic_uint clients; /* as its server has them */
    atomic_uint coming;  /* handed to it and not yet taken */
};

/* From malloc, counted. */
struct rondo_group_server {
    rondo_group_server *next; /* of the group */
    rondo_group *group;
    struct task task;
    rondo_server_options options; /* of each part */
    const rondo_protocol *protocol;
    void *arg;
    rondo_spread spread;
    rondo_server *accepting; /* the home loop's; NULL: each part listens */
    unsigned turn;           /* the part that is next, in turn */
    atomic_bool full;        /* accepting has paused: no part has room */
    struct completion room;  /* to the home loop: one has, again */
    bool closing;            /* lock of the group, for other threads */
    bool told, cut;
    unsigned left; /* parts whose end has not come */
    int64_t cut_clients;
    rondo_id timer;
    rondo_done_fn done;
    void *done_arg;
    atomic_uint refs;
    size_t address_count;
    rondo_address *addresses;
    struct group_part part[];
};

void group_server_ref(rondo_group_server *gs);
void group_server_unref(rondo_group_server *gs);
/* Stops listening. now: aborts the clients, too. */
void group_server_close(rondo_group_server *gs, bool now);
/* Tells that it is over although parts are left. */
void group_server_give_up(rondo_group_server *gs, int error);
/* All of them have ended and were told. */
bool group_servers_are_over(const rondo_group *g);
void group_servers_free(rondo_group *g);
/* The part that a client belongs to; NULL: none of this group. */
struct group_part *group_part_of(const rondo_group *g,
                                 const rondo_transport *t);
/* Makes its task run if it is over. */
void group_server_settle(rondo_group_server *gs);
/* A loop's part has been made, or has failed to; see group_accept.c. */
void group_part_open(rondo_loop *loop, struct completion *c);
void group_part_counted(rondo_server *s);

/* ---- accepting for other loops: group_accept.c ---- */

/* What the home loop's server calls. */
void group_accepted(rondo_server *s, void *arg, rondo_fd socket,
                    const rondo_address *peer);
/* On a loop: a client less. */
void group_accept_has_room(rondo_group_server *gs);
void group_accept_go_on(rondo_loop *home, struct completion *c);

#endif

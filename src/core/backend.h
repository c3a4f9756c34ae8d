/* backend.h - what carries operations out, and the choice of it. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_BACKEND_H
#define RONDO_CORE_BACKEND_H

#include "core/op.h"

struct backend {
    const char *name;
    uint64_t cannot;         /* bits 1 << RONDO_CAN_...; rest: sys_supports */
    int64_t max_number;      /* descriptor numbers end below; 0: no limit */
    int64_t max_descriptors; /* at once; 0: the process's own limit */
    const struct poller *poller; /* reactor only */
    int accepts;      /* accept operations a server keeps outstanding */
    bool sends_files; /* carries out OP_SENDFILE */
    int (*open)(rondo_loop *loop);
    void (*close)(rondo_loop *loop);
    int (*reopen)(rondo_loop *loop); /* in a forked child */
    int (*attach)(rondo_loop *loop, struct io *io);
    void (*detach)(rondo_loop *loop, struct io *io);
    /* Never fails and never calls done: errors arrive as done, too. */
    void (*submit)(rondo_loop *loop, struct op *op);
    /* done still comes: RONDO_ECANCELED, or the result if it was quicker. */
    void (*cancel)(rondo_loop *loop, struct op *op);
    /* Collects what has ended. An error ends the run with it. */
    int (*wait)(rondo_loop *loop, int64_t timeout_ns);
    /* Any thread, signal handlers. */
    void (*wake)(rondo_loop *loop);
    /* The finest timeout that wait keeps. */
    int64_t (*resolution)(const rondo_loop *loop);
    /* What an embedding loop waits for, and how long at most, RONDO_NEVER as a
     * rule; RONDO_ENOTSUP. */
    int (*embed)(rondo_loop *loop, rondo_fd *fd, int64_t *timeout_ns);
};

/* A poller's set: not watched, since what is asked for is there already. */
enum { POLLER_READY = 1 };

/* A way to learn of readiness; reactor.c makes a backend of it. State is
 * `size` zeroed bytes. All sides are SIDE_READ and SIDE_WRITE. */
struct poller {
    size_t size;
    int (*open)(rondo_loop *loop, void *state);
    void (*close)(rondo_loop *loop, void *state);
    int (*attach)(rondo_loop *loop, void *state, struct io *io);  /* or NULL */
    void (*detach)(rondo_loop *loop, void *state, struct io *io); /* or NULL */
    /* 0, POLLER_READY, an error; or 0 now and reactor_refused in a wait. */
    int (*set)(rondo_loop *loop, void *state, struct io *io, unsigned sides);
    int (*wait)(rondo_loop *loop, void *state, int64_t timeout_ns);
    int64_t (*resolution)(const void *state);
    /* NULL: cannot be embedded. Else the kernel knows now of all sides. */
    int (*embed)(rondo_loop *loop, void *state, rondo_fd *fd,
                 int64_t *timeout_ns);
    /* Both NULL, or false: the reactor's own wake-up is needed. */
    bool (*wakes)(const void *state);
    void (*wake)(const void *state); /* any thread, signal handlers */
};

/* For a poller's wait: this descriptor is ready on these sides. */
void reactor_ready(rondo_loop *loop, struct io *io, unsigned sides);
/* For a poller's wait: the kernel does not watch this side after all; error 0:
 * because it is ready. */
void reactor_refused(rondo_loop *loop, struct io *io, unsigned side, int error);
/* For a poller's wait: this descriptor is no longer open. */
void reactor_lost(rondo_loop *loop, struct io *io);

/* The poller's own. */
void *reactor_state(rondo_loop *loop);

int reactor_open(rondo_loop *loop);
void reactor_close(rondo_loop *loop);
int reactor_reopen(rondo_loop *loop);
int reactor_attach(rondo_loop *loop, struct io *io);
void reactor_detach(rondo_loop *loop, struct io *io);
void reactor_submit(rondo_loop *loop, struct op *op);
void reactor_cancel(rondo_loop *loop, struct op *op);
int reactor_wait(rondo_loop *loop, int64_t timeout_ns);
void reactor_wake(rondo_loop *loop);
int64_t reactor_resolution(const rondo_loop *loop);
int reactor_embed(rondo_loop *loop, rondo_fd *fd, int64_t *timeout_ns);

#define REACTOR(poller_table)                                                  \
    .poller = (poller_table), .accepts = 1, .open = reactor_open,              \
    .close = reactor_close, .reopen = reactor_reopen,                          \
    .attach = reactor_attach, .detach = reactor_detach,                        \
    .submit = reactor_submit, .cancel = reactor_cancel, .wait = reactor_wait,  \
    .wake = reactor_wake, .resolution = reactor_resolution,                    \
    .embed = reactor_embed

/* The wake-up: a descriptor that any thread can make readable. */
struct wake {
    sys_fd fd[2]; /* read, write; the same on an eventfd */
};
int wake_open(struct wake *wake);
void wake_close(struct wake *wake);
void wake_send(const struct wake *wake);
/* An error: it does not work any more. */
int wake_drain(const struct wake *wake);

/* Of this build, as SYS_BACKENDS lists them; defined in parts.c. */
extern const struct backend *const backend_table[];

/* The backend an option or the policy names; NULL name: the policy. */
int backend_choose(const char *name, const struct backend **backend);

#endif

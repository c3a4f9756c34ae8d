/* backend.h - what carries operations out, and the choice of it. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_CORE_BACKEND_H
#define RONDO_CORE_BACKEND_H

#include "core/op.h"

/* ---- a backend ---- */

/* The loop's thread calls all functions except wake. Errors have a sentence.
 * doc/backends.md tells how to write one. */
struct backend {
    const char *name;
    uint64_t cannot;         /* bits 1 << RONDO_CAN_... that it lacks although
                                the system has them (sys_supports) */
    int64_t max_number;      /* descriptor numbers end below; 0: no limit */
    int64_t max_descriptors; /* at once; 0: the process's limit only */
    const struct poller *poller; /* the reactor's; NULL: it is another's */
    int accepts;      /* accept operations a server keeps outstanding */
    bool sends_files; /* carries out OP_SENDFILE */
    /* Of a backend that binds a transport's socket to the loop for good: the
     * io->mode of one that comes from another loop. It waits for readiness then
     * and carries nothing out; nor is a write under way cancelled before, since
     * some of its bytes may have left. 0: sockets can leave. */
    unsigned char moved_mode;

    /* The size of the room that lies in the loop's block for it, from
     * loop->backend_room on, and is not zeroed. NULL: it has none. */
    size_t (*size)(const struct backend *backend);
    /* Makes loop->backend_data. An error leaves it NULL, or in a state that
     * close takes. */
    int (*open)(rondo_loop *loop);
    /* Frees all. No handle is left. */
    void (*close)(rondo_loop *loop);
    /* In a forked child: makes the kernel's objects anew and watches again what
     * is pending, without changing what the parent's objects hold. */
    int (*reopen)(rondo_loop *loop);

    /* A descriptor enters the loop. An error refuses it. */
    int (*attach)(rondo_loop *loop, struct io *io);
    /* Would it wait for that descriptor, which is attached and has no
     * operation? 0, or the error that submit would end with. NULL: it does. */
    int (*probe)(rondo_loop *loop, struct io *io);
    /* It leaves the loop; its number may be another file's on return. All its
     * operations have ended or were cancelled. */
    void (*detach)(rondo_loop *loop, struct io *io);

    /* Of a backend that reads before it is asked, NULL elsewhere. */
    /* As sys_recv, of an OP_READ's descriptor: first what lies here. */
    int64_t (*receive)(rondo_loop *loop, struct io *io, void *data,
                       size_t size);
    /* The same, of as much as LOOP_SCRATCH, or NULL: *data is where to put it, or on
     * return where it lies, until the next lend or wait. */
    int64_t (*lend)(rondo_loop *loop, struct io *io, char **data);
    /* Datagrams of an OP_RECEIVE's descriptor that lie here, at most `count`, each
     * cut to `room` bytes; how many they are. Their data stay where they are until
     * the next call or wait. An error is told once. RONDO_EAGAIN: none is here,
     * ask the system. NULL: it reads no datagrams. */
    int (*lend_datagrams)(rondo_loop *loop, struct io *io,
                          struct sys_received *list, unsigned count,
                          size_t room);
    /* Takes what lies here; its size. Data NULL: reads no more, until the next
     * wait, and tells how much there is to take. */
    size_t (*take_rest)(rondo_loop *loop, struct io *io, void *data,
                        size_t size);
    /* Of a backend that sends later, NULL elsewhere. */
    /* Copies bytes of a stream's socket, which it sends before the next wait;
     * io->kept is not 0 then. false: the caller sends them, behind those that
     * were kept. */
    bool (*send_later)(rondo_loop *loop, struct io *io, const void *data,
                       size_t size);
    /* The same of an endpoint's datagram, where nothing is kept. NULL: it keeps
     * none. */
    bool (*send_datagram_later)(rondo_loop *loop, struct io *io,
                                const struct sys_outgoing *out);
    /* Sends what it has kept, and calls io_unsent for what of this io has not
     * left; for the others the next wait does. NULL, outside of any callback:
     * at once for all, as a run of the loop ends. */
    void (*send_now)(rondo_loop *loop, const struct io *io);

    /* The calling thread runs the loop from now on. 0, or an error, and nothing
     * has changed. NULL: threads do not matter. */
    int (*move)(rondo_loop *loop);

    /* Starts an operation: makes it PENDING and calls op_finish when it ends,
     * at once or in a later wait. Never calls done. A failure ends the
     * operation, too. */
    void (*submit)(rondo_loop *loop, struct op *op);
    /* Ends a PENDING operation early: op_finish comes with RONDO_ECANCELED, or
     * with the result if that was quicker. Never calls done. */
    void (*cancel)(rondo_loop *loop, struct op *op);

    /* Waits for at most timeout_ns (0: only looks; RONDO_NEVER: no end) and
     * calls op_finish for what has ended. Returns 0, also when a signal or a
     * wake-up has ended the wait. An error ends the run. */
    int (*wait)(rondo_loop *loop, int64_t timeout_ns);
    /* Ends the wait that is under way, or the next one. Any thread and any
     * signal handler. */
    void (*wake)(rondo_loop *loop);
    /* The finest timeout that wait keeps, in ns. */
    int64_t (*resolution)(const rondo_loop *loop);
    /* For rondo_loop_prepare: the descriptor that an embedding loop waits for,
     * and the longest that it may wait (mostly RONDO_NEVER). RONDO_ENOTSUP: the
     * backend has no such descriptor. */
    int (*embed)(rondo_loop *loop, rondo_fd *fd, int64_t *timeout_ns);
    /* For rondo_loop_prepare_poll: all descriptors, of which it fills in `room`
     * at most. Returns how many there are, or an error. NULL: embed's is all. */
    int (*list)(rondo_loop *loop, rondo_poll_entry *entries, size_t room,
                int64_t *timeout_ns);
};

/* The backends of this build, in the order of SYS_BACKENDS; parts.c defines
 * it. */
extern const struct backend *const backend_table[];

/* Finds the backend of a new loop: the one called `name`; if that is NULL, the
 * one of rondo_set_default_backend, else the one that RONDO_BACKEND names in
 * the environment, if has_env, else the first. Any thread. Returns 0, or
 * RONDO_ENOTSUP with a sentence. */
int backend_choose(const char *name, bool has_env,
                   const struct backend **backend);

/* ---- a poller ---- */

/* What a poller's set returns for a side that the kernel refuses to watch
 * because it is ready for good, as a pipe whose reader has left. */
enum { POLLER_READY = 1 };

/* A way to learn of readiness, level-triggered; the reactor makes a backend of
 * it. `state` is the poller's own memory: `size` bytes, zeroed before open.
 * Sides are SIDE_READ and SIDE_WRITE. */
struct poller {
    size_t size;  /* of its state, which is zeroed before open */
    size_t unset; /* ... but for so many bytes at its end */
    int (*open)(rondo_loop *loop, void *state);
    /* In a forked child the kernel's object is still the parent's, too: close
     * frees this process's descriptor and changes nothing in the object. */
    void (*close)(rondo_loop *loop, void *state);
    /* In a forked child, in place of close and open, for a poller whose state
     * must stay: nothing is armed then, and each io will be attached. Like the
     * backend's it can be called again after an error. Or NULL. */
    int (*reopen)(rondo_loop *loop, void *state);
    int (*attach)(rondo_loop *loop, void *state, struct io *io);  /* or NULL */
    void (*detach)(rondo_loop *loop, void *state, struct io *io); /* or NULL */
    /* Watch these sides from now on, and no others; io->armed says which were
     * watched before. With a bit of WATCH_ALWAYS they are a watch's events. Returns 0, POLLER_READY, or an error. A poller may return
     * 0 and call reactor_refused in the next wait instead. Taking a side away
     * cannot fail. */
    int (*set)(rondo_loop *loop, void *state, struct io *io, unsigned sides);
    /* An operation on it was cancelled, which takes no interest away. Or NULL.
     */
    void (*canceled)(rondo_loop *loop, void *state, struct io *io);
    /* As a backend's wait: calls reactor_ready, _refused and _lost. These never
     * call a function of the program, so no io is freed during a wait. */
    int (*wait)(rondo_loop *loop, void *state, int64_t timeout_ns);
    /* After reactor_ready for an io with a watch: what the wait that is under
     * way has found, as bits of enum rondo_event. NULL: `sides` is all. */
    unsigned (*events)(rondo_loop *loop, void *state, const struct io *io,
                       unsigned sides);
    int64_t (*resolution)(const void *state);
    /* As a backend's. On return the kernel knows of all that set has asked for.
     * NULL: RONDO_ENOTSUP. */
    int (*embed)(rondo_loop *loop, void *state, rondo_fd *fd,
                 int64_t *timeout_ns);
    /* As a backend's, for a poller without embed. Cannot fail. */
    int (*list)(rondo_loop *loop, void *state, rondo_poll_entry *entries,
                size_t room, int64_t *timeout_ns);
    /* Tells whether `wake` ends a wait; where it does not, the reactor watches
     * a struct wake. NULL: it does not, and `wake`, if there is one, is called
     * besides. */
    bool (*wakes)(const void *state);
    void (*wake)(const void *state); /* any thread and any signal handler */
};

/* ---- for a poller's wait ---- */

COLD void reactor_ready_slow(rondo_loop *loop, struct io *io, unsigned sides);
/* The descriptor is ready on these sides. Ends the operations that wait for
 * them; sides that no operation waits for are disarmed, by set. For a watch any
 * bit of enum rondo_event will do, and poller.events tells the rest. */
static inline void reactor_ready(rondo_loop *loop, struct io *io,
                                 unsigned sides)
{
    struct op *reading = io->op[0];
    assert(!reading || reading->task.state == TASK_PENDING);
    loop->metrics.events++;
    if (sides != SIDE_READ || !reading) {
        reactor_ready_slow(loop, io, sides);
        return;
    }
    io->op[0] = NULL;
    op_finish(loop, reading, 0);
}
/* The kernel does not watch this side, although set returned 0. Ends its
 * operation with `error`; 0: "try now", since the side is ready for good. */
void reactor_refused(rondo_loop *loop, struct io *io, unsigned side, int error);
/* The descriptor is closed. Ends its operations with RONDO_EBADF. */
void reactor_lost(rondo_loop *loop, struct io *io);

/* The poller's state, for code of its own outside these functions. A reactor
 * begins with a pointer to it. */
static inline void *reactor_state(const rondo_loop *loop)
{
    return *(void *const *)loop->backend_data;
}

/* ---- the reactor, as a backend ---- */

size_t reactor_size(const struct backend *backend);
int reactor_open(rondo_loop *loop);
void reactor_close(rondo_loop *loop);
int reactor_reopen(rondo_loop *loop);
int reactor_attach(rondo_loop *loop, struct io *io);
void reactor_detach(rondo_loop *loop, struct io *io);
int reactor_probe(rondo_loop *loop, struct io *io);
void reactor_submit(rondo_loop *loop, struct op *op);
void reactor_cancel(rondo_loop *loop, struct op *op);
int reactor_wait(rondo_loop *loop, int64_t timeout_ns);
void reactor_wake(rondo_loop *loop);
int64_t reactor_resolution(const rondo_loop *loop);
int reactor_embed(rondo_loop *loop, rondo_fd *fd, int64_t *timeout_ns);
int reactor_list(rondo_loop *loop, rondo_poll_entry *entries, size_t room,
                 int64_t *timeout_ns);

/* The members of a struct backend over that poller. */
#define REACTOR(poller_table)                                                  \
    .poller = (poller_table), .accepts = 1, .size = reactor_size,              \
    .open = reactor_open, .close = reactor_close, .reopen = reactor_reopen,    \
    .attach = reactor_attach, .probe = reactor_probe,                          \
    .detach = reactor_detach, .submit = reactor_submit,                        \
    .cancel = reactor_cancel, .wait = reactor_wait, .wake = reactor_wake,      \
    .resolution = reactor_resolution, .embed = reactor_embed,                  \
    .list = reactor_list

/* ---- the wake-up ---- */

/* A descriptor that any thread can make readable: an eventfd, a pipe or a pair
 * of sockets. */
struct wake {
    sys_fd fd[2]; /* to read and to write; an eventfd is both */
};
/* 0, or an error with a sentence. */
int wake_open(struct wake *wake);
void wake_close(struct wake *wake);
/* Makes it readable. Any thread and any signal handler; keeps errno. */
void wake_send(const struct wake *wake);
/* Makes it unreadable again. An error: the program has closed it. */
int wake_drain(const struct wake *wake);

#endif

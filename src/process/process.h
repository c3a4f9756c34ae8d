/* process.h - a child process as a handle: its parts, and what starts one. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_PROCESS_PROCESS_H
#define RONDO_PROCESS_PROCESS_H

#include "core/child.h"
#include "stream/stream.h"

enum process_flag {
    PROCESS_OWES_MADE = 1 << 0,   /* connection_made is due */
    PROCESS_ENDED = 1 << 1,       /* or let go: there is nothing to wait for */
    PROCESS_OWES_EXITED = 1 << 2, /* process_exited is due */
    PROCESS_KNOWN = 1 << 3,       /* how it ended can be asked */
    PROCESS_LEAVE = 1 << 4,       /* leave_running */
    PROCESS_CLOSING = 1 << 5,     /* close: not to wait for the pipes */
    PROCESS_CUT = 1 << 6,         /* ... and the pipes have been told */
    PROCESS_RUNNING = 1 << 7      /* the loop is in its dispatch */
};

/* The self of a pipe's own protocol. */
struct process_pipe {
    rondo_process *process;
    rondo_transport *t; /* NULL: gone */
    int child_fd;
};

struct rondo_process {
    struct handle handle;
    struct stream_owner owner; /* of the pipes */
    struct task deferred;
    struct child child;
    rondo_loop *loop;
    const rondo_process_protocol *protocol;
    void *self;
    uint32_t flags;
    int error;
    size_t pipes;
    struct process_pipe pipe[];
};

/* rondo_subprocess_exec, or _shell where there is a command; `what` begins
 * each error's sentence. The options are of this version's size. */
int process_start(rondo_loop *loop, const char *what, const char *command,
                  const rondo_process_options *options,
                  const rondo_process_protocol *protocol, void *self,
                  rondo_process **process);
/* Room for a process with that many pipes, not started. */
rondo_process *process_new(rondo_loop *loop, size_t pipes);
/* Its child runs: from now on it is a live handle. */
void process_open(rondo_process *p, const rondo_process_protocol *protocol,
                  void *self);

#endif

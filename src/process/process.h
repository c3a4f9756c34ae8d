/* process.h - a child process as a handle: its parts, and what starts one. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_PROCESS_PROCESS_H
#define RONDO_PROCESS_PROCESS_H

#include "core/child.h"
#include "stream/stream.h"

/* The callbacks that are due, in the order in which they are told. */
enum process_owed {
    PROCESS_OWED_MADE,
    PROCESS_OWED_EXITED,
    PROCESS_OWED_CUT, /* closed and ended: the pipes are not waited for */
    PROCESS_OWED_LOST,
    PROCESS_OWED
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
    struct dispatch dispatch;
    struct child child;
    rondo_loop *loop;
    const rondo_process_protocol *protocol;
    void *self;
    bool ended; /* or let go: there is nothing to wait for */
    bool known; /* how it ended can be asked */
    bool closing;
    bool cut;           /* the pipes have been cut */
    bool leave_running; /* close lets it go */
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

/* process.h - a child process as a handle: its parts, and how it starts. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_PROCESS_PROCESS_H
#define RONDO_PROCESS_PROCESS_H

#include "core/child.h"
#include "stream/stream.h"

/* What is owed, in the order in which it is dispatched. */
enum process_owed {
    PROCESS_OWED_MADE,
    PROCESS_OWED_EXITED,
    PROCESS_OWED_CUT, /* closed and ended: to end the pipes without waiting */
    PROCESS_OWED_LOST,
    PROCESS_OWED
};

/* The self of the protocol that process.c gives each pipe. */
struct process_pipe {
    rondo_process *process;
    rondo_transport *t; /* NULL: the pipe has ended */
    int child_fd;       /* in all callbacks but the next two */
    int write_fd;       /* in pause_writing and resume_writing */
    unsigned terminal;  /* the bits of 0-2 that are it; 0: not a terminal */
    bool console;       /* Windows': the process has it */
};

struct rondo_process {
    struct handle handle;
    struct stream_owner owner; /* of the pipes */
    struct dispatch dispatch;
    struct child child;
    rondo_loop *loop;
    const rondo_process_protocol *protocol;
    void *self;
    bool ended; /* the child has ended, or is not watched any more */
    bool known; /* it has ended: child.status says how */
    bool closing;
    bool cut;           /* the pipes have been ended by PROCESS_OWED_CUT */
    bool leave_running; /* close leaves the child running */
    bool leads;         /* a process group of its own */
    void *console;      /* of struct sys_terminal, until the child has ended */
    int error;
    size_t pipes;
    struct process_pipe pipe[];
};

/* rondo_subprocess_exec, or rondo_subprocess_shell if there is a command;
 * `what` begins each error's sentence. The options have this version's size. */
int process_start(rondo_loop *loop, const char *what, const char *command,
                  const rondo_process_options *options,
                  const rondo_process_protocol *protocol, void *self,
                  rondo_process **process);
/* Memory for a process with that many pipes, whose child has not started.
 * NULL: out of memory. */
rondo_process *process_new(rondo_loop *loop, size_t pipes);
/* The child runs: the process and its pipes become live handles. */
void process_open(rondo_process *p, const rondo_process_protocol *protocol,
                  void *self);

#endif

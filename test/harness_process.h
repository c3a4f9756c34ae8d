/* harness_process.h - child processes of tests, and what they are heard to do.
 * SPDX-License-Identifier: MIT
 *
 * The program they run is child.c, whose arguments say what to do.
 */
#ifndef RONDO_TEST_HARNESS_PROCESS_H
#define RONDO_TEST_HARNESS_PROCESS_H

#include "harness.h"
#include "raw_process.h"

/*
 * `order` has a letter a callback: M connection_made, 1 and 2 data (one for a
 * run of one descriptor), x for a pipe that is lost, P pause_writing,
 * R resume_writing, E process_exited, L connection_lost.
 */
struct proc {
    /* what has happened to it; forgotten when it is started once more */
    rondo_process *process; /* NULL when lost */
    unsigned made, exited, lost;
    unsigned pipes_lost[4], pauses, resumes;
    int pipe_error[4];  /* of descriptors 0 to 3 */
    uint64_t bytes[4];  /* received */
    char text[4][8192]; /* the first of them, with a NUL byte */
    bool wrong;         /* one was not position % 251 */
    rondo_exit status;
    int error;
    char last_error[256];
    char order[121];
    /* what the test wants */
    struct world *w;
    rondo_process_options o; /* how it is started */
    bool pattern;            /* look for position % 251 */
    void (*on_made)(struct proc *p);
    void (*on_data)(struct proc *p, int fd);
    void (*on_exited)(struct proc *p);
    void (*on_pipe_lost)(struct proc *p, int fd);
    void (*on_lost)(struct proc *p);
    void *user;
};

extern const rondo_process_protocol proc_recorder;

/* ends the test as skipped where the backend cannot run programs */
void proc_need(struct world *w);
/* One whose options are the defaults, in any test. */
struct proc *proc_new(struct world *w);
/* Its descriptors 0 to 2: all null; both outputs read; all three pipes. */
enum proc_stdio { NULLS, OUTPUT, PIPES };
/* The beginning of a test that leaves nothing behind. */
struct proc *proc_begin(struct world *w, enum proc_stdio stdio);
/* The same with OUTPUT, where children are as on Unix only. */
struct proc *proc_begin_unix(struct world *w, const char *lacking);

/* Starts child.c with these arguments (NULL at the end), once more if it was
 * lost. Whatever it returns. */
int proc_try(struct proc *p, ...);
/* the same, and it must start */
void proc_start(struct proc *p, ...);
/* begins and starts */
struct proc *proc_run(struct world *w, enum proc_stdio stdio, ...);
/* in another loop, or with more arguments */
int proc_start_in(struct proc *p, rondo_loop *loop, const char *const *argv);

/* our end of its descriptor, and what is done with it */
rondo_transport *proc_pipe(const struct proc *p, int fd);
void proc_write(struct proc *p, int fd, const char *text);
void proc_write_eof(struct proc *p, int fd);
void proc_close_input(struct proc *p);

/* runs the loop until it is lost */
void proc_wait(struct proc *p);
/* It is started with these arguments, and tells that they are what it got. */
void proc_echoes(struct proc *p, const char *const *arguments);
/* the same; it ended by itself with this code */
void proc_ends(struct proc *p, uint32_t code);
/* the same; that is all that it wrote to its stdout */
void proc_says(struct proc *p, uint32_t code, const char *text);
/* the same as proc_wait; it was killed, on systems that say so */
void proc_ends_killed(struct proc *p);
/* where the loop has been closed and did not run */
void proc_check_killed(const struct proc *p);
/* It is killed: by a close, twice, inside the callback of its first output; by
 * the closing of its loop. */
void proc_closes_in_data(struct proc *p);
void proc_ends_with_loop(struct proc *p);
/* Starts it with each allocation failing in turn. */
void proc_starts_without_memory(struct proc *p);

#endif

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
    struct world *w;
    rondo_process *process; /* NULL when lost */
    unsigned made, exited, lost;
    unsigned pipes_lost[4], pauses, resumes;
    int pipe_error[4];  /* of descriptors 0 to 3 */
    uint64_t bytes[4];  /* received */
    char text[4][8192]; /* the first of them, with a NUL byte */
    bool wrong;         /* one was not position % 251 */
    bool pattern;       /* look for that */
    rondo_exit status;
    int error;
    char last_error[256];
    char order[121];
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
struct proc *proc_new(struct world *w);
/* The beginning of a test that leaves nothing behind: options of these kinds,
 * with both outputs read and no input, and the same where children are as on
 * Unix only. */
struct proc *proc_begin(struct world *w, rondo_process_options *o,
                        rondo_process_options kinds);
struct proc *proc_begin_reading(struct world *w, rondo_process_options *o);
struct proc *proc_begin_unix(struct world *w, rondo_process_options *o,
                             const char *lacking);

/* Starts child.c with these arguments (NULL at the end); `options` may be
 * NULL. Whatever it returns. */
int proc_try(struct proc *p, const rondo_process_options *options, ...);
/* the same, and it must start */
void proc_start(struct proc *p, const rondo_process_options *options, ...);
int proc_start_in(struct proc *p, rondo_loop *loop,
                  const rondo_process_options *options,
                  const char *const *argv);

/* runs the loop until it is lost */
void proc_wait(struct proc *p);
/* it ended by itself with this code */
void proc_check_exit(const struct proc *p, uint32_t code);
/* it was killed, on systems that say so */
void proc_check_killed(const struct proc *p);

/* all three kinds at once */
rondo_process_options proc_options(rondo_stdio_kind in, rondo_stdio_kind out,
                                   rondo_stdio_kind err);

#endif

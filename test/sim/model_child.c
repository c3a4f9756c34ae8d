/* model_child.c - child processes: what they say, and how they end. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHILD_STEPS = 12, CHILD_SAYS_MOST = 100000, CHILD_PIECE = 3000 };

struct kid {
    struct kid *next;
    struct actor actor;
    struct place *place;
    rondo_process *process; /* NULL: not started, or lost */
    char program[16], code[12], size[12];
    unsigned steps_left;
    bool made, exited, lost, closed, signalled, stopped, ended_input;
    unsigned pipes_lost[3];
    bool writing_paused;
    uint64_t written, heard;
};

/* ---- the programs ---- */

static unsigned char kid_byte(uint64_t place)
{
    return (unsigned char)(place * 7 + place / 251);
}

/* false: nobody reads any more. */
static bool kid_says(const char *bytes, size_t size)
{
    while (size) {
        int64_t count = rondo_sim_write(1, bytes, size, RONDO_NEVER);
        if (count < 0)
            return false;
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

/* Says so many bytes. */
static int run_say(int argc, char **argv, void *arg)
{
    uint64_t left = strtoull(argv[2], NULL, 10), place = 0;
    char piece[CHILD_PIECE];
    (void)argc;
    (void)arg;
    while (left) {
        size_t size = left < sizeof piece ? (size_t)left : sizeof piece;
        for (size_t i = 0; i < size; i++)
            piece[i] = (char)kid_byte(place++);
        if (!kid_says(piece, size))
            return 99;
        left -= size;
    }
    return atoi(argv[1]);
}

/* Says what it is told. */
static int run_echo(int argc, char **argv, void *arg)
{
    char piece[CHILD_PIECE];
    int64_t count;
    (void)argc;
    (void)arg;
    while ((count = rondo_sim_read(0, piece, sizeof piece, RONDO_NEVER)) > 0)
        if (!kid_says(piece, (size_t)count))
            return 99;
    return count < 0 ? 98 : atoi(argv[1]);
}

/* The same with a loop of its own, which it leaves to the process's end. */
struct echo_loop {
    rondo_loop *loop;
    rondo_transport *out;
    bool failed;
};

static void echo_hears(rondo_transport *t, void *self, const void *data,
                       size_t size)
{
    struct echo_loop *e = self;
    (void)t;
    if (e->out && rondo_transport_write(e->out, data, size) < 0)
        e->failed = true;
}

static void echo_ends(rondo_transport *t, void *self, int error)
{
    struct echo_loop *e = self;
    (void)t;
    e->failed |= error != 0;
    if (e->out)
        rondo_transport_close(e->out);
}

static void echo_is_lost(rondo_transport *t, void *self, int error)
{
    struct echo_loop *e = self;
    (void)t;
    e->failed |= error != 0;
    e->out = NULL;
    rondo_loop_stop(e->loop);
}

static int run_loop(int argc, char **argv, void *arg)
{
    static const rondo_protocol in = {.data_received = echo_hears,
                                      .connection_lost = echo_ends},
                                out = {.connection_lost = echo_is_lost};
    struct echo_loop e = {0};
    (void)argc;
    (void)arg;
    if (rondo_loop_new(&e.loop, NULL) != 0 ||
        rondo_connect_write_pipe(e.loop, 1, RONDO_PIPE_OWN, &out, &e, &e.out) !=
            0 ||
        rondo_connect_read_pipe(e.loop, 0, RONDO_PIPE_OWN, &in, &e, NULL) != 0)
        return 97;
    int result = rondo_loop_run_forever(e.loop);
    return e.failed || result < 0 ? 96 : atoi(argv[1]);
}

static int run_sleep(int argc, char **argv, void *arg)
{
    (void)argc;
    (void)arg;
    (void)rondo_sim_sleep(RONDO_US(strtoll(argv[2], NULL, 10)));
    return atoi(argv[1]);
}

void child_programs(void)
{
    (void)rondo_sim_program("say", run_say, NULL);
    (void)rondo_sim_program("echo", run_echo, NULL);
    (void)rondo_sim_program("loop", run_loop, NULL);
    (void)rondo_sim_program("sleep", run_sleep, NULL);
}

/* ---- what a parent does ---- */

static rondo_transport *kid_pipe(const struct kid *k, int fd)
{
    return k->process && !k->pipes_lost[fd] ? rondo_process_pipe(k->process, fd)
                                            : NULL;
}

static bool kid_echoes(const struct kid *k)
{
    return strcmp(k->program, "echo") == 0 || strcmp(k->program, "loop") == 0;
}

static int64_t kid_write(struct kid *k, struct step *step)
{
    rondo_transport *t = kid_pipe(k, 0);
    char piece[CHILD_PIECE];
    size_t size = 1 + step_below(step, CHILD_PIECE - 1);
    if (!t || k->ended_input)
        return RONDO_ENOENT;
    for (size_t i = 0; i < size; i++)
        piece[i] = (char)kid_byte(k->written + i);
    int64_t result = rondo_transport_write(t, piece, size);
    if (result >= 0)
        k->written += size;
    else
        k->signalled = true; /* it may have ended, or memory is short */
    return result;
}

static int64_t kid_end_input(struct kid *k)
{
    rondo_transport *t = kid_pipe(k, 0);
    if (!t)
        return RONDO_ENOENT;
    k->ended_input = true;
    return rondo_transport_write_eof(t);
}

static int64_t kid_signal(struct kid *k, struct step *step)
{
    static const int list[] = {SIGTERM, SIGKILL, SIGSTOP, SIGCONT, SIGCHLD};
    int signum = list[step_below(step, 5)];
    if (signum == SIGSTOP)
        k->stopped = true;
    if (signum == SIGCONT)
        k->stopped = false;
    if (signum == SIGTERM || signum == SIGKILL)
        k->signalled = true;
    int error = rondo_process_send_signal(k->process, signum);
    must(error == 0 || error == RONDO_ESRCH, "send_signal: %s",
         rondo_last_error());
    return error;
}

static void kid_close(struct kid *k)
{
    k->closed = k->signalled = true;
    rondo_process_close(k->process);
}

static void kid_act(struct kid *k, const char *where)
{
    struct step step;
    rondo_transport *t;
    if (!k->process || k->closed || k->place->closing || !k->steps_left)
        return;
    k->steps_left--;
    if (!step_begin(&step, &k->actor, where))
        return;
    unsigned what = step_below(&step, 16);
    int64_t result = 0;
    if (what < 6) {
        result = kid_write(k, &step);
    } else if (what < 8) {
        result = kid_end_input(k);
    } else if (what == 8) {
        result = kid_signal(k, &step);
    } else if (what == 9) {
        kid_close(k);
    } else if (what == 10 && (t = kid_pipe(k, 1))) {
        result = rondo_transport_pause_reading(t);
    } else if (what < 13 && (t = kid_pipe(k, 1))) {
        result = rondo_transport_resume_reading(t);
    } else if (what == 13) {
        place_sleep(k->place, RONDO_US(step_below(&step, 300)));
    } else {
        loop_act_some(k->place, where);
        return;
    }
    step_did(&step,
             what < 6    ? "write to the child"
             : what < 8  ? "end its input"
             : what == 8 ? "signal"
             : what == 9 ? "close the process"
                         : "flow",
             result);
}

/* ---- what a parent hears ---- */

static void kid_made(rondo_process *process, void *self)
{
    struct kid *k = self;
    place_calls(k->place, "a process's connection_made", -1);
    must(!k->made && !k->lost && process == k->process, "a process is made");
    k->made = true;
    kid_act(k, "process made");
}

static void kid_heard(rondo_process *process, void *self, int fd,
                      const void *data, size_t size)
{
    struct kid *k = self;
    const unsigned char *bytes = data;
    place_calls(k->place, "a process's data", -1);
    must(k->made && !k->lost && process == k->process && fd == 1 && size &&
             !k->pipes_lost[1],
         "data of a process that is not there");
    for (size_t i = 0; i < size; i++)
        if (!must(bytes[i] == kid_byte(k->heard + i),
                  "%s %u: byte %llu of a child is another one", k->actor.kind,
                  k->actor.number, (unsigned long long)(k->heard + i)))
            break;
    k->heard += size;
    must(!kid_echoes(k) || k->heard <= k->written,
         "a child has said more than it was told");
    kid_act(k, "process data");
}

static void kid_pipe_lost(rondo_process *process, void *self, int fd, int error)
{
    struct kid *k = self;
    (void)process;
    place_calls(k->place, "pipe_connection_lost", -1);
    must(k->made && !k->lost && !k->pipes_lost[fd], "a pipe is lost twice");
    must(!error || k->signalled || k->place->closing || model.faults || fd == 0,
         "a pipe of a child: %s", rondo_error_name(error));
    k->pipes_lost[fd]++;
    kid_act(k, "pipe lost");
}

static void kid_pauses(rondo_process *process, void *self, int fd)
{
    struct kid *k = self;
    (void)process;
    must(fd == 0 && !k->writing_paused, "pause_writing of a process twice");
    k->writing_paused = true;
}

static void kid_resumes(rondo_process *process, void *self, int fd)
{
    struct kid *k = self;
    (void)process;
    must(fd == 0 && k->writing_paused, "resume_writing of a process twice");
    k->writing_paused = false;
    kid_act(k, "process resumes");
}

static void kid_exited(rondo_process *process, void *self, rondo_exit status)
{
    struct kid *k = self;
    rondo_exit same;
    place_calls(k->place, "process_exited", -1);
    must(k->made && !k->exited && !k->lost, "a process exits twice");
    k->exited = true;
    must(status.known, "a process whose end nobody knows");
    must(rondo_process_returncode(process, &same) && same.code == status.code &&
             same.signal == status.signal,
         "a process has two codes");
    bool ends = k->signalled || k->closed || k->place->closing;
    must(!status.signaled || ends, "a child dies of signal %d", status.signal);
    must(status.signaled || status.code == (uint32_t)atoi(k->code) ||
             model.faults || ends,
         "a child exits with %u instead of %s", (unsigned)status.code, k->code);
    kid_act(k, "process exits");
}

static void kid_lost(rondo_process *process, void *self, int error)
{
    struct kid *k = self;
    place_calls(k->place, "a process's connection_lost", -1);
    must(k->made && !k->lost && process == k->process,
         "a process is lost twice");
    must(error == 0 || (error == RONDO_ECLOSED && k->place->closing),
         "a process: %s", rondo_error_name(error));
    must(k->exited || k->place->closing, "a process is lost before its exit");
    must(k->pipes_lost[0] == 1 && k->pipes_lost[1] == 1,
         "a process is lost before its pipes");
    bool whole =
        !k->signalled && !k->closed && !k->place->closing && !model.faults;
    must(!whole || k->heard == (kid_echoes(k) ? k->written
                                              : strtoull(k->size, NULL, 10)),
         "a child has said %llu bytes", (unsigned long long)k->heard);
    k->lost = true;
    k->process = NULL;
    k->place->kids--;
    loop_act_some(k->place, "process lost");
}

static const rondo_process_protocol kid_protocol = {
    .connection_made = kid_made,
    .pipe_data_received = kid_heard,
    .pipe_connection_lost = kid_pipe_lost,
    .pause_writing = kid_pauses,
    .resume_writing = kid_resumes,
    .process_exited = kid_exited,
    .connection_lost = kid_lost,
};

/* ---- starting, ending ---- */

int64_t child_act(struct place *p, struct step *step)
{
    static const char *const programs[] = {"say", "echo", "loop", "sleep"};
    static unsigned number;
    struct kid *k = model_alloc(sizeof *k);
    if (p->ending || p->kids >= 6)
        return RONDO_EBUSY;
    k->place = p;
    k->actor = actor_child(step, "child");
    k->actor.number = number++;
    k->steps_left = CHILD_STEPS;
    unsigned which = step_below(step, 4);
    (void)snprintf(k->program, sizeof k->program, "%s", programs[which]);
    (void)snprintf(k->code, sizeof k->code, "%u", step_below(step, 90));
    (void)snprintf(k->size, sizeof k->size, "%u",
                   which ? 0 : step_below(step, CHILD_SAYS_MOST));
    char pause[12];
    (void)snprintf(pause, sizeof pause, "%u", step_below(step, 100000));
    const char *const argv[] = {k->program, k->code,
                                which == 3 ? pause : k->size, NULL};
    int error = rondo_subprocess_exec(
        p->loop,
        RONDO_PROCESS(.argv = argv, .stdin_kind = RONDO_STDIO_PIPE,
                      .stdout_kind = RONDO_STDIO_PIPE,
                      .stderr_kind = RONDO_STDIO_NULL,
                      .new_group = step_below(step, 2),
                      .die_with_parent = step_below(step, 4) != 0),
        &kid_protocol, k, &k->process);
    must(error == 0 || model.faults || p->closing, "subprocess_exec: %s",
         rondo_last_error());
    if (error)
        return error;
    k->next = model.kids;
    model.kids = k;
    p->kids++;
    return error;
}

/* Those that wait for input, or are stopped, would stay. */
void child_end_all(struct place *p)
{
    for (struct kid *k = model.kids; k; k = k->next) {
        rondo_transport *t;
        if (k->place != p || !k->process || k->closed)
            continue;
        if (k->stopped)
            (void)rondo_process_send_signal(k->process, SIGCONT);
        if ((t = kid_pipe(k, 1)))
            (void)rondo_transport_resume_reading(t);
        k->steps_left = 0;
        (void)kid_end_input(k);
        if (model.faults)
            kid_close(k);
    }
}

bool child_may_stay(void)
{
    for (const struct kid *k = model.kids; k; k = k->next)
        if (k->stopped && !k->lost && k->place->host == model.crashed)
            return true;
    return false;
}

void child_check_end(void)
{
    for (const struct kid *k = model.kids; k; k = k->next)
        must(k->lost || k->place->host == model.crashed,
             "%s %u: no connection_lost", k->actor.kind, k->actor.number);
    for (int i = 0; i < MODEL_HOSTS; i++)
        must(rondo_sim_count_children(i, true) == 0, "host %d: zombies", i);
}

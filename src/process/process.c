/* process.c - the life of a child process: made, exited, lost. */
/* SPDX-License-Identifier: MIT */
#include "process/process.h"

#include "base/error.h"
#include "core/observe.h"
#include "core/part.h"
#include "core/probe.h"
#include "core/quarantine.h"

#include <signal.h>
#include <stdio.h>

static rondo_process *process_of_owner(struct stream_owner *owner)
{
    return (rondo_process *)(void *)((char *)owner -
                                     offsetof(rondo_process, owner));
}

static const struct dispatch_class process_dispatch; /* below */

/* ---- settling ---- */

static void process_decide(void *handle)
{
    const unsigned derived = 1U << PROCESS_OWED_CUT | 1U << PROCESS_OWED_LOST;
    rondo_process *p = handle;
    unsigned owed = 0;
    assert(!p->known || p->ended);
    assert(!p->cut || (p->closing && p->ended));
    assert(!p->error || p->closing);
    if (p->ended && p->closing && !p->cut)
        owed |= 1U << PROCESS_OWED_CUT;
    if (p->ended && !p->owner.first)
        owed |= 1U << PROCESS_OWED_LOST;
    dispatch_set(&p->dispatch, derived, owed);
}

static void process_settle(rondo_process *p)
{
    dispatch_settle(&process_dispatch, p->loop, p);
}

static void process_close_console(rondo_process *p)
{
    sys_console_close(p->console);
    p->console = NULL;
}

static void process_on_ended(struct child *child)
{
    rondo_process *p =
        (rondo_process *)(void *)((char *)child -
                                  offsetof(rondo_process, child));
    assert(!p->ended && !p->known);
    p->ended = p->known = true;
    PROBE2(process_exit, p, p->child.pid);
    process_close_console(p);
    dispatch_owe(&p->dispatch, 1U << PROCESS_OWED_EXITED);
    process_settle(p);
}

/* ---- pipes ---- */

static void process_pipe_data(rondo_transport *t, void *self, const void *data,
                              size_t size)
{
    const struct process_pipe *pipe = self;
    rondo_process *p = pipe->process;
    (void)t;
    if (p->protocol->pipe_data_received)
        OBSERVE_MEMBER(p->loop, p, p->protocol, pipe_data_received, p, p->self,
                       pipe->child_fd, data, size);
}

static void process_pipe_pause(rondo_transport *t, void *self)
{
    const struct process_pipe *pipe = self;
    rondo_process *p = pipe->process;
    (void)t;
    if (p->protocol->pause_writing)
        OBSERVE_MEMBER(p->loop, p, p->protocol, pause_writing, p, p->self,
                       pipe->write_fd);
}

static void process_pipe_resume(rondo_transport *t, void *self)
{
    const struct process_pipe *pipe = self;
    rondo_process *p = pipe->process;
    (void)t;
    if (p->protocol->resume_writing)
        OBSERVE_MEMBER(p->loop, p, p->protocol, resume_writing, p, p->self,
                       pipe->write_fd);
}

static void process_pipe_lost(rondo_transport *t, void *self, int error)
{
    struct process_pipe *pipe = self;
    rondo_process *p = pipe->process;
    assert(pipe->t == t);
    (void)t;
    pipe->t = NULL;
    if (p->protocol->pipe_connection_lost)
        OBSERVE_MEMBER(p->loop, p, p->protocol, pipe_connection_lost, p,
                       p->self, pipe->child_fd, error);
}

static const rondo_protocol pipe_protocol = {
    .data_received = process_pipe_data,
    .pause_writing = process_pipe_pause,
    .resume_writing = process_pipe_resume,
    .connection_lost = process_pipe_lost,
};

static bool process_is_owned(const rondo_process *p, const rondo_transport *t)
{
    const rondo_transport *other = p->owner.first;
    while (other && other != t)
        other = other->next;
    return other;
}

/* Forgets a pipe that has ended. process_pipe_lost does not see all of them:
 * the program may have given a pipe another protocol. */
static void process_pipe_gone(rondo_loop *loop, struct stream_owner *owner)
{
    rondo_process *p = process_of_owner(owner);
    (void)loop;
    for (size_t i = 0; i < p->pipes; i++)
        if (p->pipe[i].t && !process_is_owned(p, p->pipe[i].t)) {
            p->pipe[i].t = NULL;
            if (p->pipe[i].console)
                process_close_console(p); /* hangs up */
        }
    process_settle(p);
}

/* ---- telling ---- */

static void process_tell_made(void *handle)
{
    rondo_process *p = handle;
    PROBE2(process_made, p, p->child.pid);
    if (p->protocol->connection_made)
        OBSERVE_MEMBER(p->loop, p, p->protocol, connection_made, p, p->self);
}

static void process_tell_exited(void *handle)
{
    rondo_process *p = handle;
    assert(p->ended && p->known);
    if (p->protocol->process_exited)
        OBSERVE_MEMBER(p->loop, p, p->protocol, process_exited, p, p->self,
                       p->child.status);
}

static void process_cut_pipes(void *handle)
{
    rondo_process *p = handle;
    assert(p->closing && p->ended && !p->cut);
    p->cut = true;
    for (rondo_transport *t = p->owner.first; t; t = t->next)
        stream_cut(t);
}

/* In debug mode it is told from now on what it was. */
static void process_free(rondo_process *p)
{
    rondo_loop *loop = p->loop;
    char pid[32];
    snprintf(pid, sizeof pid, "%lld", (long long)p->child.pid);
    struct ended *e =
        loop->debug ? quarantine_begin(loop, "process", pid) : NULL;
    if (!e) {
        loop_free(loop, p);
        return;
    }
    if (p->protocol->connection_lost) {
        e->member = "connection_lost";
        e->last = OBSERVE_PLAIN(p->protocol->connection_lost);
    }
    quarantine_keep(e, p, &p->loop);
}

static void process_tell_lost(void *handle)
{
    rondo_process *p = handle;
    rondo_loop *loop = p->loop;
    assert(p->ended && !p->owner.first);
    if (p->error)
        error_set(p->error, "process %lld: the loop was closed",
                  (long long)p->child.pid);
    if (p->protocol->connection_lost)
        OBSERVE_MEMBER(p->loop, p, p->protocol, connection_lost, p, p->self,
                       p->error);
    handle_close(loop, &p->handle);
    process_free(p);
}

static void (*const process_tell[PROCESS_OWED])(void *handle) = {
    [PROCESS_OWED_MADE] = process_tell_made,
    [PROCESS_OWED_EXITED] = process_tell_exited,
    [PROCESS_OWED_CUT] = process_cut_pipes,
    [PROCESS_OWED_LOST] = process_tell_lost};

static const struct dispatch_class process_dispatch = {
    .place = offsetof(rondo_process, dispatch),
    .settle = process_decide,
    .tell = process_tell,
    .last = 1U << PROCESS_OWED_LOST};

static void process_turn(rondo_loop *loop, struct task *task)
{
    dispatch_turn(&process_dispatch, loop, task);
}

/* ---- beginning ---- */

rondo_process *process_new(rondo_loop *loop, size_t pipes)
{
    rondo_process *p = loop_alloc(loop, sizeof *p + pipes * sizeof *p->pipe);
    if (!p)
        return NULL;
    *p = (rondo_process){.loop = loop, .pipes = pipes};
    p->child.loop = loop;
    p->child.ended = process_on_ended;
    p->owner.gone = process_pipe_gone;
    dispatch_init(&p->dispatch, process_turn);
    return p;
}

void process_open(rondo_process *p, const rondo_process_protocol *protocol,
                  void *self)
{
    p->protocol = protocol;
    p->self = self;
    dispatch_owe(&p->dispatch, 1U << PROCESS_OWED_MADE);
    handle_open(p->loop, &p->handle, HANDLE_PROCESS);
    process_settle(p); /* before the pipes, so that its callback comes first */
    for (size_t i = 0; i < p->pipes; i++) {
        struct process_pipe *pipe = &p->pipe[i];
        assert(pipe->t);
        pipe->process = p;
        stream_open(pipe->t, &pipe_protocol, pipe);
        stream_own(pipe->t, &p->owner);
        stream_begin_later(pipe->t);
    }
}

/* ---- the program's calls ---- */

static int process_check(const rondo_process *p, const char *what)
{
    int error = loop_check(p ? p->loop : NULL, what);
    if (!error && p->ended)
        return error_set(RONDO_ESRCH, "%s: process %lld has ended", what,
                         (long long)p->child.pid);
    return error;
}

int rondo_process_send_signal(rondo_process *p, int signum)
{
    int error = process_check(p, "process_send_signal");
    if (error)
        return error;
    error = child_signal(&p->child, signum);
    return error ? error_in("process_send_signal", error) : 0;
}

int rondo_process_signal_group(rondo_process *p, int signum)
{
    const char *what = "process_signal_group";
    int error = process_check(p, what);
    if (error)
        return error;
    if (!p->leads)
        return error_set(RONDO_EINVAL,
                         "%s: process %lld leads no group: new_group makes one",
                         what, (long long)p->child.pid);
    error = child_signal_group(&p->child, signum);
    return error ? error_in(what, error) : 0;
}

int rondo_process_terminate(rondo_process *p)
{
    int error = process_check(p, "process_terminate");
    if (error)
        return error;
    error = child_signal(&p->child, SIGTERM);
    return error ? error_in("process_terminate", error) : 0;
}

int rondo_process_kill(rondo_process *p)
{
    int error = process_check(p, "process_kill");
    if (error)
        return error;
    error = child_kill(&p->child);
    return error ? error_in("process_kill", error) : 0;
}

/* The child is not watched any more; nothing waits for its end. */
static void process_let_go(rondo_process *p)
{
    assert(!p->ended);
    child_forget(&p->child);
    process_close_console(p);
    p->ended = true;
}

/* A child with other ids may not be killed: close would wait for its end for
 * ever, so it is let go and reported. */
static void process_kill_or_let_go(rondo_process *p)
{
    int error = child_kill(&p->child);
    if (!error || error == RONDO_ESRCH)
        return;
    process_let_go(p);
    rondo_exception e = loop_exception(error_in("process_close", error));
    e.process = p;
    rondo_loop_call_exception_handler(p->loop, &e);
}

void rondo_process_close(rondo_process *p)
{
    if (loop_check(p ? p->loop : NULL, "process_close") || p->closing)
        return;
    p->closing = true;
    if (!p->ended) {
        if (p->leave_running)
            process_let_go(p);
        else
            process_kill_or_let_go(p);
    }
    process_settle(p);
}

int64_t rondo_process_pid(const rondo_process *p)
{
    return p ? p->child.pid : 0;
}

bool rondo_process_returncode(const rondo_process *p, rondo_exit *status)
{
    if (!p || !p->known)
        return false;
    if (status)
        *status = p->child.status;
    return true;
}

rondo_transport *rondo_process_pipe(const rondo_process *p, int fd)
{
    for (size_t i = 0; p && i < p->pipes; i++) {
        const struct process_pipe *pipe = &p->pipe[i];
        bool shared = fd >= 0 && fd < 3 && pipe->terminal >> fd & 1;
        if (shared || pipe->child_fd == fd)
            return pipe->t;
    }
    return NULL;
}

static const struct process_pipe *process_terminal(const rondo_process *p)
{
    for (size_t i = 0; i < p->pipes; i++)
        if (p->pipe[i].terminal)
            return &p->pipe[i];
    return NULL;
}

int rondo_process_set_window_size(rondo_process *p, int columns, int rows)
{
    const char *what = "process_set_window_size";
    int error = loop_check(p ? p->loop : NULL, what);
    if (error)
        return error;
    const struct process_pipe *terminal = process_terminal(p);
    if (!terminal)
        return error_set(RONDO_EINVAL,
                         "%s: process %lld has no terminal: "
                         "RONDO_STDIO_TERMINAL gives it one",
                         what, (long long)p->child.pid);
    if (columns < 1 || columns > SYS_TERMINAL_MOST || rows < 1 ||
        rows > SYS_TERMINAL_MOST)
        return error_set(RONDO_EINVAL,
                         "%s: %d columns and %d rows; 1 to %d are allowed",
                         what, columns, rows, SYS_TERMINAL_MOST);
    if (!terminal->t || terminal->t->io.fd == SYS_NO_FD ||
        (terminal->console && !p->console))
        return error_set(RONDO_ECLOSED,
                         "%s: the terminal of process %lld is closed", what,
                         (long long)p->child.pid);
    error = sys_terminal_size(terminal->t->io.fd, p->console, (unsigned)columns,
                              (unsigned)rows);
    return error ? error_os(error, "%s: process %lld", what,
                            (long long)p->child.pid)
                 : 0;
}

void *rondo_process_self(const rondo_process *p)
{
    return p ? p->self : NULL;
}

rondo_loop *rondo_process_loop(const rondo_process *p)
{
    return p ? quarantine_loop_of(p->loop, "process_loop") : NULL;
}

void rondo_process_set_background(rondo_process *p, bool background)
{
    if (loop_check(p ? p->loop : NULL, "process_set_background"))
        return;
    handle_set_background(p->loop, &p->handle, background);
    for (rondo_transport *t = p->owner.first; t; t = t->next)
        handle_set_background(p->loop, &t->handle, background);
}

/* ---- for the loop ---- */

static rondo_process *process_of_handle(struct handle *handle)
{
    return (rondo_process *)(void *)handle;
}

static int process_choose_watcher(rondo_loop *loop,
                                  const rondo_loop_options *options)
{
    const char *watcher = options->child_watcher;
    return watcher ? child_choose(loop, watcher) : 0;
}

/* A forked child cannot wait for the parent's children: their processes end,
 * with a status that is not known. */
static void process_after_fork(rondo_loop *loop)
{
    struct handle *next;
    for (struct handle *h = loop->handles[HANDLE_PROCESS]; h; h = next) {
        rondo_process *p = process_of_handle(h);
        next = h->next;
        if (!p->ended)
            child_lose(&p->child);
    }
}

static void process_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    rondo_process *p = process_of_handle(handle);
    (void)loop;
    if (!p->closing)
        p->error = RONDO_ECLOSED;
    rondo_process_close(p);
}

static bool process_describe(const struct handle *handle, char *text,
                             size_t size)
{
    const rondo_process *p = (const rondo_process *)(const void *)handle;
    size_t pipes = 0;
    for (const rondo_transport *t = p->owner.first; t; t = t->next)
        pipes++;
    const char *state = p->known     ? "ended"
                        : p->ended   ? "let go"
                        : p->closing ? "closing"
                                     : "running";
    snprintf(text, size, "pid %lld, %s, %zu pipes", (long long)p->child.pid,
             state, pipes);
    return true;
}

const struct handle_class process_class = {
    "process", process_close_at_loop_close, process_describe};

const struct loop_part process_part = {.size = sizeof(struct process_state),
                                       .open = process_choose_watcher,
                                       .after_fork = process_after_fork};

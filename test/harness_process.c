/* harness_process.c - child processes of tests. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

static void note(struct proc *p, char letter, bool run)
{
    size_t used = strlen(p->order);

    if (run && used && p->order[used - 1] == letter)
        return;
    if (used < sizeof p->order - 1)
        p->order[used] = letter;
}

static void made(rondo_process *process, void *self)
{
    struct proc *p = self;

    assert_int_equal(p->made, 0);
    assert_string_equal(p->order, "");
    assert_ptr_equal(rondo_process_self(process), self);
    p->made++;
    p->process = process;
    note(p, 'M', false);
    if (p->on_made)
        p->on_made(p);
}

static void data(rondo_process *process, void *self, int fd, const void *bytes,
                 size_t size)
{
    struct proc *p = self;
    const unsigned char *b = bytes;
    size_t kept, room;

    assert_ptr_equal(process, p->process);
    assert_true(p->made == 1 && p->lost == 0 && size > 0);
    assert_in_range(fd, 1, 3);
    assert_int_equal(p->pipes_lost[fd], 0);
    note(p, (char)('0' + fd), true);
    if (p->pattern)
        for (size_t i = 0; i < size; i++)
            p->wrong |= b[i] != (p->bytes[fd] + i) % 251;
    kept = p->bytes[fd] < sizeof p->text[fd] ? (size_t)p->bytes[fd]
                                             : sizeof p->text[fd] - 1;
    room = sizeof p->text[fd] - 1 - kept;
    memcpy(p->text[fd] + kept, bytes, size < room ? size : room);
    p->bytes[fd] += size;
    if (p->on_data)
        p->on_data(p, fd);
}

static void pipe_lost(rondo_process *process, void *self, int fd, int error)
{
    struct proc *p = self;

    assert_true(p->made == 1 && p->lost == 0);
    assert_in_range(fd, 0, 3);
    assert_int_equal(p->pipes_lost[fd], 0);
    assert_null(rondo_process_pipe(process, fd));
    p->pipes_lost[fd]++;
    p->pipe_error[fd] = error;
    note(p, 'x', false);
    if (p->on_pipe_lost)
        p->on_pipe_lost(p, fd);
}

static void pause_writing(rondo_process *process, void *self, int fd)
{
    struct proc *p = self;

    (void)process;
    (void)fd;
    assert_int_equal(p->pauses++, p->resumes);
    note(p, 'P', false);
}

static void resume_writing(rondo_process *process, void *self, int fd)
{
    struct proc *p = self;

    (void)process;
    (void)fd;
    assert_int_equal(++p->resumes, p->pauses);
    note(p, 'R', false);
}

static void exited(rondo_process *process, void *self, rondo_exit status)
{
    struct proc *p = self;
    rondo_exit same;

    assert_true(p->made == 1 && p->exited == 0 && p->lost == 0);
    assert_true(rondo_process_returncode(process, &same));
    assert_true(same.known == status.known &&
                same.signaled == status.signaled &&
                same.signal == status.signal && same.code == status.code);
    p->exited++;
    p->status = status;
    note(p, 'E', false);
    if (p->on_exited)
        p->on_exited(p);
}

static void lost(rondo_process *process, void *self, int error)
{
    struct proc *p = self;

    (void)process;
    assert_true(p->made == 1 && p->lost == 0);
    p->lost++;
    p->error = error;
    if (error)
        (void)snprintf(p->last_error, sizeof p->last_error, "%s",
                       rondo_last_error());
    note(p, 'L', false);
    if (p->on_lost)
        p->on_lost(p);
    p->process = NULL;
}

const rondo_process_protocol proc_recorder = {
    .connection_made = made,
    .pipe_data_received = data,
    .pipe_connection_lost = pipe_lost,
    .pause_writing = pause_writing,
    .resume_writing = resume_writing,
    .process_exited = exited,
    .connection_lost = lost,
};

void proc_need(struct world *w)
{
    if (!rondo_loop_supports(w->loop, RONDO_CAN_SUBPROCESS))
        test_skip(w, "this backend cannot run programs");
}

struct proc *proc_new(struct world *w)
{
    struct proc *p = test_alloc(w, sizeof *p);

    p->w = w;
    p->o = (rondo_process_options)RONDO_PROCESS_OPTIONS_INIT;
    return p;
}

struct proc *proc_begin(struct world *w, enum proc_stdio stdio)
{
    struct proc *p = proc_new(w);

    proc_need(w);
    p->o.stdin_kind = stdio == PIPES ? RONDO_STDIO_PIPE : RONDO_STDIO_NULL;
    p->o.stdout_kind = p->o.stderr_kind =
        stdio == NULLS ? RONDO_STDIO_NULL : RONDO_STDIO_PIPE;
    return p;
}

struct proc *proc_begin_unix(struct world *w, const char *lacking)
{
    struct proc *p = proc_begin(w, OUTPUT);

    test_skip_if(w, !raw_has_signals(), lacking);
    return p;
}

int proc_start_in(struct proc *p, rondo_loop *loop, const char *const *argv)
{
    rondo_process_options o = p->o;

    if (p->lost)
        memset(p, 0, offsetof(struct proc, w));
    if (!o.program)
        o.program = raw_child();
    o.argv = argv;
    return rondo_subprocess_exec(loop, &o, &proc_recorder, p, &p->process);
}

enum { MOST_ARGUMENTS = 60 };

static int start(struct proc *p, va_list arguments)
{
    const char *argv[MOST_ARGUMENTS + 2] = {raw_child()};
    int count = 0;

    while (count < MOST_ARGUMENTS &&
           (argv[count + 1] = va_arg(arguments, const char *)) != NULL)
        count++;
    return proc_start_in(p, p->w->loop, argv);
}

int proc_try(struct proc *p, ...)
{
    va_list arguments;
    int result;

    va_start(arguments, p);
    result = start(p, arguments);
    va_end(arguments);
    return result;
}

static void must_start(struct proc *p, va_list arguments)
{
    assert_ok(start(p, arguments));
    assert_true(rondo_process_pid(p->process) > 0);
    assert_int_equal(p->made, 0); /* from the loop */
}

void proc_start(struct proc *p, ...)
{
    va_list arguments;

    va_start(arguments, p);
    must_start(p, arguments);
    va_end(arguments);
}

struct proc *proc_run(struct world *w, enum proc_stdio stdio, ...)
{
    struct proc *p = proc_begin(w, stdio);
    va_list arguments;

    va_start(arguments, stdio);
    must_start(p, arguments);
    va_end(arguments);
    return p;
}

rondo_transport *proc_pipe(const struct proc *p, int fd)
{
    return rondo_process_pipe(p->process, fd);
}

void proc_write(struct proc *p, int fd, const char *text)
{
    assert_ok(rondo_transport_write(proc_pipe(p, fd), text, strlen(text)));
}

void proc_write_eof(struct proc *p, int fd)
{
    assert_ok(rondo_transport_write_eof(proc_pipe(p, fd)));
}

void proc_close_input(struct proc *p)
{
    rondo_transport_close(proc_pipe(p, 0));
}

void proc_wait(struct proc *p)
{
    test_run_until(p->w, p->lost);
}

void proc_echoes(struct proc *p, const char *const *arguments)
{
    const char *argv[MOST_ARGUMENTS + 3] = {raw_child(), "args"};
    const char *at = p->text[1];

    for (int i = 0; arguments[i] && i < MOST_ARGUMENTS; i++)
        argv[i + 2] = arguments[i];
    assert_ok(proc_start_in(p, p->w->loop, argv));
    proc_wait(p);
    for (int i = 0; arguments[i]; i++) {
        assert_string_equal(at, arguments[i]);
        at += strlen(at) + 1;
    }
    assert_true(p->bytes[1] == (uint64_t)(at - p->text[1]));
}

void proc_ends(struct proc *p, uint32_t code)
{
    proc_wait(p);
    assert_int_equal(p->exited, 1);
    assert_true(p->status.known);
    assert_false(p->status.signaled);
    assert_int_equal(p->status.signal, 0);
    assert_int_equal(p->status.code, code);
}

void proc_says(struct proc *p, uint32_t code, const char *text)
{
    proc_ends(p, code);
    assert_string_equal(p->text[1], text);
}

void proc_check_killed(const struct proc *p)
{
    assert_int_equal(p->exited, 1);
    assert_true(p->status.known);
    if (raw_has_signals()) {
        assert_true(p->status.signaled);
        assert_int_equal(p->status.signal, 9);
        assert_int_equal(p->status.code, 0);
    } else {
        assert_false(p->status.signaled);
        assert_true(p->status.code != 0);
    }
}

void proc_ends_killed(struct proc *p)
{
    proc_wait(p);
    proc_check_killed(p);
}

/* ---- whole tests, for whatever the child is on --------------------------- */

static void close_twice(struct proc *p, int fd)
{
    assert_int_equal(fd, 1);
    rondo_process_close(p->process);
    rondo_process_close(p->process);
}

void proc_closes_in_data(struct proc *p)
{
    p->on_data = close_twice;
    proc_start(p, "say", "1", "ready", "sleep", NULL);
    proc_ends_killed(p);
}

void proc_ends_with_loop(struct proc *p)
{
    proc_start(p, "sleep", NULL);
    test_close_loop(p->w);
    assert_int_equal(p->lost, 1);
    proc_check_killed(p);
}

void proc_starts_without_memory(struct proc *p)
{
    uint64_t n;

    for (n = 1; test_nth_fails(p->w, n); n++) {
        int error = proc_try(p, "say", "1", "x", NULL);

        if (error == 0)
            proc_wait(p);
        else
            assert_error(error, RONDO_ENOMEM);
        test_fail_allocation(p->w, 0);
    }
    assert_true(n > 4);
}

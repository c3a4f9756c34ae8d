/* process_spawn.c - starts a child: options checked, descriptors made. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "process/process.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>

/* What is made before the child starts. */
struct setup {
    rondo_loop *loop;
    const char *what;
    rondo_process *process;
    size_t count;              /* descriptors of the child */
    rondo_stdio_entry *entry;  /* what the program asked for, by descriptor */
    struct child_stdio *stdio; /* the parent's descriptors for them */
    sys_fd *lent;              /* the child's ends of pipes; or SYS_NO_FD */
    sys_fd null;               /* the null device; or SYS_NO_FD */
    struct sys_terminal terminal; /* made once it has an end of ours */
    int columns, rows;            /* of it */
    size_t pipes;                 /* made so far */
};

/* ---- what was asked for ---- */

static int process_spawn_check_entry(const struct setup *s, size_t index)
{
    const rondo_stdio_entry *e = &s->entry[index];
    if (e->child_fd < 0 || e->child_fd >= sys_descriptor_limit())
        return error_set(RONDO_EINVAL, "%s: a child cannot have descriptor %d",
                         s->what, e->child_fd);
    if (e->child_fd >= child_descriptors())
        return error_set(RONDO_ENOTSUP,
                         "%s: on this system a child has the descriptors 0, 1 "
                         "and 2 only, not %d",
                         s->what, e->child_fd);
    for (size_t i = 0; i < index; i++)
        if (s->entry[i].child_fd == e->child_fd)
            return error_set(RONDO_EINVAL,
                             "%s: descriptor %d of the child is named twice",
                             s->what, e->child_fd);
    if (e->kind < RONDO_STDIO_INHERIT || e->kind > RONDO_STDIO_TERMINAL ||
        (e->kind == RONDO_STDIO_STDOUT && e->child_fd == 1) ||
        (e->kind == RONDO_STDIO_TERMINAL && e->child_fd > 2))
        return error_set(RONDO_EINVAL,
                         "%s: descriptor %d of the child: kind %d makes no "
                         "sense",
                         s->what, e->child_fd, (int)e->kind);
    if (e->kind == RONDO_STDIO_TERMINAL &&
        !rondo_loop_supports(s->loop, RONDO_CAN_TERMINALS))
        return error_set(RONDO_ENOTSUP,
                         "%s: this system has no terminal for descriptor %d of "
                         "the child",
                         s->what, e->child_fd);
    if (e->kind == RONDO_STDIO_FD && sys_kind(sys_fd_of(e->fd)) == SYS_KIND_BAD)
        return error_set(RONDO_EBADF,
                         "%s: descriptor %lld, the child's %d, is not open",
                         s->what, (long long)e->fd, e->child_fd);
    return 0;
}

/* Before any descriptor is made, which could get the number of one that is not
 * open. */
static int process_spawn_check_inherited(const struct setup *s,
                                         const rondo_process_options *o)
{
    for (size_t i = 0; i < o->inherit_count; i++)
        if (o->inherit[i] < 0 ||
            sys_kind(sys_fd_of(o->inherit[i])) == SYS_KIND_BAD)
            return error_set(
                RONDO_EBADF,
                "%s: descriptor %lld, to be inherited, is not open", s->what,
                (long long)o->inherit[i]);
    return 0;
}

/* What the child inherits is a matter of numbers, as all its descriptors. */
static bool process_spawn_numbers_all(void)
{
    return child_descriptors() > 3;
}

/* Lists stdin, stdout and stderr, then `extra` and `inherit`. An extra entry for
 * one of the three takes its place if its own option is not set. */
static int process_spawn_gather(struct setup *s, const rondo_process_options *o)
{
    s->entry[0] = (rondo_stdio_entry){0, o->stdin_kind, o->stdin_fd};
    s->entry[1] = (rondo_stdio_entry){1, o->stdout_kind, o->stdout_fd};
    s->entry[2] = (rondo_stdio_entry){2, o->stderr_kind, o->stderr_fd};
    s->count = 3;
    bool taken[3] = {o->stdin_kind, o->stdout_kind, o->stderr_kind};
    for (size_t i = 0; i < o->extra_count; i++) {
        int fd = o->extra[i].child_fd;
        bool instead = fd >= 0 && fd < 3 && !taken[fd];
        if (instead)
            taken[fd] = true;
        s->entry[instead ? (size_t)fd : s->count++] = o->extra[i];
    }
    for (size_t i = 0; process_spawn_numbers_all() && i < o->inherit_count;
         i++) {
        rondo_fd fd = o->inherit[i];
        bool fits = fd >= 0 && fd <= INT_MAX;
        s->entry[s->count++] =
            (rondo_stdio_entry){fits ? (int)fd : -1, RONDO_STDIO_FD, fd};
    }
    int error = process_spawn_check_inherited(s, o);
    for (size_t i = 0; !error && i < s->count; i++)
        error = process_spawn_check_entry(s, i);
    return error;
}

static int process_spawn_check(const char *what, const char *command,
                               const rondo_process_options *o)
{
    bool named = o->program || (o->argv && o->argv[0]);
    if (command ? o->program || o->argv : !named)
        return error_set(RONDO_EINVAL, "%s: %s", what,
                         command ? "a program beside the command"
                                 : "neither a program nor argv[0]");
    if (o->argv && !o->argv[0])
        return error_set(RONDO_EINVAL, "%s: an empty argv", what);
    if (o->extra_count && !o->extra)
        return error_set(RONDO_EINVAL, "%s: extra_count without extra", what);
    if ((o->uid && (*o->uid < 0 || *o->uid >= UINT32_MAX)) ||
        (o->gid && (*o->gid < 0 || *o->gid >= UINT32_MAX)))
        return error_set(RONDO_EINVAL,
                         "%s: uid and gid are from 0 to 4294967294", what);
    if ((o->inherit_count && !o->inherit) || (o->limit_count && !o->limits))
        return error_set(RONDO_EINVAL,
                         "%s: inherit_count or limit_count without a list",
                         what);
    if (o->nice && (*o->nice < -20 || *o->nice > 19))
        return error_set(RONDO_EINVAL, "%s: nice is from -20 to 19, not %d",
                         what, *o->nice);
    if (o->columns < 0 || o->columns > SYS_TERMINAL_MOST || o->rows < 0 ||
        o->rows > SYS_TERMINAL_MOST)
        return error_set(RONDO_EINVAL,
                         "%s: %d columns and %d rows; 0 to %d are allowed",
                         what, o->columns, o->rows, SYS_TERMINAL_MOST);
    if (o->umask && (*o->umask < 0 || *o->umask > 0777))
        return error_set(RONDO_EINVAL, "%s: %d is not a umask", what,
                         *o->umask);
    return 0;
}

/* What not every system has. */
static int process_spawn_check_system(const rondo_loop *loop, const char *what,
                                      const rondo_process_options *o)
{
    const struct {
        bool wanted;
        rondo_capability needs;
        const char *name;
    } list[] = {{o->cgroup, RONDO_CAN_CGROUPS, "control groups (cgroup)"},
                {o->job, RONDO_CAN_JOB_OBJECTS, "job objects (job)"},
                {o->limit_count, RONDO_CAN_LIMITS, "resource limits (limits)"},
                {o->die_with_parent, RONDO_CAN_DIE_WITH_PARENT,
                 "way to end a child with its parent (die_with_parent)"}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i].wanted && !rondo_loop_supports(loop, list[i].needs))
            return error_set(RONDO_ENOTSUP, "%s: this system has no %s", what,
                             list[i].name);
    return 0;
}

/* ---- descriptors ---- */

/* The next pipe of the process gets our end, or our ends; with an error they
 * are closed. */
static int process_spawn_add_pipe(struct setup *s, sys_fd ours, sys_fd writes,
                                  const struct process_pipe *numbers)
{
    assert(s->pipes < s->process->pipes);
    struct process_pipe *pipe = &s->process->pipe[s->pipes];
    *pipe = *numbers;
    unsigned side = numbers->child_fd == 0 ? SIDE_WRITE : SIDE_READ;
    int error =
        numbers->terminal ? stream_new_terminal(s->loop, ours, writes, &pipe->t)
        : numbers->child_fd > 2
            ? stream_new_connected(s->loop, ours, NULL, NULL, &pipe->t)
            : stream_new_pipe(s->loop, ours, side, RONDO_PIPE_OWN, &pipe->t);
    if (error) {
        sys_child_close(ours);
        if (writes != ours)
            sys_child_close(writes);
        return error_in(s->what, error);
    }
    s->pipes++;
    return 0;
}

static int process_spawn_make_pipe(struct setup *s, size_t index)
{
    int child_fd = s->entry[index].child_fd;
    unsigned sides = child_fd > 2    ? SIDE_READ | SIDE_WRITE
                     : child_fd == 0 ? SIDE_WRITE
                                     : SIDE_READ;
    sys_fd ours;
    int error = sys_child_pipe(sides, &ours, &s->lent[index]);
    if (error)
        return error_os(error, "%s: cannot make a pipe", s->what);
    assert(s->lent[index] != SYS_NO_FD);
    s->stdio[index].fd = s->lent[index];
    return process_spawn_add_pipe(
        s, ours, ours,
        &(struct process_pipe){.child_fd = child_fd, .write_fd = child_fd});
}

static unsigned process_spawn_list_terminal(const struct setup *s)
{
    unsigned bits = 0;
    for (size_t i = 0; i < 3; i++)
        if (s->entry[i].kind == RONDO_STDIO_TERMINAL)
            bits |= 1U << i;
    return bits;
}

/* One for all that name it. What it says is stdout's, what it is told stdin's,
 * as of pipes, where these are the terminal. */
static int process_spawn_make_terminal(struct setup *s)
{
    enum { COLUMNS = 80, ROWS = 24 };
    struct sys_terminal *made = &s->terminal;
    if (made->reads != SYS_NO_FD)
        return 0;
    int error =
        sys_child_terminal((unsigned)(s->columns ? s->columns : COLUMNS),
                           (unsigned)(s->rows ? s->rows : ROWS), made);
    if (error)
        return error_os(error, "%s: cannot make a terminal", s->what);
    unsigned bits = process_spawn_list_terminal(s);
    int said = bits & 2 ? 1 : bits & 4 ? 2 : 0;
    return process_spawn_add_pipe(
        s, made->reads, made->writes,
        &(struct process_pipe){.child_fd = said,
                               .write_fd = bits & 1 ? 0 : said,
                               .terminal = bits,
                               .console = made->console});
}

static int process_spawn_open_null(struct setup *s)
{
    int error = s->null == SYS_NO_FD ? sys_null(&s->null) : 0;
    return error ? error_os(error, "%s: cannot open the null device", s->what)
                 : 0;
}

static int process_spawn_make_descriptor(struct setup *s, size_t index)
{
    const rondo_stdio_entry *e = &s->entry[index];
    struct child_stdio *stdio = &s->stdio[index];
    int error = 0;
    *stdio = (struct child_stdio){e->child_fd, SYS_NO_FD};
    switch (e->kind) {
    case RONDO_STDIO_INHERIT:
        stdio->fd =
            e->child_fd < 3 ? sys_stdio(e->child_fd) : sys_fd_of(e->child_fd);
        break;
    case RONDO_STDIO_PIPE:
        return process_spawn_make_pipe(s, index);
    case RONDO_STDIO_NULL:
        error = process_spawn_open_null(s);
        stdio->fd = s->null;
        break;
    case RONDO_STDIO_TERMINAL:
        error = process_spawn_make_terminal(s);
        stdio->fd = s->terminal.child;
        break;
    case RONDO_STDIO_FD:
        stdio->fd = sys_fd_of(e->fd);
        break;
    case RONDO_STDIO_STDOUT:
        break; /* process_spawn_make_descriptors copies stdout's */
    }
    return error;
}

static int process_spawn_make_descriptors(struct setup *s)
{
    int error = 0;
    for (size_t i = 0; !error && i < s->count; i++)
        error = process_spawn_make_descriptor(s, i);
    for (size_t i = 0; !error && i < s->count; i++)
        if (s->entry[i].kind == RONDO_STDIO_STDOUT)
            s->stdio[i].fd = s->stdio[1].fd;
    return error;
}

/* ---- starting ---- */

static int process_spawn_start(struct setup *s, const char *command,
                               const rondo_process_options *o)
{
    const char *const argv[] = {o->program, NULL};
    int error = process_spawn_gather(s, o);
    if (!error)
        error = process_spawn_make_descriptors(s);
    if (error)
        return error;
    assert(s->count >= 3 && s->count <= 3 + o->extra_count + o->inherit_count);
    unsigned bits = process_spawn_list_terminal(s);
    const struct child_plan plan = {
        .program = o->program || command ? o->program : o->argv[0],
        .command = command,
        .argv = o->argv ? o->argv : argv,
        .env = o->env,
        .cwd = o->cwd,
        .stdio = s->stdio,
        .stdio_count = s->count,
        .new_group = o->new_group,
        .new_session = o->new_session || (bits && !s->terminal.console),
        .terminal_fd = bits & 1   ? 0
                       : bits & 2 ? 1
                       : bits     ? 2
                                  : -1,
        .console = s->terminal.console,
        .hide_window = o->hide_window,
        .uid = o->uid,
        .gid = o->gid,
        .umask = o->umask,
        .own_path = o->own_path,
        .die_with_parent = o->die_with_parent,
        .cgroup = o->cgroup,
        .job = o->job,
        .limits = o->limits,
        .limit_count = o->limit_count,
        .nice = o->nice,
        .inherit = o->inherit,
        .inherit_count = process_spawn_numbers_all() ? 0 : o->inherit_count,
    };
    error = child_start(&s->process->child, &plan);
    return error ? error_in(s->what, error) : 0;
}

static bool process_spawn_is_pipe(rondo_stdio_kind kind)
{
    return kind == RONDO_STDIO_PIPE || kind == RONDO_STDIO_TERMINAL;
}

/* At most: a terminal is one, however many name it. */
static size_t process_spawn_count_pipes(const rondo_process_options *o)
{
    const rondo_stdio_kind kinds[] = {o->stdin_kind, o->stdout_kind,
                                      o->stderr_kind};
    size_t count = 0;
    for (size_t i = 0; i < 3; i++)
        if (process_spawn_is_pipe(kinds[i]))
            count++;
    for (size_t i = 0; i < o->extra_count; i++)
        if (process_spawn_is_pipe(o->extra[i].kind))
            count++;
    return count;
}

/* Allocates the process, and the three lists in one block. false: out of
 * memory. */
static bool process_spawn_make_room(struct setup *s,
                                    const rondo_process_options *o)
{
    size_t most = 3 + o->extra_count + o->inherit_count;
    s->process = process_new(s->loop, process_spawn_count_pipes(o));
    s->entry = loop_alloc(s->loop, most * (sizeof *s->entry + sizeof *s->stdio +
                                           sizeof *s->lent));
    if (!s->process || !s->entry)
        return false;
    s->lent = (sys_fd *)(void *)(s->entry + most);
    s->stdio = (struct child_stdio *)(void *)(s->lent + most);
    for (size_t i = 0; i < most; i++)
        s->lent[i] = SYS_NO_FD;
    return true;
}

/* Closes the child's ends; after a failure ours as well. */
static void process_spawn_clean_up(struct setup *s, bool failed)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->lent[i] != SYS_NO_FD)
            sys_child_close(s->lent[i]);
    if (s->null != SYS_NO_FD)
        sys_child_close(s->null);
    if (s->terminal.child != SYS_NO_FD)
        sys_child_close(s->terminal.child);
    for (size_t i = 0; failed && i < s->pipes; i++)
        stream_discard(s->process->pipe[i].t);
    if (failed)
        sys_console_close(s->terminal.console);
    loop_free(s->loop, s->entry);
    if (failed)
        loop_free(s->loop, s->process);
}

int process_start(rondo_loop *loop, const char *what, const char *command,
                  const rondo_process_options *options,
                  const rondo_process_protocol *protocol, void *self,
                  rondo_process **process)
{
    struct setup s = {.loop = loop,
                      .what = what,
                      .null = SYS_NO_FD,
                      .terminal = {SYS_NO_FD, SYS_NO_FD, SYS_NO_FD, NULL},
                      .columns = options->columns,
                      .rows = options->rows};
    if (!rondo_loop_supports(loop, RONDO_CAN_SUBPROCESS))
        return error_set(RONDO_ENOTSUP,
                         "%s: backend \"%s\" cannot run programs; \"iocp\" "
                         "can",
                         what, rondo_loop_backend(loop));
    int error = process_spawn_check(what, command, options);
    if (!error)
        error = process_spawn_check_system(loop, what, options);
    if (error)
        return error;
    error = process_spawn_make_room(&s, options)
                ? process_spawn_start(&s, command, options)
                : error_set(RONDO_ENOMEM, "%s: out of memory", what);
    process_spawn_clean_up(&s, error < 0);
    if (error)
        return error;
    s.process->pipes = s.pipes;
    s.process->leave_running = options->leave_running;
    s.process->leads = options->new_group || options->new_session ||
                       s.terminal.child != SYS_NO_FD;
    s.process->console = s.terminal.console;
    process_open(s.process, protocol, self);
    if (process)
        *process = s.process;
    return 0;
}

/* ---- the calls ---- */

static int process_spawn_begin(rondo_loop *loop, const char *what,
                               const char *command,
                               const rondo_process_options *options,
                               const rondo_process_protocol *protocol,
                               void *self, rondo_process **p)
{
    rondo_process_options o;
    int error = loop_check_create(loop, what);
    if (!error)
        error = loop_options(&o, sizeof o, options, what);
    if (!error)
        error = LOOP_CHECK_TABLE(protocol, what, "protocol");
    if (error)
        return error;
    return process_start(loop, what, command, &o, protocol, self, p);
}

int rondo_subprocess_exec(rondo_loop *loop,
                          const rondo_process_options *options,
                          const rondo_process_protocol *protocol, void *self,
                          rondo_process **p)
{
    return process_spawn_begin(loop, "subprocess_exec", NULL, options, protocol,
                               self, p);
}

int rondo_subprocess_shell(rondo_loop *loop, const char *command,
                           const rondo_process_options *options,
                           const rondo_process_protocol *protocol, void *self,
                           rondo_process **p)
{
    if (loop && !command)
        return error_set(RONDO_EINVAL, "subprocess_shell: no command");
    return process_spawn_begin(loop, "subprocess_shell", command, options,
                               protocol, self, p);
}

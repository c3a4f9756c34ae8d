/* processes.c - the programs that a host runs, and how they end: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/process.h"

#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MOST = 4096, ARGUMENTS_MOST = 2097152 };

/* ---- programs ---- */

static const struct sim_program *processes_named(const char *name)
{
    const struct sim_program *p = sim.programs;
    while (p && strcmp(p->name, name) != 0)
        p = p->next;
    return p;
}

/* In the folders of a PATH. */
static const struct sim_program *processes_in_path(const char *path,
                                                   const char *name)
{
    const struct sim_program *found = NULL;
    char whole[PATH_MOST];
    while (path && !found) {
        const char *end = strchr(path, ':');
        int size = (int)(end ? end - path : (ptrdiff_t)strlen(path));
        int used = snprintf(whole, sizeof whole, "%.*s/%s", size, path, name);
        if (used > 0 && (size_t)used < sizeof whole)
            found = processes_named(whole);
        path = end ? end + 1 : NULL;
    }
    return found;
}

static const char *processes_path(char *const *env)
{
    for (; env && *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    return NULL;
}

/* As execvp(3): what is a file of the host's disk and no program cannot run. */
static int processes_find_program(struct sim_process *p, const char *name,
                                  bool own_path)
{
    struct disk_place place;
    bool is_path = strchr(name, '/');
    p->program = processes_named(name);
    if (!p->program && !is_path)
        p->program = processes_in_path(
            processes_path(own_path ? p->env : p->parent->env), name);
    if (p->program)
        return 0;
    int error =
        is_path ? disk_find(NULL, name, true, &place) : sim_fail(ENOENT);
    if (error)
        return error;
    return sim_fail(place.node ? EACCES : ENOENT);
}

int rondo_sim_program(const char *name, rondo_sim_program_main run, void *arg)
{
    if (!sim.begun || !name || !*name || !run)
        return sim_wrong(RONDO_EINVAL, "sim_program: %s",
                         !sim.begun ? "there is no world"
                         : run      ? "a program needs a name"
                                    : "a program needs a function");
    if (processes_named(name))
        return sim_wrong(RONDO_EEXIST, "sim_program: there is a program \"%s\"",
                         name);
    size_t size = strlen(name) + 1;
    struct sim_program *p = malloc(sizeof *p + size);
    if (!p)
        return error_set(RONDO_ENOMEM, "sim_program: out of memory");
    *p = (struct sim_program){sim.programs, run, arg};
    memcpy(p->name, name, size);
    sim.programs = p;
    return 0;
}

void sim_programs_end(void)
{
    while (sim.programs) {
        struct sim_program *p = sim.programs;
        sim.programs = p->next;
        free(p);
    }
}

/* ---- lists of texts ---- */

static void processes_free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

void sim_process_forget(struct sim_process *p)
{
    processes_free_list(p->argv);
    processes_free_list(p->env);
    free(p->low);
    p->argv = p->env = NULL;
    p->low = NULL;
    p->low_count = 0;
}

static char **processes_copy_list(const char *const *list)
{
    size_t count = 0;
    while (list && list[count])
        count++;
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy && i < count; i++)
        if (!(copy[i] = strdup(list[i])))
            sim_die("out of memory for a process");
    if (!copy)
        sim_die("out of memory for a process");
    return copy;
}

/* ---- the beginning ---- */

static void processes_main(void *arg)
{
    struct sim_process *p = arg;
    int argc = 0;
    while (p->argv[argc])
        argc++;
    sim_process_exit(
        p, (rondo_exit){.known = true,
                        .code = (uint32_t)p->program->run(argc, p->argv,
                                                          p->program->arg) &
                                0xff});
}

static void processes_enter(struct sim_process *p)
{
    struct sim_process **link = &p->host->process.next;
    while (*link)
        link = &(*link)->next;
    *link = p;
}

static void processes_free(struct sim_process *p)
{
    struct sim_process **link = &p->host->process.next;
    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    assert(!p->threads && !p->memory.first && p->ended);
    if (p->handle) {
        p->handle->of_class = NULL;
        net_changed(p->handle);
    }
    sim_process_forget(p);
    free(p);
}

/* What it has of its parent's. */
static void processes_inherit(struct sim_process *p,
                              const struct child_plan *plan)
{
    struct sim_process *parent = p->parent = sim_process();
    p->host = parent->host;
    p->pid = p->host->next_pid++;
    p->group = plan->new_group || plan->new_session ? p->pid : parent->group;
    p->session = plan->new_session ? p->pid : parent->session;
    p->memory.most = parent->memory.most;
    p->descriptors_most = parent->descriptors_most;
    p->umask = plan->umask ? (unsigned)*plan->umask : parent->umask;
    p->nice = plan->nice ? *plan->nice : parent->nice;
    p->dies_with_parent = plan->die_with_parent;
    p->env = processes_copy_list(
        plan->env ? plan->env : (const char *const *)(void *)parent->env);
}

static int processes_change_folder(struct sim_process *p, const char *cwd)
{
    struct disk_place place;
    p->folder = p->parent->folder;
    int error = cwd ? disk_find(NULL, cwd, true, &place) : 0;
    if (cwd && !error && !place.node)
        error = sim_fail(ENOENT);
    if (cwd && !error && place.node->type != DISK_DIRECTORY)
        error = sim_fail(ENOTDIR);
    if (cwd && !error)
        p->folder = place.node;
    return error ? error_os(error, "cannot change to the folder %s", cwd) : 0;
}

static int processes_hand_over(struct sim_process *p,
                               const struct child_plan *plan)
{
    for (size_t i = 0; i < plan->stdio_count; i++) {
        const struct child_stdio *e = &plan->stdio[i];
        struct sim_socket *s = net_get(e->fd);
        /* standard input, output or error that the parent does not have */
        if (!s && e->fd < 3)
            continue;
        if (!s)
            return error_os(RONDO_EBADF, "cannot hand over the descriptors");
        net_give_number(p, s, e->child_fd);
    }
    return 0;
}

static int processes_check_ids(const struct child_plan *plan)
{
    if (plan->uid && !plan->gid)
        return error_set(RONDO_EINVAL,
                         "uid %lld without a gid: the child would keep the "
                         "rights of group 0",
                         (long long)*plan->uid);
    if ((plan->uid && *plan->uid != SIM_USER) ||
        (plan->gid && *plan->gid != SIM_USER))
        return error_os(sim_fail(EPERM), "cannot change to uid %lld, gid %lld",
                        plan->uid ? (long long)*plan->uid : -1LL,
                        plan->gid ? (long long)*plan->gid : -1LL);
    if (plan->nice && *plan->nice < sim_process()->nice)
        return error_os(sim_fail(EPERM), "cannot make it nice %d", *plan->nice);
    return 0;
}

/* As Linux has it: E2BIG. */
static int processes_check_size(const struct sim_process *p)
{
    size_t size = 0;
    for (size_t i = 0; p->argv[i]; i++)
        size += strlen(p->argv[i]) + 1 + sizeof(char *);
    for (size_t i = 0; p->env[i]; i++)
        size += strlen(p->env[i]) + 1 + sizeof(char *);
    return size > ARGUMENTS_MOST ? sim_fail(E2BIG) : 0;
}

static int processes_prepare(struct sim_process *p,
                             const struct child_plan *plan)
{
    const char *const shell[] = {"sh", "-c", plan->command, NULL};
    const char *name = plan->command ? shell[0] : plan->program;
    processes_inherit(p, plan);
    p->argv = processes_copy_list(plan->command ? shell : plan->argv);
    processes_enter(p);
    int error = processes_check_ids(plan);
    if (!error)
        error = processes_change_folder(p, plan->cwd);
    if (error)
        return error;
    error = processes_check_size(p);
    if (!error)
        error = processes_find_program(p, name, plan->own_path);
    if (error)
        return error_os(error, "cannot run %s", name);
    error = processes_hand_over(p, plan);
    if (!error && sim_thread_start(p, p->program->name, processes_main, p) != 0)
        error = error_os(sim_fail(EAGAIN), "cannot start a process");
    return error;
}

int sim_process_start(const struct child_plan *plan,
                      struct sim_process **started)
{
    *started = NULL;
    if (sim_fault(SIM_FAULT_no_process))
        return error_os(sim_fail(EAGAIN), "cannot start a process");
    struct sim_process *p = calloc(1, sizeof *p);
    if (!p)
        sim_die("out of memory for a process");
    int error = processes_prepare(p, plan);
    if (error) {
        int64_t before = rondo_last_os_error();
        net_process_stops(p, true);
        p->ended = true;
        processes_free(p);
        error_keep_os(before);
        return error;
    }
    sim_note(p->host, NOTE_PROCESS, p->pid, 0);
    *started = p;
    return 0;
}

/* ---- the end ---- */

struct sim_process *sim_process_child(int64_t pid)
{
    struct sim_process *p = sim_host()->process.next;
    while (p && !(p->pid == pid && p->parent == sim_process()))
        p = p->next;
    return p;
}

static struct sim_process *processes_child_of(const struct sim_process *parent)
{
    struct sim_process *p = parent->host->process.next;
    while (p && p->parent != parent)
        p = p->next;
    return p;
}

/* Those that nobody can wait for are gone at once. */
bool sim_process_lose_parent(const struct sim_process *parent)
{
    struct sim_process *p;
    bool own_ends = false;
    while ((p = processes_child_of(parent))) {
        p->parent = NULL;
        p->waiter = NULL;
        if (p->ended && !p->leaves)
            processes_free(p);
        else if (p->dies_with_parent && p == sim_process())
            own_ends = true;
        else if (p->dies_with_parent)
            sim_process_signal(p, SIGKILL);
    }
    return own_ends;
}

/* No thread of it runs any more. */
static void processes_over(struct sim_process *p)
{
    struct sim_process *parent = p->parent;
    p->leaves = false;
    net_process_stops(p, true);
    sim_free_blocks(&p->memory);
    bool own_ends = sim_process_lose_parent(p);
    if (p->handle)
        net_changed(p->handle);
    if (p->waiter)
        sim_unblock(p->waiter);
    if (parent)
        sim_process_signal(parent, SIGCHLD);
    else
        processes_free(p);
    if (own_ends)
        sim_process_signal(sim_process(), SIGKILL);
}

void sim_process_left(struct sim_process *p)
{
    if (p->leaves && !p->threads)
        processes_over(p);
}

void sim_process_exit(struct sim_process *p, rondo_exit status)
{
    bool own = sim_process() == p;
    assert(!p->ended);
    sim_note(p->host, NOTE_PROCESS_END, p->pid,
             status.signaled ? -status.signal : (int64_t)status.code);
    p->ended = true;
    p->status = status;
    p->paused = false;
    p->leaves = own;
    sim_kill_threads(p);
    if (own)
        sim_leave();
    processes_over(p);
}

void sim_process_drop(struct sim_process *p)
{
    p->parent = NULL;
    if (!p->ended)
        sim_process_exit(p, (rondo_exit){.known = false});
    else
        processes_free(p);
}

/* The caller's own is freed when its thread has left. */
void sim_processes_crash(struct sim_host *host)
{
    struct sim_process *next;
    for (struct sim_process *p = host->process.next; p; p = p->next)
        p->parent = NULL;
    for (struct sim_process *p = host->process.next; p; p = next) {
        next = p->next;
        p->ended = true;
        p->paused = false;
        p->leaves = sim_process() == p;
        sim_kill_threads(p);
        net_process_stops(p, false);
        sim_free_blocks(&p->memory);
        if (!p->leaves)
            processes_free(p);
    }
}

/* ---- its descriptor for the end ---- */

static unsigned processes_events(const struct sim_socket *s)
{
    const struct sim_process *p = s->of_class;
    return !p || p->ended ? RONDO_READABLE : 0;
}

static int64_t processes_read(struct sim_socket *s, void *data, size_t size)
{
    (void)s;
    (void)data;
    (void)size;
    return sim_fail(EINVAL);
}

static int64_t processes_write(struct sim_socket *s,
                               const rondo_buffer *buffers, size_t count)
{
    (void)s;
    (void)buffers;
    (void)count;
    return sim_fail(EINVAL);
}

static void processes_close(struct sim_socket *s)
{
    struct sim_process *p = s->of_class;
    if (p)
        p->handle = NULL;
    s->of_class = NULL;
}

static void processes_report(FILE *to, const struct sim_socket *s)
{
    const struct sim_process *p = s->of_class;
    if (p)
        fprintf(to, "%s:   socket %u is process %lld, %s\n", s->host->name,
                s->number, (long long)p->pid,
                p->ended ? "which has ended" : p->program->name);
}

static const struct sim_class processes_class = {
    .kind = SYS_KIND_OTHER,
    .events = processes_events,
    .read = processes_read,
    .write = processes_write,
    .close = processes_close,
    .report = processes_report,
};

int sim_process_handle(struct sim_process *p, sys_fd *fd)
{
    int error = net_make(SIM_OTHER, RONDO_FAMILY_ANY, fd);
    if (error)
        return error;
    struct sim_socket *s = net_get(*fd);
    s->is = &processes_class;
    s->of_class = p;
    p->handle = s;
    return 0;
}

/* ---- the interface ---- */

static int processes_check(const char *what)
{
    return sim_host()
               ? 0
               : error_set(RONDO_EINVAL,
                           "%s: called by the driver, not by a host", what);
}

int64_t rondo_sim_pid(void)
{
    int error = processes_check("sim_pid");
    return error ? error : sim_process()->pid;
}

int rondo_sim_get_process(rondo_sim_process *about)
{
    int error = processes_check("sim_get_process");
    if (error)
        return error;
    const struct sim_process *p = sim_process();
    *about = (rondo_sim_process){.pid = p->pid,
                                 .parent = p->parent ? p->parent->pid : 0,
                                 .group = p->group,
                                 .session = p->session,
                                 .umask = (int)p->umask,
                                 .nice = p->nice};
    return 0;
}

int rondo_sim_set_environment(const char *const *list)
{
    int error = processes_check("sim_set_environment");
    if (error)
        return error;
    char **before = sim_process()->env;
    sim_process()->env = processes_copy_list(list);
    processes_free_list(before);
    return 0;
}

const char *const *rondo_sim_environment(void)
{
    static const char *const none[] = {NULL};
    const struct sim_process *p = sim_process();
    return p && p->env ? (const char *const *)(void *)p->env : none;
}

int64_t rondo_sim_folder(char *path, size_t room)
{
    int64_t size = processes_check("sim_folder");
    if (size)
        return size;
    size = sys_fs_realpath(".", path, room);
    return size < 0 ? error_os((int)size, "sim_folder") : size;
}

static struct sim_process *processes_find(int64_t pid)
{
    struct sim_process *p = &sim_host()->process;
    while (p && p->pid != pid)
        p = p->next;
    return p;
}

int rondo_sim_signal_process(int64_t pid, int signum)
{
    int error = processes_check("sim_signal_process");
    if (error)
        return error;
    if (signum < 0 || signum >= SYS_SIGNALS || signum >= NSIG)
        return error_set(RONDO_EINVAL,
                         "sim_signal_process: there is no signal %d", signum);
    struct sim_process *p = processes_find(pid);
    if (!p)
        return error_os(sim_fail(ESRCH), "sim_signal_process: process %lld",
                        (long long)pid);
    if (signum)
        sim_process_signal(p, signum);
    return 0;
}

int rondo_sim_wait(int64_t pid, rondo_exit *status, int64_t timeout_ns)
{
    int error = processes_check("sim_wait");
    if (error)
        return error;
    struct sim_process *p = sim_process_child(pid);
    if (p && !p->ended && timeout_ns > 0) {
        p->waiter = sim.current;
        (void)sim_block("the end of a child",
                        sim_host_deadline(sim_host(), timeout_ns));
        p = sim_process_child(pid);
    }
    if (!p)
        return error_os(sim_fail(ESRCH), "sim_wait: process %lld",
                        (long long)pid);
    p->waiter = NULL;
    if (!p->ended)
        return error_os(sim_fail(EAGAIN), "sim_wait: process %lld",
                        (long long)pid);
    if (!status)
        return 0;
    *status = p->status;
    sim_process_drop(p);
    return 0;
}

int rondo_sim_exit(int code)
{
    int error = processes_check("sim_exit");
    if (error)
        return error;
    struct sim_process *p = sim_process();
    if (!p->program)
        return rondo_sim_kill(p->host->number);
    sim_process_exit(
        p, (rondo_exit){.known = true, .code = (uint32_t)code & 0xff});
    return 0;
}
#endif

/* spawn.c - starts a program, at the same cost however large the parent is. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "unix/spawn.h"

#include "base/error.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ThreadSanitizer does not know that a child that shares memory is another
 * process. */
#if defined(__SANITIZE_THREAD__)
#define SHARES_MEMORY false
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHARES_MEMORY false
#endif
#endif
#ifndef SHARES_MEMORY
#define SHARES_MEMORY true
#endif
#ifdef __APPLE__ /* its vfork is deprecated: the compiler warns */
#define START_SHARING fork
#else
#define START_SHARING vfork
#endif

extern char **environ; /* NOLINT: not every <unistd.h> has it */

enum { STACK_BYTES = 65536 };
#define PROCS "/cgroup.procs"

/* ---- preparing ---- */

/* The PATH of the environment for the child; NULL: it has none. */
static const char *unix_spawn_own_path(const char *const *env)
{
    for (; *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    return NULL;
}

/* The PATH of the parent counts, unless own_path says otherwise. */
static const char *unix_spawn_search_path(const struct child_plan *plan)
{
    if (strchr(plan->program, '/') || !*plan->program)
        return NULL;
    const char *path = plan->own_path && plan->env
                           ? unix_spawn_own_path(plan->env)
                           : getenv("PATH");
    return path ? path : "/usr/bin:/bin";
}

static size_t unix_spawn_count_folders(const char *path)
{
    size_t count = 1;
    for (; path && *path; path++)
        count += *path == ':';
    return count;
}

/* Writes the paths to try into text, and their addresses into the list. */
static void unix_spawn_list_paths(struct launch *l, const char *path,
                                  char *text)
{
    size_t name = strlen(l->plan->program) + 1;
    char **next = l->paths;
    while (path) {
        size_t folder = strcspn(path, ":");
        *next++ = text;
        memcpy(text, path, folder);
        text += folder;
        if (folder)
            *text++ = '/';
        memcpy(text, l->plan->program, name);
        text += name;
        path = path[folder] ? path + folder + 1 : NULL;
    }
    if (next == l->paths)
        *next++ = (char *)(uintptr_t)l->plan->program;
    assert(next > l->paths);
    *next = NULL;
}

static int unix_spawn_compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void unix_spawn_list_kept(struct launch *l)
{
    const struct child_plan *plan = l->plan;
    for (size_t i = 0; i < plan->stdio_count; i++)
        l->kept[i] = plan->stdio[i].child_fd;
    qsort(l->kept, plan->stdio_count, sizeof *l->kept, unix_spawn_compare);
    assert(!plan->stdio_count || l->kept[0] >= 0);
}

static struct launch *unix_spawn_prepare(rondo_loop *loop,
                                         const struct child_plan *plan)
{
    const char *path = unix_spawn_search_path(plan);
    size_t folders = unix_spawn_count_folders(path),
           name = strlen(plan->program) + 2;
    size_t lists =
        (folders + 1) * sizeof(char *) + 2 * plan->stdio_count * sizeof(int);
    size_t text = path ? strlen(path) + folders * name : 0;
    size_t group = plan->cgroup ? strlen(plan->cgroup) + sizeof PROCS : 0;
    struct launch *l =
        loop_alloc(loop, sizeof *l + STACK_BYTES + 16 + lists + group + text);
    if (!l)
        return NULL;
    *l = (struct launch){.plan = plan, .parent = getpid()};
    /* one block: launch, stack, paths, sources, kept, the group's file, texts of
     * the paths */
    char *stack = (char *)(l + 1);
    l->stack_top = stack + STACK_BYTES;
    l->stack_top += -(uintptr_t)l->stack_top % 16;
    assert(l->stack_top <= stack + STACK_BYTES + 16);
    l->paths = (char **)(void *)l->stack_top;
    l->source = (int *)(void *)(l->paths + folders + 1);
    l->kept = l->source + plan->stdio_count;
    l->argv = (char *const *)(uintptr_t)plan->argv;
    l->env = plan->env ? (char *const *)(uintptr_t)plan->env : environ;
    char *texts = (char *)(l->kept + plan->stdio_count);
    if (group) {
        l->cgroup = texts;
        memcpy(texts, plan->cgroup, group - sizeof PROCS);
        texts += group;
        memcpy(texts - sizeof PROCS, PROCS, sizeof PROCS);
    }
    unix_spawn_list_paths(l, path, texts);
    unix_spawn_list_kept(l);
    return l;
}

/* ---- in the parent ---- */

/* A child that changes its ids gets memory of its own, for two reasons: Linux
 * takes rights from the memory (PR_SET_DUMPABLE) and so from the parent, and a
 * process with fewer rights must not be in the memory of the parent. */
static bool unix_spawn_shares_memory(const struct launch *l)
{
    return SHARES_MEMORY && !l->plan->uid && !l->plan->gid;
}

#ifdef __linux__
static int64_t unix_spawn_start(struct launch *l, int *pidfd)
{
    const int share = CLONE_VM | CLONE_VFORK;
    int flags = SIGCHLD | (pidfd ? CLONE_PIDFD : 0);
    if (unix_spawn_shares_memory(l)) {
        int64_t pid = clone(spawn_child, l->stack_top, flags | share, l, pidfd);
        if (pid >= 0 || errno != EINVAL)
            return pid;
        /* Linux refuses CLONE_VM to the first process of a time namespace */
    }
    return clone(spawn_child, l->stack_top, flags, l, pidfd);
}
#else
static int64_t unix_spawn_start(struct launch *l, int *pidfd)
{
    assert(!pidfd); /* only child_pidfd.c asks for one */
    (void)pidfd;
    pid_t pid = unix_spawn_shares_memory(l) ? START_SHARING() : fork();
    if (pid == 0)
        _exit(spawn_child(l));
    return pid;
}
#endif

/* No handler of the parent may run in the child, which shares its memory. */
static int64_t unix_spawn_start_blocked(struct launch *l, int *pidfd)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int64_t pid = unix_spawn_start(l, pidfd);
    int os_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = os_error;
    return pid;
}

void unix_reap(int64_t pid)
{
    assert(pid > 0); /* 0 and -1 would reap children of the program */
    while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static int unix_spawn_describe(const struct child_plan *plan,
                               const struct report *report)
{
    int error = error_from_os(report->os_error);
    switch ((enum step)report->step) {
    case STEP_CGROUP:
        return error_os(error, "cannot put it into the control group %s",
                        plan->cgroup);
    case STEP_LIMIT:
        return error_os(error, "cannot set its limit of resource %d",
                        report->resource);
    case STEP_NICE:
        return error_os(error, "cannot make it nice %d", *plan->nice);
    case STEP_PARENT:
        return error_os(error, "cannot make it end with its parent");
    case STEP_DESCRIPTOR:
        return error_os(error, "cannot hand over the descriptors");
    case STEP_SESSION:
        return error_os(error, "cannot start a session");
    case STEP_TERMINAL:
        return error_os(error, "cannot make its terminal the session's");
    case STEP_GROUP:
        return error_os(error, "cannot start a process group");
    case STEP_FOLDER:
        return error_os(error, "cannot change to the folder %s", plan->cwd);
    case STEP_IDS:
        return error_os(error, "cannot change to uid %lld, gid %lld",
                        plan->uid ? (long long)*plan->uid : -1LL,
                        plan->gid ? (long long)*plan->gid : -1LL);
    case STEP_RUN:
        break;
    }
    error_os(error, "cannot run %s", plan->program);
    return error_advise(error,
                        error == RONDO_EACCES ? "it is not an executable file"
                        : error == RONDO_ENOENT && !strchr(plan->program, '/')
                            ? "it is in no folder of PATH"
                            : NULL);
}

/* 0: the program runs. Else the child has reported why not, and is reaped. */
static int unix_spawn_hear(const struct child_plan *plan, int fd, int64_t pid)
{
    struct report report;
    ssize_t count;
    do {
        count = read(fd, &report, sizeof report);
    } while (count < 0 && errno == EINTR);
    if (count != sizeof report)
        return 0;
    unix_reap(pid);
    return unix_spawn_describe(plan, &report);
}

static int unix_spawn_launch(struct launch *l, int64_t *pid, int *pidfd)
{
    int fds[2];
    if (pidfd)
        *pidfd = -1;
    int error = unix_pipe(fds);
    if (error)
        return error_os(error, "cannot make a pipe");
    assert(fds[0] > 2 && fds[1] > 2);
    l->report_fd = fds[1];
    *pid = unix_spawn_start_blocked(l, pidfd);
    if (*pid < 0)
        error = error_os(error_from_os(errno), "cannot start a process");
    sys_close(fds[1]);
    if (!error)
        error = unix_spawn_hear(l->plan, fds[0], *pid);
    sys_close(fds[0]);
    if (error && pidfd)
        sys_close(*pidfd);
    return error;
}

int unix_spawn(rondo_loop *loop, const struct child_plan *plan, int64_t *pid,
               int *pidfd)
{
    static const char *const shell_name = "sh", *const flag = "-c";
    const char *const argv[] = {shell_name, flag, plan->command, NULL};
    struct child_plan own = *plan;
    if (plan->command) {
        own.program = "/bin/sh";
        own.argv = argv;
    }
    if (plan->uid && *plan->uid != 0 && !plan->gid && getegid() == 0)
        return error_set(RONDO_EINVAL,
                         "uid %lld without a gid: the child would keep the "
                         "rights of group 0",
                         (long long)*plan->uid);
    struct launch *l = unix_spawn_prepare(loop, &own);
    if (!l)
        return error_set(RONDO_ENOMEM, "out of memory");
    int error = unix_spawn_launch(l, pid, pidfd);
    loop_free(loop, l);
    return error;
}
#endif

/* spawn_child.c - what a child does before it executes its program: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "unix/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#ifdef __FreeBSD__
#include <sys/procctl.h>
#endif
#ifndef __APPLE__ /* macOS does not promise its system calls to programs */
#include <sys/syscall.h>
#endif

#if defined(__linux__) && defined(__GLIBC__)
#define UNIX_RLIMIT __rlimit_resource_t /* an enum for _GNU_SOURCE */
#else
#define UNIX_RLIMIT int
#endif

/* All signals stay blocked until this has run: a handler of the parent must
 * never run in the child. */
static void unix_spawn_child_reset_signals(void)
{
    struct sigaction action;
    for (int signum = 1; signum < NSIG; signum++)
        if (sigaction(signum, NULL, &action) == 0 &&
            action.sa_handler != SIG_DFL) {
            action.sa_handler = SIG_DFL;
            action.sa_flags = 0;
            (void)sigaction(signum, &action, NULL);
        }
}

static int unix_spawn_child_keep_open(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0) /* EBADF: the parent has no such descriptor either */
        return errno == EBADF ? 0 : -1;
    return flags & FD_CLOEXEC ? fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) : 0;
}

static bool unix_spawn_child_is_kept(const struct launch *l, int fd)
{
    for (size_t i = 0; i < l->plan->stdio_count; i++)
        if (l->kept[i] == fd)
            return true;
    return false;
}

/* Copies a descriptor whose number is to be one of the child's, so that no dup2
 * closes it. The copy may have any other number: above the highest of the
 * child's there may be none, because of the limit. */
static int unix_spawn_child_move_away(const struct launch *l, int fd)
{
    int copy = fd;
    for (int least = 3; unix_spawn_child_is_kept(l, copy); least = copy + 1) {
        if (copy != fd)
            (void)close(copy);
        copy = fcntl(fd, F_DUPFD_CLOEXEC, least);
        if (copy < 0) {
            errno = errno == EINVAL ? EMFILE : errno; /* the limit is reached */
            return -1;
        }
    }
    return copy;
}

static int unix_spawn_child_place_descriptors(struct launch *l)
{
    const struct child_plan *plan = l->plan;
    assert(l->report_fd > 2);
    int report_fd = unix_spawn_child_move_away(l, l->report_fd);
    if (report_fd < 0)
        return -1;
    l->report_fd = report_fd;
    for (size_t i = 0; i < plan->stdio_count; i++) {
        const struct child_stdio *s = &plan->stdio[i];
        l->source[i] =
            s->fd == s->child_fd ? s->fd : unix_spawn_child_move_away(l, s->fd);
        if (l->source[i] < 0)
            return -1;
        assert(l->source[i] == s->child_fd ||
               !unix_spawn_child_is_kept(l, l->source[i]));
    }
    for (size_t i = 0; i < plan->stdio_count; i++) {
        int to = plan->stdio[i].child_fd;
        if ((l->source[i] == to ? unix_spawn_child_keep_open(to)
                                : dup2(l->source[i], to)) < 0)
            return -1;
    }
    return 0;
}

static void unix_spawn_child_close_at_exec(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    if (flags >= 0 && !(flags & FD_CLOEXEC))
        (void)fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

static int unix_spawn_child_close_range_at_exec(unsigned first, unsigned last)
{
#if defined(SYS_close_range)
    enum { CLOEXEC = 4 }; /* CLOSE_RANGE_CLOEXEC: Linux 5.11 */
    return first > last ? 0
                        : (int)syscall(SYS_close_range, first, last, CLOEXEC);
#else
    (void)first;
    (void)last;
    return -1;
#endif
}

#ifdef __linux__
/* struct linux_dirent64, which not every C library declares. */
struct entry {
    uint64_t number;
    int64_t offset;
    unsigned short size;
    unsigned char type;
    char name[];
};
#endif

/* Reads which descriptors are open, since trying all of them may take for
 * ever: the limit may be a thousand million. */
static int unix_spawn_child_close_listed_at_exec(const struct launch *l)
{
#ifdef __linux__
    union {
        struct entry align;
        char bytes[2048];
    } room;
    int folder = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -1;
    long count;
    while ((count = syscall(SYS_getdents64, folder, room.bytes,
                            sizeof room.bytes)) > 0)
        for (long at = 0; at < count;) {
            const struct entry *entry = (const void *)(room.bytes + at);
            int fd = 0;
            for (const char *digit = entry->name; *digit; digit++)
                fd = fd * 10 + (*digit - '0');
            if (entry->name[0] != '.' && !unix_spawn_child_is_kept(l, fd))
                unix_spawn_child_close_at_exec(fd);
            at += entry->size;
        }
    (void)close(folder);
    return (int)count;
#else
    (void)l;
    return -1;
#endif
}

/* All numbers of open descriptors are below. */
static int unix_spawn_child_end_of_descriptors(void)
{
#ifdef F_MAXFD /* NetBSD: the highest one that is open */
    int last = fcntl(0, F_MAXFD);
    if (last >= 0)
        return last + 1;
#endif
    /* -1: RLIMIT_NOFILE is infinite; the kernel has a limit of its own (macOS:
     * kern.maxfilesperproc) */
    long limit = sysconf(_SC_OPEN_MAX);
    if (limit <= 0)
        limit = getdtablesize();
    return limit > INT_MAX ? INT_MAX : (int)limit;
}

/* Marks all descriptors but the child's, instead of closing them: the report's
 * is among them. */
static void unix_spawn_child_close_others(const struct launch *l)
{
    unsigned first = 0;
    int failed = 0;
    for (size_t i = 0; i < l->plan->stdio_count; i++) {
        unsigned kept = (unsigned)l->kept[i];
        assert(kept >= first); /* sorted, and no number is there twice */
        if (kept > first)
            failed |= unix_spawn_child_close_range_at_exec(first, kept - 1);
        first = kept + 1;
    }
    failed |= unix_spawn_child_close_range_at_exec(first, UINT_MAX);
    if (!failed || unix_spawn_child_close_listed_at_exec(l) == 0)
        return;
    int end = unix_spawn_child_end_of_descriptors();
    for (int fd = 0; fd < end; fd++)
        if (!unix_spawn_child_is_kept(l, fd))
            unix_spawn_child_close_at_exec(fd);
}

/* glibc's setuid changes the ids of all threads that it knows, and in this
 * child these are the threads of the parent. */
#if defined(SYS_setresuid32)
#define SETGROUPS(count, list) (int)syscall(SYS_setgroups32, count, list)
#define SETGID(id)             (int)syscall(SYS_setresgid32, id, id, id)
#define SETUID(id)             (int)syscall(SYS_setresuid32, id, id, id)
#elif defined(SYS_setresuid) && defined(__linux__)
#define SETGROUPS(count, list) (int)syscall(SYS_setgroups, count, list)
#define SETGID(id)             (int)syscall(SYS_setresgid, id, id, id)
#define SETUID(id)             (int)syscall(SYS_setresuid, id, id, id)
#else
#define SETGROUPS setgroups
#define SETGID    setgid
#define SETUID    setuid
#endif

/* The supplementary groups of the parent give rights, so they go first. */
static int unix_spawn_child_set_ids(const struct child_plan *plan)
{
    if ((plan->uid || plan->gid) && geteuid() == 0 && SETGROUPS(0, NULL) < 0)
        return -1;
    if (plan->gid && SETGID((gid_t)*plan->gid) < 0)
        return -1;
    return plan->uid ? SETUID((uid_t)*plan->uid) : 0;
}

/* 0 is the process that writes. */
static int unix_spawn_child_join_cgroup(const char *file)
{
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    bool joined = write(fd, "0", 1) == 1;
    int os_error = errno;
    (void)close(fd);
    errno = os_error;
    return joined ? 0 : -1;
}

static rlim_t unix_spawn_child_limit_of(uint64_t value)
{
    return value == RONDO_UNLIMITED ? RLIM_INFINITY : (rlim_t)value;
}

static int unix_spawn_child_set_limits(struct launch *l)
{
    for (size_t i = 0; i < l->plan->limit_count; i++) {
        const rondo_resource_limit *wanted = &l->plan->limits[i];
        const struct rlimit limit = {
            .rlim_cur = unix_spawn_child_limit_of(wanted->soft),
            .rlim_max = unix_spawn_child_limit_of(wanted->hard)};
        l->resource = wanted->resource;
        if (setrlimit((UNIX_RLIMIT)wanted->resource, &limit) < 0)
            return -1;
    }
    return 0;
}

/* The last step, since a change of ids takes it back. */
static int unix_spawn_child_end_with_parent(const struct launch *l)
{
#if defined(__linux__)
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -1;
#elif defined(PROC_PDEATHSIG_CTL)
    int signum = SIGKILL;
    if (procctl(P_PID, 0, PROC_PDEATHSIG_CTL, &signum) < 0)
        return -1;
#endif
    if (getppid() == (pid_t)l->parent)
        return 0;
    errno = ESRCH; /* it has ended before */
    return -1;
}

static int unix_spawn_child_set_up(struct launch *l)
{
    const struct child_plan *plan = l->plan;
    l->step = STEP_CGROUP;
    if (l->cgroup && unix_spawn_child_join_cgroup(l->cgroup) < 0)
        return -1;
    l->step = STEP_DESCRIPTOR;
    if (unix_spawn_child_place_descriptors(l) < 0)
        return -1;
    l->step = STEP_SESSION;
    if (plan->new_session && setsid() < 0)
        return -1;
    /* its process group becomes the terminal's foreground group */
    l->step = STEP_TERMINAL;
    if (plan->terminal_fd >= 0 && ioctl(plan->terminal_fd, TIOCSCTTY, 0) < 0)
        return -1;
    l->step = STEP_GROUP;
    if (plan->new_group && !plan->new_session && setpgid(0, 0) < 0)
        return -1;
    l->step = STEP_FOLDER;
    if (plan->cwd && chdir(plan->cwd) < 0)
        return -1;
    if (plan->umask)
        (void)umask((mode_t)*plan->umask);
    unix_spawn_child_close_others(l); /* a limit may hide some of them */
    l->step = STEP_LIMIT;
    if (unix_spawn_child_set_limits(l) < 0)
        return -1;
    l->step = STEP_NICE;
    if (plan->nice && setpriority(PRIO_PROCESS, 0, *plan->nice) < 0)
        return -1;
    l->step = STEP_IDS;
    if (unix_spawn_child_set_ids(plan) < 0)
        return -1;
    l->step = STEP_PARENT;
    return plan->die_with_parent ? unix_spawn_child_end_with_parent(l) : 0;
}

/* Like execvp(3), but a file that is not a program (ENOEXEC) is not passed to a
 * shell. */
static void unix_spawn_child_run(struct launch *l)
{
    int refused = 0;
    assert(l->paths[0] && l->argv[0]);
    l->step = STEP_RUN;
    for (char **path = l->paths; *path; path++) {
        (void)execve(*path, l->argv, l->env);
        if (errno == EACCES)
            refused = errno;
        else if (errno != ENOENT && errno != ENOTDIR)
            return;
    }
    if (refused)
        errno = refused;
}

int spawn_child(void *launch)
{
    struct launch *l = launch;
    unix_spawn_child_reset_signals();
    if (unix_spawn_child_set_up(l) == 0) {
        sigset_t none;
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        unix_spawn_child_run(l);
    }
    struct report report = {(int)l->step, errno, l->resource};
    (void)!write(l->report_fd, &report, sizeof report);
    return 127;
}
#endif

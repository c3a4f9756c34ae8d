/* sim_replace.c - calls of a BSD's, and those that a kqueue hears of. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sim.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int hidden; /* the child that has not exited yet, 0: none */
static _Atomic(void *) next_close, next_dup2, next_dup3;
static _Atomic(void *) next_waitpid, next_waitid;

/* The C library's function of that name. It is looked up before main, because
 * who asks later may be a signal handler or the child of a vfork. */
static void *next_of(_Atomic(void *) *kept, const char *name)
{
    void *fn = atomic_load(kept);

    if (!fn) {
        fn = dlsym(RTLD_NEXT, name);
        atomic_store(kept, fn);
    }
    return fn;
}

__attribute__((constructor)) static void look_up(void)
{
    (void)next_of(&next_close, "close");
    (void)next_of(&next_dup2, "dup2");
    (void)next_of(&next_dup3, "dup3");
    (void)next_of(&next_waitpid, "waitpid");
    (void)next_of(&next_waitid, "waitid");
}

int sim_close(int fd)
{
    union {
        void *pointer;
        int (*fn)(int);
    } next = {next_of(&next_close, "close")};

    return next.fn(fd);
}

int close(int fd)
{
    if (!sim_is_other_process())
        sim_forget(fd);
    return sim_close(fd);
}

int dup2(int fd, int number)
{
    union {
        void *pointer;
        int (*fn)(int, int);
    } next = {next_of(&next_dup2, "dup2")};

    if (!sim_is_other_process() && fd != number)
        sim_forget(number);
    return next.fn(fd, number);
}

int dup3(int fd, int number, int flags)
{
    union {
        void *pointer;
        int (*fn)(int, int, int);
    } next = {next_of(&next_dup3, "dup3")};

    if (!sim_is_other_process() && fd != number)
        sim_forget(number);
    return next.fn(fd, number, flags);
}

void sim_hide_exit(int pid)
{
    atomic_store(&hidden, pid);
}

/* Once. */
static bool is_hidden(int pid)
{
    return pid > 0 && atomic_compare_exchange_strong(&hidden, &pid, 0);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
    union {
        void *pointer;
        pid_t (*fn)(pid_t, int *, int);
    } next = {next_of(&next_waitpid, "waitpid")};

    if (is_hidden(pid) && options & WNOHANG)
        return 0;
    return next.fn(pid, status, options);
}

int waitid(idtype_t kind, id_t id, siginfo_t *info, int options)
{
    union {
        void *pointer;
        int (*fn)(idtype_t, id_t, siginfo_t *, int);
    } next = {next_of(&next_waitid, "waitid")};

    if (kind == P_PID && is_hidden((int)id) && options & WNOHANG) {
        info->si_pid = 0;
        return 0;
    }
    return next.fn(kind, id, info, options);
}

int getpeereid(int fd, uid_t *user, gid_t *group)
{
    struct ucred who;
    socklen_t size = sizeof who;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0)
        return -1;
    *user = who.uid;
    *group = who.gid;
    return 0;
}

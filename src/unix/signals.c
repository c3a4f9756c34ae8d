/* signals.c - catches the signals of the process: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "sys.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* The lock guards all that is not atomic. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sigset_t mask; /* signal mask of the lock's holder, before it locked */
static struct sigaction found[SYS_SIGNALS];
static _Atomic(const struct sys_signals_told *) told; /* NULL: not begun */
/* A child of vfork runs the handler in this memory, and no pthread_atfork
 * function tells. The handler compares pids, so that a signal of such a child
 * is not taken for one of the parent. */
static _Atomic pid_t process;

/* ---- SIGCHLD: other code in the program may have children, too ---- */

typedef void (*info_handler)(int, siginfo_t *, void *);
typedef void (*plain_handler)(int);

/* The handler that was there before. If both are set, found_info counts: so a
 * change from one to the other is never seen as none. */
static _Atomic(info_handler) found_info;
static _Atomic(plain_handler) found_plain;

static void unix_signals_chain_to(const struct sigaction *action)
{
    if (action->sa_flags & SA_SIGINFO) {
        atomic_store(&found_info, action->sa_sigaction);
        return;
    }
    bool function =
        action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
    atomic_store(&found_plain, function ? action->sa_handler : NULL);
    atomic_store(&found_info, NULL);
}

static void unix_signals_chain(int signum, siginfo_t *info, void *context)
{
    info_handler with_info = atomic_load(&found_info);
    plain_handler plain = with_info ? NULL : atomic_load(&found_plain);
    if (with_info)
        with_info(signum, info, context);
    else if (plain)
        plain(signum);
}

/* ---- the handler ---- */

static void unix_signals_caught(int signum, siginfo_t *info, void *context)
{
    int before = errno;
    if (getpid() == atomic_load(&process)) {
        atomic_load(&told)->arrived(signum);
        if (signum == SIGCHLD)
            unix_signals_chain(signum, info, context);
    }
    errno = before;
}

static bool unix_signals_is_ours(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO &&
           action->sa_sigaction == unix_signals_caught;
}

/* ---- the lock ---- */

/* All signals are blocked meanwhile: a handler of the program that forks would
 * wait for its own thread, in sys_signals_lock. */
void sys_signals_lock(void)
{
    sigset_t everything, before;
    sigfillset(&everything);
    pthread_sigmask(SIG_SETMASK, &everything, &before);
    int failed = pthread_mutex_lock(&lock);
    assert(!failed);
    (void)failed;
    mask = before;
}

void sys_signals_unlock(void)
{
    sigset_t before = mask;
    pthread_mutex_unlock(&lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* All signals were blocked in the child until here. */
static void unix_signals_in_child(void)
{
    atomic_store(&process, getpid());
    atomic_load(&told)->forked();
    sys_signals_unlock();
}

/* ---- watching ---- */

static int unix_signals_begin(const struct sys_signals_told *whom)
{
    if (atomic_load(&told))
        return 0;
    int os_error = pthread_atfork(sys_signals_lock, sys_signals_unlock,
                                  unix_signals_in_child);
    if (os_error)
        return error_os(error_from_os(os_error), "pthread_atfork");
    atomic_store(&process, getpid());
    atomic_store(&told, whom);
    return 0;
}

/* A fault is raised again when its handler returns: for ever, if a loop is to
 * handle it later. */
static bool unix_signals_is_fault(int signum)
{
    return signum == SIGSEGV || signum == SIGBUS || signum == SIGFPE ||
           signum == SIGILL;
}

static int unix_signals_refused(int signum)
{
    return error_os(error_from_os(errno), "signal %d", signum);
}

int sys_signal_watch(int signum, const struct sys_signals_told *whom)
{
    struct sigaction now, ours = {.sa_sigaction = unix_signals_caught};
    assert(signum > 0 && signum < SYS_SIGNALS);
    int error = unix_signals_begin(whom);
    if (error)
        return error;
    if (unix_signals_is_fault(signum))
        return error_set(RONDO_EINVAL,
                         "signal %d reports a fault of the program, which "
                         "cannot go on until a loop has looked at it",
                         signum);
    if (sigaction(signum, NULL, &now) != 0)
        return unix_signals_refused(signum);
    if (unix_signals_is_ours(&now))
        return 0;
    sigfillset(&ours.sa_mask);
    ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    if (signum == SIGCHLD) {
        unix_signals_chain_to(&now);
        /* a program that ignores SIGCHLD relies on the kernel to reap */
        bool ignored =
            !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_IGN;
        ours.sa_flags |= now.sa_flags & (SA_NOCLDSTOP | SA_NOCLDWAIT);
        ours.sa_flags |= ignored ? SA_NOCLDWAIT : 0;
    }
    if (sigaction(signum, &ours, NULL) != 0)
        return unix_signals_refused(signum);
    found[signum] = now;
    return 0;
}

void sys_signal_unwatch(int signum)
{
    struct sigaction now;
    if (sigaction(signum, NULL, &now) == 0 && unix_signals_is_ours(&now))
        (void)sigaction(signum, &found[signum], NULL);
}
#endif

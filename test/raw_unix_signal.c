/* raw_unix_signal.c - raw_signal.h on Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_signal.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int give(const int *from, size_t size, int *numbers, int room)
{
    int count = (int)(size / sizeof *from);

    if (count > room)
        count = room;
    memcpy(numbers, from, (size_t)count * sizeof *from);
    return count;
}

int raw_signals(int *numbers, int room)
{
    static int usable[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1,
                           SIGUSR2, SIGALRM, SIGTERM, SIGWINCH};
    size_t count = sizeof usable / sizeof *usable;

    /* the order differs from system to system */
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            if (usable[j] < usable[i]) {
                int lower = usable[j];

                usable[j] = usable[i];
                usable[i] = lower;
            }
    return give(usable, sizeof usable, numbers, room);
}

const char *raw_signals_reason(void)
{
    return "";
}

int raw_signal_send(int signum)
{
    return kill(getpid(), signum);
}

bool raw_signals_are_quick(void)
{
    return true;
}

int raw_signals_uncatchable(int *numbers, int room)
{
    static const int list[] = {SIGKILL, SIGSTOP};

    return give(list, sizeof list, numbers, room);
}

int raw_signals_of_faults(int *numbers, int room)
{
    static const int list[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};

    return give(list, sizeof list, numbers, room);
}

int raw_signal_of_children(void)
{
    return SIGCHLD;
}

int raw_signal_of_users(void)
{
    return SIGUSR1;
}

/* ---- dispositions ------------------------------------------------------- */

static atomic_uint caught;

static void catch_plain(int signum)
{
    (void)signum;
    errno = 0; /* careless */
    atomic_fetch_add(&caught, 1);
}

static void catch_info(int signum, siginfo_t *info, void *context)
{
    (void)context;
    if (info && info->si_signo == signum)
        atomic_fetch_add(&caught, 1);
}

unsigned raw_signal_caught(void)
{
    return atomic_load(&caught);
}

enum { INFO_FLAGS = SA_SIGINFO | SA_NODEFER | SA_NOCLDSTOP };

enum raw_disposition raw_signal_disposition(int signum)
{
    struct sigaction action;

    if (sigaction(signum, NULL, &action) < 0)
        return RAW_OTHER;
    if (action.sa_flags & SA_SIGINFO)
        return action.sa_sigaction == catch_info &&
                       (action.sa_flags & INFO_FLAGS) == INFO_FLAGS &&
                       !(action.sa_flags & SA_RESTART) &&
                       sigismember(&action.sa_mask, SIGURG) == 1 &&
                       sigismember(&action.sa_mask, SIGIO) == 0
                   ? RAW_INFO
                   : RAW_OTHER;
    return action.sa_handler == SIG_DFL       ? RAW_DEFAULT
           : action.sa_handler == SIG_IGN     ? RAW_IGNORED
           : action.sa_handler == catch_plain ? RAW_PLAIN
                                              : RAW_OTHER;
}

bool raw_signal_dispose(int signum, enum raw_disposition what)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = what == RAW_IGNORED ? SIG_IGN
                        : what == RAW_PLAIN ? catch_plain
                                            : SIG_DFL;
    if (what == RAW_INFO) {
        action.sa_sigaction = catch_info;
        action.sa_flags = INFO_FLAGS;
        sigaddset(&action.sa_mask, SIGURG);
    }
    return sigaction(signum, &action, NULL) == 0;
}

bool raw_signal_is_considerate(int signum)
{
    struct sigaction action;

    return sigaction(signum, NULL, &action) == 0 &&
           action.sa_flags & SA_RESTART && action.sa_flags & SA_ONSTACK;
}

bool raw_signal_keeps_errno(int signum)
{
    errno = EXDEV;
    return raise(signum) == 0 && errno == EXDEV;
}

/* ---- children ----------------------------------------------------------- */

int raw_children_stay(void)
{
    pid_t pid = fork();
    int status;

    if (pid < 0)
        return -1;
    if (pid == 0)
        _exit(7);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

#ifdef __APPLE__ /* which is about to take vfork away, and warns */
int raw_signal_send_to_vforked(int signum)
{
    (void)signum;
    return -1;
}
#else
int raw_signal_send_to_vforked(int signum)
{
    int status = 0;
    pid_t pid = vfork(); /* NOLINT: such a child is what is tested */

    if (pid == 0) {
        (void)kill(getpid(), signum); /* NOLINT(clang-analyzer-unix.Vfork) */
        _exit(0);
    }
    if (pid < 0)
        return -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? 0 : -1;
}
#endif

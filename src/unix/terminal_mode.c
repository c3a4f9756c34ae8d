/* terminal_mode.c - the modes of the program's terminals: Unix. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#include "base/error.h"
#include "unix/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum { TERMINALS = 8 };

/* A terminal whose mode has been changed. Signal handlers read it: `process` is
 * set last and cleared first. */
struct terminal {
    _Atomic pid_t process; /* that has changed it; 0: the place is free */
    int fd;                /* of our own: the program may close its own */
    dev_t device;
    struct termios before, now;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct terminal terminals[TERMINALS];
static bool at_exit; /* the lock guards these two */
static bool guards;

bool sys_is_terminal(sys_fd fd)
{
    return fd >= 0 && isatty(fd);
}

int sys_terminal_measure(sys_fd fd, unsigned *columns, unsigned *rows)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0)
        return unix_fail();
    *columns = size.ws_col;
    *rows = size.ws_row;
    return 0;
}

int sys_terminal_signal(void)
{
#ifdef SIGWINCH
    return SIGWINCH;
#else
    return 0;
#endif
}

/* Terminals understand them; which, their name says. */
int sys_terminal_sequences(sys_fd fd)
{
    (void)fd;
    return -1;
}

/* ---- in a signal handler, too ---- */

/* A process in the background must leave the terminal alone: it belongs to the
 * job in front. One that is no terminal of ours has no such job. */
static bool unix_terminal_is_ours(int fd)
{
    pid_t front = tcgetpgrp(fd);
    return front < 0 || front == getpgrp();
}

static void unix_terminal_set_all(bool before)
{
    int number = errno;
    pid_t process = getpid();
    for (int i = 0; i < TERMINALS; i++) {
        const struct terminal *t = &terminals[i];
        if (atomic_load(&t->process) == process && unix_terminal_is_ours(t->fd))
            (void)tcsetattr(t->fd, TCSANOW, before ? &t->before : &t->now);
    }
    errno = number;
}

void sys_terminal_restore(void)
{
    unix_terminal_set_all(true);
}

/* ---- signals that end or stop the process ---- */

static const int fatal_signals[] = {SIGHUP,  SIGINT, SIGQUIT, SIGTERM, SIGABRT,
                                    SIGSEGV, SIGBUS, SIGFPE,  SIGILL};

/* The signal's own action comes when this returns: the handler was installed
 * with SA_RESETHAND. */
static void unix_terminal_dies(int signum)
{
    unix_terminal_set_all(true);
    (void)raise(signum);
}

static void unix_terminal_stops(int signum)
{
    int number = errno;
    struct sigaction plain = {.sa_handler = SIG_DFL}, own;
    sigset_t it;
    unix_terminal_set_all(true);
    sigemptyset(&it);
    sigaddset(&it, signum);
    (void)sigaction(signum, &plain, &own);
    (void)raise(signum);
    (void)pthread_sigmask(SIG_UNBLOCK, &it, NULL); /* it stops here */
    (void)sigaction(signum, &own, NULL);
    unix_terminal_set_all(false); /* it was continued */
    errno = number;
}

/* Only where the program has nothing else to do then. */
static void unix_terminal_catch(int signum, void (*fn)(int signum), int flags)
{
    struct sigaction found, ours = {.sa_handler = fn, .sa_flags = flags};
    sigemptyset(&ours.sa_mask);
    if (sigaction(signum, NULL, &found) == 0 &&
        !(found.sa_flags & SA_SIGINFO) && found.sa_handler == SIG_DFL)
        (void)sigaction(signum, &ours, NULL);
}

static void unix_terminal_guard(void)
{
    const size_t count = sizeof fatal_signals / sizeof *fatal_signals;
    if (guards)
        return;
    guards = true;
    for (size_t i = 0; i < count; i++)
        unix_terminal_catch(fatal_signals[i], unix_terminal_dies,
                            (int)SA_RESETHAND);
    unix_terminal_catch(SIGTSTP, unix_terminal_stops, SA_RESTART);
}

/* ---- modes ---- */

/* cfmakeraw(3), except that "\n" goes on meaning a new line. */
static void unix_terminal_make_raw(struct termios *t)
{
    t->c_iflag &= (tcflag_t) ~(BRKINT | ICRNL | INPCK | ISTRIP | IXON);
    t->c_cflag |= CS8;
    t->c_lflag &= (tcflag_t) ~(ECHO | ICANON | IEXTEN | ISIG);
    t->c_cc[VMIN] = 1;
    t->c_cc[VTIME] = 0;
}

/* A terminal that has hung up; its number may be another one's. */
static void unix_terminal_drop_if_gone(struct terminal *t)
{
    struct termios found;
    if (atomic_load(&t->process) != getpid() || tcgetattr(t->fd, &found) == 0)
        return;
    atomic_store(&t->process, 0);
    sys_close(t->fd);
}

static struct terminal *unix_terminal_find(dev_t device)
{
    struct terminal *free_one = NULL;
    for (int i = 0; i < TERMINALS; i++) {
        struct terminal *t = &terminals[i];
        unix_terminal_drop_if_gone(t);
        pid_t process = atomic_load(&t->process);
        if (process == getpid() && t->device == device)
            return t;
        if (!process && !free_one)
            free_one = t;
    }
    return free_one;
}

static int unix_terminal_enter(struct terminal *t, int fd, dev_t device)
{
    struct termios found;
    if (tcgetattr(fd, &found) < 0)
        return unix_fail();
    t->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (t->fd < 0)
        return unix_fail();
    t->device = device;
    t->before = t->now = found;
    atomic_store(&t->process, getpid());
    return 0;
}

static int unix_terminal_leave(struct terminal *t)
{
    int error = tcsetattr(t->fd, TCSADRAIN, &t->before) < 0 ? unix_fail() : 0;
    atomic_store(&t->process, 0);
    sys_close(t->fd);
    return error;
}

static int unix_terminal_change(struct terminal *t, rondo_terminal_mode mode)
{
    struct termios wanted = t->before;
    if (mode == RONDO_TERMINAL_RAW) {
        unix_terminal_make_raw(&wanted);
    } else {
        wanted.c_lflag &= (tcflag_t) ~(ECHO | ECHONL);
        wanted.c_lflag |= ICANON;
    }
    if (tcsetattr(t->fd, TCSADRAIN, &wanted) < 0)
        return unix_fail();
    t->now = wanted;
    return 0;
}

static int unix_terminal_mode(int fd, rondo_terminal_mode mode, bool guard)
{
    struct stat status;
    if (fstat(fd, &status) < 0)
        return unix_fail();
    struct terminal *t = unix_terminal_find(status.st_rdev);
    bool known = t && atomic_load(&t->process);
    if (mode == RONDO_TERMINAL_NORMAL)
        return known ? unix_terminal_leave(t) : 0;
    error_no_os();
    if (!t)
        return RONDO_EMFILE;
    int error = known ? 0 : unix_terminal_enter(t, fd, status.st_rdev);
    if (error)
        return error;
    if (guard)
        unix_terminal_guard();
    if (!at_exit)
        at_exit = atexit(sys_terminal_restore) == 0;
    error = unix_terminal_change(t, mode);
    if (error && !known)
        (void)unix_terminal_leave(t);
    return error;
}

int sys_terminal_mode(sys_fd fd, rondo_terminal_mode mode, bool guard)
{
    pthread_mutex_lock(&lock);
    int error = unix_terminal_mode(fd, mode, guard);
    pthread_mutex_unlock(&lock);
    return error;
}
#endif

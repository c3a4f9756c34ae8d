/* child_unix.c - what child.c asks of Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "child_system.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#if defined(__linux__) && defined(__GLIBC__)
#define RESOURCE __rlimit_resource_t /* an enum for _GNU_SOURCE */
#else
#define RESOURCE int
#endif

extern char **environ; /* NOLINT: not every <unistd.h> has it */

static const char *self;

/* NOLINTNEXTLINE(readability-non-const-parameter): on Windows it changes */
void child_begin(int *argc, char ***argv)
{
    (void)argc;
    (void)alarm(CHILD_LIFE_S); /* whatever becomes of the test */
    self = (*argv)[0];
}

long child_read(int fd, void *data, size_t size)
{
    return read(fd, data, size);
}

long child_write(int fd, const void *data, size_t size)
{
    return write(fd, data, size);
}

void child_close(int fd)
{
    (void)close(fd);
}

/* The message, one byte, goes back as it came: with its descriptor. */
void child_pass(int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char byte;
    struct iovec part = {&byte, 1};
    struct msghdr message = {0};
    int got;

    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    if (recvmsg(fd, &message, 0) != 1 || !CMSG_FIRSTHDR(&message))
        _exit(95);
    memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got);
    if (write(got, "hello", 5) != 5 || sendmsg(fd, &message, 0) != 1)
        _exit(94);
    (void)close(got);
}

void child_sleep(void)
{
    for (;;)
        (void)pause();
}

void child_die(int signum)
{
    (void)raise(signum);
}

void child_start(char *argv[])
{
    argv[0] = (char *)(size_t)self;
    if (fork() != 0)
        return;
    (void)execv(argv[0], argv);
    _exit(97);
}

char **child_environment(void)
{
    return environ;
}

void child_say_folder(void)
{
    char path[4096];

    child_say("%s\n", getcwd(path, sizeof path) ? path : "?");
}

void child_say_descriptors(void)
{
    for (int fd = 0; fd < 4096; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            child_say("%d ", fd);
}

/* "blocked N ignored N"; none is caught by a program that has just begun */
void child_say_signals(void)
{
    struct sigaction action;
    sigset_t mask;
    int blocked = 0;
    int ignored = 0;

    (void)sigprocmask(SIG_SETMASK, NULL, &mask);
    for (int i = 1; i < NSIG; i++) {
        if (sigaction(i, NULL, &action) < 0)
            continue;
        blocked += sigismember(&mask, i) == 1;
        ignored += action.sa_handler == SIG_IGN;
    }
    child_say("blocked %d ignored %d\n", blocked, ignored);
}

/* "uid N gid N groups N session S group G umask M" */
void child_say_ids(void)
{
    mode_t mask = umask(0);

    child_say("uid %d gid %d groups %d session %d group %d umask %o\n",
              (int)getuid(), (int)getgid(), getgroups(0, NULL),
              getsid(0) == getpid(), getpgrp() == getpid(), (unsigned)mask);
}

void child_say_terminal(int fd)
{
    struct winsize size;

    if (!isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) < 0) {
        child_say("%d is no terminal\n", fd);
        return;
    }
    child_say("%d is a terminal %dx%d%s%s\n", fd, size.ws_col, size.ws_row,
              tcgetsid(fd) == getpid() ? ", the session's" : "",
              tcgetpgrp(fd) == getpgrp() ? ", in front" : "");
}

void child_await_size(void)
{
    sigset_t set;
    int signum;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGWINCH);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    child_say("ready\n");
    (void)sigwait(&set, &signum);
    child_say_terminal(0);
}

void child_say_limit(int resource)
{
    struct rlimit limit = {0, 0};

    (void)getrlimit((RESOURCE)resource, &limit);
    if (limit.rlim_max == RLIM_INFINITY)
        child_say("%llu of any\n", (unsigned long long)limit.rlim_cur);
    else
        child_say("%llu of %llu\n", (unsigned long long)limit.rlim_cur,
                  (unsigned long long)limit.rlim_max);
}

void child_say_nice(void)
{
    child_say("%d\n", getpriority(PRIO_PROCESS, 0));
}

void child_say_handle(long long handle)
{
    child_say("no handle %lld\n", handle);
}

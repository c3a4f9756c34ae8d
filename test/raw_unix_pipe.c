/* raw_unix_pipe.c - pipes and SIGPIPE for tests: Unix. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "raw_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "raw_net.h"

int raw_line_terminal(raw_fd pair[2])
{
    struct termios how;

    if (raw_terminal(pair) != 0)
        return -1;
    if (tcgetattr((int)pair[1], &how) != 0)
        return -1;
    how.c_lflag |= ICANON | ECHO;
    how.c_iflag |= ICRNL;
    how.c_cc[VEOF] = 4;
    return tcsetattr((int)pair[1], TCSANOW, &how);
}

raw_fd raw_reopen(raw_fd fd, bool to_write)
{
#if defined(__linux__)
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", (int)fd);
    return open(path, (to_write ? O_WRONLY : O_RDONLY) | O_CLOEXEC | O_NOCTTY);
#else
    (void)fd;
    (void)to_write;
    return RONDO_NO_FD;
#endif
}

void raw_rewind(raw_fd file)
{
    (void)lseek((int)file, 0, SEEK_SET);
}

raw_fd raw_sealed_file(void)
{
#if defined(__linux__) && defined(F_SEAL_WRITE)
    int fd = memfd_create("rondo", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0)
        return fd;
    raw_close(fd);
#endif
    return RONDO_NO_FD;
}

int raw_overlapped_pipe(raw_fd pair[2])
{
    pair[0] = pair[1] = RONDO_NO_FD;
    return -1;
}

bool raw_pipe_can_be_waited_for(void)
{
    return true;
}

raw_fd raw_replace_stdin(raw_fd fd)
{
    int before = fcntl(0, F_DUPFD_CLOEXEC, 3);

    if (before >= 0)
        (void)dup2((int)fd, 0);
    raw_close(fd);
    return before < 0 ? RONDO_NO_FD : before;
}

void raw_restore_stdin(raw_fd before)
{
    (void)dup2((int)before, 0);
    raw_close(before);
}

static sigset_t only_sigpipe(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

bool raw_sigpipe_hold(void)
{
    sigset_t set = only_sigpipe();

    return pthread_sigmask(SIG_BLOCK, &set, NULL) == 0 &&
           pthread_kill(pthread_self(), SIGPIPE) == 0;
}

bool raw_sigpipe_release(void)
{
    sigset_t set = only_sigpipe();
    sigset_t pending;
    sigset_t blocked;
    int taken;
    bool was = sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;

    (void)pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    was = was && sigismember(&blocked, SIGPIPE) == 1;
    if (was)
        (void)sigwait(&set, &taken);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return was;
}

#if defined(__linux__) && defined(SYS_pwritev2)
/* pwritev2 answers as it does where it does not know a flag. */
bool raw_make_writes_signal(void)
{
    struct sock_filter lines[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwritev2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof lines / sizeof *lines, lines};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}
#else
bool raw_make_writes_signal(void)
{
    return false;
}
#endif

unsigned raw_take_from_pipes(size_t size)
{
    unsigned found = 0;
    char byte;

    for (int fd = 3; fd < 1024; fd++) {
        struct stat status;
        int inside = 0;

        if (fstat(fd, &status) < 0 || !S_ISFIFO(status.st_mode) ||
            (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY ||
            ioctl(fd, FIONREAD, &inside) < 0 || (size_t)inside <= size)
            continue;
        found++;
        for (size_t i = 0; i < size; i++)
            (void)!read(fd, &byte, 1);
    }
    return found;
}

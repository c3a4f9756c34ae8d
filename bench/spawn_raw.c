/* spawn_raw.c - the least that can be done: vfork, execve, a pidfd, poll. */
/* SPDX-License-Identifier: MIT */
#include "measure.h"
#include "spawn.h"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ; /* NOLINT: not every <unistd.h> has it */

static void nothing(void)
{
}

static void run(char **argv, size_t times)
{
    while (times--) {
        siginfo_t info;
        pid_t pid = vfork(); /* NOLINT: it is the measure */
        if (pid == 0) {
            execve(argv[0], argv, environ);
            _exit(127);
        }
        int fd = (int)syscall(SYS_pidfd_open, pid, 0);
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        if (fd < 0 || poll(&wanted, 1, -1) != 1 ||
            waitid(P_PID, (id_t)pid, &info, WEXITED) < 0 || info.si_status) {
            measure_die("vfork");
        }
        close(fd);
    }
}

const struct spawn spawn_raw = {
    .name = "raw", .open = nothing, .close = nothing, .run = run};

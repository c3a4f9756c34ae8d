/* raw_unix_program.c - raw_program.h on Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ; /* NOLINT: not every <unistd.h> has it */

struct raw_program {
    pid_t pid;
    int output;
    size_t used;
    char text[16384];
};

static int spawn(struct raw_program *p, const char *const *argv, int output)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error)
        return error;
    error = posix_spawn_file_actions_adddup2(&actions, output, 1);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&actions, output, 2);
    if (!error)
        error = posix_spawn(&p->pid, argv[0], &actions, NULL,
                            (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

struct raw_program *raw_program_start(const char *const *argv)
{
    struct raw_program *p = calloc(1, sizeof *p);
    raw_fd fds[2];

    if (!p || raw_pipe(fds) != 0) {
        free(p);
        return NULL;
    }
    if (spawn(p, argv, (int)fds[1]) != 0) {
        raw_close(fds[0]);
        free(p);
        p = NULL;
    } else {
        p->output = (int)fds[0];
    }
    raw_close(fds[1]);
    return p;
}

/* false: nothing more will come, or not in time */
static bool read_more(struct raw_program *p, int timeout_ms)
{
    struct pollfd fd = {.fd = p->output, .events = POLLIN, .revents = 0};
    ssize_t count;

    if (poll(&fd, 1, timeout_ms) <= 0)
        return false;
    count = read(p->output, p->text + p->used, sizeof p->text - 1 - p->used);
    if (count <= 0)
        return false;
    p->used += (size_t)count;
    p->text[p->used] = '\0';
    return true;
}

const char *raw_program_says(struct raw_program *p, const char *what,
                             int timeout_ms)
{
    const char *found;

    while ((found = strstr(p->text, what)) == NULL ||
           !strchr(found, '\n')) /* whole lines */
        if (!read_more(p, timeout_ms))
            return NULL;
    return found + strlen(what);
}

const char *raw_program_output(const struct raw_program *p)
{
    return p->text;
}

int raw_program_signal(struct raw_program *p, int signum)
{
    return kill(p->pid, signum);
}

int raw_program_end(struct raw_program *p, int timeout_ms)
{
    int64_t end = raw_now_ns() + (int64_t)timeout_ms * 1000000;
    int status = 0;
    bool killed = false;
    pid_t pid;

    while ((pid = waitpid(p->pid, &status, killed ? 0 : WNOHANG)) == 0) {
        if (raw_now_ns() > end) {
            killed = true;
            (void)kill(p->pid, SIGKILL);
        }
        raw_sleep_ms(1);
    }
    (void)close(p->output);
    free(p);
    if (killed || pid < 0)
        return -1;
    return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

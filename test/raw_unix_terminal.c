/* raw_unix_terminal.c - raw_terminal.h, for Unix. */
/* SPDX-License-Identifier: MIT */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "raw_terminal.h"

#include "raw_pipe.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

int raw_terminal_state(raw_fd fd)
{
    struct termios t;

    if (tcgetattr((int)fd, &t) < 0)
        return -1;
    return (t.c_lflag & ECHO ? RAW_ECHOES : 0) |
           (t.c_lflag & ICANON ? RAW_LINES : 0) |
           (t.c_lflag & ISIG ? RAW_CTRL_C : 0);
}

void raw_terminal_resize(raw_fd fd, unsigned columns, unsigned rows)
{
    struct winsize size = {.ws_col = (unsigned short)columns,
                           .ws_row = (unsigned short)rows};

    (void)ioctl((int)fd, TIOCSWINSZ, &size);
}

int raw_program_terminal(raw_fd pair[2])
{
    return raw_line_terminal(pair);
}

bool raw_terminal_has_name(void)
{
    return true;
}

void raw_terminal_tell(void)
{
    (void)raise(SIGWINCH);
}

void raw_terminal_exit(void)
{
    exit(0);
}

void raw_terminal_crash(void)
{
    (void)raise(SIGTERM);
}

void raw_terminal_suspend(void)
{
    (void)raise(SIGTSTP);
}

int raw_terminal_stop(int (*fn)(void *arg), void *arg, raw_fd terminal,
                      int *stopped_state)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        (void)setpgid(0, 0); /* an orphaned group is not stopped */
        _exit(fn(arg));
    }
    if (waitpid(child, &status, WUNTRACED) != child || !WIFSTOPPED(status))
        return -1;
    *stopped_state = raw_terminal_state(terminal);
    (void)kill(child, SIGCONT);
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -2;
    return WEXITSTATUS(status);
}

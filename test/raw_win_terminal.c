/* raw_win_terminal.c - raw_terminal.h, for Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_terminal.h"

int raw_terminal_state(raw_fd fd)
{
    (void)fd;
    return -1;
}

void raw_terminal_resize(raw_fd fd, unsigned columns, unsigned rows)
{
    (void)fd;
    (void)columns;
    (void)rows;
}

void raw_terminal_exit(void)
{
}

void raw_terminal_crash(void)
{
}

void raw_terminal_suspend(void)
{
}

int raw_terminal_stop(int (*fn)(void *arg), void *arg, raw_fd terminal,
                      int *stopped_state)
{
    (void)fn;
    (void)arg;
    (void)terminal;
    (void)stopped_state;
    return -1;
}

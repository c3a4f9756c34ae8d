/* raw_sim_signal.c - raw.h's signals on a simulated host. */
/* SPDX-License-Identifier: MIT */
#include "../raw_signal.h"

#include "rondo_sim.h"

#include <signal.h>
#include <string.h>

static int copy(int *numbers, int room, const int *from, int count)
{
    if (count > room)
        count = room;
    memcpy(numbers, from, (size_t)count * sizeof *from);
    return count;
}

int raw_signals(int *numbers, int room)
{
    static const int all[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1,
                              SIGUSR2, SIGALRM, SIGTERM, SIGCHLD,
                              SIGCONT, SIGURG,  SIGWINCH};
    return copy(numbers, room, all, sizeof all / sizeof *all);
}

const char *raw_signals_reason(void)
{
    return "";
}

int raw_signal_send(int signum)
{
    return rondo_sim_signal(rondo_sim_self(), signum) == 0 ? 0 : -1;
}

bool raw_signals_are_quick(void)
{
    return true;
}

int raw_signals_uncatchable(int *numbers, int room)
{
    static const int all[] = {SIGKILL, SIGSTOP};
    return copy(numbers, room, all, 2);
}

int raw_signals_of_faults(int *numbers, int room)
{
    static const int all[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    return copy(numbers, room, all, 4);
}

int raw_signal_of_children(void)
{
    return SIGCHLD;
}

int raw_signal_of_users(void)
{
    return SIGUSR1;
}

/* ---- what there is not: handlers of the program's own ---- */

enum raw_disposition raw_signal_disposition(int signum)
{
    (void)signum;
    return RAW_DEFAULT;
}

bool raw_signal_dispose(int signum, enum raw_disposition what)
{
    (void)signum;
    (void)what;
    return false;
}

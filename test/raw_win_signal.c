/* raw_win_signal.c - raw_signal.h on Windows: what a console says. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"
#include "raw_signal.h"
#include "raw_win.h"

#include <signal.h>
#include <stdatomic.h>

/* A console of its own: what is sent on it reaches nobody else. */
static bool has_console(void)
{
    static int has = -1;

    if (has < 0) {
        (void)FreeConsole();
        has = AllocConsole() != 0;
        /* whoever starts this may have turned Ctrl-C off */
        (void)SetConsoleCtrlHandler(NULL, FALSE);
    }
    return has;
}

/* Before the first test: the handles of the console are not the test's. */
static bool make_console(void)
{
    (void)has_console();
    return true;
}

TEST_AROUND(make_console, NULL);

int raw_signals(int *numbers, int room)
{
    int count = 0;

    if (!has_console())
        return 0;
    if (count < room)
        numbers[count++] = SIGINT;
    if (count < room && !win_is_wine())
        numbers[count++] = SIGBREAK;
    return count;
}

const char *raw_signals_reason(void)
{
    return !has_console()  ? "no console can be made here"
           : win_is_wine() ? "Wine does not deliver Ctrl-Break"
                           : "";
}

static atomic_uint seen;

/* The first to be asked; the one that is tested comes behind it. */
static BOOL WINAPI see(DWORD event)
{
    (void)event;
    atomic_fetch_add(&seen, 1);
    return FALSE;
}

int raw_signal_send(int signum)
{
    DWORD event = signum == SIGINT ? CTRL_C_EVENT : CTRL_BREAK_EVENT;
    unsigned before = atomic_load(&seen);
    int64_t end = raw_now_ns() + RONDO_SEC(10);
    bool sent;

    (void)SetConsoleCtrlHandler(see, TRUE);
    sent = GenerateConsoleCtrlEvent(event, 0);
    while (sent && atomic_load(&seen) == before && raw_now_ns() < end)
        Sleep(0);
    /* waits until all handlers have been called */
    (void)SetConsoleCtrlHandler(see, FALSE);
    return atomic_load(&seen) == before ? -1 : 0;
}

bool raw_signals_are_quick(void)
{
    return false;
}

int raw_signals_uncatchable(int *numbers, int room)
{
    (void)numbers;
    (void)room;
    return 0;
}

int raw_signals_of_faults(int *numbers, int room)
{
    (void)numbers;
    (void)room;
    return 0;
}

int raw_signal_of_children(void)
{
    return -1;
}

int raw_signal_of_users(void)
{
    return -1;
}

enum raw_disposition raw_signal_disposition(int signum)
{
    (void)signum;
    return RAW_OTHER;
}

bool raw_signal_dispose(int signum, enum raw_disposition what)
{
    (void)signum;
    (void)what;
    return false;
}

unsigned raw_signal_caught(void)
{
    return 0;
}

bool raw_signal_is_considerate(int signum)
{
    (void)signum;
    return true; /* nothing is interrupted */
}

bool raw_signal_keeps_errno(int signum)
{
    (void)signum;
    return true;
}

int raw_children_stay(void)
{
    return -1;
}

int raw_signal_send_to_vforked(int signum)
{
    (void)signum;
    return -1;
}

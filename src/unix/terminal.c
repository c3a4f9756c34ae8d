/* terminal.c - the pseudo terminal of a child: makes it, sets its size. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_UNIX
#define _GNU_SOURCE
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#endif
#include "base/error.h"
#include "unix/unix.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

enum { NAME_ROOM = 128 };

/* The name of the terminal that belongs to a master. ptsname(3) writes into
 * memory that all threads share, so it is the last resort. */
static bool unix_terminal_name(int master, char *name)
{
#if defined(__linux__)
    return ptsname_r(master, name, NAME_ROOM) == 0;
#elif defined(TIOCPTYGNAME) /* macOS, for names of up to 128 bytes */
    return ioctl(master, TIOCPTYGNAME, name) == 0;
#else
    const char *shared = ptsname(master);
    if (!shared || strlen(shared) >= NAME_ROOM)
        return false;
    strcpy(name, shared);
    return true;
#endif
}

static int unix_terminal_open(int master)
{
    char name[NAME_ROOM];
    if (grantpt(master) < 0 || unlockpt(master) < 0 ||
        !unix_terminal_name(master, name))
        return -1;
    return unix_keep(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
}

int sys_child_terminal(unsigned columns, unsigned rows,
                       struct sys_terminal *made)
{
    int flags = O_RDWR | O_NOCTTY;
#ifdef UNIX_TAKES_FLAGS
    flags |= O_CLOEXEC;
#endif
    int master = unix_keep(posix_openpt(flags));
    if (master < 0)
        return error_from_os(errno);
    int error = 0, terminal = unix_terminal_open(master);
    if (terminal < 0)
        error = error_from_os(errno);
    if (!error)
        error = sys_terminal_size(master, NULL, columns, rows);
    if (error) {
        sys_close(master);
        sys_close(terminal);
        return error;
    }
    assert(master > 2 && terminal > 2);
    *made = (struct sys_terminal){master, master, terminal, NULL};
    return 0;
}

int sys_terminal_size(sys_fd ours, void *console, unsigned columns,
                      unsigned rows)
{
    struct winsize size = {.ws_col = (unsigned short)columns,
                           .ws_row = (unsigned short)rows};
    (void)console;
    assert(columns <= SYS_TERMINAL_MOST && rows <= SYS_TERMINAL_MOST);
    return ioctl(ours, TIOCSWINSZ, &size) < 0 ? unix_fail() : 0;
}

void sys_console_close(void *console)
{
    (void)console;
}
#endif

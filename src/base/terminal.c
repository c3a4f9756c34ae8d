/* terminal.c - the program's own terminal: modes, size, colours. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "sys.h"

#include <stdlib.h>
#include <string.h>

static int terminal_check(const char *what, rondo_fd fd)
{
    if (sys_is_terminal(sys_fd_of(fd)))
        return 0;
    return error_set(RONDO_EINVAL, "%s: descriptor %lld is not a terminal",
                     what, (long long)fd);
}

bool rondo_is_terminal(rondo_fd fd)
{
    return sys_is_terminal(sys_fd_of(fd));
}

int rondo_terminal_set_mode(rondo_fd fd, rondo_terminal_mode mode,
                            unsigned flags)
{
    static const char what[] = "terminal_set_mode";
    if ((unsigned)mode > RONDO_TERMINAL_RAW ||
        flags & ~(unsigned)RONDO_TERMINAL_GUARD)
        return error_set(RONDO_EINVAL, "%s: no such mode or flag", what);
    int error = terminal_check(what, fd);
    if (error)
        return error;
    error = sys_terminal_mode(sys_fd_of(fd), mode, flags);
    return error ? error_os(error, "%s: descriptor %lld", what, (long long)fd)
                 : 0;
}

void rondo_terminal_restore(void)
{
    sys_terminal_restore();
}

int rondo_terminal_get_size(rondo_fd fd, unsigned *columns, unsigned *rows)
{
    static const char what[] = "terminal_get_size";
    if (!columns || !rows)
        return error_set(RONDO_EINVAL, "%s: nowhere to put it", what);
    int error = terminal_check(what, fd);
    if (error)
        return error;
    error = sys_terminal_measure(sys_fd_of(fd), columns, rows);
    return error ? error_os(error, "%s: descriptor %lld", what, (long long)fd)
                 : 0;
}

/* ---- colours ---- */

enum { ALL_COLOURS = 1 << 24 };

static bool terminal_env_is(const char *name, const char *value)
{
    const char *found = sys_env(name);
    return found && strcmp(found, value) == 0;
}

/* By its name; there is no data base without another library. */
static int terminal_colours_of(const char *term)
{
    static const char *const none[] = {"dumb",  "emacs", "vt52", "vt100",
                                       "vt102", "vt220", "vt320"};
    if (!term || !*term)
        return 0;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (strcmp(term, none[i]) == 0)
            return 0;
    if (strstr(term, "-direct") || strstr(term, "truecolor"))
        return ALL_COLOURS;
    return strstr(term, "256color") ? 256 : 16;
}

int rondo_terminal_colours(rondo_fd fd)
{
    const char *no = sys_env("NO_COLOR");
    if ((no && *no) || !sys_is_terminal(sys_fd_of(fd)))
        return 0;
    int own = sys_terminal_sequences(sys_fd_of(fd));
    if (own >= 0)
        return own ? ALL_COLOURS : 0;
    int colours = terminal_colours_of(sys_env("TERM"));
    if (colours && (terminal_env_is("COLORTERM", "truecolor") ||
                    terminal_env_is("COLORTERM", "24bit")))
        return ALL_COLOURS;
    return colours;
}

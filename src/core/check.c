/* check.c - whether a call may be made; structs of the program's size. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/loop.h"
#include "core/quarantine.h"

#include <string.h>

/* UINT32_MAX forks do not happen: it differs from every generation. */
void loop_set_guard(rondo_loop *loop)
{
    bool look = loop->debug || loop->closing;
    loop->guard = look ? UINT32_MAX : loop->generation;
}

int loop_check_slow(const rondo_loop *loop, const char *what)
{
    if (!loop)
        return error_set(RONDO_EINVAL, "%s: the first argument is NULL", what);
    const rondo_loop *real = loop->ended ? loop->ended->loop : loop;
    if (real->generation != sys_fork_generation)
        return error_set(RONDO_EFORKED,
                         "%s: the loop is the parent process's until "
                         "rondo_loop_after_fork",
                         what);
    if (real->debug && !sys_thread_is_self(real->thread)) {
        real->tell_thread((rondo_loop *)(uintptr_t)real, what);
        return error_set(RONDO_ETHREAD,
                         "%s: called from a thread that the loop does not "
                         "belong to; use rondo_call_soon_threadsafe",
                         what);
    }
    return loop->ended ? loop->ended->tell(loop, what) : 0;
}

int loop_check_create_slow(const rondo_loop *loop, const char *what)
{
    int error = loop_check(loop, what);
    if (!error && loop->closing)
        return error_set(RONDO_ECLOSED, "%s: the loop is being closed", what);
    return error;
}

int loop_options(void *to, size_t known, const void *from, const char *what)
{
    size_t size;
    memset(to, 0, known);
    if (!from)
        return 0;
    memcpy(&size, from, sizeof size); /* the first member of each of them */
    if (size < sizeof size)
        return error_set(RONDO_EINVAL,
                         "%s: options.size is not set; begin with the struct's "
                         "RONDO_..._INIT",
                         what);
    const unsigned char *bytes = from;
    for (size_t i = known; i < size; i++)
        if (bytes[i])
            return error_set(RONDO_ENOTSUP,
                             "%s: an option that this version of the library "
                             "does not know",
                             what);
    memcpy(to, from, size < known ? size : known);
    return 0;
}

int loop_check_table(const rondo_reserved *reserved, size_t count,
                     const char *what, const char *noun)
{
    if (!reserved)
        return error_set(RONDO_EINVAL, "%s: no %s", what, noun);
    for (size_t i = 0; i < count; i++)
        if (reserved[i])
            return error_set(RONDO_ENOTSUP,
                             "%s: the %s has a member that this version of "
                             "the library does not know, or is not zeroed",
                             what, noun);
    return 0;
}

int loop_give(void *to, const void *from, size_t known, const char *what)
{
    size_t size;
    if (!to)
        return error_set(RONDO_EINVAL, "%s: nowhere to put the answer", what);
    memcpy(&size, to, sizeof size);
    if (size < sizeof size)
        return error_set(RONDO_EINVAL,
                         "%s: size is not set; begin with the struct's "
                         "RONDO_..._INIT",
                         what);
    memcpy((char *)to + sizeof size, (const char *)from + sizeof size,
           (size < known ? size : known) - sizeof size);
    return 0;
}

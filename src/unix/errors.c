/* errors.c - the numbers and words of errno: POSIX. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_POSIX
#define _GNU_SOURCE
#include "sys.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int os_error, error;
    const char *name;
} errors[] = {
#define SAME(name)                                                             \
    {                                                                          \
        name, RONDO_##name, #name                                              \
    }
    SAME(EINVAL),
    SAME(ENOMEM),
    SAME(EBUSY),
    SAME(ECANCELED),
    SAME(ETIMEDOUT),
    SAME(ENOENT),
    SAME(EEXIST),
    SAME(EACCES),
    SAME(EPERM),
    SAME(EBADF),
    SAME(EMFILE),
    SAME(ENFILE),
    SAME(ENOBUFS),
    SAME(ENAMETOOLONG),
    SAME(ENOTDIR),
    SAME(ENOEXEC),
    SAME(EADDRINUSE),
    SAME(EADDRNOTAVAIL),
    SAME(EAFNOSUPPORT),
    SAME(ECONNREFUSED),
    SAME(ECONNRESET),
    SAME(ECONNABORTED),
    SAME(EPIPE),
    SAME(ENOTCONN),
    SAME(EISCONN),
    SAME(EHOSTUNREACH),
    SAME(ENETUNREACH),
    SAME(ENETDOWN),
    SAME(EMSGSIZE),
    SAME(ENOTSOCK),
    SAME(EIO),
    SAME(ENOSPC),
    SAME(ESRCH),
    SAME(EAGAIN),
    SAME(EISDIR),
    SAME(ENOTEMPTY),
    SAME(EFBIG),
    SAME(EROFS),
    SAME(ELOOP),
    SAME(EXDEV),
    {EDQUOT, RONDO_ENOSPC, "EDQUOT"},
    {E2BIG, RONDO_ETOOMUCH, "E2BIG"},
    {ETXTBSY, RONDO_EBUSY, "ETXTBSY"},
    {EOPNOTSUPP, RONDO_ENOTSUP, "EOPNOTSUPP"},
    {ENOSYS, RONDO_ENOTSUP, "ENOSYS"},
    {ENOPROTOOPT, RONDO_ENOTSUP, "ENOPROTOOPT"},
    {EPROTONOSUPPORT, RONDO_EAFNOSUPPORT, "EPROTONOSUPPORT"},
    {EINPROGRESS, RONDO_EAGAIN, "EINPROGRESS"},
    {EALREADY, RONDO_EAGAIN, "EALREADY"},
    {EHOSTDOWN, RONDO_EHOSTUNREACH, "EHOSTDOWN"},
    {EFAULT, RONDO_EINVAL, "EFAULT"},
    {ETOOMANYREFS, RONDO_EMFILE, "ETOOMANYREFS"},
};

static size_t errors_find(int64_t os_error)
{
    size_t i = 0;
    while (i < sizeof errors / sizeof *errors && errors[i].os_error != os_error)
        i++;
    return i;
}

int sys_error_code(int64_t os_error)
{
    size_t i = errors_find(os_error);
    return i < sizeof errors / sizeof *errors ? errors[i].error : RONDO_EOTHER;
}

const char *sys_error_name(int64_t os_error)
{
    size_t i = errors_find(os_error);
    return i < sizeof errors / sizeof *errors ? errors[i].name : NULL;
}

void sys_error_text(int64_t os_error, char *text, size_t size)
{
#ifdef __APPLE__ /* no strerror_l; its texts are always English */
    if (strerror_r((int)os_error, text, size) != 0)
        snprintf(text, size, "system error");
#else
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const char *why = c ? strerror_l((int)os_error, c) : "system error";
    snprintf(text, size, "%s", why);
    if (c)
        freelocale(c);
#endif
    /* it becomes a part of a sentence: "Permission denied" loses its capital */
    if (text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z')
        text[0] = (char)(text[0] + 'a' - 'A');
}
#endif

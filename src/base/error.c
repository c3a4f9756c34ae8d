/* error.c - the error numbers and this thread's last failure in words. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include "sys.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static SYS_THREAD_LOCAL struct {
    int64_t os_error;
    int given; /* the error of rondo_set_error if `text` is its, else 0 */
    char text
        [ERROR_SENTENCE]; /* a failed connect names each address that it tried */
} last;

static const struct {
    int error;
    const char *name, *text;
} table[] = {
    {RONDO_OK, "OK", "no error"},
    {RONDO_EOTHER, "EOTHER", "system error"},
    {RONDO_EINVAL, "EINVAL", "invalid argument"},
    {RONDO_ENOMEM, "ENOMEM", "out of memory"},
    {RONDO_ENOTSUP, "ENOTSUP", "not supported"},
    {RONDO_EBUSY, "EBUSY", "in use"},
    {RONDO_ECLOSED, "ECLOSED", "closed"},
    {RONDO_ECANCELED, "ECANCELED", "canceled"},
    {RONDO_ETIMEDOUT, "ETIMEDOUT", "timed out"},
    {RONDO_ENOENT, "ENOENT", "no such thing"},
    {RONDO_EEXIST, "EEXIST", "exists already"},
    {RONDO_EACCES, "EACCES", "permission denied"},
    {RONDO_EPERM, "EPERM", "operation not permitted"},
    {RONDO_EBADF, "EBADF", "bad descriptor"},
    {RONDO_EMFILE, "EMFILE", "too many open descriptors"},
    {RONDO_ENFILE, "ENFILE", "too many open files in the system"},
    {RONDO_ENOBUFS, "ENOBUFS", "no buffer space"},
    {RONDO_EFORKED, "EFORKED", "loop of the parent process"},
    {RONDO_ETHREAD, "ETHREAD", "not the loop's thread"},
    {RONDO_ENAMETOOLONG, "ENAMETOOLONG", "name too long"},
    {RONDO_ENOTDIR, "ENOTDIR", "not a directory"},
    {RONDO_ENOEXEC, "ENOEXEC", "not an executable format"},
    {RONDO_EADDRINUSE, "EADDRINUSE", "address in use"},
    {RONDO_EADDRNOTAVAIL, "EADDRNOTAVAIL", "address not available"},
    {RONDO_EAFNOSUPPORT, "EAFNOSUPPORT", "address family not supported"},
    {RONDO_ECONNREFUSED, "ECONNREFUSED", "connection refused"},
    {RONDO_ECONNRESET, "ECONNRESET", "connection reset by peer"},
    {RONDO_ECONNABORTED, "ECONNABORTED", "connection aborted"},
    {RONDO_EPIPE, "EPIPE", "broken pipe"},
    {RONDO_ENOTCONN, "ENOTCONN", "not connected"},
    {RONDO_EISCONN, "EISCONN", "connected already"},
    {RONDO_EHOSTUNREACH, "EHOSTUNREACH", "host unreachable"},
    {RONDO_ENETUNREACH, "ENETUNREACH", "network unreachable"},
    {RONDO_ENETDOWN, "ENETDOWN", "network down"},
    {RONDO_EMSGSIZE, "EMSGSIZE", "message too large"},
    {RONDO_ENOTSOCK, "ENOTSOCK", "not a socket"},
    {RONDO_EIO, "EIO", "input/output error"},
    {RONDO_ENOSPC, "ENOSPC", "no space left"},
    {RONDO_ESRCH, "ESRCH", "no such process"},
    {RONDO_ENONAME, "ENONAME", "no such host or service"},
    {RONDO_EAGAIN, "EAGAIN", "try again later"},
    {RONDO_EPROTO, "EPROTO", "protocol error"},
    {RONDO_ETOOMUCH, "ETOOMUCH", "more than the limit"},
    {RONDO_EOF, "EOF", "end of stream"},
    {RONDO_EISDIR, "EISDIR", "is a directory"},
    {RONDO_ENOTEMPTY, "ENOTEMPTY", "directory not empty"},
    {RONDO_EFBIG, "EFBIG", "file too large"},
    {RONDO_EROFS, "EROFS", "read-only file system"},
    {RONDO_ELOOP, "ELOOP", "too many symbolic links"},
    {RONDO_EXDEV, "EXDEV", "on another file system"},
};

/* How many bytes the character has that a text begins with; 0: it is a control
 * character (those from U+0080 on are commands of terminals, too), or no
 * UTF-8. */
static size_t error_printable(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    if (*s < 0x80)
        return *s >= ' ' && *s != 0x7f;
    size_t size = *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
    unsigned least = *s == 0xc2   ? 0xa0
                     : *s == 0xe0 ? 0xa0
                     : *s == 0xf0 ? 0x90
                                  : 0x80;
    if (*s < 0xc2 || *s > 0xf4 || s[1] < least)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

void error_print(char *to, size_t room, const char *from)
{
    size_t used = 0, size;
    for (; *from; from += size ? size : 1) {
        size = error_printable(from);
        if (used + (size ? size : 4) >= room)
            break;
        if (size)
            memcpy(to + used, from, size);
        else
            (void)snprintf(to + used, room - used, "\\x%02x",
                           (unsigned char)*from);
        used += size ? size : 4;
    }
    to[used] = '\0';
}

static void error_write_text(const char *format, va_list arguments)
{
    /* Into a copy first: the last sentence may be one of the arguments. */
    char text[sizeof last.text];
    vsnprintf(text, sizeof text, format, arguments);
    error_print(last.text, sizeof last.text, text);
    last.given = 0;
}

int error_set(int error, const char *format, ...)
{
    va_list arguments;
    last.os_error = 0;
    va_start(arguments, format);
    error_write_text(format, arguments);
    va_end(arguments);
    return error;
}

/* The reason is never cut off: a text that is too long ends with "...", and
 * leaves some room for what error_in puts before it. */
static void error_add_reason(const char *reason)
{
    enum { BEFORE = 64 };
    static const char gap[] = "...";
    size_t used = strlen(last.text), size = strlen(reason) + 1;
    size_t most = sizeof last.text - BEFORE - sizeof gap - size;
    if (used > most) {
        used = most;
        while (used && (last.text[used] & 0xc0) == 0x80)
            used--; /* a character is left out as a whole */
        memcpy(last.text + used, gap, sizeof gap);
        used += sizeof gap - 1;
    }
    memcpy(last.text + used, reason, size);
}

int error_os(int error, const char *format, ...)
{
    char reason[256], why[128], number[24];
    va_list arguments;
    va_start(arguments, format);
    error_write_text(format, arguments);
    va_end(arguments);
    const char *name = last.os_error ? sys_error_name(last.os_error) : NULL;
    snprintf(number, sizeof number, "%lld", (long long)last.os_error);
    name = name ? name : number;
    if (!last.os_error) {
        snprintf(reason, sizeof reason, ": %s (%s)", rondo_strerror(error),
                 rondo_error_name(error));
    } else if (sys_error_code(last.os_error) == error) {
        sys_error_text(last.os_error, why, sizeof why);
        snprintf(reason, sizeof reason, ": %s (%s)", why, name);
    } else { /* it means something else here */
        snprintf(reason, sizeof reason, ": %s (%s, from %s)",
                 rondo_strerror(error), rondo_error_name(error), name);
    }
    error_add_reason(reason);
    return error;
}

int error_advise(int error, const char *advice)
{
    size_t used = strlen(last.text);
    if (advice && used + strlen(advice) + 3 < sizeof last.text)
        (void)snprintf(last.text + used, sizeof last.text - used, "; %s",
                       advice);
    return error;
}

int error_in(const char *what, int error)
{
    int64_t os_error = last.os_error;
    error_set(error, "%s: %s", what, last.text);
    last.os_error = os_error;
    return error;
}

int rondo_set_error(int error, const char *format, ...)
{
    if (error >= 0 || !format)
        return error_set(RONDO_EINVAL, "set_error: not an error");
    va_list arguments;
    last.os_error = 0;
    va_start(arguments, format);
    error_write_text(format, arguments);
    va_end(arguments);
    last.given = error;
    return error;
}

const char *error_given(int error)
{
    return error < 0 && last.given == error ? last.text : NULL;
}

int error_from_os(int64_t os_error)
{
    last.os_error = os_error;
    return sys_error_code(os_error);
}

void error_no_os(void)
{
    last.os_error = 0;
}

void error_keep_os(int64_t os_error)
{
    last.os_error = os_error;
}

const char *rondo_last_error(void)
{
    return last.text;
}

int64_t rondo_last_os_error(void)
{
    return last.os_error;
}

enum { ERRORS = sizeof table / sizeof *table };

static size_t error_find(int error)
{
    size_t i = 0;
    while (i < ERRORS && table[i].error != error)
        i++;
    return i;
}

const char *rondo_strerror(int error)
{
    size_t i = error_find(error);
    return i < ERRORS ? table[i].text : "unknown error";
}

const char *rondo_error_name(int error)
{
    size_t i = error_find(error);
    return i < ERRORS ? table[i].name : "unknown";
}

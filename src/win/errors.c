/* errors.c - the names of Windows' error codes, and what they mean. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "win/win.h"

#include <stdio.h>
#include <string.h>

#ifndef ERROR_ELEVATION_REQUIRED
#define ERROR_ELEVATION_REQUIRED 740
#endif

/* Winsock's codes and the system's never share a number. These have the names
 * of ours. */
#define SAME(X)                                                                \
    X(EINVAL)                                                                  \
    X(EACCES)                                                                  \
    X(EBADF)                                                                   \
    X(EMFILE)                                                                  \
    X(ENOBUFS)                                                                 \
    X(ENAMETOOLONG)                                                            \
    X(ETIMEDOUT)                                                               \
    X(EADDRINUSE)                                                              \
    X(EADDRNOTAVAIL)                                                           \
    X(EAFNOSUPPORT)                                                            \
    X(ECONNREFUSED)                                                            \
    X(ECONNRESET)                                                              \
    X(ECONNABORTED)                                                            \
    X(ENOTCONN)                                                                \
    X(EISCONN)                                                                 \
    X(EHOSTUNREACH)                                                            \
    X(ENETUNREACH)                                                             \
    X(ENETDOWN)                                                                \
    X(EMSGSIZE)                                                                \
    X(ENOTSOCK)

#define OTHER(X)                                                               \
    X(WSAEWOULDBLOCK, EAGAIN)                                                  \
    X(WSAEINPROGRESS, EAGAIN)                                                  \
    X(WSAEALREADY, EAGAIN)                                                     \
    X(WSAEINTR, ECANCELED)                                                     \
    X(WSAEFAULT, EINVAL)                                                       \
    X(WSAEDESTADDRREQ, EINVAL)                                                 \
    X(WSAENETRESET, ECONNRESET)                                                \
    X(WSAEDISCON, ECONNRESET)                                                  \
    X(WSAESHUTDOWN, EPIPE)                                                     \
    X(WSAEHOSTDOWN, EHOSTUNREACH)                                              \
    X(WSAEPROTOTYPE, ENOTSUP)                                                  \
    X(WSAENOPROTOOPT, ENOTSUP)                                                 \
    X(WSAEOPNOTSUPP, ENOTSUP)                                                  \
    X(WSAESOCKTNOSUPPORT, ENOTSUP)                                             \
    X(WSAEPROTONOSUPPORT, EAFNOSUPPORT)                                        \
    X(WSAEPFNOSUPPORT, EAFNOSUPPORT)                                           \
    X(WSAEPROVIDERFAILEDINIT, ENOBUFS)                                         \
    X(WSAEPROCLIM, ENFILE)                                                     \
    X(WSASYSNOTREADY, ENETDOWN)                                                \
    X(WSAHOST_NOT_FOUND, ENONAME)                                              \
    X(WSANO_DATA, ENONAME)                                                     \
    X(WSANO_RECOVERY, ENONAME)                                                 \
    X(WSATRY_AGAIN, EAGAIN)                                                    \
    X(ERROR_INVALID_FUNCTION, ENOTSUP)                                         \
    X(ERROR_FILE_NOT_FOUND, ENOENT)                                            \
    X(ERROR_PATH_NOT_FOUND, ENOENT)                                            \
    X(ERROR_TOO_MANY_OPEN_FILES, EMFILE)                                       \
    X(ERROR_ACCESS_DENIED, EACCES)                                             \
    X(ERROR_INVALID_HANDLE, EBADF)                                             \
    X(ERROR_NOT_ENOUGH_MEMORY, ENOMEM)                                         \
    X(ERROR_EXE_MACHINE_TYPE_MISMATCH, ENOEXEC)                                \
    X(ERROR_ELEVATION_REQUIRED, EACCES)                                        \
    X(ERROR_BAD_FORMAT, ENOEXEC)                                               \
    X(ERROR_OUTOFMEMORY, ENOMEM)                                               \
    X(ERROR_CRC, EIO)                                                          \
    X(ERROR_GEN_FAILURE, EIO)                                                  \
    X(ERROR_SHARING_VIOLATION, EBUSY)                                          \
    X(ERROR_LOCK_VIOLATION, EBUSY)                                             \
    X(ERROR_HANDLE_EOF, EOF)                                                   \
    X(ERROR_HANDLE_DISK_FULL, ENOSPC)                                          \
    X(ERROR_NOT_SUPPORTED, ENOTSUP)                                            \
    X(ERROR_DUP_NAME, EADDRINUSE)                                              \
    X(ERROR_UNEXP_NET_ERR, EIO)                                                \
    X(ERROR_NETNAME_DELETED, ECONNRESET)                                       \
    X(ERROR_NETWORK_ACCESS_DENIED, EACCES)                                     \
    X(ERROR_FILE_EXISTS, EEXIST)                                               \
    X(ERROR_INVALID_PARAMETER, EINVAL)                                         \
    X(ERROR_BROKEN_PIPE, EPIPE)                                                \
    X(ERROR_DISK_FULL, ENOSPC)                                                 \
    X(ERROR_CALL_NOT_IMPLEMENTED, ENOTSUP)                                     \
    X(ERROR_SEM_TIMEOUT, ETIMEDOUT)                                            \
    X(ERROR_INSUFFICIENT_BUFFER, EMSGSIZE)                                     \
    X(ERROR_INVALID_NAME, EINVAL)                                              \
    X(ERROR_PROC_NOT_FOUND, ENOTSUP)                                           \
    X(ERROR_BAD_PATHNAME, ENOENT)                                              \
    X(ERROR_BUSY, EBUSY)                                                       \
    X(ERROR_ALREADY_EXISTS, EEXIST)                                            \
    X(ERROR_BAD_EXE_FORMAT, ENOEXEC)                                           \
    X(ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG)                                \
    X(ERROR_BAD_PIPE, EPIPE)                                                   \
    X(ERROR_PIPE_BUSY, EBUSY)                                                  \
    X(ERROR_NO_DATA, EPIPE)                                                    \
    X(ERROR_PIPE_NOT_CONNECTED, EPIPE)                                         \
    X(ERROR_MORE_DATA, EMSGSIZE)                                               \
    X(WAIT_TIMEOUT, ETIMEDOUT)                                                 \
    X(ERROR_DIRECTORY, ENOTDIR)                                                \
    X(ERROR_OPERATION_ABORTED, ECANCELED)                                      \
    X(ERROR_IO_INCOMPLETE, EAGAIN)                                             \
    X(ERROR_IO_PENDING, EAGAIN)                                                \
    X(ERROR_NOACCESS, EINVAL)                                                  \
    X(ERROR_IO_DEVICE, EIO)                                                    \
    X(ERROR_INVALID_FLAGS, EINVAL)                                             \
    X(ERROR_NOT_FOUND, ENOENT)                                                 \
    X(ERROR_NO_UNICODE_TRANSLATION, EINVAL)                                    \
    X(ERROR_CONNECTION_REFUSED, ECONNREFUSED)                                  \
    X(ERROR_GRACEFUL_DISCONNECT, EOF)                                          \
    X(ERROR_ADDRESS_ALREADY_ASSOCIATED, EADDRINUSE)                            \
    X(ERROR_CONNECTION_INVALID, ENOTCONN)                                      \
    X(ERROR_CONNECTION_ACTIVE, EISCONN)                                        \
    X(ERROR_NETWORK_UNREACHABLE, ENETUNREACH)                                  \
    X(ERROR_HOST_UNREACHABLE, EHOSTUNREACH)                                    \
    X(ERROR_PORT_UNREACHABLE, ECONNREFUSED)                                    \
    X(ERROR_REQUEST_ABORTED, ECANCELED)                                        \
    X(ERROR_CONNECTION_ABORTED, ECONNABORTED)                                  \
    X(ERROR_PRIVILEGE_NOT_HELD, EPERM)                                         \
    X(ERROR_NO_SYSTEM_RESOURCES, ENOBUFS)                                      \
    X(ERROR_NONPAGED_SYSTEM_RESOURCES, ENOBUFS)                                \
    X(ERROR_WORKING_SET_QUOTA, ENOBUFS)                                        \
    X(ERROR_COMMITMENT_LIMIT, ENOMEM)                                          \
    X(ERROR_TIMEOUT, ETIMEDOUT)                                                \
    X(ERROR_WRITE_PROTECT, EROFS)                                              \
    X(ERROR_NOT_SAME_DEVICE, EXDEV)                                            \
    X(ERROR_DIR_NOT_EMPTY, ENOTEMPTY)                                          \
    X(ERROR_NEGATIVE_SEEK, EINVAL)                                             \
    X(ERROR_FILE_TOO_LARGE, EFBIG)                                             \
    X(ERROR_DELETE_PENDING, EACCES)

static const struct {
    int os_error, error;
    const char *name;
} errors[] = {
#define ENTRY(name) {WSA##name, RONDO_##name, "WSA" #name},
    SAME(ENTRY)
#undef ENTRY
#define ENTRY(code, name) {code, RONDO_##name, #code},
        OTHER(ENTRY)
#undef ENTRY
};

static size_t win_errors_find_error(int64_t os_error)
{
    size_t i = 0;
    while (i < sizeof errors / sizeof *errors && errors[i].os_error != os_error)
        i++;
    return i;
}

int sys_error_code(int64_t os_error)
{
    size_t i = win_errors_find_error(os_error);
    return i < sizeof errors / sizeof *errors ? errors[i].error : RONDO_EOTHER;
}

const char *sys_error_name(int64_t os_error)
{
    size_t i = win_errors_find_error(os_error);
    return i < sizeof errors / sizeof *errors ? errors[i].name : NULL;
}

int win_stream_error(int os_error)
{
    int error = sys_error_code(os_error);
    return error == RONDO_ECONNABORTED ? RONDO_ECONNRESET : error;
}

bool win_lacks_room(DWORD os_error)
{
    int error = os_error ? sys_error_code(os_error) : 0;
    return error == RONDO_ENOBUFS || error == RONDO_ENOMEM;
}

/* ---- text ---- */

/* The system's sentence, in English where it has that language: it becomes a
 * part of an English sentence. */
static size_t win_errors_format(int64_t os_error, wchar_t *wide, DWORD room)
{
    static const DWORD languages[] = {
        MAKELANGID(LANG_ENGLISH, SUBLANG_ENGLISH_US),
        MAKELANGID(LANG_NEUTRAL, SUBLANG_NEUTRAL)};
    const DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM |
                        FORMAT_MESSAGE_IGNORE_INSERTS |
                        FORMAT_MESSAGE_MAX_WIDTH_MASK; /* in one line */
    DWORD size = 0;
    for (size_t i = 0; i < 2 && !size; i++)
        size = FormatMessageW(flags, NULL, (DWORD)os_error, languages[i], wide,
                              room, NULL);
    while (size && (wide[size - 1] <= L' ' || wide[size - 1] == L'.'))
        size--;
    return size;
}

/* Copies whole characters, as many as fit. */
static void win_errors_copy(char *text, size_t size, const char *from,
                            size_t count)
{
    if (count >= size) {
        count = size - 1;
        while (count && ((unsigned char)from[count] & 0xC0) == 0x80)
            count--;
    }
    memcpy(text, from, count);
    text[count] = '\0';
}

void sys_error_text(int64_t os_error, char *text, size_t size)
{
    enum { ROOM = 512 };
    wchar_t wide[ROOM];
    char narrow[ROOM * 3];
    size_t used = win_errors_format(os_error, wide, ROOM);
    int count = 0;
    if (used)
        count = WideCharToMultiByte(CP_UTF8, 0, wide, (int)used, narrow,
                                    (int)sizeof narrow, NULL, NULL);
    if (count <= 0) {
        snprintf(text, size, "%s", rondo_strerror(sys_error_code(os_error)));
        return;
    }
    /* "Access is denied" comes in the middle of a sentence */
    if (narrow[0] >= 'A' && narrow[0] <= 'Z' && narrow[1] >= 'a' &&
        narrow[1] <= 'z')
        narrow[0] = (char)(narrow[0] + 'a' - 'A');
    win_errors_copy(text, size, narrow, (size_t)count);
}
#endif

/* raw_win_fds.c - the descriptors of raw.h that are no sockets, on Windows. */
/* SPDX-License-Identifier: MIT */
#include "raw_win.h"

#include <fcntl.h>
#include <io.h>

/* ---- making ------------------------------------------------------------- */

static raw_fd open_it(const wchar_t *path, DWORD how, DWORD flags)
{
    return (raw_fd)CreateFileW(path, GENERIC_READ | GENERIC_WRITE,
                               FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, how,
                               flags, NULL);
}

raw_fd raw_file(void)
{
    wchar_t folder[MAX_PATH + 1], path[MAX_PATH + 1];

    if (!GetTempPathW(MAX_PATH + 1, folder) ||
        !GetTempFileNameW(folder, L"rnd", 0, path))
        return RONDO_NO_FD;
    return open_it(path, CREATE_ALWAYS,
                   FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE);
}

raw_fd raw_directory(void)
{
    return (raw_fd)CreateFileW(L".", GENERIC_READ,
                               FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                               OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
}

raw_fd raw_null(void)
{
    return open_it(L"NUL", OPEN_EXISTING, 0);
}

int raw_pipe(raw_fd pair[2])
{
    HANDLE reader, writer;

    if (!CreatePipe(&reader, &writer, NULL, 0))
        return -1;
    pair[0] = (raw_fd)reader;
    pair[1] = (raw_fd)writer;
    return 0;
}

int raw_fifo(raw_fd pair[2])
{
    pair[0] = pair[1] = RONDO_NO_FD;
    return -1;
}

int raw_terminal(raw_fd pair[2])
{
    pair[0] = pair[1] = RONDO_NO_FD;
    return -1;
}

raw_fd raw_event(void)
{
    return RONDO_NO_FD;
}

raw_fd raw_device(const char *path)
{
    (void)path;
    return RONDO_NO_FD;
}

/* ---- using -------------------------------------------------------------- */

bool raw_fd_valid(raw_fd fd)
{
    DWORD flags;

    return fd != RONDO_NO_FD && GetHandleInformation(win_handle_of(fd), &flags);
}

bool raw_fd_close_on_exec(raw_fd fd)
{
    DWORD flags = HANDLE_FLAG_INHERIT;

    (void)GetHandleInformation(win_handle_of(fd), &flags);
    return !(flags & HANDLE_FLAG_INHERIT);
}

raw_fd raw_dead_fd(void)
{
    raw_fd fd = win_new_socket(AF_INET, SOCK_STREAM);

    raw_close(fd);
    return fd;
}

/* ---- numbers ------------------------------------------------------------ */

/* 0 to 2 are the C runtime's numbers, and stand for what is behind them. */
static HANDLE handle_behind(raw_fd fd)
{
    return fd >= 0 && fd <= 2 ? (HANDLE)_get_osfhandle((int)fd)
                              : win_handle_of(fd);
}

static raw_fd duplicate_socket(raw_fd fd)
{
    WSAPROTOCOL_INFOW info;
    SOCKET copy;

    if (WSADuplicateSocketW(win_socket_of(fd), GetCurrentProcessId(), &info))
        return RONDO_NO_FD;
    copy = WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO,
                      FROM_PROTOCOL_INFO, &info, 0, WSA_FLAG_OVERLAPPED);
    if (copy != INVALID_SOCKET)
        (void)SetHandleInformation((HANDLE)copy, HANDLE_FLAG_INHERIT, 0);
    return (raw_fd)copy;
}

raw_fd raw_duplicate(raw_fd fd)
{
    HANDLE self = GetCurrentProcess(), copy;

    if (win_is_socket(fd))
        return duplicate_socket(fd);
    if (!DuplicateHandle(self, handle_behind(fd), self, &copy, 0, FALSE,
                         DUPLICATE_SAME_ACCESS))
        return RONDO_NO_FD;
    return (raw_fd)copy;
}

bool raw_wait_handle(raw_fd fd, int64_t timeout_ns)
{
    DWORD ms = (DWORD)((timeout_ns + 999999) / 1000000);

    return WaitForSingleObject(win_handle_of(fd), ms) == WAIT_OBJECT_0;
}

static raw_fd become_standard(raw_fd fd, int number)
{
    int crt = _open_osfhandle(fd, _O_BINARY);

    if (crt < 0)
        return RONDO_NO_FD;
    if (_dup2(crt, number) != 0)
        number = -1;
    (void)_close(crt); /* and fd with it */
    return number;
}

static HANDLE spare;

void win_keep_spare(void)
{
    spare = CreateEventW(NULL, TRUE, FALSE, NULL);
}

HANDLE win_spare(void)
{
    return spare;
}

/*
 * The system chooses the numbers: the lowest free one, or the last that became
 * free. Duplicating a socket takes two, of which the first is soon let go
 * again. So all below the one that is wanted are taken, it becomes free, and
 * then the spare one, which is lower and is what duplicating takes first.
 */
static raw_fd duplicate_as(raw_fd fd, raw_fd number)
{
    HANDLE taken[512];
    size_t count = 0;
    raw_fd copy;

    do
        taken[count] = CreateEventW(NULL, TRUE, FALSE, NULL);
    while ((raw_fd)taken[count++] < number && count < 512);
    raw_close(number); /* open before, or one of these */
    (void)CloseHandle(spare);
    copy = raw_duplicate(fd);
    win_keep_spare();
    while (count-- > 0)
        if ((raw_fd)taken[count] != number)
            (void)CloseHandle(taken[count]);
    return copy;
}

raw_fd raw_move_fd(raw_fd fd, raw_fd number)
{
    raw_fd moved;

    if (number == fd)
        return fd;
    if (number >= 0 && number <= 2)
        return become_standard(fd, (int)number);
    moved = duplicate_as(fd, number);
    if (moved != number) {
        raw_close(moved);
        return RONDO_NO_FD;
    }
    raw_close(fd);
    return moved;
}

/* As the descriptors of raw_pipe are, blocking ones. */
ptrdiff_t raw_read(raw_fd fd, void *data, size_t size)
{
    DWORD n = 0;

    if (ReadFile(win_handle_of(fd), data, (DWORD)size, &n, NULL))
        return (ptrdiff_t)n;
    return GetLastError() == ERROR_BROKEN_PIPE ? 0 : RAW_FAILED;
}

ptrdiff_t raw_write(raw_fd fd, const void *data, size_t size)
{
    DWORD n = 0;

    return WriteFile(win_handle_of(fd), data, (DWORD)size, &n, NULL)
               ? (ptrdiff_t)n
               : RAW_FAILED;
}

size_t raw_exhaust(raw_fd *fds, size_t room)
{
    size_t n = 0;

    while (n < room && (fds[n] = raw_null()) != RONDO_NO_FD)
        n++;
    return n;
}

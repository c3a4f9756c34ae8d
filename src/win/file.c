/* file.c - files that are sent, as sys.h asks for them: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/win.h"

enum {
    READ_MOST = 1 << 30,
    SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE
};

static int win_file_fail(void)
{
    return error_from_os(GetLastError());
}

enum sys_source sys_source(sys_fd file)
{
    DWORD flags;
    BY_HANDLE_FILE_INFORMATION info;
    HANDLE handle = (HANDLE)file;
    /* the kernel ignores the lowest two bits: two numbers, one handle */
    if (!file || file == SYS_NO_FD || file & 3 ||
        !GetHandleInformation(handle, &flags))
        return SYS_SOURCE_BAD;
    /* a thread that reads a pipe or a console cannot put bytes back */
    if (GetFileType(handle) != FILE_TYPE_DISK ||
        !GetFileInformationByHandle(handle, &info) ||
        info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY)
        return SYS_SOURCE_NONE;
    return SYS_SOURCE_FILE;
}

int64_t sys_file_size(sys_fd file)
{
    LARGE_INTEGER size;
    return GetFileSizeEx((HANDLE)file, &size) ? size.QuadPart : win_file_fail();
}

void sys_file_seek(sys_fd file, int64_t offset)
{
    LARGE_INTEGER to = {.QuadPart = offset};
    (void)SetFilePointerEx((HANDLE)file, to, NULL, FILE_BEGIN);
}

/* The program's handle may be overlapped and bound to a port of the program's.
 * An event of our own, with its lowest bit set, keeps the packet from that
 * port. */
int64_t sys_file_read(sys_fd file, void *data, size_t size, int64_t offset)
{
    DWORD most = size < READ_MOST ? (DWORD)size : READ_MOST, count = 0;
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (!event)
        return win_file_fail();
    OVERLAPPED o = {.Offset = (DWORD)(uint64_t)offset,
                    .OffsetHigh = (DWORD)((uint64_t)offset >> 32),
                    .hEvent = (HANDLE)((ULONG_PTR)event | 1)};
    BOOL done = ReadFile((HANDLE)file, data, most, NULL, &o) ||
                GetLastError() == ERROR_IO_PENDING;
    done = done && GetOverlappedResult((HANDLE)file, &o, &count, TRUE);
    DWORD os_error = done ? 0 : GetLastError();
    CloseHandle(event);
    if (os_error == ERROR_HANDLE_EOF)
        return 0;
    return os_error ? error_from_os(os_error) : (int64_t)count;
}

/* The file is opened once more where it may be: a read through a duplicate
 * moves the position of the program's handle, even after the sendfile has
 * ended. */
int sys_file_copy(sys_fd file, sys_fd *copy)
{
    HANDLE self = GetCurrentProcess();
    HANDLE made = ReOpenFile((HANDLE)file, GENERIC_READ, SHARE_ALL, 0);
    *copy = SYS_NO_FD;
    if (made == INVALID_HANDLE_VALUE &&
        !DuplicateHandle(self, (HANDLE)file, self, &made, 0, FALSE,
                         DUPLICATE_SAME_ACCESS))
        return win_file_fail();
    *copy = (sys_fd)made;
    return 0;
}

void sys_file_close(sys_fd file)
{
    if (file != SYS_NO_FD)
        CloseHandle((HANDLE)file);
}

bool sys_is_quiet(void)
{
    return true; /* Windows has no SIGPIPE */
}

/* TransmitFile would block here. iocp_socket.c calls it with an OVERLAPPED. */
int64_t sys_sendfile(sys_fd to, const struct sys_part *part, bool quiet)
{
    (void)to;
    (void)part;
    (void)quiet;
    error_no_os();
    return RONDO_ENOTSUP;
}

int sys_splice_pipe(sys_fd fds[2], size_t size)
{
    (void)size;
    fds[0] = fds[1] = SYS_NO_FD;
    error_no_os();
    return RONDO_ENOTSUP;
}

int64_t sys_splice(sys_fd from, sys_fd to, size_t size, bool quiet)
{
    (void)from;
    (void)to;
    (void)size;
    (void)quiet;
    error_no_os();
    return RONDO_ENOTSUP;
}

int64_t sys_splice_copy(sys_fd from, sys_fd to, size_t size)
{
    (void)from;
    (void)to;
    (void)size;
    error_no_os();
    return RONDO_ENOTSUP;
}
#endif

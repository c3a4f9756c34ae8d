/* file.c - files, to be sent, as sys.h asks for them: Windows. */
/* SPDX-License-Identifier: MIT */
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
    /* the lowest two bits are the program's: two numbers, one handle */
    if (!file || file == SYS_NO_FD || file & 3 ||
        !GetHandleInformation(handle, &flags))
        return SYS_SOURCE_BAD;
    /* what a thread reads of a pipe or console cannot be taken back from it */
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

/* The program's handle may be an overlapped one, which its own event, or its
 * own port, must not hear of: the low bit of ours keeps a port out. */
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

/* Opened once more where that may be: a read by a duplicate moves the position
 * of the program's own, also when it ends after the sending has. */
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
    return true; /* there is no such signal */
}

/* TransmitFile blocks, or is the completion port's (iocp_socket.c). */
int64_t sys_sendfile(sys_fd to, const struct sys_part *part, bool quiet)
{
    (void)to;
    (void)part;
    (void)quiet;
    error_no_os();
    return RONDO_ENOTSUP;
}

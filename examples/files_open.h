/* files_open.h - files for files.c: the one thing that each system does its own
 * way. */
/* SPDX-License-Identifier: MIT */
#ifndef FILES_OPEN_H
#define FILES_OPEN_H

#include "rondo.h"

#ifdef _WIN32

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

/* A regular file's descriptor and size; RONDO_NO_FD: there is none to be read. */
static inline rondo_fd files_open(const char *path, int64_t *size)
{
    wchar_t wide[1024];
    LARGE_INTEGER bytes;
    if (!MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide,
                             1024))
        return RONDO_NO_FD;
    HANDLE file =
        CreateFileW(wide, GENERIC_READ,
                    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                    NULL, OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return RONDO_NO_FD;
    if (GetFileType(file) != FILE_TYPE_DISK || !GetFileSizeEx(file, &bytes)) {
        CloseHandle(file);
        return RONDO_NO_FD;
    }
    *size = bytes.QuadPart;
    return (rondo_fd)file;
}

static inline void files_close(rondo_fd file)
{
    CloseHandle((HANDLE)file);
}

#else

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static inline rondo_fd files_open(const char *path, int64_t *size)
{
    struct stat status;
    /* a FIFO must not keep everybody waiting */
    int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return RONDO_NO_FD;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(file);
        return RONDO_NO_FD;
    }
    *size = (int64_t)status.st_size;
    return file;
}

static inline void files_close(rondo_fd file)
{
    close((int)file);
}

#endif

#endif

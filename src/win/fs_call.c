/* fs_call.c - attributes, space, locks, copies and links of files: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/fs.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <winioctl.h>

enum { ANYONE_WRITES = 0222 };

#ifndef SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE
#define SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE 2
#endif

static int win_call_result(BOOL done)
{
    return done ? 0 : win_fs_fail();
}

/* ---- mode, times ---- */

/* In 100 ns since 1601. 0 leaves a time as it is. */
static LARGE_INTEGER win_call_time(int64_t ns)
{
    const int64_t to_1970 = INT64_C(116444736000000000);
    LARGE_INTEGER t = {.QuadPart = 0};
    FILETIME now;
    if (ns == RONDO_TIME_NOW) {
        GetSystemTimeAsFileTime(&now);
        t.LowPart = now.dwLowDateTime;
        t.HighPart = (LONG)now.dwHighDateTime;
    } else if (ns != RONDO_TIME_KEEP) {
        t.QuadPart = ns / 100 - (ns % 100 < 0) + to_1970;
    }
    return t;
}

static int win_call_change(HANDLE handle, const rondo_file_changes *c)
{
    FILE_BASIC_INFO basic;
    if (c->changes & RONDO_CHANGE_OWNER)
        return win_fs_refuse(RONDO_ENOTSUP);
    if (!GetFileInformationByHandleEx(handle, FileBasicInfo, &basic,
                                      sizeof basic))
        return win_fs_fail();
    if (c->changes & RONDO_CHANGE_MODE) {
        basic.FileAttributes &= ~(DWORD)FILE_ATTRIBUTE_READONLY;
        if (!(c->mode & ANYONE_WRITES))
            basic.FileAttributes |= FILE_ATTRIBUTE_READONLY;
        if (!basic.FileAttributes) /* 0 leaves them as they are */
            basic.FileAttributes = FILE_ATTRIBUTE_NORMAL;
    }
    basic.CreationTime.QuadPart = basic.ChangeTime.QuadPart = 0;
    basic.LastAccessTime.QuadPart = basic.LastWriteTime.QuadPart = 0;
    if (c->changes & RONDO_CHANGE_TIMES) {
        basic.LastAccessTime = win_call_time(c->accessed_ns);
        basic.LastWriteTime = win_call_time(c->modified_ns);
    }
    return win_call_result(SetFileInformationByHandle(handle, FileBasicInfo,
                                                      &basic, sizeof basic));
}

/* The program's handle may not have the right: the file is opened once more. */
static int win_call_change_file(HANDLE handle, const rondo_file_changes *c)
{
    HANDLE made =
        ReOpenFile(handle, FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES,
                   WIN_SHARE_ALL, FILE_FLAG_BACKUP_SEMANTICS);
    int error =
        win_call_change(made == INVALID_HANDLE_VALUE ? handle : made, c);
    if (made != INVALID_HANDLE_VALUE)
        CloseHandle(made);
    return error;
}

int sys_fs_change(sys_fd file, const char *path, const rondo_file_changes *c)
{
    int error;
    if (!path)
        return win_call_change_file((HANDLE)file, c);
    wchar_t *wide = win_fs_path(path, &error);
    if (!wide)
        return error;
    DWORD flags =
        FILE_FLAG_BACKUP_SEMANTICS |
        (c->changes & RONDO_CHANGE_LINK ? FILE_FLAG_OPEN_REPARSE_POINT : 0);
    HANDLE handle =
        CreateFileW(wide, FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES,
                    WIN_SHARE_ALL, NULL, OPEN_EXISTING, flags, NULL);
    error = handle == INVALID_HANDLE_VALUE ? win_fs_fail() : 0;
    free(wide);
    if (error)
        return error;
    error = win_call_change(handle, c);
    CloseHandle(handle);
    return error;
}

/* ---- by path ---- */

int sys_fs_link(const char *path, const char *name)
{
    int error;
    wchar_t *wide = win_fs_path(path, &error);
    wchar_t *wide_name = wide ? win_fs_path(name, &error) : NULL;
    if (!error)
        error = win_call_result(CreateHardLinkW(wide_name, wide, NULL));
    free(wide);
    free(wide_name);
    return error;
}

int sys_fs_access(const char *path, unsigned access)
{
    int error;
    wchar_t *wide = win_fs_path(path, &error);
    DWORD attributes = wide ? GetFileAttributesW(wide) : 0;
    if (!error && attributes == INVALID_FILE_ATTRIBUTES)
        error = win_fs_fail();
    free(wide);
    if (!error && access & RONDO_ACCESS_WRITE &&
        attributes & FILE_ATTRIBUTE_READONLY &&
        !(attributes & FILE_ATTRIBUTE_DIRECTORY))
        error = win_fs_refuse(RONDO_EACCES);
    return error;
}

int64_t sys_fs_realpath(const char *path, char *text, size_t room)
{
    int error;
    wchar_t *wide = win_fs_path(path, &error);
    if (!wide)
        return error;
    HANDLE handle =
        CreateFileW(wide, FILE_READ_ATTRIBUTES, WIN_SHARE_ALL, NULL,
                    OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    error = handle == INVALID_HANDLE_VALUE ? win_fs_fail() : 0;
    free(wide);
    if (error)
        return error;
    wchar_t *found = win_fs_path_of(handle, &error);
    CloseHandle(handle);
    int64_t size =
        found ? win_fs_text(found, wcslen(found), text, room) : error;
    free(found);
    return size;
}

/* 0: not known. */
static uint64_t win_call_cluster(const wchar_t *path)
{
    DWORD sectors = 0, bytes = 0, empty, all;
    wchar_t *volume = malloc(WIN_PATH_ROOM * sizeof *volume);
    bool known = volume && GetVolumePathNameW(path, volume, WIN_PATH_ROOM) &&
                 GetDiskFreeSpaceW(volume, &sectors, &bytes, &empty, &all);
    free(volume);
    return known ? (uint64_t)sectors * bytes : 0;
}

int sys_fs_space(const char *path, rondo_space_info *space)
{
    ULARGE_INTEGER usable, total, empty;
    int error;
    wchar_t *wide = win_fs_path(path, &error);
    if (!error)
        error =
            win_call_result(GetDiskFreeSpaceExW(wide, &usable, &total, &empty));
    if (!error)
        space->block_bytes = win_call_cluster(wide);
    free(wide);
    if (error)
        return error;
    space->total_bytes = total.QuadPart;
    space->free_bytes = empty.QuadPart;
    space->usable_bytes = usable.QuadPart;
    space->files = space->free_files = 0;
    return 0;
}

/* ---- room, advice, locks ---- */

int sys_fs_allocate(sys_fd file, int64_t position, int64_t size)
{
    HANDLE handle = (HANDLE)file;
    FILE_ALLOCATION_INFO room;
    LARGE_INTEGER now;
    room.AllocationSize.QuadPart = position + size;
    if (!GetFileSizeEx(handle, &now))
        return win_fs_fail();
    if (now.QuadPart >= position + size)
        return 0; /* a smaller allocation would cut the file */
    if (!SetFileInformationByHandle(handle, FileAllocationInfo, &room,
                                    sizeof room))
        return win_fs_fail();
    return sys_fs_truncate(file, position + size);
}

int sys_fs_advise(sys_fd file, int64_t position, int64_t size,
                  rondo_advice advice)
{
    (void)file;
    (void)position;
    (void)size;
    (void)advice;
    return 0;
}

/* On an overlapped handle also a call that does not wait may say that it
 * pends. See sys_file_read for the event's lowest bit. */
int sys_fs_lock(sys_fd file, int64_t position, int64_t size, unsigned flags)
{
    HANDLE handle = (HANDLE)file, event = CreateEventW(NULL, TRUE, FALSE, NULL);
    uint64_t units = size ? (uint64_t)size : UINT64_MAX - (uint64_t)position;
    DWORD moved,
        how = LOCKFILE_FAIL_IMMEDIATELY |
              (flags & RONDO_LOCK_SHARED ? 0 : LOCKFILE_EXCLUSIVE_LOCK);
    if (!event)
        return win_fs_fail();
    OVERLAPPED o = {.Offset = (DWORD)position,
                    .OffsetHigh = (DWORD)(position >> 32),
                    .hEvent = (HANDLE)((ULONG_PTR)event | 1)};
    BOOL done =
        LockFileEx(handle, how, 0, (DWORD)units, (DWORD)(units >> 32), &o) ||
        (GetLastError() == ERROR_IO_PENDING &&
         GetOverlappedResult(handle, &o, &moved, TRUE));
    DWORD os_error = done ? 0 : GetLastError();
    CloseHandle(event);
    return os_error ? error_from_os(os_error) : 0;
}

int sys_fs_unlock(sys_fd file, int64_t position, int64_t size)
{
    uint64_t units = size ? (uint64_t)size : UINT64_MAX - (uint64_t)position;
    OVERLAPPED o = {.Offset = (DWORD)position,
                    .OffsetHigh = (DWORD)(position >> 32)};
    return win_call_result(
        UnlockFileEx((HANDLE)file, 0, (DWORD)units, (DWORD)(units >> 32), &o));
}

/* ---- copies ---- */

static DWORD CALLBACK win_copy_goes_on(LARGE_INTEGER size, LARGE_INTEGER moved,
                                       LARGE_INTEGER stream_size,
                                       LARGE_INTEGER stream_moved, DWORD stream,
                                       DWORD reason, HANDLE from, HANDLE to,
                                       LPVOID stop)
{
    (void)size;
    (void)moved;
    (void)stream_size;
    (void)stream_moved;
    (void)stream;
    (void)reason;
    (void)from;
    (void)to;
    return atomic_load((const atomic_bool *)stop) ? PROGRESS_CANCEL
                                                  : PROGRESS_CONTINUE;
}

/* PROGRESS_CANCEL also removes the copy. */
static int64_t win_copy_paths(const wchar_t *from, const wchar_t *to,
                              const atomic_bool *stop)
{
    WIN32_FILE_ATTRIBUTE_DATA made;
    if (win_fs_is_directory(from))
        return win_fs_refuse(RONDO_EISDIR);
    if (!CopyFileExW(from, to, win_copy_goes_on, (void *)(uintptr_t)stop, NULL,
                     COPY_FILE_FAIL_IF_EXISTS))
        return GetLastError() == ERROR_REQUEST_ABORTED
                   ? win_fs_refuse(RONDO_ECANCELED)
                   : win_fs_fail();
    if (!GetFileAttributesExW(to, GetFileExInfoStandard, &made))
        return win_fs_fail();
    return (int64_t)((uint64_t)made.nFileSizeHigh << 32 | made.nFileSizeLow);
}

int64_t sys_fs_copy(const char *from, const char *to, unsigned flags,
                    const atomic_bool *stop)
{
    int error;
    if (flags & RONDO_COPY_CLONE)
        return win_fs_refuse(RONDO_ENOTSUP);
    wchar_t *wide_from = win_fs_path(from, &error);
    wchar_t *wide_to = wide_from ? win_fs_path(to, &error) : NULL;
    int64_t size = error ? error : win_copy_paths(wide_from, wide_to, stop);
    free(wide_from);
    free(wide_to);
    return size;
}

/* ---- links ---- */

/* A relative target begins where the link is. */
static bool win_link_to_directory(const char *target, const char *path)
{
    int error;
    size_t folder = strlen(path), size = strlen(target) + 1;
    while (folder && !sys_fs_separates(path[folder - 1]))
        folder--;
    if (sys_fs_separates(target[0]) || (target[0] && target[1] == ':'))
        folder = 0;
    char *whole = malloc(folder + size);
    if (!whole)
        return false;
    memcpy(whole, path, folder);
    memcpy(whole + folder, target, size);
    wchar_t *wide = win_fs_path(whole, &error);
    bool directory = wide && win_fs_is_directory(wide);
    free(wide);
    free(whole);
    return directory;
}

static int win_link_make(const wchar_t *path, const wchar_t *target,
                         DWORD flags)
{
    const DWORD asks = SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE;
    bool made = CreateSymbolicLinkW(path, target, flags | asks);
    if (!made && GetLastError() == ERROR_INVALID_PARAMETER)
        made = CreateSymbolicLinkW(path, target, flags); /* before Windows 10 */
    if (!made)
        return win_fs_fail();
    /* Wine's says that it has made one */
    return GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES
               ? win_fs_refuse(RONDO_ENOTSUP)
               : 0;
}

int sys_fs_symlink(const char *target, const char *path)
{
    int error;
    wchar_t *to, *wide = win_fs_path(path, &error);
    if (!wide)
        return error;
    to = malloc(WIN_PATH_ROOM * sizeof *to);
    error_no_os();
    error = to ? win_wide(target, to, WIN_PATH_ROOM) : RONDO_ENOMEM;
    for (wchar_t *c = to; !error && *c; c++)
        if (*c == L'/')
            *c = L'\\';
    if (!error)
        error = win_link_make(wide, to,
                              win_link_to_directory(target, path)
                                  ? SYMBOLIC_LINK_FLAG_DIRECTORY
                                  : 0);
    free(to);
    free(wide);
    return error;
}

/* What FSCTL_GET_REPARSE_POINT fills in; the headers for programs do not have
 * it. */
struct link_data {
    DWORD tag;
    WORD size, reserved;
    WORD substitute_offset, substitute_size, print_offset, print_size;
    WCHAR text[1]; /* of a symbolic link: behind the flags */
};

enum { LINK_ROOM = 16384, LINK_FLAGS = 2 /* units */ };

static int64_t win_link_text(const struct link_data *d, char *text, size_t room)
{
    bool link = d->tag == IO_REPARSE_TAG_SYMLINK;
    const WCHAR *from = d->text + (link ? LINK_FLAGS : 0);
    if (!link && d->tag != IO_REPARSE_TAG_MOUNT_POINT)
        return win_fs_refuse(RONDO_EINVAL);
    if (d->print_size)
        return win_fs_text(from + d->print_offset / sizeof(WCHAR),
                           d->print_size / sizeof(WCHAR), text, room);
    return win_fs_text(from + d->substitute_offset / sizeof(WCHAR),
                       d->substitute_size / sizeof(WCHAR), text, room);
}

static int64_t win_link_read(HANDLE handle, char *text, size_t room)
{
    struct link_data *d = malloc(LINK_ROOM);
    DWORD size;
    if (!d)
        return win_fs_refuse(RONDO_ENOMEM);
    int64_t result;
    if (DeviceIoControl(handle, FSCTL_GET_REPARSE_POINT, NULL, 0, d, LINK_ROOM,
                        &size, NULL))
        result = win_link_text(d, text, room);
    else
        result = GetLastError() == ERROR_NOT_A_REPARSE_POINT
                     ? win_fs_refuse(RONDO_EINVAL)
                     : win_fs_fail();
    free(d);
    return result;
}

int64_t sys_fs_readlink(const char *path, char *text, size_t room)
{
    int error;
    wchar_t *wide = win_fs_path(path, &error);
    if (!wide)
        return error;
    HANDLE handle = CreateFileW(
        wide, FILE_READ_ATTRIBUTES, WIN_SHARE_ALL, NULL, OPEN_EXISTING,
        FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    error = handle == INVALID_HANDLE_VALUE ? win_fs_fail() : 0;
    free(wide);
    if (error)
        return error;
    int64_t size = win_link_read(handle, text, room);
    CloseHandle(handle);
    return size;
}
#endif

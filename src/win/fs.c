/* fs.c - files on a thread, as sys.h asks for them: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/fs.h"

#include <stdlib.h>

enum {
    MOVE_MOST = 1 << 30,
    WRITES = RONDO_FILE_WRITE | RONDO_FILE_APPEND,
    ANYONE_WRITES = 0222
};

/* ---- open, close ---- */

static int win_fs_set_size(HANDLE handle, int64_t size)
{
    FILE_END_OF_FILE_INFO end = {.EndOfFile = {.QuadPart = size}};
    return SetFileInformationByHandle(handle, FileEndOfFileInfo, &end,
                                      sizeof end)
               ? 0
               : win_fs_fail();
}

/* Overlapped, since the kernel would else let one operation on it wait for
 * another. Directories have none that wait. */
static HANDLE win_fs_create(const wchar_t *path, unsigned flags, unsigned mode)
{
    bool directory = flags & RONDO_FILE_AS_DIRECTORY;
    DWORD access =
        directory ? FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES | SYNCHRONIZE
                  : (flags & RONDO_FILE_READ ? GENERIC_READ : 0) |
                        (flags & WRITES ? GENERIC_WRITE : 0);
    DWORD how = flags & RONDO_FILE_EXCLUSIVE ? CREATE_NEW
                : flags & RONDO_FILE_CREATE  ? OPEN_ALWAYS
                                             : OPEN_EXISTING;
    DWORD attributes = mode && !(mode & ANYONE_WRITES) ? FILE_ATTRIBUTE_READONLY
                                                       : FILE_ATTRIBUTE_NORMAL;
    attributes |= directory ? FILE_FLAG_BACKUP_SEMANTICS : FILE_FLAG_OVERLAPPED;
    if (flags & RONDO_FILE_NO_FOLLOW)
        attributes |= FILE_FLAG_OPEN_REPARSE_POINT;
    return CreateFileW(path, access, WIN_SHARE_ALL, NULL, how, attributes,
                       NULL);
}

static int win_fs_check_attributes(HANDLE handle, unsigned flags)
{
    FILE_BASIC_INFO basic;
    if (!(flags & (RONDO_FILE_AS_DIRECTORY | RONDO_FILE_NO_FOLLOW)))
        return 0;
    if (!GetFileInformationByHandleEx(handle, FileBasicInfo, &basic,
                                      sizeof basic))
        return win_fs_fail();
    if (flags & RONDO_FILE_NO_FOLLOW &&
        basic.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
        return win_fs_refuse(RONDO_ELOOP);
    if (flags & RONDO_FILE_AS_DIRECTORY &&
        !(basic.FileAttributes & FILE_ATTRIBUTE_DIRECTORY))
        return win_fs_refuse(RONDO_ENOTDIR);
    return 0;
}

static int win_fs_opened(HANDLE handle, unsigned flags, bool *seeks)
{
    DWORD type = GetFileType(handle);
    if (type == FILE_TYPE_PIPE)
        return win_fs_refuse(RONDO_ENOTSUP);
    int error = win_fs_check_attributes(handle, flags);
    if (error)
        return error;
    *seeks = type == FILE_TYPE_DISK && !(flags & RONDO_FILE_AS_DIRECTORY);
    return flags & RONDO_FILE_TRUNCATE && *seeks ? win_fs_set_size(handle, 0)
                                                 : 0;
}

int sys_fs_open(sys_fd directory, const char *path, unsigned flags,
                unsigned mode, sys_fd *file, bool *seeks)
{
    int error;
    wchar_t *wide = win_fs_path_at(directory, path, &error);
    *file = SYS_NO_FD;
    if (!wide)
        return error;
    HANDLE handle = win_fs_create(wide, flags, mode);
    if (handle == INVALID_HANDLE_VALUE) {
        error = win_fs_fail();
        if (error != RONDO_EEXIST && !(flags & RONDO_FILE_AS_DIRECTORY) &&
            win_fs_is_directory(wide))
            error = win_fs_refuse(RONDO_EISDIR);
    }
    free(wide);
    if (error)
        return error;
    error = win_fs_opened(handle, flags, seeks);
    if (error)
        CloseHandle(handle);
    else
        *file = (sys_fd)handle;
    return error;
}

int sys_fs_close(sys_fd file)
{
    return CloseHandle((HANDLE)file) ? 0 : win_fs_fail();
}

/* ---- read, write ---- */

int64_t sys_fs_read(sys_fd file, const rondo_buffer *parts, size_t count,
                    int64_t offset)
{
    (void)count; /* one at a time */
    return sys_file_read(file, (void *)(uintptr_t)parts->data, parts->size,
                         offset < 0 ? 0 : offset);
}

int64_t sys_fs_read_now(sys_fd file, void *data, size_t size, int64_t offset)
{
    (void)file;
    (void)data;
    (void)size;
    (void)offset;
    return RONDO_ENOTSUP;
}

/* Offset -1 is the end of the file to Windows, too. See sys_file_read for the
 * event's lowest bit. */
int64_t sys_fs_write(sys_fd file, const rondo_buffer *parts, size_t count,
                     int64_t offset)
{
    DWORD most = parts->size < MOVE_MOST ? (DWORD)parts->size : MOVE_MOST;
    DWORD moved = 0;
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    (void)count;
    if (!event)
        return win_fs_fail();
    OVERLAPPED o = {.Offset = (DWORD)(uint64_t)offset,
                    .OffsetHigh = (DWORD)((uint64_t)offset >> 32),
                    .hEvent = (HANDLE)((ULONG_PTR)event | 1)};
    BOOL done = WriteFile((HANDLE)file, parts->data, most, NULL, &o) ||
                GetLastError() == ERROR_IO_PENDING;
    done = done && GetOverlappedResult((HANDLE)file, &o, &moved, TRUE);
    DWORD os_error = done ? 0 : GetLastError();
    CloseHandle(event);
    return os_error ? error_from_os(os_error) : (int64_t)moved;
}

/* ---- sync, truncate ---- */

/* FlushFileBuffers wants a handle for writing; a file that is only read has
 * nothing to flush. */
int sys_fs_sync(sys_fd file, bool only_data)
{
    (void)only_data;
    if (FlushFileBuffers((HANDLE)file) || GetLastError() == ERROR_ACCESS_DENIED)
        return 0;
    return win_fs_fail();
}

int sys_fs_truncate(sys_fd file, int64_t size)
{
    return win_fs_set_size((HANDLE)file, size);
}

/* ---- stat ---- */

/* From 100 ns since 1601. */
static int64_t win_fs_time(FILETIME time)
{
    int64_t t =
        (int64_t)((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime);
    const int64_t to_1970 = INT64_C(116444736000000000);
    const int64_t most = INT64_MAX / 100;
    t -= to_1970;
    return (t > most ? most : t < -most ? -most : t) * 100;
}

static FILETIME win_fs_changed(HANDLE handle, FILETIME written)
{
    FILE_BASIC_INFO basic;
    if (!GetFileInformationByHandleEx(handle, FileBasicInfo, &basic,
                                      sizeof basic) ||
        !basic.ChangeTime.QuadPart)
        return written; /* FAT keeps none */
    return (FILETIME){.dwLowDateTime = basic.ChangeTime.LowPart,
                      .dwHighDateTime = (DWORD)basic.ChangeTime.HighPart};
}

static rondo_file_type win_fs_type(DWORD attributes)
{
    if (attributes & FILE_ATTRIBUTE_REPARSE_POINT)
        return RONDO_FILE_SYMLINK;
    return attributes & FILE_ATTRIBUTE_DIRECTORY ? RONDO_FILE_DIRECTORY
                                                 : RONDO_FILE_REGULAR;
}

static void win_fs_tell(HANDLE handle, const BY_HANDLE_FILE_INFORMATION *i,
                        rondo_file_info *info)
{
    info->type = win_fs_type(i->dwFileAttributes);
    info->mode = (i->dwFileAttributes & FILE_ATTRIBUTE_READONLY ? 0444 : 0666) |
                 (info->type == RONDO_FILE_DIRECTORY ? 0111 : 0);
    info->bytes = (int64_t)((uint64_t)i->nFileSizeHigh << 32 | i->nFileSizeLow);
    info->accessed_ns = win_fs_time(i->ftLastAccessTime);
    info->modified_ns = win_fs_time(i->ftLastWriteTime);
    info->changed_ns = win_fs_time(win_fs_changed(handle, i->ftLastWriteTime));
    info->device = i->dwVolumeSerialNumber;
    info->number = (uint64_t)i->nFileIndexHigh << 32 | i->nFileIndexLow;
    info->links = i->nNumberOfLinks;
    info->uid = info->gid = -1;
}

int sys_fs_stat(sys_fd file, rondo_file_info *info)
{
    BY_HANDLE_FILE_INFORMATION i;
    if (GetFileType((HANDLE)file) != FILE_TYPE_DISK) {
        *info = (rondo_file_info){.size = sizeof *info, .links = 1};
        info->mode = 0666;
        info->uid = info->gid = -1;
        return 0;
    }
    if (!GetFileInformationByHandle((HANDLE)file, &i))
        return win_fs_fail();
    win_fs_tell((HANDLE)file, &i, info);
    return 0;
}

int sys_fs_stat_path(const char *path, bool follow, rondo_file_info *info)
{
    int error;
    wchar_t *wide = win_fs_path(path, &error);
    if (!wide)
        return error;
    DWORD flags = FILE_FLAG_BACKUP_SEMANTICS | /* for directories */
                  (follow ? 0 : FILE_FLAG_OPEN_REPARSE_POINT);
    HANDLE handle = CreateFileW(wide, FILE_READ_ATTRIBUTES, WIN_SHARE_ALL, NULL,
                                OPEN_EXISTING, flags, NULL);
    error = handle == INVALID_HANDLE_VALUE ? win_fs_fail() : 0;
    free(wide);
    if (error)
        return error;
    error = sys_fs_stat((sys_fd)handle, info);
    CloseHandle(handle);
    return error;
}

/* ---- by path ---- */

int sys_fs_rename(const char *from, const char *to)
{
    int error;
    wchar_t *wide_from = win_fs_path(from, &error);
    wchar_t *wide_to = wide_from ? win_fs_path(to, &error) : NULL;
    if (!error && !MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING))
        error = win_fs_fail();
    free(wide_from);
    free(wide_to);
    return error;
}

int sys_fs_unlink(const char *path)
{
    int error;
    wchar_t *wide = win_fs_path(path, &error);
    if (!error && !DeleteFileW(wide)) {
        error = win_fs_fail();
        if (win_fs_is_directory(wide))
            error = win_fs_refuse(RONDO_EISDIR);
    }
    free(wide);
    return error;
}

int sys_fs_mkdir(const char *path, unsigned mode)
{
    int error;
    wchar_t *wide = win_fs_path(path, &error);
    (void)mode; /* permissions are inherited from the folder */
    if (!error && !CreateDirectoryW(wide, NULL))
        error = win_fs_fail();
    free(wide);
    return error;
}

int sys_fs_rmdir(const char *path)
{
    int error;
    wchar_t *wide = win_fs_path(path, &error);
    if (!error && !RemoveDirectoryW(wide))
        error = win_fs_fail();
    free(wide);
    return error;
}
#endif

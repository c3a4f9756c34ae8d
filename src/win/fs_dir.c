/* fs_dir.c - directories that are read, trees that are removed: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/fs.h"

#include <stdlib.h>
#include <wchar.h>
#include <winternl.h>

enum {
    BATCH = 65536,
    NAME_ROOM = 1024,  /* a name has at most 255 units of UTF-16 */
    PASSES_MOST = 100, /* through a directory to which others add files */
    TREE_ACCESS = DELETE | SYNCHRONIZE | FILE_LIST_DIRECTORY |
                  FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES
};

#ifndef FILE_OPEN_REPARSE_POINT
#define FILE_OPEN_REPARSE_POINT 0x00200000
#endif

/* ---- reading ---- */

struct sys_dir {
    HANDLE handle;
    const FILE_ID_BOTH_DIR_INFO *entry; /* the last one; NULL: no batch */
    bool started, again;
    char name[NAME_ROOM];
    _Alignas(FILE_ID_BOTH_DIR_INFO) char batch[BATCH];
};

int sys_dir_open(sys_fd directory, struct sys_dir **dir)
{
    struct sys_dir *d = malloc(sizeof *d);
    *dir = d;
    if (!d)
        return win_fs_refuse(RONDO_ENOMEM);
    d->handle = (HANDLE)directory;
    d->entry = NULL;
    d->started = d->again = false;
    return 0;
}

int sys_dir_close(struct sys_dir *dir)
{
    int error = CloseHandle(dir->handle) ? 0 : win_fs_fail();
    free(dir);
    return error;
}

void sys_dir_again(struct sys_dir *dir)
{
    dir->again = true;
}

/* Returns 1, 0 or an error. */
static int win_dir_fill(struct sys_dir *d)
{
    FILE_INFO_BY_HANDLE_CLASS how =
        d->started ? FileIdBothDirectoryInfo : FileIdBothDirectoryRestartInfo;
    d->entry = NULL;
    if (!GetFileInformationByHandleEx(d->handle, how, d->batch, BATCH)) {
        DWORD why = GetLastError();
        bool end = why == ERROR_NO_MORE_FILES || why == ERROR_FILE_NOT_FOUND;
        return end ? 0 : error_from_os(why);
    }
    d->started = true;
    d->entry = (const FILE_ID_BOTH_DIR_INFO *)(const void *)d->batch;
    return 1;
}

static int win_dir_step(struct sys_dir *d)
{
    if (!d->entry || !d->entry->NextEntryOffset)
        return win_dir_fill(d);
    d->entry =
        (const FILE_ID_BOTH_DIR_INFO *)(const void *)((const char *)d->entry +
                                                      d->entry
                                                          ->NextEntryOffset);
    return 1;
}

static bool win_dir_is_dots(const FILE_ID_BOTH_DIR_INFO *e)
{
    size_t units = e->FileNameLength / sizeof(WCHAR);
    return (units == 1 || units == 2) && e->FileName[0] == L'.' &&
           e->FileName[units - 1] == L'.';
}

static int64_t win_dir_time(LARGE_INTEGER time)
{
    const int64_t to_1970 = INT64_C(116444736000000000);
    const int64_t most = INT64_MAX / 100;
    int64_t t = time.QuadPart - to_1970;
    return (t > most ? most : t < -most ? -most : t) * 100;
}

static void win_dir_tell(const FILE_ID_BOTH_DIR_INFO *e,
                         struct sys_entry *entry)
{
    DWORD attributes = e->FileAttributes;
    entry->type = attributes & FILE_ATTRIBUTE_REPARSE_POINT ? RONDO_FILE_SYMLINK
                  : attributes & FILE_ATTRIBUTE_DIRECTORY ? RONDO_FILE_DIRECTORY
                                                          : RONDO_FILE_REGULAR;
    if (!entry->info)
        return;
    *entry->info = (rondo_file_info){.size = sizeof *entry->info,
                                     .type = entry->type,
                                     .bytes = e->EndOfFile.QuadPart,
                                     .links = 1,
                                     .uid = -1,
                                     .gid = -1};
    entry->info->mode = (attributes & FILE_ATTRIBUTE_READONLY ? 0444 : 0666) |
                        (entry->type == RONDO_FILE_DIRECTORY ? 0111 : 0);
    entry->info->accessed_ns = win_dir_time(e->LastAccessTime);
    entry->info->modified_ns = win_dir_time(e->LastWriteTime);
    entry->info->changed_ns = win_dir_time(e->ChangeTime);
    entry->info->number = (uint64_t)e->FileId.QuadPart;
}

int sys_dir_next(struct sys_dir *dir, struct sys_entry *entry)
{
    int got = dir->again ? 1 : win_dir_step(dir);
    dir->again = false;
    while (got > 0 && win_dir_is_dots(dir->entry))
        got = win_dir_step(dir);
    if (got <= 0)
        return got;
    int64_t size = win_fs_text(dir->entry->FileName,
                               dir->entry->FileNameLength / sizeof(WCHAR),
                               dir->name, sizeof dir->name);
    if (size < 0)
        return (int)size;
    dir->name[size] = '\0';
    entry->name = dir->name;
    win_dir_tell(dir->entry, entry);
    return 1;
}

/* ---- removing a tree ---- */

struct win_level {
    struct win_level *up;
    struct sys_dir *dir; /* owns its handle */
    unsigned passes;
    bool met; /* this pass has found something */
};

static NTSTATUS win_tree_open(HANDLE above, const WCHAR *name, size_t bytes,
                              HANDLE *handle)
{
    UNICODE_STRING path = {(USHORT)bytes, (USHORT)bytes,
                           (WCHAR *)(uintptr_t)name};
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK block;
    InitializeObjectAttributes(&attributes, &path, 0, above, NULL);
    return NtCreateFile(handle, TREE_ACCESS, &attributes, &block, NULL, 0,
                        WIN_SHARE_ALL, FILE_OPEN,
                        FILE_OPEN_REPARSE_POINT | FILE_OPEN_FOR_BACKUP_INTENT |
                            FILE_SYNCHRONOUS_IO_NONALERT,
                        NULL, 0);
}

/* The name goes when the handle is closed. A file that is read-only cannot be
 * removed. */
static int win_tree_delete(HANDLE handle)
{
    FILE_DISPOSITION_INFO gone = {TRUE};
    FILE_BASIC_INFO basic = {.FileAttributes = FILE_ATTRIBUTE_NORMAL};
    if (SetFileInformationByHandle(handle, FileDispositionInfo, &gone,
                                   sizeof gone))
        return 0;
    if (GetLastError() != ERROR_ACCESS_DENIED ||
        !SetFileInformationByHandle(handle, FileBasicInfo, &basic,
                                    sizeof basic) ||
        !SetFileInformationByHandle(handle, FileDispositionInfo, &gone,
                                    sizeof gone))
        return win_fs_fail();
    return 0;
}

/* Takes the handle over: removes the file or the link, or goes into the
 * directory. */
static int win_tree_enter(struct win_level **level, HANDLE handle)
{
    FILE_BASIC_INFO basic;
    int error = GetFileInformationByHandleEx(handle, FileBasicInfo, &basic,
                                             sizeof basic)
                    ? 0
                    : win_fs_fail();
    bool directory = !error &&
                     basic.FileAttributes & FILE_ATTRIBUTE_DIRECTORY &&
                     !(basic.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT);
    if (!error && !directory)
        error = win_tree_delete(handle);
    if (error || !directory) {
        CloseHandle(handle);
        return error;
    }
    struct win_level *l = calloc(1, sizeof *l);
    if (!l || sys_dir_open((sys_fd)handle, &l->dir)) {
        CloseHandle(handle);
        free(l);
        return win_fs_refuse(RONDO_ENOMEM);
    }
    l->up = *level;
    *level = l;
    return 0;
}

static void win_tree_pop(struct win_level **level)
{
    struct win_level *l = *level;
    *level = l->up;
    (void)sys_dir_close(l->dir);
    free(l);
}

/* A pass that has found nothing comes before the end: others may have added
 * files, and Wine's directories are removed only if they are empty, but say that
 * they are when they have been read. */
static int win_tree_leave(struct win_level **level)
{
    struct win_level *l = *level;
    int error = l->met ? RONDO_ENOTEMPTY : win_tree_delete(l->dir->handle);
    if (error == RONDO_ENOTEMPTY && l->passes++ < PASSES_MOST) {
        l->dir->entry = NULL;
        l->dir->started = false; /* from the start */
        l->met = false;
        return 0;
    }
    if (!error)
        win_tree_pop(level);
    return error;
}

static int win_tree_step(struct win_level **level)
{
    struct sys_dir *d = (*level)->dir;
    HANDLE handle;
    int got = win_dir_step(d);
    if (got < 0)
        return got;
    if (!got)
        return win_tree_leave(level);
    if (win_dir_is_dots(d->entry))
        return 0;
    (*level)->met = true;
    NTSTATUS status = win_tree_open(d->handle, d->entry->FileName,
                                    d->entry->FileNameLength, &handle);
    if (status >= 0)
        return win_tree_enter(level, handle);
    int error = error_from_os(RtlNtStatusToDosError(status));
    return error == RONDO_ENOENT ? 0 : error;
}

int sys_fs_remove_tree(const char *path, const atomic_bool *stop)
{
    struct win_level *level = NULL;
    int error;
    wchar_t *wide = win_fs_path(path, &error);
    if (!wide)
        return error;
    HANDLE handle = CreateFileW(
        wide, TREE_ACCESS, WIN_SHARE_ALL, NULL, OPEN_EXISTING,
        FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
    error = handle == INVALID_HANDLE_VALUE ? win_fs_fail() : 0;
    free(wide);
    if (!error)
        error = win_tree_enter(&level, handle);
    while (!error && level)
        error = atomic_load(stop) ? win_fs_refuse(RONDO_ECANCELED)
                                  : win_tree_step(&level);
    int64_t os_error = rondo_last_os_error();
    while (level)
        win_tree_pop(&level);
    if (error && os_error)
        (void)error_from_os(os_error);
    return error;
}
#endif

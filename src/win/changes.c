/* changes.c - the notifier of Windows: ReadDirectoryChangesW and a port. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "core/notify.h"
#include "win/win.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHANGES_ROOM = 32768, /* bytes of changes; a network drive takes 64 KiB at
                             most */
    CHANGES_BATCH = 64,
    NAME_ROOM = 32768, /* no path of Windows is longer */
    WHAT = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME |
           FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_SIZE |
           FILE_NOTIFY_CHANGE_LAST_WRITE | FILE_NOTIFY_CHANGE_CREATION |
           FILE_NOTIFY_CHANGE_SECURITY,
    SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE
};

/* Packets of the port have a mark as their key, and wake-ups none. */
struct notify_mark {
    HANDLE directory;
    OVERLAPPED overlapped;
    void *owner;
    bool tree;
    bool pending; /* the kernel has `room`, and a packet will come */
    bool removed; /* that packet frees it */
    _Alignas(DWORD) char room[CHANGES_ROOM];
};

struct notifier {
    notify_fn tell;
    HANDLE port;
    size_t removed; /* marks whose packet has not come yet */
    OVERLAPPED_ENTRY entries[CHANGES_BATCH];
    wchar_t wide[NAME_ROOM];
    char name[3 * NAME_ROOM];
};

/* Only a rename within one directory is told as one. */
const struct notify_traits notify_traits = {.name = "changes", .trees = true};

int notify_open(struct notifier **made, notify_fn tell)
{
    struct notifier *n = malloc(sizeof *n);
    if (!n)
        return error_set(RONDO_ENOMEM, "out of memory");
    n->tell = tell;
    n->removed = 0;
    n->port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 1);
    if (!n->port) {
        free(n);
        return error_os(error_from_os(GetLastError()),
                        "CreateIoCompletionPort");
    }
    *made = n;
    return 0;
}

void notify_close(struct notifier *n)
{
    while (n->removed)
        notify_wait(n, RONDO_NEVER);
    CloseHandle(n->port);
    free(n);
}

void notify_forked(struct notifier *n)
{
    (void)n; /* Windows has no fork */
}

/* ---- marks ---- */

static bool changes_read(struct notify_mark *m)
{
    memset(&m->overlapped, 0, sizeof m->overlapped);
    m->pending =
        ReadDirectoryChangesW(m->directory, m->room, CHANGES_ROOM, m->tree,
                              WHAT, NULL, &m->overlapped, NULL);
    return m->pending;
}

static int changes_begin(struct notifier *n, struct notify_mark *m)
{
    m->directory = CreateFileW(
        n->wide, FILE_LIST_DIRECTORY, SHARE_ALL, NULL, OPEN_EXISTING,
        FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED, NULL);
    if (m->directory == INVALID_HANDLE_VALUE)
        return error_from_os(GetLastError());
    if (CreateIoCompletionPort(m->directory, n->port, (ULONG_PTR)m, 0) &&
        changes_read(m))
        return 0;
    int error = error_from_os(GetLastError());
    CloseHandle(m->directory);
    return error;
}

int notify_add(struct notifier *n, const char *path, enum notify_kind kind,
               void *owner, struct notify_mark **mark)
{
    error_no_os();
    if (kind == NOTIFY_FILE)
        return RONDO_ENOTSUP; /* the directory that it is in tells of it */
    int error = win_wide(path, n->wide, NAME_ROOM);
    struct notify_mark *m = error ? NULL : calloc(1, sizeof *m);
    if (!m)
        return error ? error : RONDO_ENOMEM;
    m->owner = owner;
    m->tree = kind == NOTIFY_TREE;
    error = changes_begin(n, m);
    if (error)
        free(m);
    else
        *mark = m;
    return error;
}

void notify_remove(struct notifier *n, struct notify_mark *mark)
{
    if (mark->pending) {
        (void)CancelIoEx(mark->directory, &mark->overlapped);
        mark->removed = true;
        n->removed++;
        CloseHandle(mark->directory);
        return;
    }
    CloseHandle(mark->directory);
    free(mark);
}

const char *notify_limit(int error)
{
    (void)error;
    return NULL;
}

/* ---- hints ---- */

static unsigned changes_what(DWORD action)
{
    switch (action) {
    case FILE_ACTION_MODIFIED:
        return NOTIFY_CHECK | NOTIFY_CONTENT;
    case FILE_ACTION_RENAMED_OLD_NAME:
        return NOTIFY_CHECK | NOTIFY_MOVED;
    case FILE_ACTION_RENAMED_NEW_NAME:
        return NOTIFY_CHECK | NOTIFY_MOVED_HERE;
    default:
        return NOTIFY_CHECK;
    }
}

/* UTF-8, with slashes. */
static char *changes_name(struct notifier *n, const wchar_t *wide, int length)
{
    int size = WideCharToMultiByte(CP_UTF8, 0, wide, length, n->name,
                                   sizeof n->name - 1, NULL, NULL);
    n->name[size] = '\0';
    for (char *c = n->name; *c; c++)
        if (*c == '\\')
            *c = '/';
    return n->name;
}

/* What may be a short name, as "LONGNA~1", is not the one by which the file is
 * listed. */
static void changes_tell_one(struct notifier *n, const struct notify_mark *m,
                             const FILE_NOTIFY_INFORMATION *change)
{
    char *name = changes_name(n, change->FileName,
                              (int)(change->FileNameLength / sizeof(wchar_t)));
    unsigned what = changes_what(change->Action);
    char *last = strrchr(name, '/');
    if (!strchr(last ? last : name, '~')) {
        n->tell(m->owner, name, what);
        return;
    }
    if (last)
        *last = '\0';
    n->tell(m->owner, last ? name : NULL,
            NOTIFY_LIST | (what & (NOTIFY_MOVED | NOTIFY_MOVED_HERE)));
}

static void changes_tell(struct notifier *n, const struct notify_mark *m,
                         DWORD size)
{
    const char *at = m->room;
    if (!size)
        n->tell(m->owner, NULL, NOTIFY_OVERFLOW);
    while (size) {
        const FILE_NOTIFY_INFORMATION *change =
            (const FILE_NOTIFY_INFORMATION *)(const void *)at;
        changes_tell_one(n, m, change);
        if (!change->NextEntryOffset)
            return;
        at += change->NextEntryOffset;
    }
}

/* ERROR_ACCESS_DENIED: the directory is removed as soon as its handle is
 * closed. */
static void changes_came(struct notifier *n, struct notify_mark *m)
{
    DWORD size = 0, os_error = 0;
    if (m->removed) {
        n->removed--;
        free(m);
        return;
    }
    if (!GetOverlappedResult(m->directory, &m->overlapped, &size, FALSE))
        os_error = GetLastError();
    m->pending = false;
    if (os_error == ERROR_NOTIFY_ENUM_DIR)
        n->tell(m->owner, NULL, NOTIFY_OVERFLOW);
    else if (!os_error)
        changes_tell(n, m, size);
    if ((os_error && os_error != ERROR_NOTIFY_ENUM_DIR) || !changes_read(m))
        n->tell(m->owner, NULL, NOTIFY_CHECK | NOTIFY_GONE);
}

void notify_wait(struct notifier *n, int64_t timeout_ns)
{
    ULONG count = 0;
    if (!GetQueuedCompletionStatusEx(n->port, n->entries, CHANGES_BATCH, &count,
                                     win_timeout_ms(timeout_ns), FALSE))
        return;
    for (ULONG i = 0; i < count; i++)
        if (n->entries[i].lpCompletionKey)
            changes_came(n,
                         (struct notify_mark *)n->entries[i].lpCompletionKey);
}

/* Tries until there is room for the packet: nothing else would wake it. */
void notify_wake(struct notifier *n)
{
    while (!PostQueuedCompletionStatus(n->port, 0, 0, NULL) &&
           win_lacks_room(GetLastError()))
        Sleep(1);
}

/* ---- directories ---- */

static bool changes_is_dots(const wchar_t *name)
{
    return name[0] == L'.' && (!name[1] || (name[1] == L'.' && !name[2]));
}

static int changes_list(WIN32_FIND_DATAW *found, HANDLE search,
                        bool (*fn)(void *arg, const char *name,
                                   uint64_t number),
                        void *arg)
{
    char name[3 * MAX_PATH + 1];
    do {
        int size = WideCharToMultiByte(CP_UTF8, 0, found->cFileName, -1, name,
                                       sizeof name, NULL, NULL);
        if (size > 0 && !changes_is_dots(found->cFileName) && !fn(arg, name, 0))
            return 0;
    } while (FindNextFileW(search, found));
    DWORD os_error = GetLastError();
    return os_error == ERROR_NO_MORE_FILES ? 0 : error_from_os(os_error);
}

int notify_list(const char *path,
                bool (*fn)(void *arg, const char *name, uint64_t number),
                void *arg)
{
    WIN32_FIND_DATAW found;
    wchar_t *wide = malloc(NAME_ROOM * sizeof *wide);
    error_no_os();
    int error = wide ? win_wide(path, wide, NAME_ROOM - 2) : RONDO_ENOMEM;
    HANDLE search = INVALID_HANDLE_VALUE;
    if (!error) {
        size_t size = wcslen(wide);
        bool slash = size && wide[size - 1] == L'/';
        memcpy(wide + size, slash ? L"*" : L"/*",
               (slash ? 2 : 3) * sizeof *wide);
        search = FindFirstFileW(wide, &found);
        if (search == INVALID_HANDLE_VALUE)
            error = error_from_os(GetLastError());
    }
    free(wide);
    if (error)
        return error;
    error = changes_list(&found, search, fn, arg);
    FindClose(search);
    return error;
}

static int64_t changes_time(FILETIME time)
{
    return (int64_t)((uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime);
}

/* What tells of a change must differ, and nothing else counts. A link and a
 * directory keep a number, since they are not replaced all the time. */
int notify_stat(const char *path, bool follow, rondo_file_info *info)
{
    const DWORD others =
        FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT;
    WIN32_FILE_ATTRIBUTE_DATA data;
    wchar_t *wide = malloc(NAME_ROOM * sizeof *wide);
    error_no_os();
    int error = wide ? win_wide(path, wide, NAME_ROOM) : RONDO_ENOMEM;
    if (!error && !GetFileAttributesExW(wide, GetFileExInfoStandard, &data))
        error = error_from_os(GetLastError());
    free(wide);
    if (error)
        return error;
    if (data.dwFileAttributes & others)
        return sys_fs_stat_path(path, follow, info);
    *info = (rondo_file_info){.size = sizeof *info,
                              .type = RONDO_FILE_REGULAR,
                              .mode = data.dwFileAttributes,
                              .uid = -1,
                              .gid = -1};
    info->bytes =
        (int64_t)((uint64_t)data.nFileSizeHigh << 32 | data.nFileSizeLow);
    info->modified_ns = changes_time(data.ftLastWriteTime);
    info->number = (uint64_t)changes_time(data.ftCreationTime);
    return 0;
}

int notify_absolute(const char *path, char *text, size_t room)
{
    wchar_t wide[MAX_PATH * 4], full[MAX_PATH * 4];
    int error = win_wide(path, wide, MAX_PATH * 4);
    if (error)
        return error;
    DWORD length = GetFullPathNameW(wide, MAX_PATH * 4, full, NULL);
    int size = length && length < MAX_PATH * 4
                   ? WideCharToMultiByte(CP_UTF8, 0, full, -1, text, (int)room,
                                         NULL, NULL)
                   : 0;
    if (size <= 0) {
        error_no_os();
        return RONDO_ENAMETOOLONG;
    }
    for (char *c = text; *c; c++)
        if (*c == '\\')
            *c = '/';
    for (size--; size > 3 && text[size - 1] == '/'; size--)
        text[size - 1] = '\0';
    return 0;
}
#endif

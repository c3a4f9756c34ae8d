/* fs_path.c - paths of files, which may be long: Windows. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_WIN
#include "base/error.h"
#include "win/fs.h"

#include <stdlib.h>
#include <wchar.h>

/* CreateDirectoryW leaves room for a name of 8.3 in MAX_PATH. */
enum { SHORT_PATH = MAX_PATH - 12 };

#define PREFIX     L"\\\\?\\"
#define PREFIX_UNC L"\\\\?\\UNC\\"

enum { PREFIX_UNITS = 4, PREFIX_UNC_UNITS = 8 };

int win_fs_fail(void)
{
    return error_from_os(GetLastError());
}

int win_fs_refuse(int error)
{
    error_no_os();
    return error;
}

static wchar_t *win_path_room(int *error)
{
    wchar_t *wide = malloc(WIN_PATH_ROOM * sizeof *wide);
    *error = wide ? 0 : win_fs_refuse(RONDO_ENOMEM);
    return wide;
}

/* Only an absolute path may have the prefix, and nothing in it is interpreted
 * then: the full path is what Windows makes of it else. Takes `wide` over. */
static wchar_t *win_path_lengthen(wchar_t *wide, int *error)
{
    wchar_t *full = win_path_room(error);
    if (!full) {
        free(wide);
        return NULL;
    }
    wchar_t *at = full + PREFIX_UNC_UNITS;
    DWORD size =
        GetFullPathNameW(wide, WIN_PATH_ROOM - PREFIX_UNC_UNITS, at, NULL);
    bool is_long =
        size >= SHORT_PATH && wcsncmp(wide, PREFIX, PREFIX_UNITS) != 0;
    if (!is_long || size >= WIN_PATH_ROOM - PREFIX_UNC_UNITS) {
        free(full);
        if (!is_long)
            return wide; /* or it makes no sense: the next call says so */
        free(wide);
        *error = win_fs_refuse(RONDO_ENAMETOOLONG);
        return NULL;
    }
    free(wide);
    bool unc = at[0] == L'\\' && at[1] == L'\\';
    const wchar_t *prefix = unc ? PREFIX_UNC : PREFIX;
    if (unc)
        at += 2;
    size_t units = unc ? PREFIX_UNC_UNITS : PREFIX_UNITS;
    wmemmove(full + units, at, wcslen(at) + 1);
    wmemcpy(full, prefix, units);
    return full;
}

wchar_t *win_fs_path(const char *path, int *error)
{
    return win_fs_path_at(SYS_NO_FD, path, error);
}

wchar_t *win_fs_path_of(HANDLE handle, int *error)
{
    wchar_t *path = win_path_room(error);
    if (!path)
        return NULL;
    DWORD size = GetFinalPathNameByHandleW(handle, path, WIN_PATH_ROOM, 0);
    if (!size || size >= WIN_PATH_ROOM) {
        *error = size ? win_fs_refuse(RONDO_ENAMETOOLONG) : win_fs_fail();
        free(path);
        return NULL;
    }
    if (wcsncmp(path, PREFIX_UNC, PREFIX_UNC_UNITS) == 0)
        wmemmove(path + 2, path + PREFIX_UNC_UNITS,
                 wcslen(path + PREFIX_UNC_UNITS) + 1);
    else if (wcsncmp(path, PREFIX, PREFIX_UNITS) == 0)
        wmemmove(path, path + PREFIX_UNITS, wcslen(path + PREFIX_UNITS) + 1);
    return path;
}

static bool win_path_is_absolute(const char *path)
{
    return sys_fs_separates(path[0]) || (path[0] && path[1] == ':');
}

wchar_t *win_fs_path_at(sys_fd directory, const char *path, int *error)
{
    size_t used = 0;
    bool inside = directory != SYS_NO_FD && !win_path_is_absolute(path);
    wchar_t *wide = inside ? win_fs_path_of((HANDLE)directory, error)
                           : win_path_room(error);
    if (!wide)
        return NULL;
    if (inside) {
        used = wcslen(wide);
        if (used + 1 < WIN_PATH_ROOM)
            wide[used++] = L'\\';
    }
    error_no_os();
    *error = win_wide(path, wide + used, WIN_PATH_ROOM - used);
    if (!*error)
        return win_path_lengthen(wide, error);
    free(wide);
    return NULL;
}

int64_t win_fs_text(const wchar_t *wide, size_t units, char *text, size_t room)
{
    int most = room < INT_MAX ? (int)room : INT_MAX;
    if (!units)
        return 0;
    int size =
        WideCharToMultiByte(CP_UTF8, 0, wide, (int)units, NULL, 0, NULL, NULL);
    if (size <= 0)
        return win_fs_fail();
    if (size >= most)
        return win_fs_refuse(RONDO_ETOOMUCH);
    return WideCharToMultiByte(CP_UTF8, 0, wide, (int)units, text, most, NULL,
                               NULL);
}

bool win_fs_is_directory(const wchar_t *path)
{
    DWORD attributes = GetFileAttributesW(path);
    return attributes != INVALID_FILE_ATTRIBUTES &&
           attributes & FILE_ATTRIBUTE_DIRECTORY;
}

bool sys_fs_separates(char c)
{
    return c == '/' || c == '\\';
}
#endif

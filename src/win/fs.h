/* fs.h - paths of any length, and what the files for files share: Windows. */
/* SPDX-License-Identifier: MIT */
#ifndef RONDO_WIN_FS_H
#define RONDO_WIN_FS_H

#include "win/win.h"

enum {
    WIN_PATH_ROOM = 32768, /* no path of Windows is longer */
    WIN_SHARE_ALL = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE
};

/* The path in UTF-16; a long one with the prefix that lets it be long. The
 * caller frees it. NULL: *error says why. */
wchar_t *win_fs_path(const char *path, int *error);
/* The same of a path that begins at a directory; SYS_NO_FD: none. */
wchar_t *win_fs_path_at(sys_fd directory, const char *path, int *error);
/* The path of an open file, without a prefix. The caller frees it. */
wchar_t *win_fs_path_of(HANDLE handle, int *error);
/* UTF-16 to UTF-8 without a NUL: the size, or RONDO_ETOOMUCH. */
int64_t win_fs_text(const wchar_t *wide, size_t units, char *text, size_t room);

/* The error of the call that has just failed; and our own refusal. */
int win_fs_fail(void);
int win_fs_refuse(int error);
bool win_fs_is_directory(const wchar_t *path);

#endif

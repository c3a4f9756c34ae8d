/* raw_change.h - files changed without the library, and a kernel that is short of
 * watches.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_CHANGE_H
#define RONDO_TEST_RAW_CHANGE_H

#include "raw.h"

/* These return false when they fail. how: as of fopen. */
bool raw_change_write(const char *path, const char *how, const char *text);
bool raw_change_rename(const char *from, const char *to); /* over a file, too */
bool raw_change_unlink(const char *path);
bool raw_change_mkdir(const char *path);
bool raw_change_rmdir(const char *path);
/* With all that is in it; nothing if it is not there. */
void raw_change_clear(const char *path);
/* false: there are none. */
bool raw_change_symlink(const char *target, const char *path);
bool raw_change_link(const char *old, const char *path);
bool raw_change_read_only(const char *path);

/* Wine tells nothing of a watched directory that is removed, and goes on calling
 * a renamed one by its old name. When a watch of a directory ends it tells a
 * tree above it no more of that one. */
bool raw_notify_follows_directories(void);
/* Windows tells a moment after the change. */
bool raw_notify_is_prompt(void);
/* The next `times` files or directories are not watched: RONDO_ENOSPC. false:
 * cannot be done here. */
bool raw_notify_refuse(unsigned times);
/* While it is on, a thread that begins to watch waits inside that call. */
bool raw_notify_hold(bool on);
unsigned raw_notify_held(void);

#endif

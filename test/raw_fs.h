/* raw_fs.h - a folder for files, and calls on files that hang or fall short.
 * SPDX-License-Identifier: MIT
 */
#ifndef RONDO_TEST_RAW_FS_H
#define RONDO_TEST_RAW_FS_H

#include "raw.h"

/* A new folder; its name goes into `size` bytes. */
bool raw_fs_folder(char *path, size_t size);
/* With all that is in it. */
void raw_fs_folder_remove(const char *path);
/* How many files and folders are in it. */
unsigned raw_fs_count(const char *path);
/* Makes empty files there, whose names are the numbers from 0 on. */
bool raw_fs_fill(const char *path, unsigned count);
/* Makes so many directories in each other, each with a name that long. */
bool raw_fs_deep(const char *path, unsigned levels, unsigned size);
/* A FIFO; false: there are none. */
bool raw_fs_fifo(const char *path);
/* A device without room; NULL: there is none. */
const char *raw_fs_full(void);
/* Files may have at most that many bytes, INT64_MAX: as before. false: no such
 * limit. */
bool raw_fs_limit(int64_t bytes);

/* While it is on, each thread that syncs a file waits inside that call. false:
 * cannot be done here. */
bool raw_fs_hold(bool on);
unsigned raw_fs_held(void); /* how many threads wait */
/* From now on a call moves at most that many bytes, and each second one is
 * interrupted instead; 0: as before. false: cannot be done here. */
bool raw_fs_short(size_t most);
unsigned raw_fs_interrupted(void);
/* To open what has a path with that end fails with EACCES or EIO; NULL: as
 * before. false: cannot be done here. */
bool raw_fs_deny(const char *end, bool io);
/* So many calls on files work still, and then reads, writes, syncs and copies
 * fail with EIO; -1: all work. false: cannot be done here. */
bool raw_fs_break(int after);

#endif

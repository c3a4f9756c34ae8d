/* raw_local.h - raw.h's unix sockets: by path, with descriptors, their files.
 * SPDX-License-Identifier: MIT
 *
 * A system without them answers RONDO_NO_FD, -1 or false.
 */
#ifndef RONDO_TEST_RAW_LOCAL_H
#define RONDO_TEST_RAW_LOCAL_H

#include "raw.h"

/* ---- sockets: the path as it is, of at most 100 bytes ------------------- */

raw_fd raw_local_listen(const char *path, int backlog);
/* Bound, and nothing else. */
raw_fd raw_local_bind(const char *path);
raw_fd raw_local_datagram(const char *path);
raw_fd raw_local_connect(const char *path); /* blocking as made */
int raw_local_pair(raw_fd pair[2]);
/* Fills the backlog of that listener with clients, at most `room` of them;
 * how many. 0: a full backlog is not noticed here. */
size_t raw_local_fill(const char *path, raw_fd *clients, size_t room);

/* ---- descriptors -------------------------------------------------------- */

enum { RAW_PASS_MOST = 253 };

/* As raw_send, with descriptors beside the first byte. */
ptrdiff_t raw_send_fds(raw_fd fd, const void *data, size_t size,
                       const raw_fd *fds, size_t count);
/* As raw_recv; *count is how many there is room for, then how many came. */
ptrdiff_t raw_recv_fds(raw_fd fd, void *data, size_t size, raw_fd *fds,
                       size_t *count, int timeout_ms);
/* Each message that comes brings a pidfd of its sender; false: no such thing. */
bool raw_pass_pidfds(raw_fd fd);
/* Both are the same open file, socket or pipe. */
bool raw_same_file(raw_fd a, raw_fd b);

/* ---- files -------------------------------------------------------------- */

/* A new folder; its name goes into 64 bytes. */
bool raw_folder(char *path);
/* With all files in it. */
void raw_folder_remove(const char *path);
bool raw_path_exists(const char *path);
int raw_path_mode(const char *path);                    /* permission bits */
bool raw_path_make(const char *path, const char *what); /* "file", "folder",
                                                           "link to ..." */
bool raw_path_remove(const char *path);
bool raw_path_rename(const char *from, const char *to);
bool raw_path_chdir(const char *path);
/* Sets the umask; answers with the one before, -1: there is none. */
int raw_umask(int mask);

/* ---- the process -------------------------------------------------------- */

int64_t raw_pid(void);
int64_t raw_uid(void);
int64_t raw_gid(void);

#endif

/* missing.c - what a simulated system does not have: RONDO_ENOTSUP. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/sim.h"

#include "base/error.h"

#include <errno.h>

static int missing(void)
{
    return sim_fail(EOPNOTSUPP);
}

/* ---- files ---- */

bool sys_is_directory(sys_fd fd)
{
    (void)fd;
    return false;
}

sys_fd sys_stdio(int which)
{
    (void)which;
    return SYS_NO_FD;
}

enum sys_source sys_source(sys_fd file)
{
    (void)file;
    return SYS_SOURCE_BAD;
}

int64_t sys_file_size(sys_fd file)
{
    (void)file;
    return missing();
}

void sys_file_seek(sys_fd file, int64_t offset)
{
    (void)file;
    (void)offset;
    (void)missing();
}

int64_t sys_file_read(sys_fd file, void *data, size_t size, int64_t offset)
{
    (void)file;
    (void)data;
    (void)size;
    (void)offset;
    return missing();
}

int sys_file_copy(sys_fd file, sys_fd *copy)
{
    (void)file;
    *copy = SYS_NO_FD;
    return missing();
}

void sys_file_close(sys_fd file)
{
    (void)file;
    (void)missing();
}

int64_t sys_sendfile(sys_fd to, const struct sys_part *part, bool quiet)
{
    (void)to;
    (void)part;
    (void)quiet;
    return missing();
}

int sys_splice_pipe(sys_fd fds[2], size_t size)
{
    (void)fds;
    (void)size;
    return missing();
}

int64_t sys_splice(sys_fd from, sys_fd to, size_t size, bool quiet)
{
    (void)from;
    (void)to;
    (void)size;
    (void)quiet;
    return missing();
}

int64_t sys_splice_copy(sys_fd from, sys_fd to, size_t size)
{
    (void)from;
    (void)to;
    (void)size;
    return missing();
}

bool sys_is_quiet(void)
{
    return true;
}

int sys_fs_open(sys_fd directory, const char *path, unsigned flags,
                unsigned mode, sys_fd *file, bool *seeks)
{
    (void)directory;
    (void)path;
    (void)flags;
    (void)mode;
    (void)file;
    (void)seeks;
    return missing();
}

int sys_fs_close(sys_fd file)
{
    (void)file;
    return missing();
}

int64_t sys_fs_read(sys_fd file, const rondo_buffer *parts, size_t count,
                    int64_t offset)
{
    (void)file;
    (void)parts;
    (void)count;
    (void)offset;
    return missing();
}

int64_t sys_fs_read_now(sys_fd file, void *data, size_t size, int64_t offset)
{
    (void)file;
    (void)data;
    (void)size;
    (void)offset;
    return RONDO_ENOTSUP;
}

int64_t sys_fs_write(sys_fd file, const rondo_buffer *parts, size_t count,
                     int64_t offset)
{
    (void)file;
    (void)parts;
    (void)count;
    (void)offset;
    return missing();
}

int sys_fs_sync(sys_fd file, bool only_data)
{
    (void)file;
    (void)only_data;
    return missing();
}

int sys_fs_stat(sys_fd file, rondo_file_info *info)
{
    (void)file;
    (void)info;
    return missing();
}

int sys_fs_truncate(sys_fd file, int64_t size)
{
    (void)file;
    (void)size;
    return missing();
}

int sys_fs_stat_path(const char *path, bool follow, rondo_file_info *info)
{
    (void)path;
    (void)follow;
    (void)info;
    return missing();
}

int sys_fs_rename(const char *from, const char *to)
{
    (void)from;
    (void)to;
    return missing();
}

int sys_fs_unlink(const char *path)
{
    (void)path;
    return missing();
}

int sys_fs_mkdir(const char *path, unsigned mode)
{
    (void)path;
    (void)mode;
    return missing();
}

int sys_fs_rmdir(const char *path)
{
    (void)path;
    return missing();
}

int sys_fs_symlink(const char *target, const char *path)
{
    (void)target;
    (void)path;
    return missing();
}

int64_t sys_fs_readlink(const char *path, char *text, size_t room)
{
    (void)path;
    (void)text;
    (void)room;
    return missing();
}

int sys_fs_change(sys_fd file, const char *path,
                  const rondo_file_changes *changes)
{
    (void)file;
    (void)path;
    (void)changes;
    return missing();
}

int sys_fs_link(const char *path, const char *name)
{
    (void)path;
    (void)name;
    return missing();
}

int sys_fs_access(const char *path, unsigned access)
{
    (void)path;
    (void)access;
    return missing();
}

int64_t sys_fs_realpath(const char *path, char *text, size_t room)
{
    (void)path;
    (void)text;
    (void)room;
    return missing();
}

int sys_fs_space(const char *path, rondo_space_info *space)
{
    (void)path;
    (void)space;
    return missing();
}

int sys_fs_allocate(sys_fd file, int64_t position, int64_t size)
{
    (void)file;
    (void)position;
    (void)size;
    return missing();
}

int sys_fs_advise(sys_fd file, int64_t position, int64_t size,
                  rondo_advice advice)
{
    (void)file;
    (void)position;
    (void)size;
    (void)advice;
    return missing();
}

int sys_fs_lock(sys_fd file, int64_t position, int64_t size, unsigned flags)
{
    (void)file;
    (void)position;
    (void)size;
    (void)flags;
    return missing();
}

int sys_fs_unlock(sys_fd file, int64_t position, int64_t size)
{
    (void)file;
    (void)position;
    (void)size;
    return missing();
}

bool sys_fs_separates(char c)
{
    return c == '/';
}

int64_t sys_fs_copy(const char *from, const char *to, unsigned flags,
                    const atomic_bool *stop)
{
    (void)from;
    (void)to;
    (void)flags;
    (void)stop;
    return missing();
}

int sys_dir_open(sys_fd directory, struct sys_dir **dir)
{
    (void)directory;
    *dir = NULL;
    return missing();
}

int sys_dir_next(struct sys_dir *dir, struct sys_entry *entry)
{
    (void)dir;
    (void)entry;
    return missing();
}

void sys_dir_again(struct sys_dir *dir)
{
    (void)dir;
    (void)missing();
}

int sys_dir_close(struct sys_dir *dir)
{
    (void)dir;
    return missing();
}

int sys_fs_remove_tree(const char *path, const atomic_bool *stop)
{
    (void)path;
    (void)stop;
    return missing();
}

/* ---- what datagrams carry besides bytes ---- */

int sys_datagram_ask(sys_fd fd, rondo_family family, unsigned info)
{
    (void)fd;
    (void)family;
    (void)info;
    return missing();
}

int sys_datagram_fragments(sys_fd fd, rondo_family family,
                           rondo_fragments fragments)
{
    (void)fd;
    (void)family;
    (void)fragments;
    return missing();
}

int64_t sys_datagram_path_mtu(sys_fd fd, rondo_family family)
{
    (void)fd;
    (void)family;
    return missing();
}

unsigned sys_datagram_infos(void)
{
    return 0;
}

/* ---- pipes and terminals ---- */

unsigned sys_pipe_sides(sys_fd fd)
{
    (void)fd;
    return 0;
}

int sys_pipe_open(sys_fd fd, unsigned side, bool shared, struct sys_pipe *pipe)
{
    (void)fd;
    (void)side;
    (void)shared;
    (void)pipe;
    return missing();
}

void sys_pipe_close(struct sys_pipe *pipe, bool close, bool inherited)
{
    (void)pipe;
    (void)close;
    (void)inherited;
    (void)missing();
}

int64_t sys_pipe_read(struct sys_pipe *pipe, void *data, size_t size)
{
    (void)pipe;
    (void)data;
    (void)size;
    return missing();
}

int64_t sys_pipe_write(struct sys_pipe *pipe, const rondo_buffer *buffers,
                       size_t count)
{
    (void)pipe;
    (void)buffers;
    (void)count;
    return missing();
}

bool sys_pipe_tries(const struct sys_pipe *pipe)
{
    (void)pipe;
    return false;
}

bool sys_pipe_blocks(const struct sys_pipe *pipe)
{
    (void)pipe;
    return false;
}

int sys_pipe_block(struct sys_pipe *pipe)
{
    (void)pipe;
    return missing();
}

int64_t sys_pipe_read_waiting(struct sys_pipe *pipe, void *data, size_t size)
{
    (void)pipe;
    (void)data;
    (void)size;
    return missing();
}

int64_t sys_pipe_write_waiting(struct sys_pipe *pipe, const void *data,
                               size_t size)
{
    (void)pipe;
    (void)data;
    (void)size;
    return missing();
}

bool sys_pipe_cancel(struct sys_pipe *pipe)
{
    (void)pipe;
    return false;
}

bool sys_pipe_tells(const struct sys_pipe *pipe)
{
    (void)pipe;
    return false;
}

bool sys_pipe_hung_up(const struct sys_pipe *pipe)
{
    (void)pipe;
    return false;
}

bool sys_is_pipe_name(const char *path)
{
    (void)path;
    return false;
}

int sys_pipe_check(const char *name)
{
    (void)name;
    return missing();
}

int sys_pipe_connect(const char *name, sys_fd *fd)
{
    (void)name;
    *fd = SYS_NO_FD;
    return missing();
}

int sys_pipe_listen(const char *name, bool first, sys_fd *fd)
{
    (void)name;
    (void)first;
    *fd = SYS_NO_FD;
    return missing();
}

void sys_pipe_discard(sys_fd fd)
{
    sys_close(fd);
}

void sys_pipe_cut(sys_fd fd)
{
    (void)fd;
    (void)missing();
}

int sys_child_pipe(unsigned sides, sys_fd *ours, sys_fd *theirs)
{
    (void)sides;
    (void)ours;
    (void)theirs;
    return missing();
}

int sys_null(sys_fd *fd)
{
    *fd = SYS_NO_FD;
    return missing();
}

void sys_child_close(sys_fd fd)
{
    sys_close(fd);
}

int sys_child_terminal(unsigned columns, unsigned rows,
                       struct sys_terminal *made)
{
    (void)columns;
    (void)rows;
    (void)made;
    return missing();
}

int sys_terminal_size(sys_fd ours, void *console, unsigned columns,
                      unsigned rows)
{
    (void)ours;
    (void)console;
    (void)columns;
    (void)rows;
    return missing();
}

void sys_console_close(void *console)
{
    (void)console;
    (void)missing();
}

bool sys_is_terminal(sys_fd fd)
{
    (void)fd;
    return false;
}

int sys_terminal_mode(sys_fd fd, rondo_terminal_mode mode, bool guard)
{
    (void)fd;
    (void)mode;
    (void)guard;
    return missing();
}

void sys_terminal_restore(void)
{
    (void)missing();
}

int sys_terminal_measure(sys_fd fd, unsigned *columns, unsigned *rows)
{
    (void)fd;
    (void)columns;
    (void)rows;
    return missing();
}

int sys_terminal_sequences(sys_fd fd)
{
    (void)fd;
    return -1;
}

int sys_terminal_signal(void)
{
    return 0;
}

/* ---- the network's changes ---- */

int sys_network_open(void (*changed)(void *arg), void *arg, sys_fd *fd,
                     struct sys_network **network)
{
    (void)changed;
    (void)arg;
    (void)fd;
    (void)network;
    return missing();
}

bool sys_network_read(sys_fd fd)
{
    (void)fd;
    return false;
}

void sys_network_close(sys_fd fd, struct sys_network *network)
{
    (void)fd;
    (void)network;
}

/* ---- signals, processors ---- */

void sys_signals_lock(void)
{
    (void)missing();
}

void sys_signals_unlock(void)
{
    (void)missing();
}

int sys_signal_watch(int signum, const struct sys_signals_told *whom)
{
    (void)signum;
    (void)whom;
    return error_set(RONDO_ENOTSUP, "a simulated host has no signals");
}

void sys_signal_unwatch(int signum)
{
    (void)signum;
    (void)missing();
}

int sys_thread_pin(unsigned index)
{
    (void)index;
    return missing();
}
#endif

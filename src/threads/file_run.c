/* file_run.c - operations on files as a thread carries them out. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "threads/file.h"

/* The parts that are left of a read or a write. */
struct file_rest {
    rondo_buffer *parts;
    size_t count;
    int64_t position; /* -1: none */
};

static void file_skip(struct file_rest *rest, size_t moved)
{
    if (rest->position >= 0)
        rest->position += (int64_t)moved;
    while (rest->count && moved >= rest->parts->size) {
        moved -= rest->parts->size;
        rest->parts++;
        rest->count--;
    }
    assert(rest->count || !moved);
    if (moved) {
        rest->parts->data = (const char *)rest->parts->data + moved;
        rest->parts->size -= moved;
    }
}

/* The kernel may read or write less than it was asked for, and less than
 * there is. Only 0 is the end of a file. */
static int file_move(struct file_call *c)
{
    bool reads = c->verb == FILE_READ;
    struct file_rest rest = {c->parts, c->count, c->position};
    file_skip(&rest, 0);
    while (rest.count) {
        int64_t moved = reads ? sys_fs_read(c->file->fd, rest.parts, rest.count,
                                            rest.position)
                              : sys_fs_write(c->file->fd, rest.parts,
                                             rest.count, rest.position);
        if (moved < 0)
            return (int)moved;
        if (moved == 0)
            return reads ? 0 : RONDO_EIO;
        c->moved += (size_t)moved;
        file_skip(&rest, (size_t)moved);
        if (reads && !c->file->seeks)
            return 0; /* more may never come */
    }
    return 0;
}

/* So much is copied quicker than a thread is woken. */
enum { READ_NOW_MOST = 16384 };

bool file_read_now(struct file_call *c)
{
    rondo_file *f = c->file;
    const rondo_buffer *part = c->parts;
    size_t size = 0;
    int64_t moved = 1;
    if (c->count != 1 || !part->size || part->size > READ_NOW_MOST ||
        c->position < 0 || !f->seeks || f->waits)
        return false;
    while (size < part->size && moved > 0) {
        moved = sys_fs_read_now(f->fd, (char *)(uintptr_t)part->data + size,
                                part->size - size, c->position + (int64_t)size);
        size += moved > 0 ? (size_t)moved : 0;
    }
    if (moved == RONDO_ENOTSUP)
        f->waits = true;
    if (moved < 0)
        return false;
    atomic_store(&c->begun, true);
    c->moved = size;
    return true;
}

static int64_t file_readlink(struct file_call *c)
{
    int64_t size = sys_fs_readlink(c->path, c->to, c->room);
    assert(size < (int64_t)c->room);
    if (size >= 0)
        ((char *)c->to)[size] = '\0';
    return size;
}

int file_close_fd(rondo_file *f)
{
    struct sys_dir *dir = f->dir;
    f->dir = NULL;
    return dir ? sys_dir_close(dir) : sys_fs_close(f->fd);
}

static int64_t file_carry_out(struct file_call *c)
{
    rondo_file *f = c->file;
    switch (c->verb) {
    case FILE_OPEN:
        return sys_fs_open(f->base ? f->base->fd : SYS_NO_FD, f->path, f->flags,
                           f->mode, &f->fd, &f->seeks);
    case FILE_CLOSE:
        return file_close_fd(f);
    case FILE_READ:
    case FILE_WRITE:
        return file_move(c);
    case FILE_SYNC:
    case FILE_SYNC_DATA:
        return sys_fs_sync(f->fd, c->verb == FILE_SYNC_DATA);
    case FILE_STAT:
        return sys_fs_stat(f->fd, &c->info);
    case FILE_TRUNCATE:
        return sys_fs_truncate(f->fd, c->position);
    case PATH_STAT:
    case PATH_LSTAT:
        return sys_fs_stat_path(c->path, c->verb == PATH_STAT, &c->info);
    case PATH_RENAME:
        return sys_fs_rename(c->path, c->other);
    case PATH_UNLINK:
        return sys_fs_unlink(c->path);
    case PATH_MKDIR:
        return sys_fs_mkdir(c->path, c->mode);
    case PATH_RMDIR:
        return sys_fs_rmdir(c->path);
    case PATH_SYMLINK:
        return sys_fs_symlink(c->other, c->path);
    case PATH_READLINK:
        return file_readlink(c);
    default:
        return file_carry_out_more(c);
    }
}

void file_call_run(struct work *work)
{
    struct file_call *c =
        (struct file_call *)(void *)((char *)work -
                                     offsetof(struct file_call, work));
    atomic_store(&c->begun, true);
    error_no_os();
    c->result = file_carry_out(c);
    c->os_error = c->result < 0 ? rondo_last_os_error() : 0;
}

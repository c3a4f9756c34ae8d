/* file_run_more.c - attributes, locks, copies as a thread carries them out. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "threads/file.h"

#include <string.h>

static int run_refuse(int error)
{
    error_no_os();
    return error;
}

/* ---- a directory and those above it ---- */

static bool make_is_directory(const char *path)
{
    rondo_file_info info;
    return sys_fs_stat_path(path, true, &info) == 0 &&
           info.type == RONDO_FILE_DIRECTORY;
}

/* Also a root answers with some error ("C:\" with EACCES), and a file system
 * that is read-only. */
static int make_one(const char *path, unsigned mode)
{
    int error = sys_fs_mkdir(path, mode);
    int64_t os_error = rondo_last_os_error();
    if (!error || make_is_directory(path))
        return 0;
    (void)error_from_os(os_error);
    return error;
}

static int make_parents(char *path, unsigned mode)
{
    int error = 0;
    for (char *p = path + 1; *p && !error; p++) {
        if (!sys_fs_separates(*p) || sys_fs_separates(p[-1]))
            continue;
        char separator = *p;
        *p = '\0';
        error = make_one(path, mode);
        *p = separator;
    }
    return error ? error : make_one(path, mode);
}

/* The parents are there as a rule. */
static int run_make_path(const struct file_call *c)
{
    int error = make_one(c->path, c->mode);
    if (error != RONDO_ENOENT || !*c->path)
        return error;
    size_t size = strlen(c->path) + 1;
    char *copy = sys_alloc(size); /* the loop's thread reads the other one */
    if (!copy)
        return run_refuse(RONDO_ENOMEM);
    memcpy(copy, c->path, size);
    error = make_parents(copy, c->mode);
    sys_free(copy);
    return error;
}

/* ---- copies ---- */

static int copy_check_target(const struct file_call *c)
{
    rondo_file_info info;
    int error = sys_fs_stat_path(c->other, false, &info);
    if (error)
        return error == RONDO_ENOENT ? 0 : error;
    if (c->flags & RONDO_COPY_EXCLUSIVE)
        return run_refuse(RONDO_EEXIST);
    return info.type == RONDO_FILE_DIRECTORY ? run_refuse(RONDO_EISDIR)
           : info.type == RONDO_FILE_OTHER   ? run_refuse(RONDO_ENOTSUP)
                                             : 0;
}

/* A second name replaces nothing. Not every file system has them. */
static int copy_name_new(const struct file_call *c)
{
    int error = sys_fs_link(c->beside, c->other);
    if (!error)
        return sys_fs_unlink(c->beside);
    if (error == RONDO_EEXIST)
        return error;
    error = copy_check_target(c);
    return error ? error : sys_fs_rename(c->beside, c->other);
}

static int64_t run_copy(struct file_call *c)
{
    int64_t result = copy_check_target(c);
    if (!result)
        result = sys_fs_copy(c->path, c->beside, c->flags, &c->stop);
    if (result < 0)
        return result;
    int error = c->flags & RONDO_COPY_EXCLUSIVE
                    ? copy_name_new(c)
                    : sys_fs_rename(c->beside, c->other);
    if (!error)
        return result;
    int64_t os_error = rondo_last_os_error();
    (void)sys_fs_unlink(c->beside);
    if (os_error)
        (void)error_from_os(os_error);
    else
        error_no_os();
    return error;
}

/* ---- directories ---- */

/* Puts an entry into the tail. false: its name does not fit. */
static bool list_keep(struct file_call *c, const struct sys_entry *entry,
                      size_t *used)
{
    rondo_dir_entry *entries = (rondo_dir_entry *)(void *)c->tail;
    char *names = c->to;
    size_t size = strlen(entry->name) + 1;
    if (size > c->room - *used)
        return false;
    entries[c->moved++] =
        (rondo_dir_entry){.name = memcpy(names + *used, entry->name, size),
                          .type = entry->type,
                          .info = entry->info};
    *used += size;
    return true;
}

/* The room for names has place for one of any length. */
static int run_list(struct file_call *c)
{
    rondo_file *f = c->file;
    rondo_dir_entry *entries = (rondo_dir_entry *)(void *)c->tail;
    rondo_file_info *infos = (rondo_file_info *)(void *)(entries + c->count);
    size_t used = 0;
    assert(f);
    int got = f->dir ? 0 : sys_dir_open(f->fd, &f->dir);
    if (got)
        return got;
    while (c->moved < c->count) {
        struct sys_entry entry = {
            .info = c->flags & RONDO_LIST_INFO ? &infos[c->moved] : NULL};
        got = sys_dir_next(f->dir, &entry);
        if (got <= 0)
            return got;
        if (list_keep(c, &entry, &used))
            continue;
        assert(c->moved);
        sys_dir_again(f->dir);
        return 0;
    }
    return 0;
}

/* ---- all ---- */

static int64_t run_realpath(struct file_call *c)
{
    int64_t size = sys_fs_realpath(c->path, c->to, c->room);
    assert(size < (int64_t)c->room);
    if (size >= 0)
        ((char *)c->to)[size] = '\0';
    return size;
}

int64_t file_carry_out_more(struct file_call *c)
{
    sys_fd fd = c->file ? c->file->fd : SYS_NO_FD;
    switch (c->verb) {
    case FILE_CHANGE:
    case PATH_CHANGE:
        return sys_fs_change(fd, c->path, &c->changes);
    case FILE_ALLOCATE:
        return sys_fs_allocate(fd, c->position, c->size);
    case FILE_ADVISE:
        return sys_fs_advise(fd, c->position, c->size, (rondo_advice)c->flags);
    case FILE_LOCK:
        return sys_fs_lock(fd, c->position, c->size, c->flags);
    case FILE_UNLOCK:
        return sys_fs_unlock(fd, c->position, c->size);
    case FILE_LIST:
        return run_list(c);
    case PATH_REMOVE:
        return sys_fs_remove_tree(c->path, &c->stop);
    case PATH_LINK:
        return sys_fs_link(c->path, c->other);
    case PATH_ACCESS:
        return sys_fs_access(c->path, c->flags);
    case PATH_REALPATH:
        return run_realpath(c);
    case PATH_SPACE:
        return sys_fs_space(c->path, &c->space);
    case PATH_MAKE:
        return run_make_path(c);
    case PATH_TEMPORARY:
        return sys_fs_mkdir(c->path, c->mode);
    case PATH_COPY:
        return run_copy(c);
    default:
        break;
    }
    return RONDO_EINVAL;
}

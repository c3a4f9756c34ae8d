/* files_path.c - files by their paths, directories: simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#define _GNU_SOURCE
#include "sim/disk.h"

#include "base/error.h"
#include "core/notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where something new is to be. 0, or an error: RONDO_EEXIST. */
static int files_find_free(const char *path, struct disk_place *p)
{
    int error = disk_call();
    if (!error)
        error = disk_find(NULL, path, false, p);
    if (error)
        return error;
    if (p->node)
        return sim_fail(EEXIST);
    return sim_fault(SIM_FAULT_disk_full) ? sim_fail(ENOSPC) : 0;
}

/* ---- one name ---- */

int sys_fs_stat_path(const char *path, bool follow, rondo_file_info *info)
{
    struct disk_place p;
    int error = disk_find_node(path, follow, &p);
    if (!error)
        disk_tell(p.node, info);
    return error;
}

int sys_fs_unlink(const char *path)
{
    struct disk_place p;
    int error = disk_find_node(path, false, &p);
    if (error)
        return error;
    if (p.node->type == DISK_DIRECTORY)
        return sim_fail(EISDIR);
    disk_leave(p.parent, p.name);
    return 0;
}

int sys_fs_mkdir(const char *path, unsigned mode)
{
    struct disk_place p;
    int error = files_find_free(path, &p);
    if (!error)
        disk_enter(&p, disk_new_node(DISK_DIRECTORY, mode ? mode : 0755));
    return error;
}

int sys_fs_rmdir(const char *path)
{
    struct disk_place p;
    int error = disk_find_node(path, false, &p);
    if (error)
        return error;
    if (p.node->type != DISK_DIRECTORY)
        return sim_fail(ENOTDIR);
    if (!*p.name)
        return sim_fail(p.node->parent == p.node ? EBUSY : EINVAL);
    if (p.node->entries)
        return sim_fail(ENOTEMPTY);
    disk_leave(p.parent, p.name);
    return 0;
}

int sys_fs_symlink(const char *target, const char *path)
{
    struct disk_place p = {0};
    int error = *target ? files_find_free(path, &p) : sim_fail(ENOENT);
    if (error)
        return error;
    if (p.slash)
        return sim_fail(ENOENT);
    struct disk_node *node = disk_new_node(DISK_LINK, 0777);
    node->target = strdup(target);
    if (!node->target)
        sim_die("out of memory for files");
    disk_enter(&p, node);
    return 0;
}

int64_t sys_fs_readlink(const char *path, char *text, size_t room)
{
    struct disk_place p;
    int error = disk_find_node(path, false, &p);
    if (error)
        return error;
    if (p.node->type != DISK_LINK)
        return sim_fail(EINVAL);
    size_t size = strlen(p.node->target);
    if (size >= room)
        return disk_refuse(RONDO_ETOOMUCH);
    memcpy(text, p.node->target, size);
    return (int64_t)size;
}

int sys_fs_link(const char *path, const char *name)
{
    struct disk_place from, to;
    int error = disk_find_node(path, false, &from);
    if (error)
        return error;
    if (from.node->type == DISK_DIRECTORY)
        return sim_fail(EPERM);
    error = files_find_free(name, &to);
    if (!error)
        disk_enter(&to, from.node);
    return error;
}

int sys_fs_access(const char *path, unsigned access)
{
    struct disk_place p;
    int error = disk_find_node(path, true, &p);
    if (error)
        return error;
    bool may = !(access & RONDO_ACCESS_READ && !(p.node->mode & 0444)) &&
               !(access & RONDO_ACCESS_WRITE && !(p.node->mode & 0222)) &&
               !(access & RONDO_ACCESS_EXECUTE && !(p.node->mode & 0111));
    return may ? 0 : sim_fail(EACCES);
}

/* ---- rename ---- */

static bool files_is_within(const struct disk_node *inner,
                            const struct disk_node *outer)
{
    while (inner != outer && inner->parent != inner)
        inner = inner->parent;
    return inner == outer;
}

/* 0: `from` may take the place `to`, whose node it replaces. */
static int files_check_rename(const struct disk_place *from,
                              const struct disk_place *to)
{
    bool folder = from->node->type == DISK_DIRECTORY;
    if (!*from->name || (to->node && !*to->name))
        return sim_fail(EBUSY);
    if (folder && files_is_within(to->parent, from->node))
        return sim_fail(EINVAL);
    if (!to->node)
        return !folder && to->slash ? sim_fail(ENOTDIR) : 0;
    if (to->node->type == DISK_DIRECTORY) {
        if (!folder)
            return sim_fail(EISDIR);
        return to->node->entries ? sim_fail(ENOTEMPTY) : 0;
    }
    return folder ? sim_fail(ENOTDIR) : 0;
}

int sys_fs_rename(const char *from, const char *to)
{
    struct disk_place a, b;
    int error = disk_find_node(from, false, &a);
    if (!error)
        error = disk_find(NULL, to, false, &b);
    if (error)
        return error;
    if (a.node == b.node)
        return 0;
    error = files_check_rename(&a, &b);
    if (error)
        return error;
    struct disk_node *node = a.node;
    node->opens++; /* it stays between its names */
    if (b.node)
        disk_leave(b.parent, b.name);
    disk_leave_moved(a.parent, a.name);
    disk_enter_moved(&b, node);
    disk_unopen(node);
    return 0;
}

/* ---- attributes, space, names ---- */

static void files_set_time(int64_t *time, int64_t ns)
{
    if (ns == RONDO_TIME_NOW)
        *time = disk_time();
    else if (ns != RONDO_TIME_KEEP)
        *time = ns;
}

static void files_change(struct disk_node *n, const rondo_file_changes *c)
{
    if (c->changes & RONDO_CHANGE_OWNER) {
        n->uid = c->uid < 0 ? n->uid : c->uid;
        n->gid = c->gid < 0 ? n->gid : c->gid;
    }
    if (c->changes & RONDO_CHANGE_MODE)
        n->mode = c->mode;
    if (c->changes & RONDO_CHANGE_TIMES) {
        files_set_time(&n->accessed_ns, c->accessed_ns);
        files_set_time(&n->modified_ns, c->modified_ns);
    }
    n->changed_ns = disk_time();
    changes_of(n, NOTIFY_CHECK | NOTIFY_ATTRIBUTES);
}

int sys_fs_change(sys_fd file, const char *path,
                  const rondo_file_changes *changes)
{
    struct disk_place p;
    bool link = changes->changes & RONDO_CHANGE_LINK;
    if (!path) {
        const struct disk_open *o = files_get(file);
        int error = o ? disk_call() : RONDO_EBADF;
        if (!error)
            files_change(o->node, changes);
        return error;
    }
    int error = disk_find_node(path, !link, &p);
    if (!error && p.node->type == DISK_LINK &&
        changes->changes & RONDO_CHANGE_MODE)
        error = sim_fail(EOPNOTSUPP);
    if (!error)
        files_change(p.node, changes);
    return error;
}

/* Writes the path of a directory before `end`; returns its beginning. */
static char *files_write_path(const struct disk_node *n, char *start, char *end)
{
    for (; n->parent != n; n = n->parent) {
        const struct disk_entry *e = n->parent->entries;
        while (e && e->node != n)
            e = e->next;
        size_t size = e ? strlen(e->name) : 0;
        if (!e || (size_t)(end - start) < size + 1)
            return NULL;
        end -= size;
        memcpy(end, e->name, size);
        *--end = '/';
    }
    return end;
}

int64_t sys_fs_realpath(const char *path, char *text, size_t room)
{
    static char all[DISK_TEXT]; /* one thread runs at a time */
    char *end = all + sizeof all, *at = end;
    struct disk_place p;
    int error = disk_find_node(path, true, &p);
    if (error)
        return error;
    const struct disk_node *folder = p.node;
    if (p.node->type != DISK_DIRECTORY) {
        folder = p.parent;
        at -= strlen(p.name);
        memcpy(at, p.name, strlen(p.name));
        *--at = '/';
    }
    at = files_write_path(folder, all, at);
    if (!at)
        return sim_fail(ENOENT);
    if (at == end)
        *--at = '/';
    size_t size = (size_t)(end - at);
    if (size >= room)
        return disk_refuse(RONDO_ETOOMUCH);
    memcpy(text, at, size);
    text[size] = '\0';
    return (int64_t)size;
}

int sys_fs_space(const char *path, rondo_space_info *space)
{
    struct disk_place p;
    int error = disk_find_node(path, true, &p);
    if (error)
        return error;
    const struct sim_disk *d = p.node->disk;
    int64_t left = d->most - d->used;
    space->block_bytes = 1;
    space->total_bytes = (uint64_t)d->most;
    space->free_bytes = space->usable_bytes = (uint64_t)(left > 0 ? left : 0);
    space->files = space->free_files = 0;
    return 0;
}

bool sys_fs_separates(char c)
{
    return c == '/';
}

/* ---- copies ---- */

enum { COPY_PIECE = 4096 };

static int64_t files_copy_bytes(sys_fd from, sys_fd to, const atomic_bool *stop)
{
    char bytes[COPY_PIECE];
    int64_t whole = 0;
    for (;;) {
        const rondo_buffer room = {bytes, sizeof bytes};
        if (atomic_load(stop))
            return disk_refuse(RONDO_ECANCELED);
        int64_t count = sys_fs_read(from, &room, 1, whole), written = 0;
        if (count <= 0)
            return count ? count : whole;
        while (written < count) {
            const rondo_buffer part = {bytes + written,
                                       (size_t)(count - written)};
            int64_t put = sys_fs_write(to, &part, 1, whole + written);
            if (put < 0)
                return put;
            written += put;
        }
        whole += count;
    }
}

static int64_t files_copy_to(sys_fd from, const char *to,
                             const atomic_bool *stop)
{
    sys_fd made;
    rondo_file_info info;
    int error = sys_fs_stat(from, &info);
    if (!error)
        error = files_open(NULL, to,
                           RONDO_FILE_WRITE | RONDO_FILE_CREATE |
                               RONDO_FILE_EXCLUSIVE,
                           info.mode, false, &made);
    if (error)
        return error;
    int64_t count = files_copy_bytes(from, made, stop);
    int64_t number = rondo_last_os_error();
    sys_close(made);
    if (count < 0) {
        struct disk_place p;
        if (disk_find(NULL, to, false, &p) == 0 && p.node)
            disk_leave(p.parent, p.name);
        error_keep_os(number);
    }
    return count;
}

int64_t sys_fs_copy(const char *from, const char *to, unsigned flags,
                    const atomic_bool *stop)
{
    sys_fd fd;
    bool seeks = false;
    if (flags & RONDO_COPY_CLONE)
        return disk_refuse(RONDO_ENOTSUP);
    int error = sys_fs_open(SYS_NO_FD, from, RONDO_FILE_READ, 0, &fd, &seeks);
    if (error)
        return error;
    int64_t count =
        seeks ? files_copy_to(fd, to, stop) : disk_refuse(RONDO_ENOTSUP);
    sys_close(fd);
    return count;
}

/* ---- directories ---- */

struct sys_dir {
    sys_fd fd;
    struct disk_node *node;
    size_t count, at;
    char *names[];
};

int sys_dir_open(sys_fd directory, struct sys_dir **dir)
{
    const struct disk_open *o = files_get(directory);
    size_t i = 0;
    *dir = NULL;
    int error = o ? disk_call() : RONDO_EBADF;
    if (!error && o->node->type != DISK_DIRECTORY)
        error = sim_fail(ENOTDIR);
    if (error)
        return error;
    size_t count = o->node->count;
    struct sys_dir *d = sys_alloc(sizeof *d + count * sizeof *d->names);
    if (!d)
        return sim_fail(ENOMEM);
    *d = (struct sys_dir){directory, o->node, count, 0};
    for (const struct disk_entry *e = o->node->entries; e; e = e->next) {
        size_t size = strlen(e->name) + 1;
        d->names[i] = sim_alloc_for(sim_process(), size);
        memcpy(d->names[i++], e->name, size);
    }
    *dir = d;
    return 0;
}

int sys_dir_next(struct sys_dir *dir, struct sys_entry *entry)
{
    const struct disk_node *node = NULL;
    int error = disk_call();
    if (error)
        return error;
    while (!node && dir->at < dir->count) {
        entry->name = dir->names[dir->at++];
        node = disk_look(dir->node, entry->name);
    }
    if (!node)
        return 0;
    rondo_file_info info;
    disk_tell(node, &info);
    entry->type = info.type;
    if (entry->info)
        disk_tell(node, entry->info);
    return 1;
}

void sys_dir_again(struct sys_dir *dir)
{
    dir->at--;
}

int sys_dir_close(struct sys_dir *dir)
{
    int error = sys_fs_close(dir->fd);
    for (size_t i = 0; i < dir->count; i++)
        sys_free(dir->names[i]);
    sys_free(dir);
    return error;
}

static int files_remove(struct disk_node *parent, const char *name,
                        const atomic_bool *stop)
{
    struct disk_node *node = disk_look(parent, name);
    int error = disk_call();
    if (!error && atomic_load(stop))
        error = disk_refuse(RONDO_ECANCELED);
    while (!error && node && node->type == DISK_DIRECTORY && node->entries)
        error = files_remove(node, node->entries->name, stop);
    if (!error && disk_look(parent, name) == node && node)
        disk_leave(parent, name);
    return error;
}

int sys_fs_remove_tree(const char *path, const atomic_bool *stop)
{
    struct disk_place p;
    int error = disk_find_node(path, false, &p);
    if (error)
        return error;
    return *p.name ? files_remove(p.parent, p.name, stop) : sim_fail(EBUSY);
}

/* ---- of a program's own ---- */

static int files_check_host(const char *what)
{
    return sim_host()
               ? 0
               : error_set(RONDO_EINVAL,
                           "%s: called by the driver, not by a host", what);
}

rondo_fd rondo_sim_open(const char *path, unsigned flags)
{
    sys_fd fd = SYS_NO_FD;
    int error = files_check_host("sim_open");
    if (error)
        return error;
    error = files_open(NULL, path, flags, 0, true, &fd);
    return error ? error_os(error, "sim_open: %s", path) : fd;
}

int rondo_sim_make_fifo(const char *path)
{
    struct disk_place p;
    int error = files_check_host("sim_make_fifo");
    if (error)
        return error;
    error = files_find_free(path, &p);
    if (!error)
        disk_enter(&p, disk_new_node(DISK_FIFO, 0644));
    return error ? error_os(error, "sim_make_fifo: %s", path) : 0;
}

int64_t rondo_sim_seek(rondo_fd fd, int64_t position)
{
    int error = files_check_host("sim_seek");
    if (error)
        return error;
    const struct disk_open *o = files_get(sys_fd_of(fd));
    if (!o || position < -1)
        return error_set(o ? RONDO_EINVAL : RONDO_EBADF,
                         "sim_seek: descriptor %lld, position %lld",
                         (long long)fd, (long long)position);
    if (position >= 0)
        sys_file_seek(sys_fd_of(fd), position);
    return (int64_t)o->position;
}

static int files_path_result(const char *what, const char *path, int error)
{
    return error ? error_os(error, "%s: %s", what, path) : 0;
}

int rondo_sim_truncate(rondo_fd fd, int64_t size)
{
    int error = files_check_host("sim_truncate");
    if (error)
        return error;
    error = sys_fs_truncate(sys_fd_of(fd), size);
    return files_path_result("sim_truncate", "a file", error);
}

int rondo_sim_make_directory(const char *path)
{
    int error = files_check_host("sim_make_directory");
    return error ? error
                 : files_path_result("sim_make_directory", path,
                                     sys_fs_mkdir(path, 0));
}

int rondo_sim_remove(const char *path)
{
    static const atomic_bool goes_on;
    int error = files_check_host("sim_remove");
    return error ? error
                 : files_path_result("sim_remove", path,
                                     sys_fs_remove_tree(path, &goes_on));
}

int rondo_sim_rename(const char *from, const char *to)
{
    int error = files_check_host("sim_rename");
    return error
               ? error
               : files_path_result("sim_rename", from, sys_fs_rename(from, to));
}

int rondo_sim_set_mode(const char *path, unsigned mode)
{
    const rondo_file_changes c = {.changes = RONDO_CHANGE_MODE, .mode = mode};
    int error = files_check_host("sim_set_mode");
    return error ? error
                 : files_path_result("sim_set_mode", path,
                                     sys_fs_change(SYS_NO_FD, path, &c));
}

int rondo_sim_make_hard_link(const char *path, const char *name)
{
    int error = files_check_host("sim_make_hard_link");
    return error ? error
                 : files_path_result("sim_make_hard_link", name,
                                     sys_fs_link(path, name));
}

int rondo_sim_make_link(const char *target, const char *path)
{
    int error = files_check_host("sim_make_link");
    return error ? error
                 : files_path_result("sim_make_link", path,
                                     sys_fs_symlink(target, path));
}

int rondo_sim_count_files(const char *path)
{
    struct disk_place p;
    int error = files_check_host("sim_count_files");
    if (error)
        return error;
    error = disk_find_node(path, false, &p);
    return error ? files_path_result("sim_count_files", path, error)
                 : (int)p.node->count;
}
#endif

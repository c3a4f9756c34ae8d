/* files.c - open files of a simulated host: reading, writing, sending. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/disk.h"

#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FLOW_WAIT_MS = 50, SEND_MOST = 16384 };

static struct disk_open *files_open_of(const struct sim_socket *s)
{
    return s->of_class;
}

/* ---- bytes ---- */

int64_t files_read_at(const struct disk_open *o, void *data, size_t size,
                      size_t at)
{
    const struct disk_node *n = o->node;
    if (!(o->flags & RONDO_FILE_READ))
        return sim_fail(EBADF);
    if (n->type == DISK_DIRECTORY)
        return sim_fail(EISDIR);
    if (at >= n->now.size)
        return 0;
    if (size > n->now.size - at)
        size = n->now.size - at;
    if (size > 1 && sim_fault(SIM_FAULT_short_read))
        size = 1 + (size_t)sim_below(size - 1);
    memcpy(data, n->now.bytes + at, size);
    return (int64_t)size;
}

/* How many bytes have room on the disk; 0: none. */
static size_t files_room(const struct disk_node *n, size_t size, size_t at)
{
    int64_t left = n->disk->most - n->disk->used;
    size_t most = n->now.size + (size_t)(left > 0 ? left : 0);
    if (at >= most)
        return 0;
    return size < most - at ? size : most - at;
}

int64_t files_write_at(struct disk_open *o, const void *data, size_t size,
                       size_t at)
{
    struct disk_node *n = o->node;
    if (!(o->flags & (RONDO_FILE_WRITE | RONDO_FILE_APPEND)))
        return sim_fail(EBADF);
    if (n->type == DISK_NULL || !size)
        return (int64_t)size;
    if (o->flags & RONDO_FILE_APPEND)
        at = n->now.size;
    if (at > (size_t)1 << 40)
        return sim_fail(EFBIG);
    size = files_room(n, size, at);
    if (!size)
        return sim_fail(ENOSPC);
    if (size > 1 && sim_fault(SIM_FAULT_short_write))
        size = 1 + (size_t)sim_below(size - 1);
    int error = at + size > n->now.size ? disk_resize(n, at + size) : 0;
    if (error)
        return error;
    memcpy(n->now.bytes + at, data, size);
    disk_change_time(n, true);
    return (int64_t)size;
}

/* ---- as any descriptor ---- */

static unsigned files_events(const struct sim_socket *s)
{
    (void)s;
    return RONDO_READABLE | RONDO_WRITABLE;
}

static int64_t files_read(struct sim_socket *s, void *data, size_t size)
{
    struct disk_open *o = files_open_of(s);
    int64_t count = disk_call();
    if (!count)
        count = files_read_at(o, data, size, o->position);
    if (count > 0)
        o->position += (size_t)count;
    return count;
}

static int64_t files_write(struct sim_socket *s, const rondo_buffer *buffers,
                           size_t count)
{
    struct disk_open *o = files_open_of(s);
    int64_t whole = disk_call();
    for (size_t i = 0; i < count && whole >= 0; i++) {
        int64_t part =
            files_write_at(o, buffers[i].data, buffers[i].size, o->position);
        if (part < 0)
            return whole ? whole : part;
        o->position = o->flags & RONDO_FILE_APPEND ? o->node->now.size
                                                   : o->position + (size_t)part;
        whole += part;
        if ((size_t)part < buffers[i].size)
            break;
    }
    return whole;
}

static void files_closed(struct sim_socket *s)
{
    struct disk_open *o = files_open_of(s);
    files_unlock_all(o->node, o);
    disk_unopen(o->node);
    s->of_class = NULL;
    free(o);
}

static void files_report(FILE *to, const struct sim_socket *s)
{
    const struct disk_open *o = files_open_of(s);
    fprintf(to, "%s:   socket %u is file %llu of %zu bytes\n", s->host->name,
            s->number, (unsigned long long)o->node->number, o->node->now.size);
}

static const struct sim_class files_class = {
    .kind = SYS_KIND_FILE,
    .events = files_events,
    .read = files_read,
    .write = files_write,
    .close = files_closed,
    .report = files_report,
};

static int64_t files_null_read(struct sim_socket *s, void *data, size_t size)
{
    (void)s;
    (void)data;
    (void)size;
    return 0;
}

/* No loop waits for it: epoll refuses it, too. */
static const struct sim_class files_null_class = {
    .kind = SYS_KIND_OTHER,
    .refuses_waits = true,
    .events = files_events,
    .read = files_null_read,
    .write = files_write,
    .close = files_closed,
    .report = files_report,
};

struct disk_open *files_get(sys_fd fd)
{
    struct sim_socket *s = net_get(fd);
    if (s && (s->is == &files_class || s->is == &files_null_class))
        return files_open_of(s);
    if (s)
        (void)sim_fail(EBADF);
    return NULL;
}

/* ---- open, close ---- */

/* 0: a file is to be made or opened. */
static int files_check_open(const struct disk_place *p, unsigned flags,
                            bool follow)
{
    const struct disk_node *n = p->node;
    bool writes = flags & (RONDO_FILE_WRITE | RONDO_FILE_APPEND);
    if (!n)
        return flags & RONDO_FILE_CREATE && !p->slash ? 0 : sim_fail(ENOENT);
    if (flags & RONDO_FILE_CREATE && flags & RONDO_FILE_EXCLUSIVE)
        return sim_fail(EEXIST);
    if (n->type == DISK_LINK && !follow)
        return disk_refuse(RONDO_ELOOP);
    if (flags & RONDO_FILE_AS_DIRECTORY)
        return n->type == DISK_DIRECTORY ? 0 : sim_fail(ENOTDIR);
    if (n->type == DISK_DIRECTORY)
        return writes ? sim_fail(EISDIR) : disk_refuse(RONDO_EISDIR);
    return 0;
}

static int files_take(struct disk_node *node, unsigned flags, sys_fd *fd)
{
    int error = net_make(SIM_OTHER, RONDO_FAMILY_ANY, fd);
    if (error)
        return error;
    struct sim_socket *s = net_get(*fd);
    struct disk_open *o = calloc(1, sizeof *o);
    if (!o)
        sim_die("out of memory for files");
    o->node = node;
    o->flags = flags;
    node->opens++;
    s->of_class = o;
    s->is = node->type == DISK_NULL ? &files_null_class : &files_class;
    s->sides =
        (flags & RONDO_FILE_READ ? SIDE_READ : 0U) |
        (flags & (RONDO_FILE_WRITE | RONDO_FILE_APPEND) ? SIDE_WRITE : 0U);
    s->blocking = true;
    return 0;
}

static int files_take_fifo(struct disk_node *node, unsigned flags, sys_fd *fd)
{
    unsigned sides = (flags & RONDO_FILE_READ ? SIDE_READ : 0U) |
                     (flags & RONDO_FILE_WRITE ? SIDE_WRITE : 0U);
    return pipes_open_fifo(&node->pipe, sides, fd);
}

/* The file is made only if there is a descriptor for it. */
static int files_make(const struct disk_place *p, unsigned flags, unsigned mode,
                      sys_fd *fd)
{
    if (sim_fault(SIM_FAULT_disk_full))
        return sim_fail(ENOSPC);
    struct disk_node *node = disk_new_node(DISK_FILE, mode ? mode : 0644);
    int error = files_take(node, flags, fd);
    if (!error)
        disk_enter(p, node);
    return error;
}

int files_open(struct disk_node *base, const char *path, unsigned flags,
               unsigned mode, bool fifos, sys_fd *fd)
{
    struct disk_place p;
    bool follow = !(flags & RONDO_FILE_NO_FOLLOW) &&
                  !(flags & RONDO_FILE_CREATE && flags & RONDO_FILE_EXCLUSIVE);
    *fd = SYS_NO_FD;
    int error = disk_call();
    if (!error)
        error = disk_find(base, path, follow, &p);
    if (!error)
        error = files_check_open(&p, flags, follow);
    if (error)
        return error;
    if (!p.node)
        return files_make(&p, flags, mode, fd);
    if (p.node->type == DISK_FIFO)
        return fifos ? files_take_fifo(p.node, flags, fd)
                     : disk_refuse(RONDO_ENOTSUP);
    error = files_take(p.node, flags, fd);
    if (!error && flags & RONDO_FILE_TRUNCATE && p.node->type == DISK_FILE)
        (void)disk_resize(p.node, 0);
    return error;
}

int sys_fs_open(sys_fd directory, const char *path, unsigned flags,
                unsigned mode, sys_fd *file, bool *seeks)
{
    struct disk_node *base = NULL;
    *file = SYS_NO_FD;
    if (directory != SYS_NO_FD) {
        const struct disk_open *o = files_get(directory);
        if (!o)
            return RONDO_EBADF;
        base = o->node;
    }
    int error = files_open(base, path, flags, mode, false, file);
    const struct disk_open *o = error ? NULL : files_get(*file);
    if (o)
        *seeks = o->node->type == DISK_FILE;
    return error;
}

int sys_null(sys_fd *fd)
{
    return files_open(NULL, "/dev/null", RONDO_FILE_READ | RONDO_FILE_WRITE, 0,
                      false, fd);
}

int sys_fs_close(sys_fd file)
{
    if (!net_get(file))
        return RONDO_EBADF;
    int error = disk_call();
    sys_close(file);
    return error;
}

/* ---- read, write ---- */

/* Goes on from part to part until one is moved short of its size. */
static int64_t files_move(sys_fd file, const rondo_buffer *parts, size_t count,
                          int64_t offset, bool writes)
{
    struct disk_open *o = files_get(file);
    int64_t whole = o ? disk_call() : RONDO_EBADF;
    size_t at = offset < 0 ? 0 : (size_t)offset;
    for (size_t i = 0; i < count && whole >= 0; i++) {
        void *data = (void *)(uintptr_t)parts[i].data;
        size_t size = parts[i].size, here = at + (size_t)whole;
        int64_t part = writes ? files_write_at(o, data, size, here)
                              : files_read_at(o, data, size, here);
        if (part < 0)
            return whole ? whole : part;
        whole += part;
        if ((size_t)part < size)
            break;
    }
    return whole;
}

int64_t sys_fs_read(sys_fd file, const rondo_buffer *parts, size_t count,
                    int64_t offset)
{
    return files_move(file, parts, count, offset, false);
}

int64_t sys_fs_read_now(sys_fd file, void *data, size_t size, int64_t offset)
{
    const struct disk_open *o = files_get(file);
    if (!o || o->node->type != DISK_FILE)
        return RONDO_ENOTSUP;
    if (sim_fault(SIM_FAULT_slow_disk))
        return RONDO_EAGAIN;
    return files_read_at(o, data, size, (size_t)offset);
}

int64_t sys_fs_write(sys_fd file, const rondo_buffer *parts, size_t count,
                     int64_t offset)
{
    return files_move(file, parts, count, offset, true);
}

int sys_fs_sync(sys_fd file, bool only_data)
{
    const struct disk_open *o = files_get(file);
    int error = o ? disk_call() : RONDO_EBADF;
    (void)only_data;
    if (!error)
        disk_sync(o->node);
    return error;
}

int sys_fs_stat(sys_fd file, rondo_file_info *info)
{
    const struct disk_open *o = files_get(file);
    int error = o ? disk_call() : RONDO_EBADF;
    if (!error)
        disk_tell(o->node, info);
    return error;
}

int sys_fs_truncate(sys_fd file, int64_t size)
{
    const struct disk_open *o = files_get(file);
    int error = o ? disk_call() : RONDO_EBADF;
    if (error)
        return error;
    if (!(o->flags & (RONDO_FILE_WRITE | RONDO_FILE_APPEND)) ||
        o->node->type != DISK_FILE)
        return sim_fail(EINVAL);
    return disk_resize(o->node, (size_t)size);
}

int sys_fs_allocate(sys_fd file, int64_t position, int64_t size)
{
    const struct disk_open *o = files_get(file);
    int error = o ? disk_call() : RONDO_EBADF;
    if (error)
        return error;
    size_t end = (size_t)(position + size);
    if (!(o->flags & (RONDO_FILE_WRITE | RONDO_FILE_APPEND)))
        return sim_fail(EBADF);
    return end > o->node->now.size ? disk_resize(o->node, end) : 0;
}

int sys_fs_advise(sys_fd file, int64_t position, int64_t size,
                  rondo_advice advice)
{
    (void)position;
    (void)size;
    (void)advice;
    return files_get(file) ? 0 : RONDO_EBADF;
}

bool sys_is_directory(sys_fd fd)
{
    const struct disk_open *o = files_get(fd);
    return o && o->node->type == DISK_DIRECTORY;
}

/* ---- locks ---- */

static int64_t files_lock_end(int64_t position, int64_t size)
{
    return size ? position + size : INT64_MAX;
}

static void files_add_lock(struct disk_node *node, struct disk_lock lock)
{
    struct disk_lock *l = malloc(sizeof *l);
    if (!l)
        sim_die("out of memory for locks");
    *l = lock;
    l->next = node->locks;
    node->locks = l;
}

/* What is left of a lock of which a part is taken away. */
static void files_cut_lock(struct disk_node *node, const struct disk_lock *l,
                           int64_t start, int64_t end)
{
    struct disk_lock part = *l;
    if (l->start < start) {
        part.end = start;
        files_add_lock(node, part);
    }
    part = *l;
    if (l->end > end) {
        part.start = end;
        files_add_lock(node, part);
    }
}

static void files_unlock(struct disk_node *node, const struct disk_open *owner,
                         int64_t start, int64_t end)
{
    struct disk_lock *list = node->locks;
    node->locks = NULL;
    while (list) {
        struct disk_lock *l = list;
        list = l->next;
        if (l->owner != owner || l->start >= end || l->end <= start)
            files_add_lock(node, *l);
        else
            files_cut_lock(node, l, start, end);
        free(l);
    }
}

void files_unlock_all(struct disk_node *node, const struct disk_open *owner)
{
    files_unlock(node, owner, 0, INT64_MAX);
}

int sys_fs_lock(sys_fd file, int64_t position, int64_t size, unsigned flags)
{
    const struct disk_open *o = files_get(file);
    int error = o ? disk_call() : RONDO_EBADF;
    if (error)
        return error;
    bool shared = flags & RONDO_LOCK_SHARED;
    int64_t end = files_lock_end(position, size);
    if (!(o->flags &
          (shared ? RONDO_FILE_READ : RONDO_FILE_WRITE | RONDO_FILE_APPEND)))
        return sim_fail(EBADF);
    for (const struct disk_lock *l = o->node->locks; l; l = l->next)
        if (l->owner != o && l->start < end && l->end > position &&
            !(l->shared && shared))
            return disk_refuse(RONDO_EBUSY);
    files_unlock(o->node, o, position, end);
    files_add_lock(o->node, (struct disk_lock){NULL, o, position, end, shared});
    return 0;
}

int sys_fs_unlock(sys_fd file, int64_t position, int64_t size)
{
    const struct disk_open *o = files_get(file);
    if (!o)
        return RONDO_EBADF;
    files_unlock(o->node, o, position, files_lock_end(position, size));
    return 0;
}

/* ---- files to send ---- */

enum sys_source sys_source(sys_fd file)
{
    const struct sim_socket *s = net_get(file);
    if (!s)
        return SYS_SOURCE_BAD;
    if (!s->is)
        return SYS_SOURCE_NONE;
    if (!(s->sides & SIDE_READ))
        return SYS_SOURCE_BAD;
    if (s->is != &files_class)
        return SYS_SOURCE_FLOW;
    return files_open_of(s)->node->type == DISK_FILE ? SYS_SOURCE_FILE
                                                     : SYS_SOURCE_NONE;
}

int64_t sys_file_size(sys_fd file)
{
    const struct disk_open *o = files_get(file);
    return o ? (int64_t)o->node->now.size : RONDO_EBADF;
}

void sys_file_seek(sys_fd file, int64_t offset)
{
    struct disk_open *o = files_get(file);
    if (o)
        o->position = (size_t)offset;
}

static int64_t files_read_flow(sys_fd file, void *data, size_t size)
{
    int64_t until = sim.now + RONDO_MS(FLOW_WAIT_MS);
    for (;;) {
        struct sim_socket *s = net_get(file);
        int64_t count = s ? s->is->read(s, data, size) : RONDO_EBADF;
        if (count != RONDO_EAGAIN || sim.now >= until)
            return count;
        (void)sim_block("a pipe to send from", sim.now + RONDO_US(10));
    }
}

int64_t sys_file_read(sys_fd file, void *data, size_t size, int64_t offset)
{
    if (offset < 0)
        return files_read_flow(file, data, size);
    const struct disk_open *o = files_get(file);
    int64_t count = o ? disk_call() : RONDO_EBADF;
    return count ? count : files_read_at(o, data, size, (size_t)offset);
}

int sys_file_copy(sys_fd file, sys_fd *copy)
{
    return sys_duplicate(file, copy);
}

void sys_file_close(sys_fd file)
{
    sys_close(file);
}

bool sys_is_quiet(void)
{
    return true;
}

/* The bytes are read of the disk at once: a loop's thread makes the call. */
int64_t files_send(struct sim_socket *to, const struct sys_part *part)
{
    char bytes[SEND_MOST];
    const struct disk_open *o = files_get(part->file);
    size_t size = part->size < sizeof bytes ? part->size : sizeof bytes;
    if (!o)
        return RONDO_EBADF;
    if (sim_fault(SIM_FAULT_disk_error))
        return sim_fail(EIO);
    int64_t count = files_read_at(o, bytes, size, (size_t)part->offset);
    if (count <= 0)
        return count;
    const rondo_buffer one = {bytes, (size_t)count};
    return flow_send(to, &one, 1);
}

int64_t sys_sendfile(sys_fd to, const struct sys_part *part, bool quiet)
{
    struct sim_socket *s = net_get(to);
    (void)quiet;
    return s ? files_send(s, part) : RONDO_EBADF;
}
#endif

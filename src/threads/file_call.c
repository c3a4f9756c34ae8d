/* file_call.c - opening files, and what an open file can be asked. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "threads/file.h"

#include <string.h>

enum {
    MOST_MODE = 07777,
    ALL_FLAGS = RONDO_FILE_READ | RONDO_FILE_WRITE | RONDO_FILE_APPEND |
                RONDO_FILE_CREATE | RONDO_FILE_EXCLUSIVE | RONDO_FILE_TRUNCATE |
                RONDO_FILE_IN_ORDER | RONDO_FILE_AS_DIRECTORY |
                RONDO_FILE_NO_FOLLOW,
    OF_DIRECTORIES = RONDO_FILE_READ | RONDO_FILE_IN_ORDER |
                     RONDO_FILE_AS_DIRECTORY | RONDO_FILE_NO_FOLLOW,
    WRITES = RONDO_FILE_WRITE | RONDO_FILE_APPEND
};

/* ---- open ---- */

static int file_check_open(const char *path, unsigned flags, unsigned mode,
                           rondo_file_fn done)
{
    const char *what = file_verbs[FILE_OPEN].call;
    if (!path || !done)
        return error_set(RONDO_EINVAL, "%s: no %s", what,
                         path ? "function" : "path");
    if (flags & ~(unsigned)ALL_FLAGS)
        return error_set(RONDO_EINVAL, "%s: unknown flags", what);
    if (!(flags & (RONDO_FILE_READ | WRITES)))
        return error_set(RONDO_EINVAL, "%s: neither to read nor to write",
                         what);
    if (flags & RONDO_FILE_EXCLUSIVE && !(flags & RONDO_FILE_CREATE))
        return error_set(RONDO_EINVAL, "%s: EXCLUSIVE without CREATE", what);
    if (flags & RONDO_FILE_TRUNCATE && !(flags & WRITES))
        return error_set(RONDO_EINVAL, "%s: TRUNCATE without WRITE", what);
    if (flags & RONDO_FILE_AS_DIRECTORY && flags & ~(unsigned)OF_DIRECTORIES)
        return error_set(RONDO_EINVAL,
                         "%s: a directory is opened with READ, IN_ORDER and "
                         "NO_FOLLOW only",
                         what);
    return file_check_mode(FILE_OPEN, mode);
}

int file_check_mode(enum file_verb verb, unsigned mode)
{
    if (mode <= MOST_MODE)
        return 0;
    return error_set(RONDO_EINVAL, "%s: mode %#o; at most %#o is allowed",
                     file_verbs[verb].call, mode, (unsigned)MOST_MODE);
}

rondo_file *file_new(rondo_loop *loop, const char *path, size_t more)
{
    size_t size = strlen(path) + 1;
    rondo_file *f = loop_alloc(loop, sizeof *f + size + more);
    if (!f) {
        (void)error_set(RONDO_ENOMEM, "%s: out of memory",
                        file_verbs[FILE_OPEN].call);
        return NULL;
    }
    memset(f, 0, sizeof *f);
    memcpy(f->path, path, size);
    f->loop = loop;
    f->fd = SYS_NO_FD;
    f->last = &f->first;
    f->own = file_call_new(loop, f, FILE_OPEN, 0);
    if (f->own)
        return f;
    loop_free(loop, f);
    return NULL;
}

rondo_id rondo_file_open(rondo_loop *loop, const char *path, unsigned flags,
                         unsigned mode, rondo_file_fn done, void *arg)
{
    int error = loop_check_create(loop, file_verbs[FILE_OPEN].call);
    if (!error)
        error = file_check_open(path, flags, mode, done);
    if (error)
        return error;
    rondo_file *f = file_new(loop, path, 0);
    return f ? file_open_begin(f, flags, mode, done, arg) : RONDO_ENOMEM;
}

rondo_id file_open_begin(rondo_file *f, unsigned flags, unsigned mode,
                         rondo_file_fn done, void *arg)
{
    f->flags = flags;
    f->mode = mode;
    f->own->done.opened = done;
    f->own->arg = arg;
    return file_call_begin(f->own);
}

rondo_id rondo_file_open_at(rondo_file *directory, const char *path,
                            unsigned flags, unsigned mode, rondo_file_fn done,
                            void *arg)
{
    int error = file_check(directory, FILE_OPEN, done);
    if (!error && !(directory->flags & RONDO_FILE_AS_DIRECTORY))
        error = error_set(RONDO_EINVAL,
                          "file_open_at: \"%.1024s\" was not opened as "
                          "a directory",
                          directory->path);
    if (!error)
        error = file_check_open(path, flags, mode, done);
    if (error)
        return error;
    rondo_file *f = file_new(directory->loop, path, 0);
    if (!f)
        return RONDO_ENOMEM;
    f->base = directory;
    directory->calls++;
    return file_open_begin(f, flags, mode, done, arg);
}

rondo_id rondo_file_open_temporary(rondo_loop *loop, const char *prefix,
                                   unsigned flags, rondo_file_fn done,
                                   void *arg)
{
    const char *what = "file_open_temporary";
    int error = loop_check_create(loop, what);
    if (error)
        return error;
    if (!prefix || !done)
        return error_set(RONDO_EINVAL, "%s: no %s", what,
                         prefix ? "function" : "prefix");
    if (flags & ~(unsigned)(RONDO_FILE_APPEND | RONDO_FILE_IN_ORDER))
        return error_set(RONDO_EINVAL, "%s: unknown flags", what);
    rondo_file *f = file_new(loop, prefix, RONDO_TEMPORARY_CHARACTERS);
    if (!f)
        return RONDO_ENOMEM;
    file_random_name(f->path + strlen(prefix));
    return file_open_begin(f,
                           flags | RONDO_FILE_READ | RONDO_FILE_WRITE |
                               RONDO_FILE_CREATE | RONDO_FILE_EXCLUSIVE,
                           0600, done, arg);
}

const char *rondo_file_path(const rondo_file *file)
{
    return file ? file->path : NULL;
}

/* ---- close ---- */

rondo_id rondo_file_close(rondo_file *file, rondo_done_fn done, void *arg)
{
    const char *what = file_verbs[FILE_CLOSE].call;
    if (!file)
        return error_set(RONDO_EINVAL, "%s: no file", what);
    int error = loop_check(file->loop, what);
    if (error)
        return error;
    if (file->closing)
        return error_set(RONDO_ECLOSED, "%s: the file is being closed already",
                         what);
    file_close_begin(file, done, arg);
    return file->close_id;
}

rondo_fd rondo_file_fd(const rondo_file *file)
{
    return file && !file->closing ? (rondo_fd)file->fd : RONDO_NO_FD;
}

/* ---- read, write ---- */

int file_check(const rondo_file *file, enum file_verb verb, bool done)
{
    const char *what = file_verbs[verb].call;
    if (!file)
        return error_set(RONDO_EINVAL, "%s: no file", what);
    int error = loop_check_create(file->loop, what);
    if (error)
        return error;
    if (file->closing)
        return error_set(RONDO_ECLOSED, "%s: the file is being closed", what);
    if (!done)
        return error_set(RONDO_EINVAL, "%s: no function", what);
    bool directory = file->flags & RONDO_FILE_AS_DIRECTORY;
    if (directory && verb == FILE_READ)
        return error_set(RONDO_EISDIR, "%s: \"%.1024s\" is a directory", what,
                         file->path);
    if (!directory && verb == FILE_LIST)
        return error_set(RONDO_ENOTDIR,
                         "%s: \"%.1024s\" was not opened as a directory", what,
                         file->path);
    if (verb == FILE_READ && !(file->flags & RONDO_FILE_READ))
        return error_set(RONDO_EBADF, "%s: \"%.1024s\" is not open for reading",
                         what, file->path);
    bool writes =
        verb == FILE_WRITE || verb == FILE_TRUNCATE || verb == FILE_ALLOCATE;
    if (writes && !(file->flags & WRITES))
        return error_set(RONDO_EBADF, "%s: \"%.1024s\" is not open for writing",
                         what, file->path);
    return 0;
}

static int file_check_position(const rondo_file *file, enum file_verb verb,
                               int64_t position)
{
    const char *what = file_verbs[verb].call;
    if (position == RONDO_FILE_CURRENT)
        return 0;
    if (position < 0)
        return error_set(RONDO_EINVAL, "%s: a negative position", what);
    if (verb == FILE_WRITE && file->flags & RONDO_FILE_APPEND)
        return error_set(RONDO_EINVAL,
                         "%s: \"%.1024s\" is open for appending, at no other "
                         "position",
                         what, file->path);
    if (!file->seeks)
        return error_set(RONDO_EINVAL, "%s: \"%.1024s\" has no positions", what,
                         file->path);
    return 0;
}

/* The size of all parts, with the position before them, must be a number. */
static int file_check_parts(enum file_verb verb, int64_t position,
                            const rondo_buffer *parts, size_t count)
{
    const char *what = file_verbs[verb].call;
    uint64_t left =
        (uint64_t)INT64_MAX - (uint64_t)(position > 0 ? position : 0);
    if (left > SIZE_MAX)
        left = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        if (!parts[i].data && parts[i].size)
            return error_set(RONDO_EINVAL, "%s: a buffer is NULL", what);
        if (parts[i].size > left)
            return error_set(RONDO_EINVAL, "%s: more than a file can have",
                             what);
        left -= parts[i].size;
    }
    return 0;
}

static rondo_id file_move_begin(struct file_call *c, int64_t position,
                                rondo_file_io_fn done, void *arg)
{
    int error = file_check_parts(c->verb, position, c->parts, c->count);
    if (error) {
        file_call_free(c);
        return error;
    }
    c->current = position == RONDO_FILE_CURRENT;
    c->ordered = c->current || c->file->flags & RONDO_FILE_IN_ORDER;
    c->position = position;
    c->done.moved = done;
    c->arg = arg;
    return file_call_begin(c);
}

static int file_check_move(const rondo_file *file, enum file_verb verb,
                           int64_t position, bool parts, size_t count,
                           bool done)
{
    int error = file_check(file, verb, done);
    if (!error)
        error = file_check_position(file, verb, position);
    if (!error &&
        (count > SIZE_MAX / 2 / sizeof(rondo_buffer) || (count && !parts)))
        error = error_set(RONDO_EINVAL, "%s: %s", file_verbs[verb].call,
                          parts ? "too many buffers" : "no buffers");
    return error;
}

static struct file_call *file_move_new(rondo_file *file, enum file_verb verb,
                                       size_t count)
{
    struct file_call *c =
        file_call_new(file->loop, file, verb, count * sizeof(rondo_buffer));
    if (c) {
        c->parts = (rondo_buffer *)(void *)c->tail;
        c->count = count;
    }
    return c;
}

rondo_id rondo_file_read(rondo_file *file, int64_t position,
                         const rondo_room *rooms, size_t count,
                         rondo_file_io_fn done, void *arg)
{
    int error = file_check_move(file, FILE_READ, position, rooms, count, done);
    if (error)
        return error;
    struct file_call *c = file_move_new(file, FILE_READ, count);
    if (!c)
        return RONDO_ENOMEM;
    for (size_t i = 0; i < count; i++)
        c->parts[i] = (rondo_buffer){rooms[i].data, rooms[i].size};
    return file_move_begin(c, position, done, arg);
}

rondo_id rondo_file_write(rondo_file *file, int64_t position,
                          const rondo_buffer *buffers, size_t count,
                          rondo_file_io_fn done, void *arg)
{
    int error =
        file_check_move(file, FILE_WRITE, position, buffers, count, done);
    if (error)
        return error;
    struct file_call *c = file_move_new(file, FILE_WRITE, count);
    if (!c)
        return RONDO_ENOMEM;
    if (count)
        memcpy(c->parts, buffers, count * sizeof *buffers);
    return file_move_begin(c, position, done, arg);
}

/* ---- sync, stat, truncate ---- */

struct file_call *file_plain_new(rondo_file *file, enum file_verb verb,
                                 rondo_done_fn done, void *arg)
{
    struct file_call *c = file_call_new(file->loop, file, verb, 0);
    if (c) {
        c->ordered = file->flags & RONDO_FILE_IN_ORDER;
        c->done.plain = done;
        c->arg = arg;
    }
    return c;
}

rondo_id rondo_file_sync(rondo_file *file, bool only_data, rondo_done_fn done,
                         void *arg)
{
    enum file_verb verb = only_data ? FILE_SYNC_DATA : FILE_SYNC;
    int error = file_check(file, verb, done);
    if (error)
        return error;
    struct file_call *c = file_plain_new(file, verb, done, arg);
    return c ? file_call_begin(c) : RONDO_ENOMEM;
}

rondo_id rondo_file_stat(rondo_file *file, rondo_file_info *info,
                         rondo_done_fn done, void *arg)
{
    int error = file_check(file, FILE_STAT, done);
    if (!error && (!info || info->size < sizeof info->size))
        error = error_set(RONDO_EINVAL, "file_stat: no info, or its size is "
                                        "not set");
    if (error)
        return error;
    struct file_call *c = file_plain_new(file, FILE_STAT, done, arg);
    if (!c)
        return RONDO_ENOMEM;
    c->to = info;
    return file_call_begin(c);
}

rondo_id rondo_file_truncate(rondo_file *file, int64_t size, rondo_done_fn done,
                             void *arg)
{
    int error = file_check(file, FILE_TRUNCATE, done);
    if (!error && size < 0)
        error = error_set(RONDO_EINVAL, "file_truncate: a negative size");
    if (error)
        return error;
    struct file_call *c = file_plain_new(file, FILE_TRUNCATE, done, arg);
    if (!c)
        return RONDO_ENOMEM;
    c->position = size;
    return file_call_begin(c);
}

/* file_more.c - attributes, locks, room, copies: how these are asked for. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "threads/file.h"

#include <string.h>

/* ---- mode, owner, times ---- */

static int change_check(const rondo_file_changes *from, rondo_file_changes *to,
                        enum file_verb verb)
{
    enum {
        ALL = RONDO_CHANGE_MODE | RONDO_CHANGE_OWNER | RONDO_CHANGE_TIMES |
              RONDO_CHANGE_LINK
    };
    const char *what = file_verbs[verb].call;
    if (!from)
        return error_set(RONDO_EINVAL, "%s: no changes", what);
    int error = loop_options(to, sizeof *to, from, what);
    if (error)
        return error;
    if (to->changes & ~(unsigned)ALL)
        return error_set(RONDO_EINVAL, "%s: unknown changes", what);
    if (verb == FILE_CHANGE && to->changes & RONDO_CHANGE_LINK)
        return error_set(RONDO_EINVAL, "%s: a file is no link", what);
    bool owner = to->changes & RONDO_CHANGE_OWNER;
    if (owner && (to->uid < -1 || to->uid > UINT32_MAX || to->gid < -1 ||
                  to->gid > UINT32_MAX))
        return error_set(RONDO_EINVAL, "%s: no such user or group", what);
    return to->changes & RONDO_CHANGE_MODE ? file_check_mode(verb, to->mode)
                                           : 0;
}

rondo_id rondo_file_change(rondo_file *file, const rondo_file_changes *changes,
                           rondo_done_fn done, void *arg)
{
    rondo_file_changes copy;
    int error = file_check(file, FILE_CHANGE, done);
    if (!error)
        error = change_check(changes, &copy, FILE_CHANGE);
    if (error)
        return error;
    struct file_call *c = file_plain_new(file, FILE_CHANGE, done, arg);
    if (!c)
        return RONDO_ENOMEM;
    c->changes = copy;
    return file_call_begin(c);
}

rondo_id rondo_fs_change(rondo_loop *loop, const char *path,
                         const rondo_file_changes *changes, rondo_done_fn done,
                         void *arg)
{
    int error;
    struct file_call *c = path_call_new(loop, PATH_CHANGE, path, NULL, &error);
    if (!c)
        return error;
    error = change_check(changes, &c->changes, PATH_CHANGE);
    if (!error)
        return path_call_begin(c, done, arg);
    file_call_free(c);
    return error;
}

/* ---- a part of a file ---- */

static rondo_id part_begin(rondo_file *file, enum file_verb verb,
                           int64_t position, int64_t size, unsigned flags,
                           rondo_done_fn done, void *arg)
{
    int error = file_check(file, verb, done);
    if (error)
        return error;
    if (position < 0 || size < 0 || size > INT64_MAX - position)
        return error_set(RONDO_EINVAL, "%s: no such part of a file",
                         file_verbs[verb].call);
    struct file_call *c = file_plain_new(file, verb, done, arg);
    if (!c)
        return RONDO_ENOMEM;
    c->position = position;
    c->size = size;
    c->flags = flags;
    return file_call_begin(c);
}

rondo_id rondo_file_allocate(rondo_file *file, int64_t position, int64_t size,
                             rondo_done_fn done, void *arg)
{
    if (!size)
        return error_set(RONDO_EINVAL, "file_allocate: no bytes");
    return part_begin(file, FILE_ALLOCATE, position, size, 0, done, arg);
}

rondo_id rondo_file_advise(rondo_file *file, int64_t position, int64_t size,
                           rondo_advice advice, rondo_done_fn done, void *arg)
{
    if (advice < RONDO_ADVICE_NORMAL || advice > RONDO_ADVICE_DONT_NEED)
        return error_set(RONDO_EINVAL, "file_advise: unknown advice");
    return part_begin(file, FILE_ADVISE, position, size, (unsigned)advice, done,
                      arg);
}

static int lock_check(const rondo_file *file, unsigned flags)
{
    bool shared = flags & RONDO_LOCK_SHARED;
    unsigned needed =
        shared ? RONDO_FILE_READ : RONDO_FILE_WRITE | RONDO_FILE_APPEND;
    if (flags & ~(unsigned)(RONDO_LOCK_SHARED | RONDO_LOCK_WAIT))
        return error_set(RONDO_EINVAL, "file_lock: unknown flags");
    if (file && !(file->flags & needed))
        return error_set(RONDO_EBADF,
                         "file_lock: \"%.1024s\" is not open for %s",
                         file->path, shared ? "reading" : "writing");
    return 0;
}

rondo_id rondo_file_lock(rondo_file *file, int64_t position, int64_t size,
                         unsigned flags, rondo_done_fn done, void *arg)
{
    int error = lock_check(file, flags);
    return error
               ? error
               : part_begin(file, FILE_LOCK, position, size, flags, done, arg);
}

rondo_id rondo_file_unlock(rondo_file *file, int64_t position, int64_t size,
                           rondo_done_fn done, void *arg)
{
    return part_begin(file, FILE_UNLOCK, position, size, 0, done, arg);
}

/* ---- by path ---- */

rondo_id rondo_fs_link(rondo_loop *loop, const char *path, const char *name,
                       rondo_done_fn done, void *arg)
{
    int error;
    struct file_call *c = path_call_new(loop, PATH_LINK, path, name, &error);
    return c ? path_call_begin(c, done, arg) : error;
}

rondo_id rondo_fs_access(rondo_loop *loop, const char *path, unsigned access,
                         rondo_done_fn done, void *arg)
{
    int error;
    struct file_call *c = path_call_new(loop, PATH_ACCESS, path, NULL, &error);
    if (!c)
        return error;
    if (access & ~(unsigned)(RONDO_ACCESS_READ | RONDO_ACCESS_WRITE |
                             RONDO_ACCESS_EXECUTE)) {
        file_call_free(c);
        return error_set(RONDO_EINVAL, "fs_access: unknown kind of access");
    }
    c->flags = access;
    return path_call_begin(c, done, arg);
}

rondo_id rondo_fs_realpath(rondo_loop *loop, const char *path, char *text,
                           size_t room, rondo_done_fn done, void *arg)
{
    return path_call_into(loop, PATH_REALPATH, path, text, room, "path", done,
                          arg);
}

rondo_id rondo_fs_space(rondo_loop *loop, const char *path,
                        rondo_space_info *space, rondo_done_fn done, void *arg)
{
    int error;
    struct file_call *c = path_call_new(loop, PATH_SPACE, path, NULL, &error);
    if (!c)
        return error;
    if (!space || space->size < sizeof space->size) {
        file_call_free(c);
        return error_set(RONDO_EINVAL,
                         "fs_space: no space, or its size is not set");
    }
    c->to = space;
    return path_call_begin(c, done, arg);
}

rondo_id rondo_fs_make_path(rondo_loop *loop, const char *path, unsigned mode,
                            rondo_done_fn done, void *arg)
{
    int error;
    struct file_call *c = path_call_new(loop, PATH_MAKE, path, NULL, &error);
    if (!c)
        return error;
    error = file_check_mode(PATH_MAKE, mode);
    c->mode = mode;
    if (!error)
        return path_call_begin(c, done, arg);
    file_call_free(c);
    return error;
}

/* ---- temporary names, copies ---- */

void file_random_name(char *text)
{
    static const char characters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    uint64_t number;
    /* a cage without devices: only O_EXCL keeps others out then */
    if (sys_random(&number, sizeof number) < 0)
        number = ((uint64_t)sys_clock() ^ (uint64_t)(uintptr_t)&number) *
                 UINT64_C(0x9E3779B97F4A7C15);
    for (int i = 0; i < RONDO_TEMPORARY_CHARACTERS; i++) {
        text[i] = characters[number % (sizeof characters - 1)];
        number /= sizeof characters - 1;
    }
    text[RONDO_TEMPORARY_CHARACTERS] = '\0';
}

rondo_id rondo_fs_mkdir_temporary(rondo_loop *loop, const char *prefix,
                                  char *text, size_t room, rondo_done_fn done,
                                  void *arg)
{
    int error = loop_check_create(loop, file_verbs[PATH_TEMPORARY].call);
    if (error)
        return error;
    size_t size = prefix ? strlen(prefix) : 0;
    if (!prefix || !text || room < RONDO_TEMPORARY_CHARACTERS + 1 ||
        room - RONDO_TEMPORARY_CHARACTERS - 1 < size)
        return error_set(RONDO_EINVAL, "fs_mkdir_temporary: no %s",
                         prefix ? "room for the path" : "prefix");
    memcpy(text, prefix, size + 1);
    file_random_name(text + size);
    struct file_call *c =
        path_call_new(loop, PATH_TEMPORARY, text, NULL, &error);
    if (!c)
        return error;
    c->mode = 0700;
    return path_call_begin(c, done, arg);
}

/* The directory of a path, with its separator. */
static size_t copy_directory(const char *path)
{
    size_t size = strlen(path);
    while (size && !sys_fs_separates(path[size - 1]))
        size--;
    return size;
}

/* The name of the copy until it is complete: a hidden file beside the target. */
static void copy_name(struct file_call *c)
{
    static const char first[] = ".copy-";
    size_t size = copy_directory(c->other);
    char *beside = c->tail + strlen(c->path) + strlen(c->other) + 2;
    c->beside = memcpy(beside, c->other, size);
    memcpy(beside + size, first, sizeof first - 1);
    file_random_name(beside + size + sizeof first - 1);
}

rondo_id rondo_fs_copy(rondo_loop *loop, const char *from, const char *to,
                       unsigned flags, rondo_done_fn done, void *arg)
{
    int error;
    struct file_call *c = path_call_new(loop, PATH_COPY, from, to, &error);
    if (!c)
        return error;
    copy_name(c);
    if (flags & ~(unsigned)(RONDO_COPY_EXCLUSIVE | RONDO_COPY_CLONE)) {
        file_call_free(c);
        return error_set(RONDO_EINVAL, "fs_copy: unknown flags");
    }
    c->flags = flags;
    return path_call_begin(c, done, arg);
}

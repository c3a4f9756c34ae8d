/* file_path.c - what can be done to a file by its path. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "threads/file.h"

#include <string.h>

/* Behind the directory of a copy's target: see copy_name. */
enum { COPY_NAME = 32 };

static bool path_needs_two(enum file_verb verb)
{
    return verb == PATH_RENAME || verb == PATH_SYMLINK || verb == PATH_LINK ||
           verb == PATH_COPY;
}

struct file_call *path_call_new(rondo_loop *loop, enum file_verb verb,
                                const char *path, const char *other, int *error)
{
    const char *what = file_verbs[verb].call;
    *error = loop_check_create(loop, what);
    if (*error)
        return NULL;
    if (!path || (!other && path_needs_two(verb))) {
        *error = error_set(RONDO_EINVAL, "%s: no path", what);
        return NULL;
    }
    size_t size = strlen(path) + 1, other_size = other ? strlen(other) + 1 : 0;
    size_t third = verb == PATH_COPY ? other_size + COPY_NAME : 0;
    struct file_call *c =
        file_call_new(loop, NULL, verb, size + other_size + third);
    if (!c) {
        *error = RONDO_ENOMEM;
        return NULL;
    }
    c->path = memcpy(c->tail, path, size);
    if (other)
        c->other = memcpy(c->tail + size, other, other_size);
    return c;
}

rondo_id path_call_begin(struct file_call *c, rondo_done_fn done, void *arg)
{
    if (!done) {
        const char *what = file_verbs[c->verb].call;
        file_call_free(c);
        return error_set(RONDO_EINVAL, "%s: no function", what);
    }
    c->done.plain = done;
    c->arg = arg;
    return file_call_begin(c);
}

rondo_id path_call_into(rondo_loop *loop, enum file_verb verb, const char *path,
                        char *text, size_t room, const char *word,
                        rondo_done_fn done, void *arg)
{
    int error;
    struct file_call *c = path_call_new(loop, verb, path, NULL, &error);
    if (!c)
        return error;
    if (!text || !room) {
        file_call_free(c);
        return error_set(RONDO_EINVAL, "%s: no room for the %s",
                         file_verbs[verb].call, word);
    }
    c->to = text;
    c->room = room;
    return path_call_begin(c, done, arg);
}

static rondo_id path_start(rondo_loop *loop, enum file_verb verb,
                           const char *path, const char *other,
                           rondo_done_fn done, void *arg)
{
    int error;
    struct file_call *c = path_call_new(loop, verb, path, other, &error);
    return c ? path_call_begin(c, done, arg) : error;
}

static rondo_id path_stat(rondo_loop *loop, enum file_verb verb,
                          const char *path, rondo_file_info *info,
                          rondo_done_fn done, void *arg)
{
    int error;
    struct file_call *c = path_call_new(loop, verb, path, NULL, &error);
    if (!c)
        return error;
    if (!info || info->size < sizeof info->size) {
        file_call_free(c);
        return error_set(RONDO_EINVAL, "%s: no info, or its size is not set",
                         file_verbs[verb].call);
    }
    c->to = info;
    return path_call_begin(c, done, arg);
}

rondo_id rondo_fs_stat(rondo_loop *loop, const char *path,
                       rondo_file_info *info, rondo_done_fn done, void *arg)
{
    return path_stat(loop, PATH_STAT, path, info, done, arg);
}

rondo_id rondo_fs_lstat(rondo_loop *loop, const char *path,
                        rondo_file_info *info, rondo_done_fn done, void *arg)
{
    return path_stat(loop, PATH_LSTAT, path, info, done, arg);
}

rondo_id rondo_fs_rename(rondo_loop *loop, const char *from, const char *to,
                         rondo_done_fn done, void *arg)
{
    return path_start(loop, PATH_RENAME, from, to, done, arg);
}

rondo_id rondo_fs_unlink(rondo_loop *loop, const char *path, rondo_done_fn done,
                         void *arg)
{
    return path_start(loop, PATH_UNLINK, path, NULL, done, arg);
}

rondo_id rondo_fs_mkdir(rondo_loop *loop, const char *path, unsigned mode,
                        rondo_done_fn done, void *arg)
{
    int error;
    struct file_call *c = path_call_new(loop, PATH_MKDIR, path, NULL, &error);
    if (!c)
        return error;
    error = file_check_mode(PATH_MKDIR, mode);
    if (error) {
        file_call_free(c);
        return error;
    }
    c->mode = mode;
    return path_call_begin(c, done, arg);
}

rondo_id rondo_fs_rmdir(rondo_loop *loop, const char *path, rondo_done_fn done,
                        void *arg)
{
    return path_start(loop, PATH_RMDIR, path, NULL, done, arg);
}

rondo_id rondo_fs_symlink(rondo_loop *loop, const char *target,
                          const char *path, rondo_done_fn done, void *arg)
{
    return path_start(loop, PATH_SYMLINK, path, target, done, arg);
}

rondo_id rondo_fs_readlink(rondo_loop *loop, const char *path, char *text,
                           size_t room, rondo_done_fn done, void *arg)
{
    return path_call_into(loop, PATH_READLINK, path, text, room, "text", done,
                          arg);
}

/* file_tree.c - directories: how they are listed, walked and removed. */
/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "core/observe.h"
#include "threads/file.h"

#include <stdio.h>
#include <string.h>

/* ---- entries ---- */

enum {
    MOST_ENTRIES = 1 << 20,
    USUAL_ENTRIES = 128,
    LONGEST_NAME = 1024, /* Windows: 255 units of UTF-16 */
    USUAL_NAME = 32
};

rondo_id rondo_file_list(rondo_file *directory, unsigned flags, size_t most,
                         rondo_list_fn done, void *arg)
{
    int error = file_check(directory, FILE_LIST, done);
    if (error)
        return error;
    if (flags & ~(unsigned)RONDO_LIST_INFO || most > MOST_ENTRIES)
        return error_set(RONDO_EINVAL, "file_list: %s",
                         most > MOST_ENTRIES ? "too many entries at a time"
                                             : "unknown flags");
    size_t count = most ? most : USUAL_ENTRIES;
    size_t each = sizeof(rondo_dir_entry) +
                  (flags & RONDO_LIST_INFO ? sizeof(rondo_file_info) : 0);
    size_t names = LONGEST_NAME + count * USUAL_NAME;
    struct file_call *c = file_call_new(directory->loop, directory, FILE_LIST,
                                        count * each + names);
    if (!c)
        return RONDO_ENOMEM;
    c->ordered = true;
    c->done.listed = done;
    c->arg = arg;
    c->flags = flags;
    c->count = count;
    c->to = c->tail + count * each;
    c->room = names;
    return file_call_begin(c);
}

/* ---- removal ---- */

/* A separator at the end would make the system follow a link. */
static void tree_cut_separators(char *path)
{
    size_t size = strlen(path);
    while (size > 1 && sys_fs_separates(path[size - 1]) &&
           path[size - 2] != ':')
        path[--size] = '\0';
}

/* Does it end in a name that can be removed? All below a root, "." or ".." could
 * be emptied, but not it. (No test tries a root.) */
static bool tree_has_name(const char *path)
{
    size_t size = strlen(path), start = size;
    while (start && !sys_fs_separates(path[start - 1]))
        start--;
    const char *name = path + start;
    bool drive = sys_fs_separates('\\') && size && path[size - 1] == ':';
    return *name && !drive && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

rondo_id rondo_fs_remove_tree(rondo_loop *loop, const char *path,
                              rondo_done_fn done, void *arg)
{
    int error;
    struct file_call *c = path_call_new(loop, PATH_REMOVE, path, NULL, &error);
    if (!c)
        return error;
    tree_cut_separators(c->tail);
    if (!*c->tail || tree_has_name(c->tail))
        return path_call_begin(c, done, arg);
    file_call_free(c);
    return error_set(RONDO_EINVAL,
                     "fs_remove_tree: \"%.1024s\" does not end in a name",
                     path);
}

/* ---- a walk ---- */

/* A directory that a walk knows of. */
struct walk_node {
    struct walk_node *next; /* on the stack of those that are to be read */
    struct walk_node *up;   /* the directory above; RONDO_WALK_FOLLOW only */
    struct walk *walk;
    rondo_file *file;
    unsigned references; /* its own, and of those below */
    unsigned depth;      /* of what is in it */
    bool link;           /* it may be something else */
    int error;           /* told once it is closed */
    rondo_file_info info;
    char path[];
};

/* From the loop's allocator, like its nodes. It uses the public functions of
 * files: one open directory for each node that is being read. */
struct walk {
    struct handle handle;
    rondo_loop *loop;
    rondo_id id;
    rondo_walk_fn each;
    rondo_done_fn done;
    void *arg;
    unsigned flags, most;
    unsigned reading;        /* nodes with an operation under way */
    struct walk_node *first; /* the stack */
    int64_t told;
    int end;    /* it ends with this error; 0: it goes on */
    char *room; /* for the path of an entry */
    size_t room_size;
    char path[];
};

static struct walk *walk_of(struct handle *handle)
{
    return (struct walk *)(void *)handle;
}

static void walk_release(struct walk *walk, struct walk_node *n)
{
    while (n && --n->references == 0) {
        struct walk_node *up = n->up;
        loop_free(walk->loop, n);
        n = up;
    }
}

/* Ends it: nothing is told any more, and no other directory is read. What a
 * closing loop refuses it before it has come to the walk itself is its end
 * too. */
static void walk_stop(struct walk *walk, int error)
{
    if (!walk->end)
        walk->end = walk->loop->closing ? RONDO_ECANCELED : error;
    while (walk->first) {
        struct walk_node *n = walk->first;
        walk->first = n->next;
        walk_release(walk, n);
    }
}

/* Makes the node of a directory and puts it on the stack. */
static int walk_push(struct walk *walk, struct walk_node *up, const char *path,
                     bool link)
{
    size_t size = strlen(path) + 1;
    struct walk_node *n = loop_alloc(walk->loop, sizeof *n + size);
    if (!n)
        return RONDO_ENOMEM;
    memset(n, 0, sizeof *n);
    memcpy(n->path, path, size);
    n->walk = walk;
    n->link = link;
    n->references = 1;
    n->depth = up ? up->depth + 1 : 1;
    if (up && walk->flags & RONDO_WALK_FOLLOW) {
        n->up = up;
        up->references++;
    }
    n->next = walk->first;
    walk->first = n;
    return 0;
}

static void walk_finish(struct walk *walk)
{
    rondo_loop *loop = walk->loop;
    rondo_done_fn done = walk->done;
    void *arg = walk->arg;
    int64_t result = walk->end ? walk->end : walk->told;
    id_free(loop, walk->id);
    handle_close(loop, &walk->handle);
    if (result < 0)
        (void)error_os((int)result, "fs_walk: cannot walk through \"%s\"",
                       walk->path);
    loop_free(loop, walk->room);
    loop_free(loop, walk);
    OBSERVE_DONE(loop, "fs_walk", done, loop, arg, result);
}

static void walk_opened(rondo_loop *loop, void *arg, rondo_file *file,
                        int error);

/* Begins what may begin, and ends the walk when nothing is under way. Must be
 * the last use of the walk. */
static void walk_go_on(struct walk *walk)
{
    while (walk->first && walk->reading < walk->most) {
        struct walk_node *n = walk->first;
        unsigned flags = RONDO_FILE_READ | RONDO_FILE_AS_DIRECTORY;
        if (n->depth > 1 && !(walk->flags & RONDO_WALK_FOLLOW))
            flags |= RONDO_FILE_NO_FOLLOW;
        walk->first = n->next;
        rondo_id id =
            rondo_file_open(walk->loop, n->path, flags, 0, walk_opened, n);
        if (id < 0) {
            walk_release(walk, n);
            walk_stop(walk, (int)id);
        } else {
            walk->reading++;
        }
    }
    if (!walk->reading)
        walk_finish(walk);
}

/* ---- telling ---- */

static bool walk_tell(struct walk *walk, const rondo_walk_entry *entry)
{
    if (walk->end)
        return false;
    walk->told += !entry->error;
    return walk->each(walk->loop, walk->arg, entry);
}

static const char *walk_name(const char *path)
{
    const char *name = path;
    for (const char *p = path; *p; p++)
        if (sys_fs_separates(*p) && p[1])
            name = p + 1;
    return name;
}

static void walk_tell_error(struct walk *walk, const struct walk_node *n)
{
    bool gone = n->error == RONDO_ENOENT || n->error == RONDO_ENOTDIR ||
                n->error == RONDO_ELOOP;
    if (n->depth == 1) {
        walk_stop(walk, n->error);
    } else if (n->error == RONDO_ECANCELED || n->error == RONDO_EFORKED ||
               n->error == RONDO_ENOMEM) {
        walk_stop(walk, n->error);
    } else if (!(n->link && gone && !n->file)) { /* a link to a file, or none */
        rondo_walk_entry entry = {.size = sizeof entry,
                                  .path = n->path,
                                  .name = walk_name(n->path),
                                  .type = RONDO_FILE_DIRECTORY,
                                  .error = n->error,
                                  .depth = n->depth - 1};
        (void)walk_tell(walk, &entry);
    }
}

/* The path of an entry, in the walk's room. NULL: out of memory. */
static const char *walk_path(struct walk *walk, const struct walk_node *n,
                             const char *name)
{
    size_t size = strlen(n->path), more = strlen(name) + 2;
    if (size + more > walk->room_size) {
        size_t wanted = 2 * (size + more);
        char *room = loop_realloc(walk->loop, walk->room, wanted);
        if (!room)
            return NULL;
        walk->room = room;
        walk->room_size = wanted;
    }
    memcpy(walk->room, n->path, size);
    if (size && !sys_fs_separates(n->path[size - 1]))
        walk->room[size++] = '/';
    memcpy(walk->room + size, name, more - 1);
    return walk->room;
}

static int walk_tell_entry(struct walk *walk, struct walk_node *n,
                           const rondo_dir_entry *from)
{
    bool link =
        from->type == RONDO_FILE_SYMLINK && walk->flags & RONDO_WALK_FOLLOW;
    const char *path = walk_path(walk, n, from->name);
    if (!path)
        return RONDO_ENOMEM;
    rondo_walk_entry entry = {.size = sizeof entry,
                              .path = path,
                              .name = path + strlen(path) - strlen(from->name),
                              .type = from->type,
                              .depth = n->depth,
                              .info = from->info};
    bool enter = walk_tell(walk, &entry);
    if (!enter || walk->end || (from->type != RONDO_FILE_DIRECTORY && !link))
        return 0;
    return walk_push(walk, n, path, link);
}

/* ---- a directory ---- */

static void walk_leave(struct walk_node *n)
{
    struct walk *walk = n->walk;
    if (n->error)
        walk_tell_error(walk, n);
    walk_release(walk, n);
    walk->reading--;
    walk_go_on(walk);
}

static void walk_closed(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    (void)result;
    walk_leave(arg);
}

static void walk_close(struct walk_node *n, int error)
{
    n->error = error;
    /* a loop that closes has begun to close it already */
    if (rondo_file_close(n->file, walk_closed, n) < 0)
        walk_leave(n);
}

static void walk_listed(rondo_loop *loop, void *arg,
                        const rondo_dir_entry *entries, size_t count,
                        int error);

/* Reads the next entries. */
static void walk_list(struct walk_node *n)
{
    struct walk *walk = n->walk;
    rondo_id id = rondo_file_list(n->file, walk->flags & RONDO_LIST_INFO, 0,
                                  walk_listed, n);
    if (id < 0)
        walk_close(n, (int)id);
}

static void walk_listed(rondo_loop *loop, void *arg,
                        const rondo_dir_entry *entries, size_t count, int error)
{
    struct walk_node *n = arg;
    struct walk *walk = n->walk;
    (void)loop;
    for (size_t i = 0; i < count && !walk->end; i++) {
        int failed = walk_tell_entry(walk, n, &entries[i]);
        if (failed)
            walk_stop(walk, failed);
    }
    if (error || !count || walk->end)
        walk_close(n, error);
    else
        walk_list(n);
}

static bool walk_is_inside_itself(const struct walk_node *n)
{
    for (const struct walk_node *up = n->up; up; up = up->up)
        if (up->info.device == n->info.device &&
            up->info.number == n->info.number)
            return true;
    return false;
}

static void walk_examined(rondo_loop *loop, void *arg, int64_t result)
{
    struct walk_node *n = arg;
    (void)loop;
    if (!result && walk_is_inside_itself(n))
        result = RONDO_ELOOP;
    if (result)
        walk_close(n, (int)result);
    else
        walk_list(n);
}

static void walk_read(struct walk_node *n)
{
    if (!(n->walk->flags & RONDO_WALK_FOLLOW)) {
        walk_list(n);
        return;
    }
    n->info.size = sizeof n->info;
    rondo_id id = rondo_file_stat(n->file, &n->info, walk_examined, n);
    if (id < 0)
        walk_close(n, (int)id);
}

static void walk_opened(rondo_loop *loop, void *arg, rondo_file *file,
                        int error)
{
    struct walk_node *n = arg;
    (void)loop;
    n->file = file;
    n->error = error;
    if (error)
        walk_leave(n);
    else if (n->walk->end)
        walk_close(n, 0);
    else
        walk_read(n);
}

/* ---- its beginning and its end ---- */

static void walk_cancel(rondo_loop *loop, struct handle *handle)
{
    (void)loop;
    walk_stop(walk_of(handle), RONDO_ECANCELED);
}

static int walk_check(rondo_loop *loop, const char *path,
                      const rondo_walk_options *from, rondo_walk_options *to,
                      bool functions)
{
    int error = loop_check_create(loop, "fs_walk");
    if (!error)
        error = loop_options(to, sizeof *to, from, "fs_walk");
    if (error)
        return error;
    if (!path || !functions)
        return error_set(RONDO_EINVAL, "fs_walk: no %s",
                         path ? "functions" : "path");
    if (to->flags & ~((unsigned)RONDO_WALK_FOLLOW | (unsigned)RONDO_LIST_INFO))
        return error_set(RONDO_EINVAL, "fs_walk: unknown flags");
    return 0;
}

static rondo_id walk_begin(struct walk *walk)
{
    const char *path = walk->path;
    int error = walk_push(walk, NULL, path, false);
    walk->id = error ? error : id_new(walk->loop, &walk->handle, walk_cancel);
    if (walk->id > 0) {
        rondo_id id = rondo_file_open(walk->loop, path,
                                      RONDO_FILE_READ | RONDO_FILE_AS_DIRECTORY,
                                      0, walk_opened, walk->first);
        if (id > 0) {
            walk->first = NULL;
            walk->reading = 1;
            return walk->id;
        }
        id_free(walk->loop, walk->id);
        walk->id = id;
    }
    error = (int)walk->id;
    walk_stop(walk, error);
    handle_close(walk->loop, &walk->handle);
    loop_free(walk->loop, walk);
    return error == RONDO_ENOMEM
               ? error_set(RONDO_ENOMEM, "fs_walk: out of memory")
               : error;
}

rondo_id rondo_fs_walk(rondo_loop *loop, const char *path,
                       const rondo_walk_options *options, rondo_walk_fn each,
                       rondo_done_fn done, void *arg)
{
    enum { USUAL = 4 };
    rondo_walk_options o;
    int error = walk_check(loop, path, options, &o, each && done);
    if (error)
        return error;
    size_t size = strlen(path) + 1;
    struct walk *walk = loop_alloc(loop, sizeof *walk + size);
    if (!walk)
        return error_set(RONDO_ENOMEM, "fs_walk: out of memory");
    memset(walk, 0, sizeof *walk);
    memcpy(walk->path, path, size);
    walk->loop = loop;
    walk->each = each;
    walk->done = done;
    walk->arg = arg;
    walk->flags = o.flags;
    walk->most = o.most ? o.most : USUAL;
    handle_open(loop, &walk->handle, HANDLE_WALK);
    return walk_begin(walk);
}

static void walk_close_at_loop_close(rondo_loop *loop, struct handle *handle)
{
    id_free(loop, walk_of(handle)->id);
    walk_stop(walk_of(handle), RONDO_ECANCELED);
}

static bool walk_describe(const struct handle *handle, char *text, size_t size)
{
    const struct walk *walk = (const struct walk *)(const void *)handle;
    (void)snprintf(text, size,
                   "\"%.200s\", %lld entries, %u directories are read",
                   walk->path, (long long)walk->told, walk->reading);
    return true;
}

const struct handle_class walk_class = {"walk", walk_close_at_loop_close,
                                        walk_describe};

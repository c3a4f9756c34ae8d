/* path_look.c - looks at files and tells what has changed since the last time. */
/* SPDX-License-Identifier: MIT */
#include "watch/path.h"

#include <assert.h>
#include <string.h>

enum { RETRY_MS = 1000 };

/* The names in a directory that are being listed. */
struct listing {
    struct path_node *dir;
    uint32_t round;
};

static bool path_has_marks(const struct path_tree *tree)
{
    return !tree->poll && notify_traits.name;
}

/* Something was not seen, for want of memory or descriptors: all is looked at
 * once more. */
static void path_try_again(struct path_tree *tree)
{
    int64_t when = sys_clock() + RONDO_MS(RETRY_MS);
    tree->overflow = true;
    if (when < tree->look)
        tree->look = when;
}

/* Ends the watch. */
static void path_fail(struct path_tree *tree, int error, const char *path)
{
    const char *limit = notify_limit(error);
    if (tree->error)
        return;
    tree->error = error;
    tree->os_error = rondo_last_os_error();
    if (limit)
        (void)error_set(error, "watch_path: cannot watch \"%.256s\": %s", path,
                        limit);
    else
        (void)error_os(error, "watch_path: cannot watch \"%.256s\"", path);
    error_print(tree->sentence, sizeof tree->sentence, rondo_last_error());
}

/* ---- marks ---- */

/* It is not there any more, or may not be looked at: what else tells of that is
 * the directory above. */
static bool path_is_hidden(int error)
{
    return error == RONDO_ENOENT || error == RONDO_ENOTDIR ||
           error == RONDO_EACCES || error == RONDO_EPERM ||
           error == RONDO_ELOOP || error == RONDO_ENAMETOOLONG;
}

static void path_unmark(struct path_node *node)
{
    if (node->mark)
        notify_remove(node->tree->notifier, node->mark);
    node->mark = NULL;
    node->gone = false;
}

static bool path_wants_mark(const struct path_node *node)
{
    const struct path_tree *tree = node->tree;
    bool root = node == tree->root;
    if (!path_has_marks(tree) || node->mark)
        return false;
    if (node->type == RONDO_FILE_DIRECTORY)
        return root || (tree->recursive && !notify_traits.trees);
    return node->type == RONDO_FILE_REGULAR && (root || notify_traits.files);
}

static void path_make_mark(struct path_node *node)
{
    struct path_tree *tree = node->tree;
    if (!path_wants_mark(node))
        return;
    bool dir = node->type == RONDO_FILE_DIRECTORY;
    enum notify_kind kind = !dir ? NOTIFY_FILE
                            : tree->recursive && notify_traits.trees
                                ? NOTIFY_TREE
                                : NOTIFY_DIRECTORY;
    const char *path = path_text(tree, 0, tree->absolute, node);
    int error = path ? notify_add(tree->notifier, path, kind, node, &node->mark)
                     : RONDO_ENOMEM;
    bool hidden = path_is_hidden(error) && error != RONDO_ENAMETOOLONG;
    if (error == RONDO_ENOMEM && tree->begun)
        path_try_again(tree);
    else if (error && error != RONDO_ENOTSUP &&
             (!hidden || (node == tree->root && !tree->begun)))
        path_fail(tree, error, path ? path : tree->given);
}

/* The path of the directory that the root is in. NULL: it is in none, or there
 * is no memory. */
static const char *path_above(struct path_tree *tree, char *room, size_t size)
{
    const char *last = strrchr(tree->absolute, '/');
    if (!last || !last[1])
        return NULL;
    bool dots = strcmp(last, "/.") == 0 || strcmp(last, "/..") == 0;
    size_t length =
        dots ? strlen(tree->absolute) : (size_t)(last - tree->absolute);
    if (length + sizeof "/.." > size)
        return NULL;
    memcpy(room, tree->absolute, length);
    /* of "/name" and "C:/name" it is "/" and "C:/" */
    const char *end = dots                                 ? "/.."
                      : !length || room[length - 1] == ':' ? "/"
                                                           : "";
    memcpy(room + length, end, strlen(end) + 1);
    return room;
}

static void path_mark_above(struct path_tree *tree)
{
    char room[4096];
    const char *path = path_above(tree, room, sizeof room);
    if (tree->above && tree->above_node->gone) {
        notify_remove(tree->notifier, tree->above);
        tree->above = NULL;
    }
    if (tree->above || !path || !path_has_marks(tree))
        return;
    tree->above_node->gone = false;
    int error = notify_add(tree->notifier, path, NOTIFY_DIRECTORY,
                           tree->above_node, &tree->above);
    int64_t when = sys_clock() + RONDO_MS(RETRY_MS);
    if ((error == RONDO_ENOENT || error == RONDO_ENOTDIR) && when < tree->look)
        tree->look = when; /* nothing tells when it comes */
    else if (error && !path_is_hidden(error))
        path_fail(tree, error, path);
}

/* ---- one file ---- */

static bool path_is_same(const struct path_node *node,
                         const rondo_file_info *info)
{
    return node->type == (unsigned char)info->type &&
           node->device == info->device && node->number == info->number;
}

static void path_take(struct path_node *node, const rondo_file_info *info)
{
    node->type = (unsigned char)info->type;
    node->device = info->device;
    node->number = info->number;
    node->bytes = info->bytes;
    node->modified_ns = info->modified_ns;
    node->mode = info->mode;
    node->uid = info->uid;
    node->gid = info->gid;
}

/* The other way. */
static rondo_file_info path_given(const struct path_node *node)
{
    return (rondo_file_info){.type = (rondo_file_type)node->type,
                             .device = node->device,
                             .number = node->number,
                             .bytes = node->bytes,
                             .modified_ns = node->modified_ns,
                             .mode = node->mode,
                             .uid = node->uid,
                             .gid = node->gid};
}

/* A directory is written to whenever a name in it comes or goes. */
static unsigned path_difference(const struct path_node *node, unsigned hints,
                                const rondo_file_info *info)
{
    unsigned what = 0;
    if (node->type != RONDO_FILE_DIRECTORY &&
        (hints & NOTIFY_CONTENT || node->bytes != info->bytes ||
         node->modified_ns != info->modified_ns))
        what |= RONDO_PATH_CHANGED;
    if (hints & NOTIFY_ATTRIBUTES || node->mode != info->mode ||
        node->uid != info->uid || node->gid != info->gid)
        what |= RONDO_PATH_ATTRIBUTES;
    return what;
}

/* One that is dirty still is told once it has been looked at. */
static void path_tell(struct path_node *node, unsigned what)
{
    if (!node->tree->begun)
        return;
    node->what |= (unsigned char)what;
    if (node->what && node->list == PATH_NO_LIST)
        path_node_list(node, PATH_CHANGED);
}

static void path_came(struct path_node *node, const rondo_file_info *info)
{
    path_take(node, info);
    node->there = true;
    node->tree->unknown--;
    path_node_list(node, PATH_CAME);
}

/* Detaches it. Its name becomes its path, by which it is told. false: no
 * memory, and it is freed. */
static bool path_went(struct path_node *node)
{
    struct path_tree *tree = node->tree;
    const char *path = path_text(tree, 1, tree->given, node);
    size_t size = path ? strlen(path) + 1 : 0;
    char *name = path ? sys_alloc(size) : NULL;
    if (!name) {
        path_try_again(tree);
        path_node_free(node);
        return false;
    }
    memcpy(name, path, size);
    path_node_detach(node);
    path_node_rename(node, name);
    path_node_list(node, PATH_GONE);
    return true;
}

static void path_all_below_went(struct path_node *node)
{
    while (node->first)
        (void)path_went(node->first);
}

static void path_root_went(struct path_node *root, unsigned what)
{
    path_all_below_went(root);
    path_unmark(root);
    path_tell(root, what);
}

static void path_root_replaced(struct path_node *root,
                               const rondo_file_info *info)
{
    path_root_went(root, RONDO_PATH_CHANGED | path_difference(root, 0, info));
    path_take(root, info);
    path_make_mark(root);
    root->full = true;
}

/* Another file has its name now. */
static void path_replaced(struct path_node *node, const rondo_file_info *info)
{
    struct path_tree *tree = node->tree;
    struct path_node *parent = node->parent;
    unsigned char hints = node->hints;
    if (!path_went(node))
        return;
    const char *name = strrchr(node->name, '/'); /* it is its path now */
    struct path_node *by =
        path_node_new(tree, parent, name ? name + 1 : node->name);
    if (!by) {
        path_try_again(tree);
        return;
    }
    by->hints = hints;
    by->other = node;
    node->other = by;
    path_came(by, info);
}

static void path_is_gone(struct path_node *node)
{
    struct path_tree *tree = node->tree;
    if (node != tree->root && !node->there) {
        path_node_free(node);
    } else if (node != tree->root) {
        (void)path_went(node);
    } else if (node->there) {
        node->there = false;
        tree->unknown++;
        path_root_went(node, RONDO_PATH_REMOVED);
    }
}

/* The top of what it is in: the root, or one that is gone. */
static struct path_node *path_top(struct path_node *node)
{
    while (node->parent)
        node = node->parent;
    return node;
}

/* Is the directory that it is in at its path still? If not, no hint has said so
 * yet, and the path has led astray: all waits for the hints of that rename. */
static bool path_leads_astray(struct path_node *node)
{
    struct path_node *dir = node->parent;
    rondo_file_info info = {.size = sizeof info};
    if (!dir || dir == node->tree->root || dir->list == PATH_CAME)
        return false;
    const char *path = path_text(node->tree, 1, node->tree->absolute, dir);
    if (!path ||
        (notify_stat(path, false, &info) == 0 && path_is_same(dir, &info)))
        return false;
    node->tree->due = RONDO_NEVER; /* the time begins anew */
    path_mark_dirty(dir, NOTIFY_CHECK | NOTIFY_MOVED);
    path_mark_dirty(node, 0);
    node->tree->astray = true;
    return true;
}

static void path_is_there(struct path_node *node, const rondo_file_info *info)
{
    unsigned what = path_difference(node, node->hints, info);
    path_take(node, info);
    path_make_mark(node);
    path_tell(node, what);
    node->hints = 0;
}

/* Returns the node if it is the same as before, else NULL: it may be freed. */
static struct path_node *path_look_at(struct path_node *node)
{
    struct path_tree *tree = node->tree;
    rondo_file_info info = {.size = sizeof info};
    if (node->list == PATH_CAME)
        return NULL; /* it has just been looked at */
    if (node->list == PATH_DIRTY)
        path_node_list(node, PATH_NO_LIST);
    const char *path = path_text(tree, 1, tree->absolute, node);
    int error =
        path ? notify_stat(path, node == tree->root, &info) : RONDO_ENOMEM;
    if (node->gone) {
        path_unmark(node);
        node->full = true;
    }
    if (error && path_is_hidden(error)) {
        if (!path_leads_astray(node))
            path_is_gone(node);
        return NULL;
    }
    if (error) {
        path_try_again(tree);
        return NULL;
    }
    if (!node->there) {
        path_came(node, &info);
        return NULL;
    }
    if (!path_is_same(node, &info) && node != tree->root) {
        path_replaced(node, &info);
        return NULL;
    }
    if (path_is_same(node, &info))
        path_is_there(node, &info);
    else
        path_root_replaced(node, &info);
    return node;
}

/* ---- directories ---- */

static bool path_listed(void *arg, const char *name, uint64_t number)
{
    struct listing *l = arg;
    struct path_node *dir = l->dir;
    struct path_node *child = path_find(dir->tree, dir, name);
    if (!child)
        child = path_node_new(dir->tree, dir, name);
    if (!child) {
        path_try_again(dir->tree);
        return true;
    }
    child->round = l->round;
    bool known = child->there && child->number == number;
    if (dir->full || !known)
        (void)path_look_at(child);
    return true;
}

/* May there be anything below it that the tree is to know? */
static bool path_is_open(const struct path_node *node)
{
    return node->there && node->type == RONDO_FILE_DIRECTORY &&
           (node == node->tree->root || node->tree->recursive);
}

/* Looks at those that the listing has not seen, and for a full one goes on
 * below. */
static void path_after_listing(const struct listing *l)
{
    struct path_node *next;
    for (struct path_node *n = l->dir->first; n; n = next) {
        next = n->next;
        if (n->there && l->dir->full && path_is_open(n) &&
            n->list != PATH_CAME) {
            n->full = true;
            path_mark_dirty(n, NOTIFY_LIST);
        } else if (n->there && n->round != l->round) {
            (void)path_look_at(n);
        }
    }
}

static void path_list_names(struct path_node *dir)
{
    struct path_tree *tree = dir->tree;
    struct listing l = {dir, ++tree->round};
    path_make_mark(dir); /* first, so that nothing is missed */
    const char *path = path_text(tree, 0, tree->absolute, dir);
    int error = path ? notify_list(path, path_listed, &l) : RONDO_ENOMEM;
    if (!error)
        path_after_listing(&l);
    else if (!path_is_hidden(error))
        path_try_again(tree);
    else if (dir == tree->root && !tree->begun)
        path_fail(tree, error, tree->given);
    dir->full = false;
}

/* ---- renames ---- */

static struct path_node **path_gone_bucket(struct path_node **table,
                                           size_t room, uint64_t number)
{
    return &table[(number * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (room - 1)];
}

/* A number comes again when a file is removed: where the system tells of moves,
 * only those count; elsewhere the file must look the same as before. */
static bool path_may_have_moved(const struct path_node *from,
                                const struct path_node *to)
{
    bool tells = path_has_marks(from->tree) && notify_traits.moves &&
                 !from->tree->overflow;
    if (from->device != to->device || from->number != to->number ||
        from->type != to->type || !to->number)
        return false;
    if (tells) /* what is only listed has no hint */
        return from->hints & NOTIFY_MOVED &&
               (to->hints & NOTIFY_MOVED_HERE || !(to->hints & NOTIFY_CHECK));
    if (from->hints & NOTIFY_MOVED)
        return true;
    return from->modified_ns == to->modified_ns &&
           (from->type == RONDO_FILE_DIRECTORY || from->bytes == to->bytes);
}

/* Takes the one out of the table that is now called `to`. */
static struct path_node *path_find_gone(struct path_node **table, size_t room,
                                        const struct path_node *to)
{
    struct path_node **link = path_gone_bucket(table, room, to->number);
    while (*link && !path_may_have_moved(*link, to))
        link = &(*link)->chain;
    struct path_node *found = *link;
    if (found)
        *link = found->chain;
    return found;
}

/* In the place of `to` there is `by` now, also for what was there before. */
static void path_inherit_place(struct path_node *to, struct path_node *by)
{
    if (by->other) /* what has its old name now is new there */
        by->other->other = NULL;
    by->other = to->other;
    if (to->other)
        to->other->other = by;
    to->other = NULL;
}

/* What was looked at below a directory while it moved may have been another
 * one's: all of it is looked at once more. */
static void path_renamed(struct path_node *from, struct path_node *to)
{
    struct path_tree *tree = from->tree;
    const char *path = path_text(tree, 1, tree->given, to);
    rondo_file_info now = path_given(to);
    unsigned hints = (from->hints | to->hints) & NOTIFY_CONTENT;
    unsigned what = RONDO_PATH_RENAMED | path_difference(from, hints, &now);
    if (!path)
        path_try_again(tree);
    else if (tree->begun)
        path_batch_put(&tree->batch, what, to->type, path, from->name);
    path_take(from, &now);
    from->hints = 0;
    path_inherit_place(to, from);
    path_node_list(from, PATH_NO_LIST);
    path_node_replace(to, from);
    if (path_is_open(from)) {
        from->full = true;
        path_mark_dirty(from, NOTIFY_LIST);
    }
}

static struct path_node **path_gone_table(struct path_tree *tree, size_t *room)
{
    size_t count = 0, size = 16;
    for (struct path_node *n = tree->list[PATH_GONE].first; n; n = n->list_next)
        count++;
    if (!count)
        return NULL;
    while (size < count)
        size *= 2;
    struct path_node **table =
        sys_alloc_zeroed(size, sizeof(struct path_node *));
    for (struct path_node *n = table ? tree->list[PATH_GONE].first : NULL; n;
         n = n->list_next) {
        struct path_node **bucket = path_gone_bucket(table, size, n->number);
        n->chain = *bucket;
        *bucket = n;
    }
    *room = size;
    return table;
}

static void path_new_one(struct path_node *node)
{
    const struct path_node *was = node->other;
    rondo_file_info now = path_given(node);
    bool same =
        was && was->type == node->type && node->type != RONDO_FILE_DIRECTORY;
    unsigned what =
        same ? path_difference(was, NOTIFY_CONTENT, &now) : RONDO_PATH_CREATED;
    node->hints = 0;
    path_node_list(node, PATH_NO_LIST);
    path_make_mark(node);
    if (path_is_open(node)) {
        node->full = true;
        path_list_names(node);
    }
    path_tell(node, what);
}

/* Those that were elsewhere get the node that they had there. Returns how many
 * are left, which are new. */
static size_t path_match_renames(struct path_tree *tree)
{
    size_t room = 0, left = 0;
    struct path_node **table = path_gone_table(tree, &room);
    struct path_node *next;
    for (struct path_node *n = tree->list[PATH_CAME].first; n; n = next) {
        next = n->list_next;
        struct path_node *from =
            table && n != tree->root ? path_find_gone(table, room, n) : NULL;
        if (from)
            path_renamed(from, n);
        else
            left++;
    }
    sys_free(table);
    return left;
}

/* A directory that is new brings what is in it, which may have been elsewhere,
 * too. */
static void path_settle_those_that_came(struct path_tree *tree)
{
    size_t left;
    while ((left = path_match_renames(tree)) != 0)
        for (; left; left--)
            path_new_one(tree->list[PATH_CAME].first);
}

/* ---- telling ---- */

static void path_tell_gone(struct path_node *top)
{
    struct path_tree *tree = top->tree;
    const struct path_node *by = top->other;
    bool replaced =
        by && by->type == top->type && by->type != RONDO_FILE_DIRECTORY;
    struct path_node *n = path_first_below(top);
    for (;; n = path_next_below(n)) {
        const char *path =
            n == top ? top->name : path_text(tree, 1, top->name, n);
        if (!path)
            path_try_again(tree);
        else if (n->there && !replaced && tree->begun)
            path_batch_put(&tree->batch, RONDO_PATH_REMOVED, n->type, path,
                           NULL);
        if (n == top)
            break;
    }
}

static void path_tell_changed(struct path_node *node)
{
    struct path_tree *tree = node->tree;
    const char *path = path_text(tree, 1, tree->given, node);
    path_node_list(node, PATH_NO_LIST);
    if (path)
        path_batch_put(&tree->batch, node->what, node->type, path, NULL);
    else
        path_try_again(tree);
    node->what = 0;
}

static void path_tell_all(struct path_tree *tree)
{
    struct path_nodes *gone = &tree->list[PATH_GONE];
    struct path_nodes *changed = &tree->list[PATH_CHANGED];
    while (gone->first) {
        struct path_node *node = gone->first;
        path_tell_gone(node);
        path_node_free(node);
    }
    while (changed->first)
        path_tell_changed(changed->first);
}

/* ---- all of it ---- */

/* The highest one above it, or itself, that is to be looked at: its path is that
 * of all below it. */
static struct path_node *path_highest_dirty(struct path_node *node)
{
    struct path_node *highest = node;
    for (; node; node = node->parent)
        if (node->list == PATH_DIRTY)
            highest = node;
    return highest;
}

static void path_look_at_dirty(struct path_tree *tree)
{
    struct path_nodes *dirty = &tree->list[PATH_DIRTY];
    while (dirty->first && !tree->astray) {
        struct path_node *node = path_highest_dirty(dirty->first);
        bool list = node->hints & NOTIFY_LIST;
        if (path_top(node) != tree->root) {
            path_node_list(node, PATH_LATER);
            continue;
        }
        node = path_look_at(node);
        if (node && path_is_open(node) && (list || node->full))
            path_list_names(node);
        if (node)
            path_tell(node, 0);
    }
}

/* Those below a directory that was found elsewhere; the others are freed with
 * it. */
static void path_look_at_later(struct path_tree *tree)
{
    struct path_node *next;
    for (struct path_node *n = tree->list[PATH_LATER].first; n; n = next) {
        next = n->list_next;
        if (path_top(n) == tree->root)
            path_node_list(n, PATH_DIRTY);
    }
}

int path_look(struct path_tree *tree)
{
    tree->astray = false;
    path_mark_above(tree);
    do {
        path_look_at_dirty(tree);
        if (tree->astray)
            return tree->error; /* it goes on when tree->due has come */
        path_settle_those_that_came(tree);
        path_look_at_later(tree);
    } while (tree->list[PATH_DIRTY].first);
    path_tell_all(tree);
    assert(!tree->list[PATH_LATER].first);
    tree->due = RONDO_NEVER;
    if (tree->overflow || tree->batch.lost)
        tree->events |= RONDO_PATH_OVERFLOW;
    tree->overflow = tree->batch.lost = false;
    return tree->error;
}

static int path_begin_failed(struct path_tree *tree, int error)
{
    path_fail(tree, error, tree->given);
    return tree->error;
}

int path_begin(struct path_tree *tree)
{
    rondo_file_info info = {.size = sizeof info};
    error_no_os();
    tree->root = path_node_new(tree, NULL, "");
    tree->above_node = sys_alloc_zeroed(1, sizeof *tree->above_node);
    if (!tree->root || !tree->above_node)
        return path_begin_failed(tree, RONDO_ENOMEM);
    tree->above_node->tree = tree;
    int error = notify_stat(tree->absolute, true, &info);
    if (error && !(tree->may_be_missing && path_is_hidden(error)))
        return path_begin_failed(tree, error);
    path_mark_all(tree);
    do
        error = path_look(tree);
    while (!error && tree->astray);
    tree->begun = true;
    /* nothing comes before BEGUN but ENDED */
    tree->events = error ? 0 : tree->events | RONDO_PATH_BEGUN;
    return error;
}

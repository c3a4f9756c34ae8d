/* path_tree.c - what is known of the files below a watched path. */
/* SPDX-License-Identifier: MIT */
#include "watch/path.h"

#include <assert.h>
#include <string.h>

enum {
    FIRST_BUCKETS = 16,
    FIRST_TEXT = 256,
    /* More names that may be there, and the directory is listed instead. */
    UNKNOWN_MOST = 16384,
    /* A rename gives two hints, one for each name: so long the second is waited
     * for. */
    MOVE_MS = 5,
    /* Renames that follow each other prolong the time by no more. */
    MOVES_MOST_MS = 100
};

static char *path_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = sys_alloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

struct path_tree *path_tree_new(const char *given, const char *absolute)
{
    struct path_tree *tree = sys_alloc(sizeof *tree);
    if (!tree)
        return NULL;
    memset(tree, 0, sizeof *tree);
    tree->completion.done = path_told;
    for (int i = 0; i < PATH_LISTS; i++)
        tree->list[i].last = &tree->list[i].first;
    tree->due = tree->look = RONDO_NEVER;
    tree->given = path_copy(given);
    tree->absolute = path_copy(absolute);
    if (tree->given && tree->absolute)
        return tree;
    path_tree_free(tree);
    return NULL;
}

void path_tree_free(struct path_tree *tree)
{
    assert(!tree->root && !tree->above);
    path_batch_clear(&tree->batch);
    sys_free(tree->given);
    sys_free(tree->absolute);
    sys_free(tree);
}

void path_tree_clear(struct path_tree *tree)
{
    if (tree->above)
        notify_remove(tree->notifier, tree->above);
    tree->above = NULL;
    /* detached ones that were not told yet: the look had to wait */
    while (tree->list[PATH_GONE].first)
        path_node_free(tree->list[PATH_GONE].first);
    if (tree->root)
        path_node_free(tree->root);
    tree->root = NULL;
    sys_free(tree->above_node);
    tree->above_node = NULL;
    sys_free(tree->buckets);
    tree->buckets = NULL;
    tree->room = 0;
    assert(!tree->used && !tree->unknown);
    for (int i = 0; i < PATH_LISTS; i++)
        assert(!tree->list[i].first);
    for (int i = 0; i < 2; i++) {
        sys_free(tree->buffer[i]);
        tree->buffer[i] = NULL;
        tree->buffer_room[i] = 0;
    }
}

/* ---- the table ---- */

static size_t path_hash(const struct path_node *parent, const char *name)
{
    uint64_t hash = (uint64_t)(uintptr_t)parent;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001B3);
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash >> 24);
}

static struct path_node **path_bucket(const struct path_tree *tree,
                                      const struct path_node *parent,
                                      const char *name)
{
    assert(tree->room);
    return &tree->buckets[path_hash(parent, name) & (tree->room - 1)];
}

struct path_node *path_find(const struct path_tree *tree,
                            const struct path_node *parent, const char *name)
{
    struct path_node *n = tree->room ? *path_bucket(tree, parent, name) : NULL;
    while (n && (n->parent != parent || strcmp(n->name, name) != 0))
        n = n->chain;
    return n;
}

static bool path_make_room(struct path_tree *tree)
{
    if (tree->used < tree->room)
        return true;
    size_t room = tree->room ? tree->room * 2 : FIRST_BUCKETS;
    size_t old_room = tree->room;
    struct path_node **old = tree->buckets;
    struct path_node **grown =
        sys_alloc_zeroed(room, sizeof(struct path_node *));
    if (!grown)
        return tree->room > 0; /* longer chains will do */
    tree->buckets = grown;
    tree->room = room;
    for (size_t i = 0; i < old_room; i++) {
        struct path_node *n = old[i];
        while (n) {
            struct path_node *next = n->chain;
            struct path_node **bucket = path_bucket(tree, n->parent, n->name);
            n->chain = *bucket;
            *bucket = n;
            n = next;
        }
    }
    sys_free(old);
    return true;
}

/* ---- nodes ---- */

static void path_node_attach(struct path_node *node)
{
    struct path_tree *tree = node->tree;
    struct path_node *parent = node->parent;
    struct path_node **bucket = path_bucket(tree, parent, node->name);
    node->chain = *bucket;
    *bucket = node;
    tree->used++;
    if (!parent)
        return;
    node->next = parent->first;
    node->link = &parent->first;
    if (node->next)
        node->next->link = &node->next;
    parent->first = node;
}

struct path_node *path_node_new(struct path_tree *tree,
                                struct path_node *parent, const char *name)
{
    struct path_node *node = sys_alloc_zeroed(1, sizeof *node);
    char *copy = node ? path_copy(name) : NULL;
    if (!copy || !path_make_room(tree)) {
        sys_free(copy);
        sys_free(node);
        return NULL;
    }
    node->tree = tree;
    node->parent = parent;
    node->name = copy;
    node->list = PATH_NO_LIST;
    tree->unknown++;
    path_node_attach(node);
    return node;
}

void path_node_detach(struct path_node *node)
{
    struct path_tree *tree = node->tree;
    struct path_node **chain = path_bucket(tree, node->parent, node->name);
    while (*chain != node)
        chain = &(*chain)->chain;
    *chain = node->chain;
    tree->used--;
    if (node->link) {
        *node->link = node->next;
        if (node->next)
            node->next->link = node->link;
    }
    node->link = NULL;
    node->next = NULL;
    node->parent = NULL;
}

static bool path_is_attached(const struct path_node *node)
{
    return node->link || node == node->tree->root;
}

static void path_node_unlist(struct path_node *node)
{
    if (node->list == PATH_NO_LIST)
        return;
    struct path_nodes *list = &node->tree->list[node->list];
    *node->list_link = node->list_next;
    if (node->list_next)
        node->list_next->list_link = node->list_link;
    else
        list->last = node->list_link;
    node->list = PATH_NO_LIST;
}

void path_node_list(struct path_node *node, enum path_list list)
{
    path_node_unlist(node);
    node->list = (unsigned char)list;
    if (list == PATH_NO_LIST)
        return;
    struct path_nodes *to = &node->tree->list[list];
    node->list_next = NULL;
    node->list_link = to->last;
    *to->last = node;
    to->last = &node->list_next;
}

void path_node_rename(struct path_node *node, char *name)
{
    assert(!path_is_attached(node));
    sys_free(node->name);
    node->name = name;
}

static void path_node_free_one(struct path_node *node)
{
    struct path_tree *tree = node->tree;
    assert(!node->first);
    path_node_unlist(node);
    if (node->other)
        node->other->other = NULL;
    if (path_is_attached(node))
        path_node_detach(node);
    if (node->mark)
        notify_remove(tree->notifier, node->mark);
    if (!node->there)
        tree->unknown--;
    sys_free(node->name);
    sys_free(node);
}

struct path_node *path_first_below(struct path_node *top)
{
    while (top->first)
        top = top->first;
    return top;
}

struct path_node *path_next_below(struct path_node *node)
{
    return node->next ? path_first_below(node->next) : node->parent;
}

void path_node_free(struct path_node *node)
{
    struct path_node *below;
    while ((below = path_first_below(node)) != node)
        path_node_free_one(below);
    path_node_free_one(node);
}

void path_node_replace(struct path_node *node, struct path_node *by)
{
    struct path_node *parent = node->parent;
    char *name = node->name;
    assert(!path_is_attached(by) && !node->first && parent);
    path_node_detach(node);
    node->name = by->name;
    by->name = name;
    by->parent = parent;
    path_node_attach(by);
    path_node_free_one(node);
}

/* ---- paths as text ---- */

static bool path_text_room(struct path_tree *tree, int which, size_t size)
{
    size_t room = tree->buffer_room[which];
    if (size <= room)
        return true;
    room = room ? room : FIRST_TEXT;
    while (room < size)
        room *= 2;
    char *grown = sys_realloc(tree->buffer[which], room);
    if (!grown)
        return false;
    tree->buffer[which] = grown;
    tree->buffer_room[which] = room;
    return true;
}

const char *path_text(struct path_tree *tree, int which, const char *prefix,
                      const struct path_node *node)
{
    size_t head = strlen(prefix), size = head;
    /* "/" and "C:/" end with a slash already */
    bool slash = head && prefix[head - 1] != '/';
    for (const struct path_node *n = node; n->parent; n = n->parent)
        size += strlen(n->name) + (n->parent->parent || slash);
    if (!path_text_room(tree, which, size + 1))
        return NULL;
    char *text = tree->buffer[which], *at = text + size;
    memcpy(text, prefix, head + 1);
    *at = '\0';
    for (const struct path_node *n = node; n->parent; n = n->parent) {
        size_t length = strlen(n->name);
        at -= length;
        memcpy(at, n->name, length);
        if (n->parent->parent || slash)
            *--at = '/';
    }
    assert(at == text + head);
    return text;
}

/* ---- hints ---- */

static int64_t path_later(int64_t when, int64_t wait)
{
    return wait < RONDO_NEVER - 1 - when ? when + wait : RONDO_NEVER - 1;
}

/* The first hint begins the time, and a rename prolongs it. */
static void path_set_due(struct path_tree *tree, bool moved)
{
    int64_t now = sys_clock();
    int64_t move = path_later(now, RONDO_MS(MOVE_MS));
    if (tree->due == RONDO_NEVER) {
        tree->due = path_later(now, tree->settle_ns);
        tree->due_most = path_later(tree->due, RONDO_MS(MOVES_MOST_MS));
    }
    if (move > tree->due_most)
        move = tree->due_most;
    if (moved && move > tree->due)
        tree->due = move;
}

void path_mark_dirty(struct path_node *node, unsigned hints)
{
    struct path_tree *tree = node->tree;
    bool moved = hints & (NOTIFY_MOVED | NOTIFY_MOVED_HERE);
    node->hints |= (unsigned char)hints;
    if (node->list == PATH_NO_LIST || node->list == PATH_CHANGED)
        path_node_list(node, PATH_DIRTY);
    if (moved || tree->due == RONDO_NEVER)
        path_set_due(tree, moved);
}

void path_mark_all(struct path_tree *tree)
{
    if (!tree->root)
        return;
    tree->root->full = true;
    path_mark_dirty(tree->root, NOTIFY_CHECK | NOTIFY_LIST);
}

/* Hints say nothing of what is in a directory that the tree does not know. */
static void path_hint_unknown(struct path_node *dir, unsigned what)
{
    dir->full = true;
    path_mark_dirty(dir, NOTIFY_CHECK | NOTIFY_LIST |
                             (what & (NOTIFY_MOVED | NOTIFY_MOVED_HERE)));
}

/* One name, which is not in NUL-terminated form. */
static struct path_node *path_hint_child(struct path_node *dir,
                                         const char *name)
{
    struct path_node *child = path_find(dir->tree, dir, name);
    if (child)
        return child;
    if (dir->tree->unknown >= UNKNOWN_MOST)
        return NULL;
    return path_node_new(dir->tree, dir, name);
}

/* Of a NOTIFY_TREE: goes down as far as the tree is known. */
static void path_hint_below(struct path_node *dir, const char *path,
                            unsigned what)
{
    char name[1024];
    for (;;) {
        size_t length = strcspn(path, "/");
        if (length >= sizeof name) {
            path_hint_unknown(dir, what);
            return;
        }
        memcpy(name, path, length);
        name[length] = '\0';
        struct path_node *child = path_hint_child(dir, name);
        path += length;
        if (!child || (*path && !child->there)) {
            path_hint_unknown(child ? child : dir, what);
            return;
        }
        if (!*path) {
            path_mark_dirty(child, what);
            return;
        }
        dir = child;
        path++;
    }
}

/* Of the directory that the root is in. Another name in it may be a link on the
 * way to the root, so that it counts when it comes or goes. */
static void path_hint_above(struct path_tree *tree, const char *name,
                            unsigned what)
{
    const char *last = strrchr(tree->absolute, '/');
    if (!name) {
        if (what & (NOTIFY_GONE | NOTIFY_MOVED))
            tree->above_node->gone = true; /* its path may name another one */
        path_mark_dirty(tree->root, NOTIFY_CHECK);
    } else if (last && strcmp(name, last + 1) == 0) {
        path_mark_dirty(tree->root, what);
    } else if (!(what & (NOTIFY_CONTENT | NOTIFY_ATTRIBUTES))) {
        path_mark_dirty(tree->root, NOTIFY_CHECK);
    }
}

void path_hint(void *owner, const char *name, unsigned what)
{
    struct path_node *node = owner;
    struct path_tree *tree = node->tree;
    if (what & NOTIFY_OVERFLOW) {
        tree->overflow = true;
        path_mark_all(tree);
        return;
    }
    if (node == tree->above_node) {
        path_hint_above(tree, name, what);
        return;
    }
    node->gone |= (what & NOTIFY_GONE) != 0;
    what &= ~(unsigned)NOTIFY_GONE;
    if (!name)
        path_mark_dirty(node, what);
    else
        path_hint_below(node, name, what);
}

/* ---- batches ---- */

static size_t path_batch_text(struct path_batch *b, const char *text)
{
    if (!text)
        return PATH_NO_TEXT;
    size_t size = strlen(text) + 1, at = b->text_used;
    if (size > b->text_room - at) {
        size_t room = b->text_room ? b->text_room * 2 : FIRST_TEXT;
        while (room < at + size)
            room *= 2;
        char *grown = sys_realloc(b->text, room);
        if (!grown) {
            b->lost = true;
            return PATH_NO_TEXT;
        }
        b->text = grown;
        b->text_room = room;
    }
    memcpy(b->text + at, text, size);
    b->text_used = at + size;
    return at;
}

void path_batch_put(struct path_batch *b, unsigned what, unsigned type,
                    const char *path, const char *from)
{
    if (b->count == b->room) {
        size_t room = b->room ? b->room * 2 : 8;
        struct path_item *grown =
            sys_realloc(b->items, room * sizeof(struct path_item));
        if (!grown) {
            b->lost = true;
            return;
        }
        b->items = grown;
        b->room = room;
    }
    struct path_item item = {.what = what, .type = type};
    item.path = path_batch_text(b, path);
    item.from = path_batch_text(b, from);
    if (item.path != PATH_NO_TEXT)
        b->items[b->count++] = item;
    else
        b->lost = true;
}

void path_batch_clear(struct path_batch *b)
{
    sys_free(b->items);
    sys_free(b->text);
    *b = (struct path_batch){.items = NULL};
}

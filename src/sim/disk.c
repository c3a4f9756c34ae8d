/* disk.c - names, and what they lead to: the file system of a simulated host. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/disk.h"

#include "base/error.h"
#include "core/notify.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SLOW_MS = 100 };

/* 1 January 2020: when each world begins. */
#define DISK_EPOCH_NS INT64_C(1577836800000000000)

int disk_refuse(int error)
{
    error_no_os();
    return error;
}

int64_t disk_time(void)
{
    return DISK_EPOCH_NS + sim.now;
}

/* ---- nodes ---- */

struct disk_node *disk_new_node(enum disk_type type, unsigned mode)
{
    const struct sim_process *process = sim_process();
    struct sim_disk *d = disk_of(sim_host());
    struct disk_node *n = calloc(1, sizeof *n);
    if (!n)
        sim_die("out of memory for files");
    n->disk = d;
    n->type = type;
    n->mode = mode & ~process->umask;
    n->uid = n->gid = SIM_USER;
    n->number = ++d->numbers;
    n->accessed_ns = n->modified_ns = n->changed_ns = disk_time();
    n->next = d->nodes;
    d->nodes = n;
    return n;
}

/* A new disk has "/tmp" and "/dev/null", which no crash removes. */
static void disk_fill(void)
{
    struct disk_place p;
    static const char *const folders[] = {"/tmp", "/dev"};
    for (int i = 0; i < 2; i++) {
        (void)disk_find(NULL, folders[i], true, &p);
        struct disk_node *n = disk_new_node(DISK_DIRECTORY, 0755);
        n->parent = p.parent;
        disk_enter(&p, n);
    }
    (void)disk_find(NULL, "/dev/null", true, &p);
    disk_enter(&p, disk_new_node(DISK_NULL, 0666));
    disk_sync(p.parent);
    disk_sync(p.parent->parent);
}

struct sim_disk *disk_of(struct sim_host *host)
{
    struct sim_disk *d = host->disk;
    if (d)
        return d;
    d = host->disk = calloc(1, sizeof *d);
    if (!d)
        sim_die("out of memory for files");
    d->host = host;
    d->most = host->disk_most ? host->disk_most : INT64_C(1) << 40;
    d->root = disk_new_node(DISK_DIRECTORY, 0755);
    d->root->parent = d->root;
    d->root->links = 1;
    disk_fill();
    return d;
}

static void disk_free_entries(struct disk_entry **list)
{
    while (*list) {
        struct disk_entry *e = *list;
        *list = e->next;
        free(e);
    }
}

void disk_end(struct sim_host *host)
{
    struct sim_disk *d = host->disk;
    while (d && d->nodes) {
        struct disk_node *n = d->nodes;
        d->nodes = n->next;
        disk_free_entries(&n->entries);
        disk_free_entries(&n->old);
        free(n->buckets);
        free(n->now.bytes);
        free(n->kept.bytes);
        free(n->target);
        free(n);
    }
    free(d);
    host->disk = NULL;
}

void disk_change_time(struct disk_node *node, bool bytes)
{
    node->changed_ns = disk_time();
    if (bytes)
        node->modified_ns = node->changed_ns;
    if (node->type != DISK_DIRECTORY)
        changes_of(node,
                   NOTIFY_CHECK | (bytes ? NOTIFY_CONTENT : NOTIFY_ATTRIBUTES));
}

void disk_tell(const struct disk_node *n, rondo_file_info *info)
{
    info->type = n->type == DISK_FILE        ? RONDO_FILE_REGULAR
                 : n->type == DISK_DIRECTORY ? RONDO_FILE_DIRECTORY
                 : n->type == DISK_LINK      ? RONDO_FILE_SYMLINK
                                             : RONDO_FILE_OTHER;
    info->mode = n->mode;
    info->bytes = n->target ? (int64_t)strlen(n->target) : (int64_t)n->now.size;
    info->accessed_ns = n->accessed_ns;
    info->modified_ns = n->modified_ns;
    info->changed_ns = n->changed_ns;
    info->device = (uint64_t)sim_host()->number + 1;
    info->number = n->number;
    info->links = n->links;
    info->uid = n->uid;
    info->gid = n->gid;
}

/* ---- bytes ---- */

static void disk_set_bytes(struct disk_bytes *b, size_t size)
{
    if (size > b->room) {
        size_t room = size + size / 2;
        char *bytes = realloc(b->bytes, room);
        if (!bytes)
            sim_die("out of memory for files");
        b->bytes = bytes;
        b->room = room;
    }
    if (size > b->size)
        memset(b->bytes + b->size, 0, size - b->size);
    b->size = size;
}

int disk_resize(struct disk_node *node, size_t size)
{
    struct sim_disk *d = node->disk;
    int64_t more = (int64_t)size - (int64_t)node->now.size;
    if (more > 0 &&
        (d->used + more > d->most || sim_fault(SIM_FAULT_disk_full)))
        return sim_fail(ENOSPC);
    d->used += more;
    disk_set_bytes(&node->now, size);
    disk_change_time(node, true);
    return 0;
}

/* No name leads to it, and no descriptor. */
static void disk_drop_if_over(struct disk_node *node)
{
    if (node->links || node->opens)
        return;
    changes_gone(node);
    if (node->type == DISK_FILE)
        (void)disk_resize(node, 0);
}

void disk_unopen(struct disk_node *node)
{
    assert(node->opens);
    node->opens--;
    disk_drop_if_over(node);
}

int disk_call(void)
{
    if (sim_fault(SIM_FAULT_slow_disk))
        (void)sim_block("a disk (a fault)",
                        sim.now + (int64_t)sim_below(RONDO_MS(SLOW_MS)));
    return sim_fault(SIM_FAULT_disk_error) ? sim_fail(EIO) : 0;
}

/* ---- names ---- */

static struct disk_entry **disk_bucket(const struct disk_node *parent,
                                       const char *name)
{
    size_t hash = 5381;
    while (*name)
        hash = hash * 33 + (unsigned char)*name++;
    return &parent->buckets[hash % parent->bucket_count];
}

static struct disk_entry *disk_entry(const struct disk_node *parent,
                                     const char *name)
{
    if (!parent->bucket_count)
        return NULL;
    struct disk_entry *e = *disk_bucket(parent, name);
    while (e && strcmp(e->name, name) != 0)
        e = e->chain;
    return e;
}

struct disk_node *disk_look(const struct disk_node *parent, const char *name)
{
    const struct disk_entry *e = disk_entry(parent, name);
    return e ? e->node : NULL;
}

static void disk_rehash(struct disk_node *n)
{
    n->bucket_count = n->count * 2 + 16;
    free(n->buckets);
    n->buckets = calloc(n->bucket_count, sizeof(struct disk_entry *));
    if (!n->buckets)
        sim_die("out of memory for files");
    for (struct disk_entry *e = n->entries; e; e = e->next) {
        struct disk_entry **bucket = disk_bucket(n, e->name);
        e->chain = *bucket;
        *bucket = e;
    }
}

/* Behind the others. */
static void disk_append(struct disk_node *parent, const char *name,
                        struct disk_node *node)
{
    size_t size = strlen(name) + 1;
    struct disk_entry *e = malloc(sizeof *e + size);
    if (!e)
        sim_die("out of memory for files");
    if (++parent->count > parent->bucket_count)
        disk_rehash(parent);
    memcpy(e->name, name, size);
    e->node = node;
    e->next = NULL;
    e->link = parent->entries ? parent->last : &parent->entries;
    *e->link = e;
    parent->last = &e->next;
    struct disk_entry **bucket = disk_bucket(parent, name);
    e->chain = *bucket;
    *bucket = e;
    node->links++;
    if (node->type == DISK_DIRECTORY)
        node->parent = parent;
}

static void disk_enter_as(const struct disk_place *place,
                          struct disk_node *node, unsigned what)
{
    assert(*place->name && !disk_entry(place->parent, place->name));
    disk_append(place->parent, place->name, node);
    disk_change_time(place->parent, true);
    node->changed_ns = disk_time();
    changes_named(place->parent, place->name, what);
}

void disk_enter(const struct disk_place *place, struct disk_node *node)
{
    disk_enter_as(place, node, NOTIFY_CHECK);
}

void disk_enter_moved(const struct disk_place *place, struct disk_node *node)
{
    disk_enter_as(place, node, NOTIFY_CHECK | NOTIFY_MOVED_HERE);
}

static void disk_unlink(struct disk_node *parent, struct disk_entry *e)
{
    struct disk_entry **chain = disk_bucket(parent, e->name);
    while (*chain != e)
        chain = &(*chain)->chain;
    *chain = e->chain;
    *e->link = e->next;
    if (e->next)
        e->next->link = e->link;
    else
        parent->last = e->link;
    parent->count--;
}

static void disk_leave_as(struct disk_node *parent, const char *name,
                          unsigned what)
{
    struct disk_entry *e = disk_entry(parent, name);
    changes_named(parent, name, what);
    disk_unlink(parent, e);
    e->node->links--;
    e->node->changed_ns = disk_time();
    disk_change_time(parent, true);
    changes_of(e->node, what | NOTIFY_ATTRIBUTES);
    disk_drop_if_over(e->node);
    free(e);
}

void disk_leave(struct disk_node *parent, const char *name)
{
    disk_leave_as(parent, name, NOTIFY_CHECK);
}

void disk_leave_moved(struct disk_node *parent, const char *name)
{
    disk_leave_as(parent, name, NOTIFY_CHECK | NOTIFY_MOVED);
}

/* ---- what a crash leaves ---- */

static struct disk_entry *disk_copy_entries(const struct disk_entry *from)
{
    struct disk_entry *first = NULL, **last = &first;
    for (; from; from = from->next) {
        size_t size = sizeof *from + strlen(from->name) + 1;
        struct disk_entry *e = malloc(size);
        if (!e)
            sim_die("out of memory for files");
        memcpy(e, from, size);
        e->next = NULL;
        *last = e;
        last = &e->next;
    }
    return first;
}

static void disk_copy_bytes(struct disk_bytes *to,
                            const struct disk_bytes *from)
{
    to->size = 0;
    disk_set_bytes(to, from->size);
    if (from->size)
        memcpy(to->bytes, from->bytes, from->size);
}

void disk_sync(struct disk_node *node)
{
    if (node->type == DISK_DIRECTORY) {
        disk_free_entries(&node->old);
        node->old = disk_copy_entries(node->entries);
    } else if (node->type == DISK_FILE) {
        disk_copy_bytes(&node->kept, &node->now);
    }
}

/* The descriptors are closed already. */
void disk_crash(struct sim_host *host)
{
    struct sim_disk *d = host->disk;
    if (!d)
        return;
    d->used = 0;
    for (struct disk_node *n = d->nodes; n; n = n->next)
        n->links = n == d->root;
    for (struct disk_node *n = d->nodes; n; n = n->next) {
        disk_free_entries(&n->entries);
        n->count = n->bucket_count = 0;
        for (const struct disk_entry *e = n->old; e; e = e->next)
            disk_append(n, e->name, e->node);
        disk_copy_bytes(&n->now, &n->kept);
    }
    for (struct disk_node *n = d->nodes; n; n = n->next)
        if (n->links)
            d->used += (int64_t)n->now.size;
        else
            disk_set_bytes(&n->now, 0);
}

/* ---- paths ---- */

/* The walk along a path. A link's text goes before what is left of it. */
struct disk_walk {
    char text[DISK_TEXT];
    size_t at;
    unsigned links;
};

static int disk_walk_begin(struct disk_walk *w, const char *path)
{
    size_t size = strlen(path);
    if (!size)
        return sim_fail(ENOENT);
    if (size >= sizeof w->text)
        return sim_fail(ENAMETOOLONG);
    memcpy(w->text, path, size + 1);
    w->at = w->links = 0;
    return 0;
}

static int disk_walk_into(struct disk_walk *w, const char *target)
{
    static char rest[DISK_TEXT]; /* one thread runs at a time */
    if (w->links++ == DISK_LINKS_MOST)
        return sim_fail(ELOOP);
    size_t size = strlen(target), left = strlen(w->text + w->at);
    if (size + left + 1 >= sizeof w->text)
        return sim_fail(ENAMETOOLONG);
    memcpy(rest, w->text + w->at, left + 1);
    memcpy(w->text, target, size);
    memcpy(w->text + size, rest, left + 1);
    w->at = 0;
    return 0;
}

/* The next name; *last: none follows. 0: there is none; or an error. */
static int disk_walk_next(struct disk_walk *w, char *name, bool *last,
                          bool *slash)
{
    while (w->text[w->at] == '/')
        w->at++;
    size_t size = strcspn(w->text + w->at, "/");
    if (size > DISK_NAME_MOST)
        return sim_fail(ENAMETOOLONG);
    memcpy(name, w->text + w->at, size);
    name[size] = '\0';
    w->at += size;
    *slash = w->text[w->at] == '/';
    *last = !w->text[w->at + strspn(w->text + w->at, "/")];
    return size ? 1 : 0;
}

/* One name; *at is the directory, then what the name leads to. */
static int disk_step(struct disk_walk *w, struct disk_place *p, bool last,
                     bool follow)
{
    struct disk_node *at = p->node;
    if (at->type != DISK_DIRECTORY)
        return sim_fail(ENOTDIR);
    p->parent = at;
    if (strcmp(p->name, ".") == 0 || strcmp(p->name, "..") == 0) {
        p->node = p->name[1] ? at->parent : at;
        p->name[0] = '\0';
        return 0;
    }
    struct disk_node *found = p->node = disk_look(at, p->name);
    if (found && found->type == DISK_LINK && (!last || follow || p->slash)) {
        p->node = *found->target == '/' ? at->disk->root : at;
        return disk_walk_into(w, found->target);
    }
    return found || last ? 0 : sim_fail(ENOENT);
}

int disk_find(struct disk_node *base, const char *path, bool follow,
              struct disk_place *p)
{
    static struct disk_walk w; /* one thread runs at a time */
    struct disk_node *root = disk_of(sim_host())->root;
    if (!base)
        base = sim_process()->folder;
    bool last = false;
    int more, error = disk_walk_begin(&w, path);
    *p = (struct disk_place){.node = *path == '/' || !base ? root : base};
    p->parent = p->node;
    while (!error && (more = disk_walk_next(&w, p->name, &last, &p->slash))) {
        if (more < 0)
            return more;
        error = disk_step(&w, p, last, follow);
        if (!p->node && last)
            break;
        if (error || !w.text[w.at + strspn(w.text + w.at, "/")])
            break;
    }
    if (!error && p->node && p->slash && p->node->type != DISK_DIRECTORY)
        error = sim_fail(ENOTDIR);
    return error;
}

int disk_find_node(const char *path, bool follow, struct disk_place *place)
{
    int error = disk_call();
    if (!error)
        error = disk_find(NULL, path, follow, place);
    return error || place->node ? error : sim_fail(ENOENT);
}

/* ---- the interface ---- */

int rondo_sim_set_disk(int host, int64_t bytes)
{
    if (!sim.begun || host < 0 || host >= sim.host_count)
        return error_set(sim.begun ? RONDO_ENONAME : RONDO_EINVAL,
                         "sim_set_disk: there is no host %d", host);
    if (bytes <= 0)
        return error_set(RONDO_EINVAL, "sim_set_disk: %lld bytes",
                         (long long)bytes);
    struct sim_host *h = sim.hosts[host];
    h->disk_most = bytes;
    if (h->disk)
        h->disk->most = bytes;
    return 0;
}
#endif

/* changes.c - watched paths: the disk tells what changes. Simulated. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/disk.h"

#include "base/error.h"
#include "core/notify.h"
#include "sim/waiter.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGES_MOST = 4096 }; /* that wait; then the rest is lost */

/* What has happened to a thing, or to a name in it. */
struct change {
    struct change *next;
    struct notify_mark *mark;
    unsigned what;
    bool named;
    char name[];
};

struct notify_mark {
    struct notify_mark *next, **link; /* of the notifier */
    struct notify_mark *more, **from; /* of the node */
    struct notifier *notifier;
    struct disk_node *node; /* NULL: it is gone */
    void *owner;
};

/* From malloc, since marks hang on the disk: the process's end frees it. */
struct notifier {
    struct notifier *next, **link; /* of the process */
    notify_fn tell;
    struct sim_waiter waiter;
    struct notify_mark *marks;
    struct change *first, **last;
    unsigned count;
    bool lost;
};

const struct notify_traits notify_traits = {.name = "simulated", .moves = true};

/* ---- a notifier ---- */

int notify_open(struct notifier **made, notify_fn tell)
{
    struct sim_process *p = sim_process();
    struct notifier *n =
        sim_fault(SIM_FAULT_no_memory) ? NULL : calloc(1, sizeof *n);
    if (!n)
        return error_set(RONDO_ENOMEM, "out of memory");
    n->tell = tell;
    n->last = &n->first;
    n->next = p->notifiers;
    n->link = &p->notifiers;
    if (n->next)
        n->next->link = &n->next;
    p->notifiers = n;
    *made = n;
    return 0;
}

static struct change *changes_take(struct notifier *n)
{
    struct change *c = n->first;
    if (!c)
        return NULL;
    n->first = c->next;
    if (!n->first)
        n->last = &n->first;
    n->count--;
    return c;
}

void notify_close(struct notifier *n)
{
    struct change *c;
    assert(!n->marks);
    while ((c = changes_take(n)))
        free(c);
    *n->link = n->next;
    if (n->next)
        n->next->link = n->link;
    free(n);
}

void changes_forget(struct sim_process *process)
{
    while (process->notifiers) {
        struct notifier *n = process->notifiers;
        while (n->marks)
            notify_remove(n, n->marks);
        notify_close(n);
    }
}

/* There are no forks. */
void notify_forked(struct notifier *n)
{
    (void)n;
}

/* ---- marks ---- */

static void changes_unhook(struct notify_mark *m)
{
    if (!m->node)
        return;
    *m->from = m->more;
    if (m->more)
        m->more->from = m->from;
    m->node = NULL;
}

static int changes_find(const char *path, enum notify_kind kind,
                        struct disk_node **node)
{
    struct disk_place place;
    int error = disk_find(NULL, path, true, &place);
    if (!error && !place.node)
        error = sim_fail(ENOENT);
    if (!error && kind == NOTIFY_DIRECTORY &&
        place.node->type != DISK_DIRECTORY)
        error = sim_fail(ENOTDIR);
    *node = place.node;
    return error;
}

int notify_add(struct notifier *n, const char *path, enum notify_kind kind,
               void *owner, struct notify_mark **mark)
{
    struct disk_node *node;
    assert(kind != NOTIFY_TREE);
    int error = changes_find(path, kind, &node);
    if (error)
        return error;
    struct notify_mark *m =
        sim_fault(SIM_FAULT_no_memory) ? NULL : calloc(1, sizeof *m);
    if (!m)
        return disk_refuse(RONDO_ENOMEM);
    m->notifier = n;
    m->owner = owner;
    m->node = node;
    m->more = node->marks;
    m->from = &node->marks;
    if (m->more)
        m->more->from = &m->more;
    node->marks = m;
    m->next = n->marks;
    m->link = &n->marks;
    if (m->next)
        m->next->link = &m->next;
    n->marks = m;
    *mark = m;
    return 0;
}

static void changes_forget_mark(struct notifier *n, const struct notify_mark *m)
{
    struct change **link = &n->first;
    while (*link) {
        struct change *c = *link;
        if (c->mark == m) {
            *link = c->next;
            n->count--;
            free(c);
        } else {
            link = &c->next;
        }
    }
    n->last = link;
}

void notify_remove(struct notifier *n, struct notify_mark *m)
{
    changes_unhook(m);
    changes_forget_mark(n, m);
    *m->link = m->next;
    if (m->next)
        m->next->link = m->link;
    free(m);
}

const char *notify_limit(int error)
{
    (void)error;
    return NULL;
}

/* ---- what the disk tells ---- */

static void changes_put(struct notify_mark *m, const char *name, unsigned what)
{
    struct notifier *n = m->notifier;
    if (n->count >= CHANGES_MOST || sim_fault(SIM_FAULT_lost_change)) {
        n->lost = true;
    } else {
        size_t size = name ? strlen(name) + 1 : 1;
        struct change *c = malloc(sizeof *c + size);
        if (!c)
            sim_die("out of memory for changes");
        *c = (struct change){.mark = m, .what = what, .named = name};
        memcpy(c->name, name ? name : "", size);
        *n->last = c;
        n->last = &c->next;
        n->count++;
    }
    sim_waiter_poke(&n->waiter);
}

void changes_named(const struct disk_node *parent, const char *name,
                   unsigned what)
{
    for (struct notify_mark *m = parent->marks; m; m = m->more)
        changes_put(m, name, what);
}

static void changes_of_entry(struct notify_mark *m,
                             const struct disk_node *node, unsigned what)
{
    const struct disk_entry *e = m->node ? m->node->entries : NULL;
    for (; e; e = e->next)
        if (e->node == node)
            changes_put(m, e->name, what);
}

void changes_of(const struct disk_node *node, unsigned what)
{
    for (struct notify_mark *m = node->marks; m; m = m->more)
        changes_put(m, NULL, what);
    const struct sim_process *p = &node->disk->host->process;
    for (; p; p = p->next)
        for (const struct notifier *n = p->notifiers; n; n = n->next)
            for (struct notify_mark *m = n->marks; m; m = m->next)
                changes_of_entry(m, node, what);
}

void changes_gone(const struct disk_node *node)
{
    while (node->marks) {
        struct notify_mark *m = node->marks;
        changes_put(m, NULL, NOTIFY_CHECK | NOTIFY_GONE);
        changes_unhook(m);
    }
}

/* ---- waiting ---- */

/* Hints of marks that are gone may be lost, too. */
static void changes_overflow(struct notifier *n)
{
    n->lost = false;
    for (const struct notify_mark *m = n->marks; m; m = m->next)
        n->tell(m->owner, NULL,
                m->node ? NOTIFY_OVERFLOW : NOTIFY_CHECK | NOTIFY_GONE);
}

void notify_wait(struct notifier *n, int64_t timeout_ns)
{
    int64_t until = sim_host_deadline(sim_host(), timeout_ns);
    struct change *c;
    while (!n->first && !n->lost && sim_waiter_wait(&n->waiter, until))
        ;
    n->waiter.woken = false;
    while ((c = changes_take(n))) {
        n->tell(c->mark->owner, c->named ? c->name : NULL, c->what);
        free(c);
    }
    if (n->lost)
        changes_overflow(n);
}

void notify_wake(struct notifier *n)
{
    sim_waiter_wake(&n->waiter);
}

/* ---- directories ---- */

int notify_stat(const char *path, bool follow, rondo_file_info *info)
{
    return sys_fs_stat_path(path, follow, info);
}

/* A name of a directory, as it was when the list began: others change it
 * meanwhile. */
struct listed {
    struct listed *next;
    uint64_t number;
    char name[];
};

static struct listed *changes_list(const struct disk_node *node)
{
    struct listed *first = NULL, **last = &first;
    for (const struct disk_entry *e = node->entries; e; e = e->next) {
        size_t size = strlen(e->name) + 1;
        struct listed *l = sim_alloc_for(sim_process(), sizeof *l + size);
        l->next = NULL;
        l->number = e->node->number;
        memcpy(l->name, e->name, size);
        *last = l;
        last = &l->next;
    }
    return first;
}

int notify_list(const char *path,
                bool (*fn)(void *arg, const char *name, uint64_t number),
                void *arg)
{
    struct disk_node *node;
    int error = disk_call();
    if (!error)
        error = changes_find(path, NOTIFY_DIRECTORY, &node);
    if (error)
        return error;
    struct listed *list = changes_list(node);
    bool goes_on = true;
    while (list) {
        struct listed *l = list;
        list = l->next;
        goes_on = goes_on && fn(arg, l->name, l->number);
        sim_free(l);
    }
    return 0;
}

int notify_absolute(const char *path, char *text, size_t room)
{
    size_t size = strlen(path), head = 0;
    if (*path != '/') {
        int64_t folder = sys_fs_realpath(".", text, room);
        if (folder < 0)
            return (int)folder;
        head = (size_t)folder;
        if (head > 1 && head < room)
            text[head++] = '/';
    }
    if (head + size >= room)
        return disk_refuse(RONDO_ENAMETOOLONG);
    memcpy(text + head, path, size + 1);
    size += head;
    while (size > 1 && text[size - 1] == '/')
        text[--size] = '\0';
    return 0;
}
#endif

/* release.c - what becomes of an arg whose callback never runs. */
/* SPDX-License-Identifier: MIT */
#include "core/release.h"

#include "base/error.h"

/* In a hash table by id, and in a list: of those that are set, in the order of
 * the calls, or of those that are due. */
struct release {
    struct release *same_hash;
    struct release *next, **link;
    rondo_id id;
    rondo_fn fn;
    void *arg;
};

struct release_list {
    struct release *first, **last;
};

struct releases {
    struct task task; /* on the ready list while one is due */
    struct release **table;
    size_t room, used; /* room: a power of two */
    struct release_list set, due;
};

static void release_append(struct release_list *list, struct release *r)
{
    assert(!*list->last);
    r->next = NULL;
    r->link = list->last;
    *list->last = r;
    list->last = &r->next;
}

static void release_take(struct release_list *list, struct release *r)
{
    assert(*r->link == r);
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    else
        list->last = r->link;
}

/* ---- the table ---- */

static struct release **release_bucket(const struct releases *all, rondo_id id)
{
    uint64_t hash = (uint64_t)id * UINT64_C(0x9E3779B97F4A7C15);
    return &all->table[(size_t)(hash >> 32) & (all->room - 1)];
}

/* The link that points at it; NULL: the id has no release. */
static struct release **release_find(const rondo_loop *loop, rondo_id id)
{
    const struct releases *all = loop->releases;
    if (!all || !all->used)
        return NULL;
    struct release **link = release_bucket(all, id);
    while (*link && (*link)->id != id)
        link = &(*link)->same_hash;
    return *link ? link : NULL;
}

static bool release_grow(rondo_loop *loop, struct releases *all)
{
    size_t room = all->room ? all->room * 2 : 16;
    struct release **table = loop_alloc(loop, room * sizeof(struct release *));
    if (!table)
        return false;
    for (size_t i = 0; i < room; i++)
        table[i] = NULL;
    loop_free(loop, all->table);
    all->table = table;
    all->room = room;
    for (struct release *r = all->set.first; r; r = r->next) {
        struct release **bucket = release_bucket(all, r->id);
        r->same_hash = *bucket;
        *bucket = r;
    }
    return true;
}

/* Takes it out of the table and of its list. NULL: the id has none. */
static struct release *release_remove(rondo_loop *loop, rondo_id id)
{
    struct release **link = release_find(loop, id);
    if (!link)
        return NULL;
    struct release *r = *link;
    *link = r->same_hash;
    loop->releases->used--;
    release_take(&loop->releases->set, r);
    return r;
}

/* ---- calling ---- */

static void release_call_first(rondo_loop *loop, struct release_list *list)
{
    assert(list->first);
    struct release r = *list->first;
    struct release *p = list->first;
    release_take(list, p);
    loop_free(loop, p);
    loop_call(loop, RONDO_DOES_CALLBACK, r.fn, r.arg);
}

/* What these make due comes in the next iteration. */
static void release_run(rondo_loop *loop, struct task *task)
{
    struct releases *all = loop->releases;
    struct release_list now = {NULL, &now.first};
    assert(task == &all->task);
    (void)task;
    while (all->due.first) {
        struct release *r = all->due.first;
        release_take(&all->due, r);
        release_append(&now, r);
    }
    while (now.first)
        release_call_first(loop, &now);
}

static struct releases *release_open(rondo_loop *loop)
{
    struct releases *all = loop_alloc(loop, sizeof *all);
    if (!all)
        return NULL;
    *all = (struct releases){.task.done = release_run};
    all->set.last = &all->set.first;
    all->due.last = &all->due.first;
    return all;
}

static struct release *release_new(rondo_loop *loop, rondo_id id)
{
    if (!loop->releases)
        loop->releases = release_open(loop);
    struct releases *all = loop->releases;
    if (!all || (all->used == all->room && !release_grow(loop, all)))
        return NULL;
    struct release *r = loop_alloc(loop, sizeof *r);
    if (!r)
        return NULL;
    struct release **bucket = release_bucket(all, id);
    *r = (struct release){.same_hash = *bucket, .id = id};
    *bucket = r;
    all->used++;
    release_append(&all->set, r);
    return r;
}

int release_set(rondo_loop *loop, rondo_id id, rondo_fn fn, void *arg)
{
    if (!fn) {
        release_forget(loop, id);
        return 0;
    }
    struct release **link = release_find(loop, id);
    struct release *r = link ? *link : release_new(loop, id);
    if (!r)
        return error_set(RONDO_ENOMEM, "set_release: out of memory");
    r->fn = fn;
    r->arg = arg;
    return 0;
}

void release_forget(rondo_loop *loop, rondo_id id)
{
    loop_free(loop, release_remove(loop, id));
}

void release_due(rondo_loop *loop, rondo_id id)
{
    struct release *r = release_remove(loop, id);
    if (r)
        release_send(loop, r);
}

/* ---- without an id ---- */

struct release *release_make(rondo_loop *loop, rondo_fn fn, void *arg)
{
    if (!loop->releases)
        loop->releases = release_open(loop);
    struct release *r = loop->releases ? loop_alloc(loop, sizeof *r) : NULL;
    if (r)
        *r = (struct release){.fn = fn, .arg = arg};
    return r;
}

void release_send(rondo_loop *loop, struct release *r)
{
    struct releases *all = loop->releases;
    release_append(&all->due, r);
    if (all->task.state != TASK_IDLE)
        return;
    loop_push(loop, &all->task);
    loop_nudge(loop);
}

void release_all(rondo_loop *loop)
{
    struct releases *all = loop->releases;
    assert(loop->closing);
    while (all && (all->due.first || all->set.first)) {
        if (!all->due.first)
            release_append(&all->due, release_remove(loop, all->set.first->id));
        release_call_first(loop, &all->due);
    }
}

void release_free(rondo_loop *loop)
{
    struct releases *all = loop->releases;
    if (!all)
        return;
    assert(!all->set.first && !all->due.first);
    loop_free(loop, all->table);
    loop_free(loop, all);
    loop->releases = NULL;
}

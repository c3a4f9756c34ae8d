/* quarantine.c - what has ended in debug mode, and calls that still use it. */
/* SPDX-License-Identifier: MIT */
#include "core/quarantine.h"

#include "base/error.h"

#include <stdio.h>

enum { QUARANTINE_MOST = 128 };

struct ended *quarantine_begin(rondo_loop *loop, const char *what,
                               const char *about)
{
    if (!loop->debug || loop->closing)
        return NULL;
    struct ended *e = loop_alloc(loop, sizeof *e);
    if (!e)
        return NULL;
    e->loop = loop;
    e->when = sys_clock();
    e->last = NULL;
    e->member = NULL;
    e->told = false;
    e->tell = quarantine_tell;
    snprintf(e->words, sizeof e->words, "%s%s%.120s", what, *about ? " " : "",
             about);
    return e;
}

/* The stone has what is read without a check, and else nothing. */
static void quarantine_raise(struct ended *e)
{
    const rondo_loop *loop = e->loop;
    e->stone = (rondo_loop){.ended = e,
                            .guard = UINT32_MAX,
                            .generation = UINT32_MAX,
                            .debug = true,
                            .backend = loop->backend,
                            .allocator = loop->allocator,
                            .remote = loop->remote,
                            .now = loop->now,
                            .born = loop->born,
                            .data = loop->data};
    for (int i = 0; i < LOOP_PARTS; i++)
        e->stone.part[i] = loop->part[i];
}

static void quarantine_free_oldest(rondo_loop *loop)
{
    struct ended *e = loop->quarantine;
    loop->quarantine = e->next;
    if (!loop->quarantine)
        loop->quarantine_last = NULL;
    loop->quarantined--;
    loop_free(loop, e->memory);
    loop_free(loop, e);
}

void quarantine_keep(struct ended *e, void *memory, rondo_loop **place)
{
    rondo_loop *loop = e->loop;
    assert(*place == loop);
    quarantine_raise(e);
    *place = &e->stone;
    e->memory = memory;
    e->next = NULL;
    if (loop->quarantine_last)
        loop->quarantine_last->next = e;
    else
        loop->quarantine = e;
    loop->quarantine_last = e;
    if (++loop->quarantined > QUARANTINE_MOST)
        quarantine_free_oldest(loop);
}

void quarantine_close(rondo_loop *loop)
{
    while (loop->quarantine)
        quarantine_free_oldest(loop);
}

/* ---- telling ---- */

static int quarantine_describe(const struct ended *e, const char *what)
{
    char name[128] = "";
    int64_t age = (sys_clock() - e->when) / 1000000;
    if (e->last)
        sys_function_name(e->last, name, sizeof name);
    return error_set(RONDO_ECLOSED,
                     "%s: the %s ended %lld.%03lld s ago%s%s%s%s%s, and its "
                     "pointer with it",
                     what, e->words, (long long)(age / 1000),
                     (long long)(age % 1000), e->member ? ", after its " : "",
                     e->member ? e->member : "", *name ? " (" : "", name,
                     *name ? ")" : "");
}

int quarantine_tell(const rondo_loop *stone, const char *what)
{
    struct ended *e = stone->ended;
    int error = quarantine_describe(e, what);
    if (e->told)
        return error;
    e->told = true;
    rondo_exception x = loop_exception(error);
    rondo_loop_call_exception_handler(e->loop, &x);
    return quarantine_describe(e, what); /* the handler may have failed since */
}

rondo_loop *quarantine_loop(const rondo_loop *loop, const char *what)
{
    if (!loop->ended)
        return (rondo_loop *)(uintptr_t)loop;
    (void)quarantine_tell(loop, what);
    return loop->ended->loop;
}

/* ---- wrong threads ---- */

static void quarantine_on_thread(rondo_loop *loop, void *arg)
{
    atomic_store(&loop->thread_told, false);
    error_set(RONDO_ETHREAD,
              "%s: called from a thread that the loop does not belong to; use "
              "rondo_call_soon_threadsafe",
              (const char *)arg);
    rondo_exception x = loop_exception(RONDO_ETHREAD);
    rondo_loop_call_exception_handler(loop, &x);
}

/* One at a time: a thread may go on calling. `what` is a literal. */
void quarantine_tell_thread(rondo_loop *loop, const char *what)
{
    if (!atomic_exchange(&loop->thread_told, true))
        (void)rondo_call_soon_threadsafe(loop, quarantine_on_thread,
                                         (void *)(uintptr_t)what);
}

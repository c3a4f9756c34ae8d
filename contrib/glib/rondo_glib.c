/* rondo_glib.c - a Rondo loop in GLib's main loop, and the other way. */
/* SPDX-License-Identifier: MIT */
#include "rondo_glib.h"

#include "../poll/rondo_poll.h"

#include <stdlib.h>
#include <string.h>

/* A GPollFD is a struct pollfd by another name, which GLib promises. */
G_STATIC_ASSERT(sizeof(GPollFD) == sizeof(struct pollfd));
G_STATIC_ASSERT(offsetof(GPollFD, events) == offsetof(struct pollfd, events));
G_STATIC_ASSERT(offsetof(GPollFD, revents) == offsetof(struct pollfd, revents));

struct rondo_glib {
    GMainContext *context;
    rondo_poll *poll;
    int priority; /* of the sources that prepare has found ready */
};

/* ---- GLib in Rondo ------------------------------------------------------ */

static int prepare(void *arg, struct pollfd *fds, int room, int *timeout_ms)
{
    rondo_glib *g = arg;
    g_main_context_prepare(g->context, &g->priority);
    return g_main_context_query(g->context, g->priority, timeout_ms,
                                (GPollFD *)(void *)fds, room);
}

/* A source may free g. */
static void dispatch(void *arg, struct pollfd *fds, int count)
{
    rondo_glib *g = arg;
    GMainContext *context = g_main_context_ref(g->context);
    if (g_main_context_check(context, g->priority, (GPollFD *)(void *)fds,
                             count))
        g_main_context_dispatch(context);
    g_main_context_unref(context);
}

int rondo_glib_new(rondo_loop *loop, GMainContext *context, rondo_glib **glib)
{
    if (!loop || !glib)
        return rondo_set_error(RONDO_EINVAL, "rondo_glib_new: no loop or glib");
    rondo_glib *g = calloc(1, sizeof *g);
    if (!g)
        return rondo_set_error(RONDO_ENOMEM, "rondo_glib_new: no memory");
    g->context = context ? g_main_context_ref(context)
                         : g_main_context_ref_thread_default();
    bool acquired = g_main_context_acquire(g->context);
    rondo_poll_source source = {.size = sizeof source,
                                .prepare = prepare,
                                .dispatch = dispatch,
                                .arg = g};
    int error = acquired ? rondo_poll_new(loop, &source, &g->poll)
                         : rondo_set_error(RONDO_EBUSY,
                                           "rondo_glib_new: another thread "
                                           "runs the context");
    if (!error) {
        *glib = g;
        return 0;
    }
    if (acquired)
        g_main_context_release(g->context);
    g_main_context_unref(g->context);
    free(g);
    return error;
}

void rondo_glib_free(rondo_glib *g)
{
    if (!g)
        return;
    rondo_poll_free(g->poll);
    g_main_context_release(g->context);
    g_main_context_unref(g->context);
    free(g);
}

/* ---- Rondo in GLib ------------------------------------------------------ */

struct loop_source {
    GSource source; /* first: GLib allocates and frees it */
    rondo_loop *loop;
    rondo_poll_entry *entries, *asked; /* watched, and what the loop asks for */
    gpointer *tags;                    /* GLib's, one for each of `entries` */
    int count, room;
    int64_t due; /* on the loop's clock; RONDO_NEVER: no deadline */
};

static GIOCondition to_condition(unsigned events)
{
    return (GIOCondition)((events & RONDO_READABLE ? G_IO_IN : 0) |
                          (events & RONDO_WRITABLE ? G_IO_OUT : 0) |
                          (events & RONDO_PRIORITY ? G_IO_PRI : 0));
}

/* A loop asks for one descriptor, or, with poll and select, for all; it seldom
 * changes. */
static bool is_same(const struct loop_source *s, int count)
{
    bool same = count == s->count;
    for (int i = 0; same && i < count; i++)
        same = s->entries[i].fd == s->asked[i].fd &&
               s->entries[i].events == s->asked[i].events;
    return same;
}

static void take_asked(struct loop_source *s, int count)
{
    rondo_poll_entry *old = s->entries;
    if (is_same(s, count))
        return;
    for (int i = 0; i < s->count; i++)
        g_source_remove_unix_fd(&s->source, s->tags[i]);
    for (int i = 0; i < count; i++)
        s->tags[i] = g_source_add_unix_fd(&s->source, (int)s->asked[i].fd,
                                          to_condition(s->asked[i].events));
    s->entries = s->asked;
    s->asked = old;
    s->count = count;
}

/* Returns how many entries there are, or an error. */
static int ask(struct loop_source *s, int64_t *timeout_ns)
{
    for (;;) {
        int count = rondo_loop_prepare_poll(s->loop, s->asked, (size_t)s->room,
                                            timeout_ns);
        if (count <= s->room)
            return count;
        gsize room = (gsize)count;
        s->room = count;
        s->entries = g_renew(rondo_poll_entry, s->entries, room);
        s->asked = g_renew(rondo_poll_entry, s->asked, room);
        s->tags = g_renew(gpointer, s->tags, room);
    }
}

/* An error is told by the run that follows. */
static gboolean loop_prepare(GSource *source, gint *timeout)
{
    struct loop_source *s = (struct loop_source *)source;
    int64_t wait = 0, now = rondo_loop_time(s->loop);
    int count = ask(s, &wait);
    *timeout = 0;
    s->due = now;
    if (count < 0)
        return TRUE;
    take_asked(s, count);
    s->due = wait < RONDO_NEVER - now ? now + wait : RONDO_NEVER;
    int64_t ms = wait / 1000000 + (wait % 1000000 != 0);
    *timeout = wait == RONDO_NEVER ? -1 : ms < G_MAXINT ? (gint)ms : G_MAXINT;
    return wait == 0;
}

static gboolean loop_check(GSource *source)
{
    const struct loop_source *s = (struct loop_source *)source;
    bool ready = s->due != RONDO_NEVER && rondo_loop_time(s->loop) >= s->due;
    for (int i = 0; !ready && i < s->count; i++)
        ready = g_source_query_unix_fd(source, s->tags[i]) != 0;
    return ready;
}

static gboolean loop_dispatch(GSource *source, GSourceFunc callback,
                              gpointer data)
{
    const struct loop_source *s = (struct loop_source *)source;
    int error = rondo_loop_run_once(s->loop, 0);
    (void)callback, (void)data;
    if (error >= 0)
        return G_SOURCE_CONTINUE;
    g_warning("rondo: the loop cannot run: %s", rondo_last_error());
    return G_SOURCE_REMOVE;
}

static void loop_finalize(GSource *source)
{
    struct loop_source *s = (struct loop_source *)source;
    g_free(s->entries);
    g_free(s->asked);
    g_free(s->tags);
}

GSource *rondo_glib_source_new(rondo_loop *loop)
{
    static GSourceFuncs functions = {.prepare = loop_prepare,
                                     .check = loop_check,
                                     .dispatch = loop_dispatch,
                                     .finalize = loop_finalize};
    if (!loop) {
        (void)rondo_set_error(RONDO_EINVAL, "rondo_glib_source_new: no loop");
        return NULL;
    }
    GSource *source = g_source_new(&functions, sizeof(struct loop_source));
    ((struct loop_source *)source)->loop = loop;
    g_source_set_name(source, "rondo");
    return source;
}

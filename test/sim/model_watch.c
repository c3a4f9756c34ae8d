/* model_watch.c - watched directories: what is told is what is there. */
/* SPDX-License-Identifier: MIT */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WATCH_NAMES = 6, WATCH_STEPS = 10 };

struct watched {
    struct watched *next;
    struct actor actor;
    struct place *place;
    rondo_id id; /* 0: over */
    unsigned steps_left;
    bool begun;
    bool told[WATCH_NAMES], there[WATCH_NAMES];
    bool fresh[WATCH_NAMES]; /* told to be there by the events of this moment */
    char folder[24];
};

static void watch_path(const struct watched *w, unsigned name, char path[32])
{
    (void)snprintf(path, 32, "%s/%u", w->folder, name);
}

/* ---- what is told ---- */

static bool *watch_told(struct watched *w, const char *path)
{
    size_t size = strlen(w->folder);
    if (!must(strncmp(path, w->folder, size) == 0, "a change of %s", path) ||
        !path[size])
        return NULL;
    unsigned name = (unsigned)atoi(path + size + 1);
    return must(name < WATCH_NAMES, "a change of %s", path) ? &w->told[name]
                                                            : NULL;
}

static void watch_hears(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    struct watched *w = arg;
    place_calls(w->place, "a change", -1);
    must(loop == w->place->loop && w->id, "a change after the watch's end");
    must(w->begun || e->what & (RONDO_PATH_BEGUN | RONDO_PATH_ENDED),
         "a change before the beginning");
    w->begun |= e->what & RONDO_PATH_BEGUN;
    if (e->what & RONDO_PATH_ENDED) {
        must(model.faults, "a watch ends: %s", rondo_error_name(e->error));
        w->id = 0;
        return;
    }
    bool *told = watch_told(w, e->path);
    bool *from = e->from ? watch_told(w, e->from) : NULL;
    if (from && !w->fresh[from - w->told]) /* as it was called before all */
        *from = false;
    if (told && e->what & RONDO_PATH_REMOVED)
        *told = false;
    else if (told && e->what & (RONDO_PATH_CREATED | RONDO_PATH_RENAMED))
        *told = w->fresh[told - w->told] = true;
    if (!e->more)
        memset(w->fresh, 0, sizeof w->fresh);
    loop_act_some(w->place, "change");
}

/* ---- what happens ---- */

static void watch_change(struct watched *w, struct step *step)
{
    unsigned name = step_below(step, WATCH_NAMES),
             other = step_below(step, WATCH_NAMES);
    char path[32], to[32];
    watch_path(w, name, path);
    watch_path(w, other, to);
    unsigned what = step_below(step, 3);
    if (!w->there[name] || what == 0) {
        rondo_fd fd =
            rondo_sim_open(path, RONDO_FILE_WRITE | RONDO_FILE_CREATE);
        w->there[name] |= fd >= 0;
        if (fd >= 0)
            (void)rondo_sim_write(fd, "x", 1, 0);
        (void)rondo_sim_close(fd, false);
        step_did(step, "write a file", name);
    } else if (what == 1) {
        if (rondo_sim_remove(path) == 0)
            w->there[name] = false;
        step_did(step, "remove a file", name);
    } else if (name != other && rondo_sim_rename(path, to) == 0) {
        w->there[name] = false;
        w->there[other] = true;
        step_did(step, "rename a file", name * 10 + other);
    }
}

static void watch_ends(struct watched *w)
{
    if (w->id)
        must(rondo_cancel(w->place->loop, w->id) == 0, "unwatch: %s",
             rondo_last_error());
    w->id = 0;
}

static void watch_compare(struct timer *timer)
{
    struct watched *w = timer->arg;
    for (unsigned i = 0; i < WATCH_NAMES && w->id && !model.faults; i++)
        must(w->told[i] == w->there[i],
             "%s/%u is %sthere, and was told otherwise", w->folder, i,
             w->there[i] ? "" : "not ");
    watch_ends(w);
}

static void watch_next(struct timer *timer)
{
    struct watched *w = timer->arg;
    struct step step;
    if (!w->id)
        return;
    if (w->steps_left && !w->place->ending) {
        w->steps_left--;
        if (step_begin(&step, &w->actor, "changes") && w->begun)
            watch_change(w, &step);
        if (timer_start(w->place, RONDO_US(step_below(&step, 9000)), watch_next,
                        w))
            return;
    } else if (timer_start(w->place, RONDO_SEC(2), watch_compare, w)) {
        return;
    }
    watch_ends(w);
}

/* ---- beginning and end ---- */

int64_t watch_act(struct place *p, struct step *step)
{
    struct watched *w = model_alloc(sizeof *w);
    if (p->ending || p->closing)
        return RONDO_EBUSY;
    w->place = p;
    w->actor = actor_child(step, "watch");
    w->actor.number = model.files++;
    w->steps_left = WATCH_STEPS;
    (void)snprintf(w->folder, sizeof w->folder, "/tmp/w%u", w->actor.number);
    int error = rondo_sim_make_directory(w->folder);
    if (error)
        return error;
    w->id = rondo_watch_path(
        p->loop, w->folder,
        RONDO_PATH(.recursive = step_below(step, 2),
                   .settle_ns = RONDO_US(step_below(step, 2) * 3000)),
        watch_hears, w);
    int64_t id = w->id;
    must(id > 0 || model.faults, "watch_path: %s", rondo_last_error());
    if (id < 0) {
        w->id = 0;
        return id;
    }
    if (!timer_start(p, RONDO_MS(1), watch_next, w))
        watch_ends(w);
    return id;
}

/* ready.c - the backend "ready": a poller over simulated sockets. */
/* SPDX-License-Identifier: MIT */
#include "system.h"
#ifdef SYSTEM_SIM
#include "sim/net.h"

#include "base/error.h"
#include "core/backend.h"
#include "sim/waiter.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* What one descriptor is watched for. */
struct ready_entry {
    struct sim_watch watch;
    struct ready *of;
    struct io *io;
    unsigned wanted; /* events; 0: none */
    bool queued, was_lost;
    struct ready_entry *next; /* of the queue */
};

/* The queue has all entries that may be ready, and perhaps others. */
struct ready {
    struct sim_waiter waiter;
    struct ready_entry *first, **last;
    struct sim_slots slots; /* of entries; io->slot is the index */
};

/* ---- the queue ---- */

static void ready_put(struct ready *r, struct ready_entry *e)
{
    if (e->queued)
        return;
    e->queued = true;
    e->next = NULL;
    *r->last = e;
    r->last = &e->next;
}

/* It still counts as queued, until ready_look is done with it. */
static struct ready_entry *ready_take(struct ready *r)
{
    struct ready_entry *e = r->first;
    if (!e)
        return NULL;
    r->first = e->next;
    if (!r->first)
        r->last = &r->first;
    return e;
}

static void ready_remove(struct ready *r, struct ready_entry *e)
{
    struct ready_entry **link = &r->first;
    if (!e->queued)
        return;
    while (*link != e)
        link = &(*link)->next;
    *link = e->next;
    if (r->last == &e->next)
        r->last = link;
    e->queued = false;
}

/* ---- what a descriptor is ready for ---- */

static unsigned ready_sides(unsigned events)
{
    unsigned sides = 0;
    if (events & ~(unsigned)RONDO_WRITABLE)
        sides |= SIDE_READ;
    if (events & (RONDO_WRITABLE | RONDO_ERROR | RONDO_HANG_UP))
        sides |= SIDE_WRITE;
    return sides;
}

static unsigned ready_found(const struct ready_entry *e)
{
    if (!e->watch.socket)
        return 0;
    unsigned events = net_events(e->watch.socket);
    return e->wanted & WATCH_ALWAYS ? events & e->wanted
                                    : ready_sides(events) & e->wanted;
}

static void ready_changed(struct sim_watch *watch)
{
    struct ready_entry *e = (void *)watch;
    if (!e->wanted || !ready_found(e))
        return;
    ready_put(e->of, e);
    sim_waiter_poke(&e->of->waiter);
}

static void ready_lost(struct sim_watch *watch)
{
    struct ready_entry *e = (void *)watch;
    e->was_lost = true;
    ready_put(e->of, e);
    sim_waiter_poke(&e->of->waiter);
}

/* ---- the poller ---- */

static struct ready_entry *ready_at(const struct ready *r, int slot)
{
    return r->slots.items[slot];
}

static int ready_open(rondo_loop *loop, void *state)
{
    struct ready *r = state;
    (void)loop;
    int error = sim_check_host("loop_new");
    r->last = &r->first;
    return error;
}

static void ready_close(rondo_loop *loop, void *state)
{
    struct ready *r = state;
    for (int i = 0; i < r->slots.used; i++)
        if (r->slots.items[i]) {
            net_unwatch(&ready_at(r, i)->watch);
            loop_free(loop, r->slots.items[i]);
        }
    sim_slots_free(loop, &r->slots);
}

static int ready_attach(rondo_loop *loop, void *state, struct io *io)
{
    struct ready *r = state;
    struct sim_socket *s = net_get(io->fd);
    if (!s)
        return error_os(RONDO_EBADF, "ready: descriptor %d", io->fd);
    struct ready_entry *e = loop_alloc(loop, sizeof *e);
    int slot = e ? sim_slots_put(loop, &r->slots, e) : -1;
    if (slot < 0) {
        loop_free(loop, e);
        return error_set(RONDO_ENOMEM, "out of memory for descriptors");
    }
    memset(e, 0, sizeof *e);
    e->of = r;
    e->io = io;
    e->watch.fd = io->fd;
    e->watch.changed = ready_changed;
    e->watch.lost = ready_lost;
    net_watch(&e->watch, s);
    io->slot = slot;
    return 0;
}

static void ready_detach(rondo_loop *loop, void *state, struct io *io)
{
    struct ready *r = state;
    struct ready_entry *e = ready_at(r, io->slot);
    net_unwatch(&e->watch);
    ready_remove(r, e);
    loop_free(loop, e);
    sim_slots_take(&r->slots, io->slot);
    io->slot = -1;
}

static int ready_set(rondo_loop *loop, void *state, struct io *io,
                     unsigned sides)
{
    struct ready *r = state;
    struct ready_entry *e = ready_at(r, io->slot);
    (void)loop;
    if (sides && !e->watch.socket)
        return error_os(sim_fail(EBADF), "ready: descriptor %d", io->fd);
    if (sides && e->watch.socket->is && e->watch.socket->is->refuses_waits)
        return error_os(sim_fail(EPERM), "ready: descriptor %d", io->fd);
    e->wanted = sides;
    if (ready_found(e))
        ready_put(r, e);
    return 0;
}

static unsigned ready_events(rondo_loop *loop, void *state, const struct io *io,
                             unsigned sides)
{
    const struct ready *r = state;
    const struct ready_entry *e = ready_at(r, io->slot);
    (void)loop;
    (void)sides;
    return e->watch.socket ? net_events(e->watch.socket) : 0;
}

/* Returns whether it is to be looked at again. */
static bool ready_look_at(rondo_loop *loop, struct ready *r,
                          struct ready_entry *e, int *found)
{
    unsigned sides = ready_found(e);
    if (e->was_lost) {
        e->was_lost = false;
        reactor_lost(loop, e->io);
        ++*found;
        return false;
    }
    if (!sides)
        return false;
    if (sim_fault(SIM_FAULT_late)) {
        sim_waiter_poke_later(&r->waiter);
    } else {
        reactor_ready(loop, e->io, sides);
        ++*found;
    }
    return e->wanted;
}

/* One look at each that is queued now. Returns how many it has reported. */
static int ready_look(rondo_loop *loop, struct ready *r)
{
    struct ready_entry *e, *kept = NULL, **kept_last = &kept;
    int found = 0;
    while ((e = ready_take(r))) {
        if (ready_look_at(loop, r, e, &found)) {
            e->next = NULL;
            *kept_last = e;
            kept_last = &e->next;
        } else {
            e->queued = false;
        }
    }
    if (kept) { /* level-triggered: the next wait looks at them again */
        r->first = kept;
        r->last = kept_last;
    }
    return found;
}

/* Reports one that is not ready, chosen by chance. */
static int ready_report_spuriously(rondo_loop *loop, struct ready *r)
{
    struct ready_entry *e = NULL;
    if (r->slots.used && sim_fault(SIM_FAULT_spurious))
        e = ready_at(r, (int)sim_below((uint64_t)r->slots.used));
    if (!e || !e->wanted || e->wanted & WATCH_ALWAYS || ready_found(e) ||
        e->io->owner == IO_INTERNAL)
        return 0;
    if (e->io->op[1] && e->io->op[1]->task.kind == OP_CONNECT)
        return 0;
    reactor_ready(loop, e->io, e->wanted);
    return 1;
}

static int ready_wait(rondo_loop *loop, void *state, int64_t timeout_ns)
{
    struct ready *r = state;
    int64_t until = sim_host_deadline(sim_host(), timeout_ns);
    sim_spin(false);
    int found = ready_look(loop, r) + ready_report_spuriously(loop, r);
    while (!found && sim_waiter_wait(&r->waiter, until))
        found = ready_look(loop, r);
    r->waiter.woken = false;
    sim_note(sim_host(), NOTE_WAIT, found, 0);
    return 0;
}

static int64_t ready_resolution(const void *state)
{
    (void)state;
    return 1;
}

static bool ready_wakes(const void *state)
{
    (void)state;
    return true;
}

/* The reactor's state is its own; it only lends it as const. */
static void ready_wake(const void *state)
{
    const struct ready *r = state;
    sim_waiter_wake((struct sim_waiter *)(uintptr_t)&r->waiter);
}

static const struct poller ready_poller = {
    .size = sizeof(struct ready),
    .open = ready_open,
    .close = ready_close,
    .attach = ready_attach,
    .detach = ready_detach,
    .set = ready_set,
    .wait = ready_wait,
    .events = ready_events,
    .resolution = ready_resolution,
    .wakes = ready_wakes,
    .wake = ready_wake,
};

const struct backend backend_ready = {
    .name = "ready",
    .cannot = UINT64_C(1) << RONDO_CAN_EMBED,
    REACTOR(&ready_poller),
};
#endif

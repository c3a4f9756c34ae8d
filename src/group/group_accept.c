/* group_accept.c - the home loop accepts, and hands each client to a loop. */
/* SPDX-License-Identifier: MIT */
#include "group/group.h"

#include "base/error.h"

/* A client on its way to a loop. */
struct handed {
    struct completion there;
    struct group_part *part;
    sys_fd fd;
    rondo_address peer;
};

/* ---- on a loop ---- */

static void handed_arrives(rondo_loop *loop, struct completion *c)
{
    struct handed *h = (struct handed *)(void *)c;
    struct group_part *p = h->part;
    (void)loop;
    if (p->server)
        server_take_handed(p->server, h->fd, &h->peer);
    else
        sys_close(h->fd);
    atomic_fetch_sub(&p->coming, 1);
    group_accept_has_room(p->gs);
    group_server_unref(p->gs);
    sys_free(h);
}

/* The home loop pauses under `full` and then looks once more; whoever turns it
 * to false wakes it. */
void group_accept_has_room(rondo_group_server *gs)
{
    if (!atomic_load(&gs->full) || !atomic_exchange(&gs->full, false))
        return;
    group_server_ref(gs);
    if (!remote_deliver(gs->group->home_remote, &gs->room))
        group_server_unref(gs);
}

/* ---- on the home loop ---- */

static unsigned part_load(const struct group_part *p)
{
    return atomic_load(&p->clients) + atomic_load(&p->coming);
}

static bool part_has_room(const struct group_part *p)
{
    unsigned most = p->gs->options.max_clients;
    return atomic_load(&p->takes) && (!most || part_load(p) < most);
}

/* NULL: none has room. Of those that have equally few it is the next one in
 * turn, so that they take turns while clients come and go quickly. */
static struct group_part *accept_choose(rondo_group_server *gs)
{
    unsigned count = gs->group->count;
    struct group_part *best = NULL;
    for (unsigned i = 0; i < count; i++) {
        struct group_part *p = &gs->part[(gs->turn + i) % count];
        if (!part_has_room(p))
            continue;
        if (!best || part_load(p) < part_load(best))
            best = p;
        if (gs->spread == RONDO_SPREAD_IN_TURN)
            break;
    }
    return best;
}

static void accept_pause_if_full(rondo_group_server *gs)
{
    if (!gs->options.max_clients || accept_choose(gs))
        return;
    (void)rondo_server_pause_serving(gs->accepting);
    atomic_store(&gs->full, true);
    if (accept_choose(gs) && atomic_exchange(&gs->full, false))
        (void)rondo_server_start_serving(gs->accepting);
}

void group_accept_go_on(rondo_loop *home, struct completion *c)
{
    rondo_group_server *gs =
        (rondo_group_server *)(void *)((char *)c -
                                       offsetof(rondo_group_server, room));
    (void)home;
    if (gs->accepting && !gs->closing) {
        (void)rondo_server_start_serving(gs->accepting);
        accept_pause_if_full(gs);
    }
    group_server_unref(gs);
}

/* A loop that is just ending takes nothing more: another one gets the client.
 * false: there is none. */
static bool accept_hand_on(rondo_group_server *gs, struct handed *h)
{
    struct group_part *p;
    while ((p = accept_choose(gs))) {
        h->part = p;
        gs->turn = p->index + 1;
        atomic_fetch_add(&p->coming, 1);
        group_server_ref(gs);
        if (group_send(gs->group, p->index, &h->there))
            return true;
        atomic_store(&p->takes, false);
        atomic_fetch_sub(&p->coming, 1);
        group_server_unref(gs);
    }
    return false;
}

void group_accepted(rondo_server *s, void *arg, rondo_fd socket,
                    const rondo_address *peer)
{
    rondo_group_server *gs = arg;
    sys_fd fd = sys_fd_of(socket);
    struct handed *h = sys_alloc(sizeof *h);
    assert(s == gs->accepting);
    (void)s;
    if (h)
        *h = (struct handed){
            .there.done = handed_arrives, .fd = fd, .peer = *peer};
    else
        server_pause_for(gs->accepting,
                         error_set(RONDO_ENOMEM, "out of memory"));
    if (!h || !accept_hand_on(gs, h)) {
        sys_close(fd);
        sys_free(h);
    }
    if (gs->accepting && !gs->closing)
        accept_pause_if_full(gs);
}

/* group_move.c - a connection goes from one loop of a group to another. */
/* SPDX-License-Identifier: MIT */
#include "group/group.h"

#include "base/error.h"
#include "core/observe.h"

static const char move_name[] = "group_move";

/* From malloc; the old loop's until it is sent, then the new one's. */
struct group_move {
    struct stream_move stream; /* first */
    struct completion there;
    rondo_group *group;
    struct group_part *part; /* of the new loop, with a reference to its server;
                                NULL: none */
    unsigned to;
    rondo_transport *t;
    rondo_done_fn done;
    void *arg;
};

static void move_free(struct group_move *m)
{
    if (m->part)
        group_server_unref(m->part->gs);
    group_unref(m->group);
    sys_free(m);
}

/* Under the lock no server begins to close and no loop to end: what is sent now
 * arrives before. send unlocks. */
static int move_begin(struct stream_move *stream)
{
    struct group_move *m = (struct group_move *)(void *)stream;
    rondo_group *g = m->group;
    sys_mutex_lock(&g->lock);
    bool goes = g->member[m->to].takes && !g->closing &&
                (!m->part || !m->part->gs->closing);
    if (goes)
        return 0;
    sys_mutex_unlock(&g->lock);
    return RONDO_ECLOSED;
}

static void move_send(struct stream_move *stream, rondo_transport *t)
{
    struct group_move *m = (struct group_move *)(void *)stream;
    rondo_group *g = m->group;
    m->t = t;
    bool sent = group_send_locked(g, m->to, &m->there);
    assert(sent);
    (void)sent;
    sys_mutex_unlock(&g->lock);
}

static void move_stays(struct stream_move *stream, rondo_loop *loop, int error)
{
    struct group_move *m = (struct group_move *)(void *)stream;
    error_no_os();
    error_os(error, "%s: the transport stays where it is", move_name);
    if (m->done)
        OBSERVE_DONE(loop, "transport_move", m->done, loop, m->arg, error);
    move_free(m);
}

/* On the new loop. The part has ended only if the program itself has closed it:
 * then the client is no server's. */
static void move_arrives(rondo_loop *loop, struct completion *c)
{
    struct group_move *m =
        (struct group_move *)(void *)((char *)c -
                                      offsetof(struct group_move, there));
    rondo_server *s = m->part ? m->part->server : NULL;
    rondo_transport *t = m->t;
    if (s)
        server_count(s, 1);
    int error = stream_arrive(t, loop, s ? &s->owner : NULL);
    if (error)
        error_in(move_name, error);
    if (m->done)
        OBSERVE_DONE(loop, "transport_move", m->done, loop, m->arg, error);
    move_free(m);
    stream_end(t);
}

static int move_check(rondo_group *g, const rondo_transport *t, size_t index)
{
    int error = group_check(g, move_name);
    if (!error)
        error = loop_check(t ? t->loop : NULL, move_name);
    if (error)
        return error;
    int from = rondo_group_index(g, t->loop);
    if (from < 0 || index >= g->count || (size_t)from == index)
        return error_set(RONDO_EINVAL, "%s: %s", move_name,
                         from < 0 ? "the transport is of no loop of the group"
                         : index >= g->count ? "the group has no such loop"
                                             : "that loop has it");
    if (t->owner && !rondo_transport_server(t))
        return error_set(RONDO_ENOTSUP, "%s: a process's pipe stays with it",
                         move_name);
    if (t->protocol == rondo_reader_protocol())
        return error_set(RONDO_ENOTSUP, "%s: a reader stays with its loop",
                         move_name);
    return 0;
}

/* Now, so that a program learns at once what move_begin would say later. */
static int move_check_open(rondo_group *g, const struct group_part *to,
                           size_t index)
{
    sys_mutex_lock(&g->lock);
    bool open =
        g->member[index].takes && !g->closing && (!to || !to->gs->closing);
    sys_mutex_unlock(&g->lock);
    return open ? 0
                : error_set(RONDO_ECLOSED,
                            "%s: the loop has ended, or the server or the "
                            "group closes",
                            move_name);
}

int rondo_group_move(rondo_group *group, rondo_transport *t, size_t index,
                     rondo_done_fn done, void *arg)
{
    int error = move_check(group, t, index);
    if (error)
        return error;
    struct group_part *part = group_part_of(group, t);
    if (part)
        part = &part->gs->part[index];
    error = move_check_open(group, part, index);
    if (error)
        return error;
    struct group_move *m = sys_alloc(sizeof *m);
    if (!m)
        return error_set(RONDO_ENOMEM, "%s: out of memory", move_name);
    *m = (struct group_move){
        .stream = {.begin = move_begin, .send = move_send, .stays = move_stays},
        .there.done = move_arrives,
        .group = group,
        .part = part,
        .to = (unsigned)index,
        .done = done,
        .arg = arg};
    group_ref(group);
    if (part)
        group_server_ref(part->gs);
    error = stream_move_begin(t, &m->stream, move_name);
    if (error)
        move_free(m);
    return error;
}

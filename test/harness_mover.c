/* harness_mover.c - a connection that moves from loop 0 of a group to loop 1. */
/* SPDX-License-Identifier: MIT */
#include "harness_mover.h"

#include "harness_local.h"

void mover_note_thread(struct mover *m)
{
    if (group_this_thread() == m->new_thread)
        atomic_store(&m->in_new, true);
    else
        atomic_store(&m->in_old, true);
}

static void mover_has_moved(rondo_loop *loop, void *arg, int64_t result)
{
    struct mover *m = arg;

    m->new_thread = group_this_thread();
    atomic_store(&m->told, (int)result);
    if (result == 0 && (rondo_transport_loop(m->t) != loop ||
                        rondo_group_index(m->crew->group, loop) != 1))
        atomic_store(&m->ok, false);
    if (m->after)
        m->after(m);
    atomic_fetch_add(&m->step, 1);
}

void mover_go(struct mover *m)
{
    atomic_store(&m->result,
                 rondo_group_move(m->crew->group, m->t, 1, mover_has_moved, m));
    if (atomic_load(&m->result))
        atomic_fetch_add(&m->step, 1);
}

static void mover_made(rondo_transport *t, void *self)
{
    struct mover *m = self;

    m->t = t;
    m->old_thread = group_this_thread();
    if (m->before)
        m->before(m);
    atomic_fetch_add(&m->made, 1);
}

static void mover_data(rondo_transport *t, void *self, const void *data,
                       size_t size)
{
    struct mover *m = self;

    if (memchr(data, '!', size) && !atomic_load(&m->told) &&
        group_this_thread() == m->old_thread) {
        size_t first = (size_t)((const char *)memchr(data, '!', size) -
                                (const char *)data) +
                       1;

        /* what is behind goes along */
        if (!m->buffered &&
            rondo_transport_unread(t, (const char *)data + first,
                                   size - first) == 0)
            size = first;
        mover_go(m);
    }
    mover_note_thread(m);
    if (m->takes)
        m->file = (raw_fd)rondo_transport_take_fd(t);
    if (atomic_load(&m->received) + size <= sizeof m->in)
        memcpy(m->in + atomic_load(&m->received), data, size);
    atomic_fetch_add(&m->received, (unsigned)size);
}

static void mover_lost(rondo_transport *t, void *self, int error)
{
    struct mover *m = self;

    (void)t;
    atomic_store(&m->error, error);
    mover_note_thread(m);
    atomic_store(&m->gone, true);
}

static void mover_pauses(rondo_transport *t, void *self)
{
    (void)t;
    atomic_fetch_add(&((struct mover *)self)->paused, 1);
}

static void mover_resumes(rondo_transport *t, void *self)
{
    struct mover *m = self;

    (void)t;
    mover_note_thread(m);
    atomic_fetch_add(&m->resumed, 1);
}

static bool mover_times_out(rondo_transport *t, void *self,
                            rondo_direction direction)
{
    struct mover *m = self;

    (void)t;
    (void)direction;
    mover_note_thread(m);
    atomic_fetch_add(&m->timeouts, 1);
    return false;
}

/* Eight bytes at a time, and moving inside get_buffer's or buffer_updated. */
static void *mover_lends(rondo_transport *t, void *self, size_t hint,
                         size_t *size)
{
    struct mover *m = self;

    (void)t;
    (void)hint;
    *size = sizeof m->room;
    if (m->moves_in_lend && !atomic_exchange(&m->lent, true))
        mover_go(m);
    return m->room;
}

static void mover_filled(rondo_transport *t, void *self, size_t size)
{
    struct mover *m = self;

    m->buffered = true; /* nothing can be given back */
    mover_data(t, self, m->room, size);
}

static const rondo_protocol mover_buffered = {.connection_made = mover_made,
                                              .get_buffer = mover_lends,
                                              .buffer_updated = mover_filled,
                                              .connection_lost = mover_lost};

void mover_lend(struct mover *m)
{
    if (rondo_transport_set_protocol(m->t, &mover_buffered, m) < 0)
        atomic_store(&m->ok, false);
}

const rondo_protocol mover_protocol = {.connection_made = mover_made,
                                       .data_received = mover_data,
                                       .connection_lost = mover_lost,
                                       .pause_writing = mover_pauses,
                                       .resume_writing = mover_resumes,
                                       .timed_out = mover_times_out};

static void adopt_on_0(rondo_loop *loop, void *arg)
{
    struct mover *m = arg;

    if (rondo_connect_accepted_socket(loop, m->fd, &mover_protocol, m, NULL))
        atomic_store(&m->ok, false);
}

/* m->fd is the plain end afterwards. */
static struct mover *mover_over(struct world *w, const raw_fd pair[2],
                                void (*before)(struct mover *m),
                                void (*after)(struct mover *m))
{
    struct mover *m = test_alloc(w, sizeof *m);

    m->w = w;
    m->crew = crew_new(w, 2);
    m->before = before;
    m->after = after;
    m->ok = true;
    m->fd = pair[0];
    assert_ok(rondo_group_post(m->crew->group, 0, adopt_on_0, m));
    test_run_until(w, atomic_load(&m->made));
    m->fd = test_own(w, pair[1]);
    return m;
}

struct mover *mover_new(struct world *w, void (*before)(struct mover *m),
                        void (*after)(struct mover *m))
{
    raw_fd pair[2];

    assert_int_equal(raw_pair_small(pair, 8192), 0);
    return mover_over(w, pair, before, after);
}

struct mover *mover_local(struct world *w, void (*before)(struct mover *m),
                          void (*after)(struct mover *m))
{
    raw_fd pair[2];

    local_need_passing(w);
    assert_int_equal(raw_local_pair(pair), 0);
    return mover_over(w, pair, before, after);
}

void mover_end(struct mover *m)
{
    test_close_own(m->w, m->fd);
    test_run_until(m->w, atomic_load(&m->gone));
    assert_true(atomic_load(&m->ok));
    crew_close(m->crew);
}

void mover_call(struct mover *m)
{
    assert_true(raw_send_all(m->fd, "!", 1, 1000));
    test_run_until(m->w, atomic_load(&m->step));
}

/* test_group_after.c - what a connection does when it has moved. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_file.h"
#include "harness_mover.h"

static atomic_int moved_to, sent;

static void has_moved(rondo_loop *loop, void *arg, int64_t result)
{
    struct guest *g = arg;

    guest_arrives(g, loop);
    atomic_store(&moved_to,
                 result ? (int)result
                        : rondo_group_index(g->site->crew->group, loop));
}

static void move_to_1(struct guest *g)
{
    guest_moves(g);
    if (rondo_group_move(g->site->crew->group, g->transport, 1, has_moved, g))
        atomic_fetch_add(&g->site->wrong, 1);
}

/* A client of loop 0 that has moved to loop 1. */
static struct peer *moved_peer(struct site *s)
{
    struct world *w = s->crew->w;
    struct peer *p = site_connect(s);
    uint64_t bytes = p->bytes;

    atomic_store(&moved_to, -1);
    site_on_call(move_to_1);
    assert_true(rondo_transport_write(p->transport, "!", 1) >= 0);
    test_run_until(w, atomic_load(&moved_to) == 1 && p->bytes == bytes + 1);
    site_on_call(NULL);
    return p;
}

static void end_site(struct site *s)
{
    struct crew *c = s->crew;

    assert_int_equal(atomic_load(&s->wrong), 0);
    site_on_call(NULL);
    site_close(s);
    crew_close(c);
    assert_int_equal(atomic_load(&s->made), atomic_load(&s->lost));
}

static void stop(rondo_loop *loop, void *arg)
{
    (void)arg;
    rondo_loop_stop(loop);
}

TEST(M7_its_first_loop_ends)
{
    struct site *s = site_new(crew_new(w, 2), RONDO_SPREAD_IN_TURN);
    struct peer *p = moved_peer(s);

    assert_ok(rondo_group_post(s->crew->group, 0, stop, NULL));
    test_run_until(w, s->crew->ended);
    site_echoes(s, p, 200000);
    assert_int_equal(p->lost, 0);
    end_site(s);
}

/* ---- a file ------------------------------------------------------------- */

static rondo_fd file;

static void file_sent(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    (void)arg;
    atomic_store(&sent, (int)result);
}

static void send_it(struct guest *g)
{
    if (rondo_transport_sendfile(g->transport, file, 0, INT64_MAX, file_sent,
                                 g) <= 0)
        atomic_fetch_add(&g->site->wrong, 1);
}

TEST(M7_a_file_is_sent_afterwards)
{
    enum { SIZE = 300000 };
    struct site *s = site_new(crew_new(w, 2), RONDO_SPREAD_IN_TURN);
    struct peer *p = moved_peer(s);
    char *text = test_alloc(w, SIZE + 1);
    rondo_file *f;
    uint64_t before = p->bytes;

    for (size_t i = 0; i < SIZE; i++)
        text[i] = (char)('a' + i % 23);
    text[SIZE] = '\0';
    f = file_new(w, "sent", 0, text);
    file = rondo_file_fd(f);
    atomic_store(&sent, 0);
    site_on_call(send_it);
    assert_true(rondo_transport_write(p->transport, "!", 1) >= 0);
    test_run_until(w, atomic_load(&sent) && p->bytes > before + SIZE);
    assert_int_equal(atomic_load(&sent), SIZE);
    assert_int_equal(p->bytes, before + 1 + SIZE); /* the "!", too */
    end_site(s);
    file_close_and_unlink(w, f, "sent");
}

/* ---- its end ------------------------------------------------------------ */

TEST(M7_a_peer_that_leaves_is_noticed_there)
{
    struct site *s = site_new(crew_new(w, 2), RONDO_SPREAD_IN_TURN);
    struct peer *p = moved_peer(s), *q;

    rondo_transport_close(p->transport);
    test_run_until(w, atomic_load(&s->lost) == 1);
    (void)site_connect(s); /* to loop 1; the next one to loop 0 again */
    q = moved_peer(s);
    rondo_transport_abort(q->transport);
    test_run_until(w, atomic_load(&s->lost) == 2);
    end_site(s);
}

TEST(M7_the_group_ends_with_those_that_have_moved)
{
    struct site *s = site_new(crew_new(w, 3), RONDO_SPREAD_IN_TURN);
    struct peer *p[3];

    for (int i = 0; i < 3; i++) {
        p[i] = moved_peer(s);
        for (int j = 0; j < 2; j++)
            (void)site_connect(s);
    }
    site_echoes(s, p[0], 1000);
    end_site(s);
    for (int i = 0; i < 3; i++)
        test_run_until(w, p[i]->lost);
}

/* test_kinds_random.c - calls in random order, on every kind of transport. */
/* SPDX-License-Identifier: MIT */
#include "harness_kinds_play.h"

enum { ROUNDS = 30, CALLS = 120 };

/* ---- the end ------------------------------------------------------------- */

static void run_until_lost(struct play *play)
{
    while (!play->r->p->lost) {
        play_be_ready(play);
        test_spin(play->r->w, 1);
        raw_yield();
    }
}

static void read_to_end(struct play *play)
{
    struct rig *r = play->r;
    bool all = r->kind->file && r->kind->reads;
    uint64_t wanted = all ? RIG_SUPPLY : r->fed;

    while (!r->p->lost && play->taking.position < wanted) {
        play_be_ready(play);
        assert_ok(rondo_transport_resume_reading(r->p->transport));
        test_spin(r->w, 1);
        raw_yield();
    }
    assert_true(play->taking.position == wanted);
}

/* All that was written arrives. */
static void end_in_order(struct play *play)
{
    struct rig *r = play->r;

    rig_unblock(r);
    if (r->kind->reads && play_draw(play, 2))
        read_to_end(play);
    /* a peer that goes on sending is reset, and may lose what it got */
    r->cut = r->id == KIND_TCP && play->taking.position < r->fed;
    if (r->p->transport)
        rondo_transport_close(r->p->transport);
    run_until_lost(play);
    assert_int_equal(r->p->error, 0);
}

static void end_by_abort(struct play *play)
{
    struct rig *r = play->r;

    r->cut = true;
    rondo_transport_abort(r->p->transport);
    run_until_lost(play);
    assert_int_equal(r->p->error, RONDO_ECANCELED);
}

static void end_writing(rondo_transport *t)
{
    (void)rondo_transport_write_eof(t);
    (void)rondo_transport_resume_reading(t);
}

/* In the next callback, if one comes. */
static void end_inside(struct play *play)
{
    static void (*const how[])(rondo_transport * t) = {
        rondo_transport_close, rondo_transport_abort, rondo_transport_close_now,
        end_writing};
    struct rig *r = play->r;

    r->cut = true;
    play->last = how[play_draw(play, 4)];
    rig_unblock(r);
    for (int i = 0; i < 10 && !r->p->lost; i++) {
        play_be_ready(play);
        test_spin(r->w, 1);
    }
    play->last = NULL;
    if (r->p->transport)
        rondo_transport_close(r->p->transport);
    run_until_lost(play);
    assert_true(r->p->error == 0 || r->p->error == RONDO_ECANCELED);
}

/* The other end leaves, in order or not. */
static void end_by_far(struct play *play)
{
    struct rig *r = play->r;
    bool aborts = play_draw(play, 2);

    r->cut = true;
    if (aborts)
        rondo_transport_abort(r->far->transport);
    else
        rondo_transport_close(r->far->transport);
    rig_unblock(r);
    for (int i = 0; i < 20 && !r->p->lost; i++) {
        play_be_ready(play);
        (void)rondo_transport_resume_reading(r->p->transport);
        test_spin(r->w, 1);
    }
    /* Not every writer is told. Two that close wait for each other's reading. */
    if (r->p->transport && r->far->transport)
        rondo_transport_abort_with(r->p->transport, RONDO_EPIPE);
    else if (r->p->transport)
        rondo_transport_close(r->p->transport);
    run_until_lost(play);
    if (r->p->error && r->p->error != RONDO_ECONNRESET &&
        r->p->error != RONDO_EPIPE)
        test_fail(r->w, "%s", r->p->last_error);
}

static void play_end(struct play *play)
{
    struct rig *r = play->r;
    unsigned how = play_draw(play, r->far && r->far->transport ? 5 : 3);

    play->ending = true;
    if (r->p->lost || how > 3)
        end_in_order(play);
    else if (how == 0)
        end_by_abort(play);
    else if (how == 3)
        end_by_far(play);
    else
        end_inside(play);
    rig_end(r);
    assert_int_equal(play->released, play->lent);
    assert_int_equal(play->told, play->thens);
    assert_int_equal(play->done, play->files);
    for (unsigned i = 0; i < play->pushed; i++)
        assert_int_equal(play->filters[i].lost, 1);
    if (!r->cut)
        assert_int_equal(play->came, play->passed);
    if (play->taking.position == r->fed)
        assert_int_equal(play->taken, play->fed);
}

static void play_round(struct world *w, enum kind_id id, unsigned seed,
                       raw_fd file)
{
    struct play *play = play_new(w, id, seed, file);

    if (!play)
        return;
    for (int i = 0; i < CALLS && !play->r->p->lost; i++)
        play_one(play);
    play_end(play);
}

static void play_kind(struct world *w, enum kind_id id)
{
    static char row[64];
    raw_fd file = call_file(PLAY_FILE);
    unsigned rounds = ROUNDS / (unsigned)test_slowness() + 1;
    const char *only = getenv("RONDO_TEST_SEED");

    w->row = row;
    for (unsigned seed = 1; seed <= rounds; seed++) {
        unsigned used = only ? (unsigned)strtoul(only, NULL, 10) : seed;

        (void)snprintf(row, sizeof row, "%s, seed %u", kinds[id].name, used);
        play_round(w, id, used, file);
    }
    raw_close(file);
    w->row = NULL;
}

TEST(G7_random_sockets)
{
    play_kind(w, KIND_TCP);
    play_kind(w, KIND_UNIX);
}

TEST(G7_random_pipes)
{
    for (int id = KIND_SERVED; id < KIND_CHILD_READS; id++)
        play_kind(w, (enum kind_id)id);
}

TEST(G7_random_children)
{
    play_kind(w, KIND_CHILD_READS);
    play_kind(w, KIND_CHILD_WRITES);
}

TEST(G7_random_files)
{
    play_kind(w, KIND_FILE_READS);
    play_kind(w, KIND_FILE_WRITES);
}

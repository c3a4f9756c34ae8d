/* test_kinds_random.c - calls in random order, on every kind of transport. */
/* SPDX-License-Identifier: MIT */
#include "harness_kinds_play.h"

enum { ROUNDS = 30, CALLS = 120 };

/* ---- the end ------------------------------------------------------------- */

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

static void play_end(struct play *play)
{
    struct rig *r = play->r;
    bool aborts = play_draw(play, 3) == 0 && !r->p->lost;

    if (aborts) {
        r->cut = true;
        rondo_transport_abort(r->p->transport);
    } else {
        rig_unblock(r);
        play_be_ready(play);
        if (r->kind->reads && play_draw(play, 2))
            read_to_end(play);
        /* a peer that goes on sending is reset, and may lose what it got */
        r->cut = r->id == KIND_TCP && play->taking.position < r->fed;
        if (r->p->transport) {
            play_be_ready(play);
            rondo_transport_close(r->p->transport);
        }
    }
    while (!r->p->lost) {
        test_spin(r->w, 1);
        play_be_ready(play);
        raw_yield();
    }
    assert_int_equal(r->p->error, aborts ? RONDO_ECANCELED : 0);
    rig_end(r);
    assert_int_equal(play->released, play->lent);
    assert_int_equal(play->done, play->files);
    for (unsigned i = 0; i < play->pushed; i++)
        assert_int_equal(play->filters[i].lost, 1);
    if (!aborts)
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

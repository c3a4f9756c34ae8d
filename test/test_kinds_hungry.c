/* test_kinds_hungry.c - random calls on every kind, short of memory. */
/* SPDX-License-Identifier: MIT */
#include "harness_kinds_play.h"

enum { ROUNDS = 60, CALLS = 120 };

/* Whatever was refused or lost: what was begun has ended, once. */
static void play_end(struct play *play)
{
    struct rig *r = play->r;

    test_fail_allocation(r->w, 0);
    r->cut = r->torn = true;
    if (r->p->transport)
        rondo_transport_abort(r->p->transport);
    test_run_until(r->w, r->p->lost);
    rig_end(r);
    assert_int_equal(play->released, play->lent);
    assert_int_equal(play->done, play->files);
    for (unsigned i = 0; i < play->pushed; i++)
        assert_int_equal(play->filters[i].lost, 1);
}

static void play_round(struct world *w, enum kind_id id, unsigned seed,
                       raw_fd file)
{
    struct play *play = play_new(w, id, seed, file);

    if (!play)
        return;
    play->hungry = true;
    for (int i = 0; i < CALLS && play->r->p->transport; i++)
        play_one(play);
    play_end(play);
}

static void play_kind(struct world *w, enum kind_id id)
{
    static char row[64];
    raw_fd file = call_file(PLAY_FILE);
    unsigned rounds = ROUNDS / (unsigned)test_slowness() + 1;

    w->row = row;
    for (unsigned seed = 1; seed <= rounds; seed++) {
        (void)snprintf(row, sizeof row, "%s, seed %u", kinds[id].name, seed);
        play_round(w, id, seed, file);
    }
    raw_close(file);
    w->row = NULL;
}

TEST_CASE(G8_random_tcp, play_kind(w, KIND_TCP));
TEST_CASE(G8_random_unix, play_kind(w, KIND_UNIX));

TEST(G8_random_named_pipes)
{
    play_kind(w, KIND_SERVED);
    play_kind(w, KIND_CLIENT);
}

TEST(G8_random_pipes)
{
    for (int id = KIND_PIPE_READS; id < KIND_CHILD_READS; id++)
        play_kind(w, (enum kind_id)id);
}

TEST(G8_random_files)
{
    play_kind(w, KIND_FILE_READS);
    play_kind(w, KIND_FILE_WRITES);
}

/* harness_kinds_then.c - random calls that tell when bytes have left. */
/* SPDX-License-Identifier: MIT */
#include "harness_kinds_play.h"

/* A write_then: its place among them, and the bytes, which it gives back. */
struct play_then {
    struct play *play;
    unsigned place;
    size_t size;
    unsigned char *bytes;
};

static void then_done(rondo_loop *loop, void *arg, int64_t result)
{
    struct play_then *n = arg;

    (void)loop;
    assert_int_equal(n->place, n->play->told++);
    assert_true(result < 0 || result == (int64_t)n->size);
    memset(n->bytes, 0, n->size);
    play_released(n->play);
}

int play_write_then(struct play *play, const rondo_buffer pieces[2])
{
    struct play_then *n = test_alloc(play->r->w, sizeof *n);
    int result;

    n->play = play;
    n->place = play->thens;
    n->size = pieces[0].size + pieces[1].size;
    n->bytes = (unsigned char *)(uintptr_t)pieces[0].data;
    result = rondo_transport_write_then(play_transport(play), pieces, 2,
                                        then_done, n);
    play->thens += result >= 0;
    play->lent += result >= 0;
    return result;
}

static void drained(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    (void)result;
    play_released(arg);
}

void play_drain(struct play *play)
{
    int64_t id = rondo_transport_drain(
        play_transport(play), play_draw(play, 3) * 1000, drained, play);

    if (id < 0) {
        assert_true(play->hungry || play->ending || !play->r->kind->writes);
        return;
    }
    play->lent++;
    if (play_draw(play, 4) == 0)
        (void)rondo_cancel(play->r->w->loop, id);
}

void play_try(struct play *play)
{
    struct rig *r = play->r;
    size_t size = play_draw(play, 30000) + 1;
    rondo_buffer piece = {test_alloc(r->w, size), size};
    int64_t result;

    test_fill((void *)(uintptr_t)piece.data, r->written, size);
    result = rondo_transport_try_write(play_transport(play), &piece, 1);
    if (result == RONDO_EAGAIN || result == RONDO_ENOTSUP)
        return;
    if (play_is_taken(play, result))
        r->written += (uint64_t)result;
}

/* test_stream_rooms.c - several buffers of the program's to read into at once. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"
#include "harness_kinds.h"
#include "harness_plain.h"

#include <string.h>

enum { ROOM = 100000, SUPPLY = 300000 };

/* The recorder's buffer, cut into so many pieces of growing sizes. */
static size_t cut(rondo_room *rooms, unsigned char *from, size_t size,
                  size_t pieces)
{
    size_t used = 0, part = 1;

    for (size_t i = 0; i < pieces; i++, part *= 7) {
        bool last = i + 1 == pieces || part > size - used;

        rooms[i].data = from + used;
        rooms[i].size = last ? size - used : part;
        used += rooms[i].size;
        if (last)
            return i + 1;
    }
    return 0;
}

static size_t lend(rondo_transport *t, void *self, size_t hint,
                   rondo_room *rooms, size_t most, size_t pieces)
{
    size_t size = 0;
    unsigned char *from = buffered_recorder.get_buffer(t, self, hint, &size);

    assert_true(most >= RONDO_ROOMS);
    return from && size ? cut(rooms, from, size, pieces) : 0;
}

static size_t lend_one(rondo_transport *t, void *self, size_t hint,
                       rondo_room *rooms, size_t most)
{
    return lend(t, self, hint, rooms, most, 1);
}

static size_t lend_five(rondo_transport *t, void *self, size_t hint,
                        rondo_room *rooms, size_t most)
{
    return lend(t, self, hint, rooms, most, 5);
}

static size_t lend_all(rondo_transport *t, void *self, size_t hint,
                       rondo_room *rooms, size_t most)
{
    return lend(t, self, hint, rooms, most, most);
}

/* Two rooms of nothing stand between those of the buffer. */
static size_t lend_gaps(rondo_transport *t, void *self, size_t hint,
                        rondo_room *rooms, size_t most)
{
    size_t count = lend(t, self, hint, rooms + 1, most, 5) + 2;

    rooms[0] = (rondo_room){NULL, 17};
    rooms[count - 1] = (rondo_room){rooms, 0};
    return count;
}

/* More than there is room for: the rest is not looked at. */
static size_t lend_too_many(rondo_transport *t, void *self, size_t hint,
                            rondo_room *rooms, size_t most)
{
    return lend(t, self, hint, rooms, most, most) + SIZE_MAX / 2;
}

typedef size_t (*lend_fn)(rondo_transport *t, void *self, size_t hint,
                          rondo_room *rooms, size_t most);

static const rondo_protocol *rooms_recorder(struct world *w, lend_fn fn)
{
    rondo_protocol *protocol = test_alloc(w, sizeof *protocol);

    *protocol = buffered_recorder;
    protocol->get_buffers = fn;
    return protocol;
}

static struct peer *rooms_peer(struct world *w, lend_fn fn, size_t size)
{
    struct peer *p = plain_peer(w, rooms_recorder(w, fn), 400000);

    p->buffer_size = size;
    p->buffer = test_alloc(w, size);
    return p;
}

TEST(S9_rooms_of_every_number_and_size)
{
    static const lend_fn lends[] = {lend_one, lend_five, lend_all, lend_gaps,
                                    lend_too_many};
    static const size_t sizes[] = {1, 4095, 4096, 65536, ROOM};

    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < 5; k++) {
            size_t supply = sizes[k] == 1 ? 20 : SUPPLY;
            struct peer *p = rooms_peer(w, lends[i], sizes[k]);

            plain_send_pattern(p, 0, supply);
            raw_shutdown_write(p->fd);
            assert_lost(w, p, "MbEL", 0);
            peer_got(p, supply);
            assert_true(p->updates >= supply / sizes[k]);
        }
    }
}

TEST(S9_rooms_take_more_at_once_than_the_loop_has_room_for)
{
    struct peer *p = rooms_peer(w, lend_five, ROOM);

    act_pause(p);
    plain_send_pattern(p, 0, ROOM);
    act_resume(p);
    test_run_until(w, p->bytes == ROOM);
    assert_true(p->updates < 3); /* the loop's own buffer has 64 KiB */
    plain_close(p);
    assert_lost(w, p, "MbEL", 0);
    peer_got(p, ROOM);
}

TEST(S9_rooms_one_byte_at_a_time)
{
    struct peer *p = rooms_peer(w, lend_five, ROOM);

    for (unsigned i = 0; i < 300; i++) {
        plain_send_pattern(p, i, 1);
        test_run_until(w, p->bytes == i + 1);
    }
    plain_close(p);
    assert_lost(w, p, "MbEL", 0);
    peer_got(p, 300);
}

/* ---- S9: each byte goes into its room, and none beside it ---------------- */

enum { APART = 3, APART_SIZE = 3000 };

struct apart {
    struct world *w;
    unsigned char bytes[APART][APART_SIZE + 8];
    size_t received;
    bool lost;
};

static size_t lend_apart(rondo_transport *t, void *self, size_t hint,
                         rondo_room *rooms, size_t most)
{
    struct apart *a = self;

    (void)t;
    (void)hint;
    (void)most;
    for (size_t i = 0; i < APART; i++)
        rooms[i] = (rondo_room){a->bytes[i], APART_SIZE};
    return APART;
}

static void apart_updated(rondo_transport *t, void *self, size_t size)
{
    struct apart *a = self;

    a->received = size;
    assert_ok(rondo_transport_pause_reading(t));
}

static void apart_lost(rondo_transport *t, void *self, int error)
{
    (void)t;
    (void)error;
    ((struct apart *)self)->lost = true;
}

static const rondo_protocol apart_protocol = {.get_buffers = lend_apart,
                                              .buffer_updated = apart_updated,
                                              .connection_lost = apart_lost};

TEST(S9_rooms_apart_from_each_other)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    struct apart *a = test_alloc(w, sizeof *a);
    rondo_transport *t = p->transport;
    unsigned char *pattern = test_bytes(w, 0, APART * APART_SIZE);

    memset(a, 0xEE, sizeof *a);
    a->lost = false;
    a->received = 0;
    assert_ok(rondo_transport_pause_reading(t));
    assert_ok(rondo_transport_set_protocol(t, &apart_protocol, a));
    plain_send_pattern(p, 0, 2 * APART_SIZE + 1);
    assert_ok(rondo_transport_resume_reading(t));
    test_run_until(w, a->received);
    assert_int_equal(a->received, 2 * APART_SIZE + 1);
    for (size_t i = 0; i < APART; i++) {
        size_t has = i < 2 ? APART_SIZE : 1;

        assert_memory_equal(a->bytes[i], pattern + i * APART_SIZE, has);
        for (size_t k = has; k < APART_SIZE + 8; k++)
            assert_int_equal(a->bytes[i][k], 0xEE);
    }
    rondo_transport_abort(t);
    test_run_until(w, a->lost);
}

/* ---- S9: what happens inside get_buffers --------------------------------- */

static void act_none(struct peer *p)
{
    p->no_buffer = p->buffers == 2;
    p->empty_buffer = p->buffers == 3;
}

TEST(S9_no_room_pauses_reading)
{
    struct peer *p = rooms_peer(w, lend_five, 5000);

    p->on_get_buffer = act_none;
    plain_send_pattern(p, 0, 20000);
    for (int i = 0; i < 2; i++) {
        test_run_until(w, !rondo_transport_is_reading(p->transport));
        assert_true(p->bytes < 20000);
        act_resume(p);
    }
    test_run_until(w, p->bytes == 20000);
    plain_close(p);
    assert_lost(w, p, "MbEL", 0);
    peer_got(p, 20000);
}

static void change_inside(struct peer *p)
{
    p->on_get_buffer = NULL;
    assert_ok(rondo_transport_set_protocol(p->transport, &recorder, p));
}

TEST(S9_protocol_set_inside_get_buffers)
{
    struct peer *p = rooms_peer(w, lend_five, ROOM);

    p->on_get_buffer = change_inside;
    plain_send_pattern(p, 0, SUPPLY);
    raw_shutdown_write(p->fd);
    assert_lost(w, p, NULL, 0);
    peer_got(p, SUPPLY);
    assert_int_equal(p->updates, 0);
}

TEST(S9_closing_and_aborting_inside_get_buffers)
{
    for (int aborts = 0; aborts < 2; aborts++) {
        struct peer *p = rooms_peer(w, lend_five, ROOM);

        p->on_get_buffer = aborts ? act_abort : act_close;
        plain_send(p, "x");
        assert_lost(w, p, "ML", aborts ? RONDO_ECANCELED : 0);
        assert_int_equal(p->bytes, 0);
    }
}

static void give_back(struct peer *p, const void *data, size_t size)
{
    p->on_data = NULL;
    assert_ok(rondo_transport_unread(p->transport, data, size));
    assert_ok(rondo_transport_set_protocol(p->transport, p->user, p));
}

/* Held bytes are copied into the rooms. */
TEST(S9_unread_bytes_go_into_rooms)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->user = (void *)(uintptr_t)rooms_recorder(w, lend_five);
    p->buffer_size = 100;
    p->buffer = test_alloc(w, 100);
    p->on_data = give_back;
    plain_send(p, "given back and read again");
    test_run_until(w, p->updates);
    assert_int_equal(p->bytes, 2 * strlen("given back and read again"));
    plain_close(p);
    assert_lost(w, p, NULL, 0);
}

static const rondo_protocol *rooms_of(struct peer *p)
{
    p->buffer_size = 5000;
    p->buffer = test_alloc(p->w, p->buffer_size);
    return rooms_recorder(p->w, lend_five);
}

/* A filter's bytes are copied. */
TEST(S9_rooms_behind_filters)
{
    struct toy_pair both = toy_pair_ready(w, 0);
    struct peer *a = both.a, *b = both.b;

    assert_ok(rondo_transport_set_protocol(b->transport, rooms_of(b), b));
    (void)peer_write(a, 0, 20000);
    test_run_until(w, b->bytes == 20000);
    assert_true(b->updates >= 4);
    rondo_transport_close(a->transport);
    test_run_until(w, a->lost && b->lost);
    peer_got(b, 20000);
}

/* ---- S9: on every kind of transport -------------------------------------- */

static int into_rooms(struct rig *r)
{
    return rig_fills_buffers(r, rooms_recorder(r->w, lend_five), 20000);
}

static const struct kind_table rooms = {
    .title = "get_buffers",
    .columns = {[0] = {.name = "get_buffers", .attempt = into_rooms}}};

TEST_CASE(S9_kinds_get_buffers, kinds_try(w, &rooms, 0));

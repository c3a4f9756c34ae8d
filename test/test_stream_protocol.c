/* test_stream_protocol.c - set_protocol on a live stream, and unread. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

enum { SMALL = 8192, LARGE = 500000 };

static void hand_over(struct peer *p)
{
    peer_hand_over(p, &recorder);
}

/* ---- S10: from the next callback on ------------------------------------- */

TEST(S10_acts_from_the_next_callback)
{
    static const struct {
        const char *name, *first, *second;
        bool in_made, in_data, in_eof;
    } rows[] = {
        {"in connection_made", "M", "dEL", .in_made = true},
        {"in data_received", "Md", "dEL", .in_data = true},
        {"in eof_received", "MdE", "L", .in_eof = true},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *a = plain_peer_unmade(w);
        struct peer *b = peer_successor(w, a);

        a->on_made = row->in_made ? hand_over : NULL;
        a->on_bytes = row->in_data ? hand_over : NULL;
        a->on_eof = row->in_eof ? hand_over : NULL;
        plain_send(a, "first");
        test_run_until(w, a->bytes + b->bytes == 5);
        plain_send(a, "second");
        plain_close(a);
        test_run_until(w, b->lost);
        assert_string_equal(a->order, row->first);
        assert_string_equal(b->order, row->second);
        assert_int_equal(a->bytes + b->bytes, 11);
    }
}

TEST(S10_before_made)
{
    struct peer *a = plain_peer_unmade(w);
    struct peer *b = test_peer(w);

    assert_ok(
        rondo_transport_set_protocol(a->transport, &buffered_recorder, b));
    assert_ptr_equal(rondo_transport_self(a->transport), b);
    plain_close(a);
    test_run_until(w, b->lost);
    assert_string_equal(a->order, "");
    assert_string_equal(b->order, "MEL");
}

TEST(S10_after_close_lost_goes_to_the_new)
{
    for (int i = 0; i < 2; i++) {
        struct peer *a = plain_peer(w, &recorder, 0);
        struct peer *b = peer_successor(w, a);

        (i ? act_abort : act_close)(a);
        hand_over(a);
        test_run_until(w, b->lost);
        assert_string_equal(a->order, "M");
        assert_int_equal(b->error, i ? RONDO_ECANCELED : 0);
    }
}

/* ---- S10: plain, buffered and back -------------------------------------- */

/* Each chunk goes to the other kind of protocol than the one before it. */
struct alternating {
    struct peer *plain, *buffered;
    uint64_t position;
    unsigned switches;
};

static void next_protocol(struct peer *p, const void *data, size_t size)
{
    struct alternating *s = p->user;
    struct peer *next = p == s->plain ? s->buffered : s->plain;

    assert_true(test_matches(data, s->position, size));
    s->position += size;
    s->switches++;
    assert_ok(rondo_transport_set_protocol(
        p->transport, next == s->plain ? &recorder : &buffered_recorder, next));
}

static void next_after_updated(struct peer *p, size_t size)
{
    next_protocol(p, p->buffer, size);
}

TEST(S10_plain_to_buffered_and_back)
{
    enum { SIZE = 1000000 };
    struct alternating *s = test_alloc(w, sizeof *s);

    s->plain = plain_peer(w, &recorder, SMALL);
    s->buffered = peer_successor(w, s->plain);
    s->plain->user = s->buffered->user = s;
    s->plain->on_data = next_protocol;
    s->buffered->on_updated = next_after_updated;
    plain_send_pattern(s->plain, 0, SIZE);
    plain_close(s->plain);
    test_run_until(w, s->plain->lost || s->buffered->lost);
    assert_int_equal(s->position, SIZE);
    assert_true(s->switches > 10);
    assert_true(s->plain->bytes > 0 && s->buffered->bytes > 0);
    assert_int_equal(s->plain->eof + s->buffered->eof, 1);
}

/* ---- S10: writing is paused --------------------------------------------- */

/* A pause that the old one has not been told goes to the new one, too. */
TEST_LEAVES(S10_the_new_one_hears_pause_writing_first)
{
    for (int told = 0; told < 2; told++) {
        struct peer *a = plain_peer(w, &recorder, SMALL);
        struct peer *b = peer_successor(w, a);

        assert_int_equal(peer_write(a, 0, LARGE), 1);
        if (told)
            test_run_until(w, a->pauses == 1);
        hand_over(a);
        assert_int_equal(b->pauses, 0); /* not inside the call */
        plain_send(a, "x");
        test_run_until(w, b->bytes == 1);
        assert_string_equal(a->order, told ? "MP" : "M");
        assert_string_equal(b->order, "Pd"); /* pause_writing first */
        plain_takes(a, 0, LARGE);
        test_run_until(w, b->resumes == 1);
        assert_string_equal(b->order, "PdR");
        assert_int_equal(a->resumes, 0);
    }
}

TEST(S10_in_pause_and_resume_writing)
{
    struct peer *a = plain_peer(w, &recorder, SMALL);
    struct peer *b = peer_successor(w, a);
    struct peer *c = peer_successor(w, b);

    a->on_pause = hand_over;
    b->on_resume = hand_over;
    assert_int_equal(peer_write(a, 0, LARGE), 1);
    test_run_until(w, b->pauses == 1);
    plain_takes(a, 0, LARGE);
    plain_close(a);
    test_run_until(w, c->lost);
    assert_string_equal(a->order, "MP");
    assert_string_equal(b->order, "PR");
    assert_string_equal(c->order, "EL");
}

/* ---- S10: unread -------------------------------------------------------- */

/* a line is a's, the rest is for whoever comes after */
static void split_line(struct peer *p, const void *data, size_t size)
{
    const char *end = memchr(data, '\n', size);
    size_t used;

    if (!end)
        return;
    used = (size_t)(end + 1 - (const char *)data);
    assert_ok(rondo_transport_unread(p->transport, end + 1, size - used));
    peer_hand_over(p, p->user);
}

TEST(S10_unread_hands_the_rest_to_the_new_one)
{
    static const struct {
        const char *name;
        const rondo_protocol *next;
        const char *order;
    } rows[] = {
        {"plain", &recorder, "dEL"},
        {"buffered", &buffered_recorder, "bEL"},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *a = plain_peer(w, &recorder, 0);
        struct peer *b = peer_successor(w, a);

        a->user = (void *)(uintptr_t)row->next;
        a->on_data = split_line;
        b->buffer_size = 3; /* get_buffer's room is smaller than the rest */
        b->buffer = test_alloc(w, b->buffer_size);
        plain_send(a, "STARTTLS\nhello");
        test_run_until(w, b->bytes == 5);
        assert_memory_equal(b->captured, "hello", 5);
        plain_send(a, " world");
        plain_close(a);
        assert_lost(w, b, row->order, 0);
        assert_int_equal(b->bytes, 11);
        assert_memory_equal(b->captured, "hello world", 11);
        assert_string_equal(a->order, "Md");
    }
}

static void unread_all_once(struct peer *p, const void *data, size_t size)
{
    if (p->data > 1)
        return;
    assert_ok(rondo_transport_unread(p->transport, data, size));
    p->bytes = 0;
}

TEST(S10_unread_everything_comes_again)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->on_data = unread_all_once;
    plain_send(p, "again");
    plain_close(p);
    assert_lost(w, p, "MdEL", 0); /* before the EOF */
    assert_int_equal(p->data, 2);
    assert_memory_equal(p->captured, "againagain", 10);
}

static void unread_and_pause(struct peer *p, const void *data, size_t size)
{
    if (p->data > 1)
        return;
    assert_ok(
        rondo_transport_unread(p->transport, (const char *)data + 2, size - 2));
    act_pause(p);
}

TEST_LEAVES(S10_unread_is_held_while_paused)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->on_data = unread_and_pause;
    plain_send(p, "abcdef");
    test_run_until(w, p->data == 1);
    plain_send(p, "gh");
    test_spin(w, 30);
    assert_int_equal(p->data, 1);
    assert_true(test_run_for(w, RONDO_MS(50)) <= 10); /* it costs no CPU */
    act_resume(p);
    test_run_until(w, p->bytes == 6 + 4 + 2);
    assert_memory_equal(p->captured, "abcdefcdefgh", 12);
}

static void write_and_give_up(struct peer *p, const void *data, size_t size)
{
    assert_int_equal(peer_write(p, 0, 500000), 1);
    assert_ok(
        rondo_transport_unread(p->transport, (const char *)data + 1, size - 1));
    peer_hand_over(p, &recorder);
}

/* the rest is at hand at once, but the new one hears of the pause first */
TEST_LEAVES(S10_unread_comes_after_pause_writing)
{
    struct peer *a = plain_peer(w, &recorder, 8192);
    struct peer *b = peer_successor(w, a);

    a->on_data = write_and_give_up;
    plain_send(a, "abc");
    test_run_until(w, b->bytes == 2);
    assert_string_equal(a->order, "Md");
    assert_string_equal(b->order, "Pd");
}

static void unread_and_close(struct peer *p, const void *data, size_t size)
{
    assert_ok(rondo_transport_unread(p->transport, data, size));
    rondo_transport_close(p->transport);
}

TEST(S10_unread_and_close_delivers_no_more)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->on_data = unread_and_close;
    plain_send(p, "abcdef");
    assert_lost(w, p, NULL, 0);
    assert_int_equal(p->data, 1);
}

/* one byte a time is consumed; the stream must not change for it */
static void take_one(struct peer *p, const void *data, size_t size)
{
    uint64_t *position = p->user;

    assert_true(test_matches(data, *position, size));
    p->bytes -= size - 1;
    *position += 1;
    assert_ok(
        rondo_transport_unread(p->transport, (const char *)data + 1, size - 1));
}

TEST(S10_unread_all_but_one_byte_each_time)
{
    enum { SIZE = 2000 };
    struct peer *p = plain_peer(w, &recorder, 0);
    uint64_t *position = test_alloc(w, sizeof *position);

    p->user = position;
    p->on_data = take_one;
    for (uint64_t at = 0; at < SIZE; at += 100) {
        plain_send_pattern(p, at, 100);
        test_spin(w, 1);
    }
    plain_close(p);
    test_run_until(w, p->lost);
    assert_int_equal(*position, SIZE);
    assert_int_equal(p->data, SIZE);
}

static void wrong_unreads(struct peer *p, const void *data, size_t size)
{
    const char *bytes = data;
    const void *before = (const void *)((uintptr_t)data - 1);
    rondo_transport *t = p->transport;

    assert_einval(rondo_transport_unread(t, bytes, size - 1));
    assert_einval(rondo_transport_unread(t, bytes + 1, size));
    assert_einval(rondo_transport_unread(t, before, size + 1));
    assert_einval(rondo_transport_unread(t, "abc", 3));
    assert_einval(rondo_transport_unread(t, NULL, 1));
    assert_einval(rondo_transport_unread(NULL, data, size));
    assert_ok(rondo_transport_unread(t, bytes + size, 0));
}

TEST_LEAVES(S10_unread_of_what_is_no_tail_is_EINVAL)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    p->on_data = wrong_unreads;
    plain_send(p, "abcdef");
    test_run_until(w, p->data == 1);
    test_spin(w, 20);
    assert_int_equal(p->data, 1);
    assert_int_equal(p->bytes, 6);
    assert_einval(rondo_transport_unread(p->transport, "x", 1));
}

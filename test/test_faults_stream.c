/* test_faults_stream.c - transports whose ends, layers or memory meet oddly. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_calls.h"
#include "harness_local.h"
#include "raw_net.h"

enum { MUCH = 4 * 1024 * 1024 };

/* ---- S7: a cut is never an end ------------------------------------------ */

/* Reads until the end. Negative: it was a reset. */
static int64_t read_to_the_end(struct world *w, raw_fd fd)
{
    static char bytes[65536];
    int64_t total = 0;
    ptrdiff_t count;

    for (;;) {
        count = raw_recv(fd, bytes, sizeof bytes, 0);
        if (count == RAW_AGAIN) {
            test_spin(w, 1);
            continue;
        }
        if (count <= 0)
            return count < 0 ? count : total;
        total += count;
    }
}

static void ignore_ready(rondo_loop *loop, rondo_fd fd, void *arg)
{
    (void)loop;
    (void)fd;
    (void)arg;
}

/* The n-th allocation from a large write on fails, while so many descriptors
 * are watched that a backend may need room for the next. What the program and
 * its peer are told has to agree. */
static bool fail_while_closing(struct world *w, int watched, uint64_t n)
{
    enum { LARGE = 1 << 20 };
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 8192);
    raw_fd others[40];
    int64_t received;

    assert_ok(rondo_transport_pause_reading(p->transport));
    assert_true(
        raw_send_all(fd, "x", 1, 1000)); /* so that its place is given up */
    test_spin(w, 2);
    for (int i = 0; i < watched; i++) {
        others[i] = raw_tcp();
        assert_ok(rondo_add_writer(w->loop, others[i], ignore_ready, NULL));
    }
    test_spin(w, 2);
    test_fail_allocation(w, n);
    (void)rondo_transport_write(p->transport, test_alloc(w, LARGE), LARGE);
    rondo_transport_close(p->transport);
    received = read_to_the_end(w, fd);
    test_run_until(w, p->lost);
    test_fail_allocation(w, 0);
    if (received >= 0 && (received < LARGE || p->error))
        test_fail(w,
                  "%d watched, allocation %d failed: an orderly end after "
                  "%lld bytes of %d, connection_lost(%d)",
                  watched, (int)n, (long long)received, LARGE, p->error);
    if (received < 0)
        assert_true(p->error < 0);
    for (int i = 0; i < watched; i++) {
        (void)rondo_remove_writer(w->loop, others[i]);
        raw_close(others[i]);
    }
    raw_close(fd);
    return test_failed_allocations(w) > 0;
}

TEST(S7_no_memory_while_closing_is_no_orderly_end)
{
    for (int watched = 0; watched < 40; watched++)
        for (uint64_t n = 1; fail_while_closing(w, watched, n) && n < 8; n++)
            continue;
}

/* ---- S13: closing while the peer's protocol still sends ------------------ */

static void write_much_and_close(struct peer *p)
{
    unsigned char *data = test_alloc(p->w, MUCH);

    test_fill(data, 0, MUCH);
    assert_true(rondo_transport_write(p->transport, data, MUCH) >= 0);
    rondo_transport_close(p->transport);
}

static int pass_only(rondo_layer *layer, void *self)
{
    (void)self;
    return rondo_layer_ready(layer);
}

static const rondo_filter passes = {.start = pass_only};

/* As TLS 1.3's tickets: they come when all has been written and closed. */
TEST(S13_what_a_peer_sends_late_does_not_reset_what_was_sent)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    assert_ok(
        rondo_transport_push_filter(p->transport, &passes, NULL, NULL, NULL));
    test_spin(w, 5);
    write_much_and_close(p);
    for (int i = 0; i < 200; i++) {
        assert_true(raw_send_all(fd, "ticket", 6, 1000));
        test_spin(w, 2);
        assert_int_equal(test_drain_raw_some(w, fd, (uint64_t)i * 10000, 10000),
                         10000);
    }
    assert_int_equal(test_drain_raw(w, fd, 2000000), MUCH - 2000000);
    raw_close(fd);
    assert_lost(w, p, NULL, 0);
}

TEST(S13_a_peer_that_never_ends_is_not_waited_for)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    assert_ok(
        rondo_transport_push_filter(p->transport, &passes, NULL, NULL, NULL));
    test_spin(w, 5);
    rondo_transport_close(p->transport);
    assert_lost(w, p, "ML", 0);
    raw_close(fd);
}

/* ---- S13: connection_made inside a filter's start ------------------------ */

struct inside {
    struct peer *p;
    raw_fd file;
    struct call *call;
    unsigned released, released_before_lost;
};

static void sendfile_and_abort(struct peer *p)
{
    struct inside *i = p->user;

    assert_true(rondo_transport_sendfile(p->transport, i->file, 0, 1000000,
                                         call_done, i->call) > 0);
    rondo_transport_abort(p->transport);
}

static void note_release(void *arg)
{
    struct inside *i = arg;

    i->released++;
    i->released_before_lost += i->p->lost == 0;
}

static void write_owned_and_abort(struct peer *p)
{
    struct inside *i = p->user;
    void *data = test_alloc(p->w, MUCH);

    assert_true(rondo_transport_write_owned(p->transport, data, MUCH,
                                            note_release, i) >= 0);
    rondo_transport_abort(p->transport);
}

static struct inside *made_inside_start(struct world *w,
                                        void (*on_made)(struct peer *p))
{
    struct inside *i = test_alloc(w, sizeof *i);
    raw_fd fds[2];

    i->p = test_peer(w);
    i->call = call_new(w);
    i->file = call_file(1000000);
    i->p->user = i;
    i->p->on_made = on_made;
    assert_int_equal(raw_pair(fds), 0);
    test_adopt(w, fds[0], &recorder, i->p);
    assert_ok(rondo_transport_push_filter(i->p->transport, &passes, NULL, NULL,
                                          NULL));
    assert_lost(w, i->p, "ML", RONDO_ECANCELED);
    raw_close(fds[1]);
    raw_close(i->file);
    return i;
}

TEST(S13_sendfile_and_abort_inside_a_filters_start)
{
    struct inside *i = made_inside_start(w, sendfile_and_abort);

    assert_int_equal(i->call->calls, 1);
    assert_true(i->call->result < 0);
}

TEST(S13_write_owned_and_abort_inside_a_filters_start)
{
    struct inside *i = made_inside_start(w, write_owned_and_abort);

    assert_int_equal(i->released, 1);
    assert_int_equal(i->released_before_lost, 1);
}

/* ---- S16: descriptors and filters ---------------------------------------- */

static int hand_on(rondo_layer *layer, void *self, const void *data,
                   size_t size)
{
    (void)self;
    return rondo_layer_deliver(layer, data, size);
}

static int not_yet(rondo_layer *layer, void *self)
{
    (void)layer;
    (void)self;
    return 0;
}

static const rondo_filter never_ready = {.start = not_yet, .received = hand_on};

TEST(S16_descriptors_that_come_before_a_filter_is_ready_are_bounded)
{
    struct peer *a = NULL, *b = NULL;
    raw_fd event = raw_event();
    size_t before;

    local_need_passing(w);
    local_pair(w, &a, &b);
    before = raw_count_descriptors();
    assert_ok(rondo_transport_push_filter(b->transport, &never_ready, NULL,
                                          NULL, NULL));
    test_spin(w, 5);
    for (int i = 0; i < 300 && !a->lost; i++) {
        assert_ok(rondo_transport_send_fd(a->transport, event));
        assert_true(rondo_transport_write(a->transport, "H", 1) >= 0);
        test_spin(w, 2);
    }
    assert_lost(w, b, NULL, RONDO_ETOOMUCH);
    test_run_until(w, a->lost);
    assert_int_equal(raw_count_descriptors(), before - 2);
    raw_close(event);
}

/* ---- S10: what is given back -------------------------------------------- */

static void unread_half_messages(struct peer *p, const void *data, size_t size)
{
    if (size < 10)
        assert_ok(rondo_transport_unread(p->transport, data, size));
}

TEST(S10_a_half_message_waits_for_more)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    p->on_data = unread_half_messages;
    assert_true(raw_send_all(fd, "half ", 5, 1000));
    test_run_until(w, p->data == 1);
    test_spin(w, 50);
    assert_int_equal(p->data, 1); /* and not again and again */
    assert_true(rondo_transport_is_reading(p->transport));
    assert_true(raw_send_all(fd, "a mes", 5, 1000));
    test_run_until(w, p->data == 2);
    test_spin(w, 20);
    assert_int_equal(p->data, 2); /* all ten at once */
    assert_int_equal(p->bytes, 15);
    raw_close(fd);
    test_run_until(w, p->lost);
}

TEST(S10_a_half_message_comes_again_to_another_protocol)
{
    struct peer *p = test_peer(w), *next;
    raw_fd fd = test_raw_peer(w, &recorder, p, 0);

    p->on_data = unread_half_messages;
    assert_true(raw_send_all(fd, "half ", 5, 1000));
    test_run_until(w, p->data == 1);
    test_spin(w, 5);
    next = p->other = peer_successor(w, p);
    peer_hand_over(p, &recorder);
    test_run_until(w, next->bytes == 5);
    raw_close(fd);
    test_run_until(w, next->lost);
}

static void change_in_get_buffer(struct peer *p)
{
    p->on_get_buffer = NULL;
    peer_hand_over(p, &recorder);
}

TEST(S10_set_protocol_inside_get_buffer_loses_nothing)
{
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &buffered_recorder, p, 0);
    struct peer *next;

    p->other = peer_successor(w, p);
    p->on_get_buffer = change_in_get_buffer;
    assert_true(raw_send_all(fd, "to the next", 11, 1000));
    next = p->other;
    test_run_until(w, next->bytes);
    assert_int_equal(next->bytes, 11);
    assert_int_equal(p->bytes, 0);
    raw_close(fd);
    test_run_until(w, next->lost);
}

/* ---- S9: many owned pieces ----------------------------------------------- */

TEST(S9_many_owned_pieces_are_released_when_the_peer_leaves)
{
    enum { PIECES = 200000 };
    struct peer *p = test_peer(w);
    raw_fd fd = test_raw_peer(w, &recorder, p, 8192);
    unsigned *released = test_counter(w);

    (void)test_fill_transport(w, p);
    for (int i = 0; i < PIECES; i++)
        assert_true(rondo_transport_write_owned(p->transport, "piece", 5,
                                                count_release, released) >= 0);
    rondo_transport_abort(p->transport);
    assert_lost(w, p, NULL, RONDO_ECANCELED);
    assert_int_equal(*released, PIECES);
    raw_close(fd);
}

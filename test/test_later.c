/* test_later.c - a backend that sends a write a little later: nobody notices. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "harness_later.h"

/* ---- S25: when it leaves -------------------------------------------------- */

TEST_LEAVES(S25_the_end_of_a_run_sends)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    later_from_the_loop(p, later_write_ten);
    later_has_left(p, 0, 10);
    (void)peer_write(p, 10, 10); /* outside of a run: at once */
    later_has_left(p, 10, 10);
}

static void write_and_ask(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;

    later_write_ten(loop, arg);
    assert_int_equal(rondo_transport_get_write_buffer_size(p->transport), 0);
    later_has_left(p, 0, 10);
}

TEST_LEAVES(S25_who_asks_how_much_waits_sends)
{
    later_from_the_loop(plain_peer(w, &recorder, 0), write_and_ask);
}

static void print_some(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;

    (void)loop;
    for (int i = 0; i < 5; i++)
        assert_ok(rondo_transport_printf(p->transport, "%d,", i));
}

TEST_LEAVES(S25_printed_pieces)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    later_from_the_loop(p, print_some);
    plain_hears(p, "0,1,2,3,4,");
}

/* More streams than there is room for, in turn. */
enum { STREAMS = 150, TURNS = 50 };

static void write_in_turn(rondo_loop *loop, void *arg)
{
    struct peer **p = arg;

    (void)loop;
    for (uint64_t turn = 0; turn < TURNS; turn++)
        for (int i = 0; i < STREAMS; i++)
            (void)peer_write(p[i], turn * 100, 100);
}

TEST_LEAVES(S25_many_in_turn)
{
    struct peer **p = test_alloc(w, STREAMS * sizeof *p);

    test_allow_descriptors(w, 2 * STREAMS + 50);
    for (int i = 0; i < STREAMS; i++)
        p[i] = plain_peer(w, &recorder, 0);
    assert_ok(rondo_call_soon(w->loop, write_in_turn, p));
    test_spin(w, 1);
    for (int i = 0; i < STREAMS; i++)
        later_has_left(p[i], 0, TURNS * 100);
}

/* ---- S25: the order -------------------------------------------------------- */

static void count_done(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    assert_ok(result);
    ++*(unsigned *)arg;
}

static unsigned dones;

static void write_each_way(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;
    rondo_transport *t = p->transport;
    const unsigned char *bytes = test_bytes(p->w, 0, 100000);
    const rondo_buffer two[] = {{bytes + 110, 45}, {bytes + 155, 45}};
    const rondo_buffer tried = {bytes + 410, 90};

    (void)loop;
    dones = 0;
    later_in_bytes(p, 0, 100);
    assert_ok(rondo_transport_writev(t, &(rondo_buffer){bytes + 100, 10}, 1));
    assert_ok(rondo_transport_writev(t, two, 2));
    later_in_bytes(p, 200, 10);
    assert_ok(
        rondo_transport_write_owned(t, bytes + 210, 90, ignore_release, NULL));
    later_in_bytes(p, 300, 10);
    assert_ok(rondo_transport_write_then(t, &(rondo_buffer){bytes + 310, 90}, 1,
                                         count_done, &dones));
    later_in_bytes(p, 400, 10);
    assert_int_equal(rondo_transport_try_write(t, &tried, 1), 90);
    later_in_bytes(p, 500, 3000);
    (void)peer_write(p, 3500, 96500);
    later_in_bytes(p, 100000, 10);
    assert_ok(rondo_transport_drain(t, 0, count_done, &dones));
}

TEST(S25_the_order_of_each_way)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    later_from_the_loop(p, write_each_way);
    plain_takes(p, 0, 100010);
    test_run_until(w, dones == 2);
    rondo_transport_close(p->transport);
    assert_lost(w, p, NULL, 0);
}

static raw_fd sent_file;

static void write_and_send_file(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;

    (void)loop;
    later_in_bytes(p, 0, 1000);
    assert_ok(rondo_transport_sendfile(p->transport, (rondo_fd)sent_file, 1000,
                                       5000, count_done, &dones));
}

TEST_LEAVES(S25_before_a_file)
{
    struct peer *p = plain_peer(w, &recorder, 0);

    dones = 0;
    sent_file = call_kept_file(w, 6000);
    later_from_the_loop(p, write_and_send_file);
    plain_takes(p, 0, 6000);
    test_run_until(w, dones == 1);
}

/* Its peer takes nothing until the buffers are full; then no byte lacks. */
enum { FLOOD = 400000 };

struct flood {
    struct peer *p[20];
    uint64_t at;
};

static void flood(rondo_loop *loop, void *arg)
{
    struct flood *f = arg;

    (void)loop;
    for (; f->at < FLOOD; f->at += 500)
        for (size_t i = 0; i < COUNT_OF(f->p); i++)
            (void)peer_write(f->p[i], f->at, 500);
}

TEST_LEAVES(S25_full_sockets)
{
    struct flood *f = test_alloc(w, sizeof *f);

    for (size_t i = 0; i < COUNT_OF(f->p); i++)
        f->p[i] = plain_peer(w, &recorder, 4096);
    assert_ok(rondo_call_soon(w->loop, flood, f));
    test_spin(w, 2);
    for (size_t i = 0; i < COUNT_OF(f->p); i++) {
        assert_int_equal(f->p[i]->pauses, 1);
        plain_takes(f->p[i], 0, FLOOD);
        test_run_until(w, f->p[i]->resumes);
    }
}

/* Just so much that it does not fit at the end of a callback. */
static void fill_room(struct peer *p)
{
    const unsigned char *bytes = test_bytes(p->w, 0, 100000);
    rondo_buffer all = {bytes, 100000};
    int64_t sent = 0, more;

    while ((more = rondo_transport_try_write(p->transport, &all, 1)) > 0) {
        sent += more;
        all.data = bytes + sent % 50000;
        all.size = 50000;
    }
    *(int64_t *)p->user = sent;
}

static void fill(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;

    (void)loop;
    fill_room(p);
    (void)rondo_transport_write(p->transport, "1234567890", 10);
}

static void takes_ten_in_the_end(struct peer *p, int64_t filled)
{
    char *got = test_alloc(p->w, (size_t)filled);

    assert_true(raw_recv_exact(p->fd, got, (size_t)filled, 5000));
    test_run_until(p->w, peer_buffered(p) == 0);
    plain_hears(p, "1234567890");
}

TEST_LEAVES(S25_what_did_not_fit_waits)
{
    struct peer *p = plain_peer(w, &recorder, 4096);
    int64_t filled = 0;

    p->user = &filled;
    later_from_the_loop(p, fill);
    assert_int_equal(peer_buffered(p), 10);
    takes_ten_in_the_end(p, filled);
}

static void fill_and_close(rondo_loop *loop, void *arg)
{
    fill(loop, arg);
    rondo_transport_close(((struct peer *)arg)->transport);
}

TEST(S25_a_close_waits_for_what_did_not_fit)
{
    struct peer *p = plain_peer(w, &recorder, 4096);
    int64_t filled = 0;
    char *got;

    p->user = &filled;
    later_from_the_loop(p, fill_and_close);
    assert_int_equal(p->lost, 0);
    got = test_alloc(w, (size_t)filled);
    assert_true(raw_recv_exact(p->fd, got, (size_t)filled, 5000));
    assert_lost(w, p, NULL, 0);
    plain_hears(p, "1234567890");
    assert_int_equal(raw_recv(p->fd, got, 1, 5000), 0);
}

static void fill_without_memory(rondo_loop *loop, void *arg)
{
    struct peer *p = arg;
    int result;

    fill_room(p);
    test_fail_allocations_from(p->w, 1);
    result = rondo_transport_write(p->transport, "1234567890", 10);
    assert_true(result == 0 || result == RONDO_ENOMEM);
    p->user = result ? NULL : p;
    (void)loop;
}

/* Where the write could not say it, the end does. */
TEST(S25_without_memory_for_what_did_not_fit)
{
    struct peer *p = plain_peer(w, &recorder, 4096);
    int64_t filled = 0;

    p->user = &filled;
    later_from_the_loop(p, fill_without_memory);
    test_fail_allocation(w, 0);
    if (!p->user)
        rondo_transport_abort(p->transport);
    assert_lost(w, p, NULL, p->user ? RONDO_ENOMEM : RONDO_ECANCELED);
}

/* test_datagram_then.c - sends with a result. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_datagram.h"

/* ---- D6: what has become of a send -------------------------------------- */

/* Sends of an endpoint, whose results come in their order. */
struct sends {
    struct endpoint *e;
    const rondo_address *to;
    unsigned done, failed;
    int64_t result;
    char error[256];
    int phase; /* of the endpoint when the last one came: lost */
    void (*on_done)(struct sends *s);
};

static void done(rondo_loop *loop, void *arg, int64_t result)
{
    struct sends *s = arg;

    assert_ptr_equal(loop, s->e->w->loop);
    s->done++;
    s->failed += result < 0;
    s->result = result;
    s->phase = (int)s->e->lost;
    (void)snprintf(s->error, sizeof s->error, "%s", rondo_last_error());
    if (s->on_done)
        s->on_done(s);
}

static struct sends *sends_of(struct endpoint *e, const rondo_address *to)
{
    struct sends *s = test_alloc(e->w, sizeof *s);

    s->e = e;
    s->to = to;
    return s;
}

static rondo_id send_bytes(struct sends *s, const void *data, size_t size)
{
    const rondo_buffer piece = {.data = data, .size = size};

    return rondo_datagram_send_then(s->e->d, &piece, 1, s->to, NULL, done, s);
}

static rondo_id send_number(struct sends *s, uint64_t number)
{
    return send_bytes(s, &number, sizeof number);
}

TEST(D6_done_tells_the_size_from_the_loop)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    struct sends *s = sends_of(e, &to->local);

    assert_ok(send_bytes(s, "hello", 5));
    assert_int_equal(s->done, 0);
    assert_int_equal(test_metrics(w).live_operations, 1);
    test_run_until(w, s->done == 1);
    assert_int_equal(s->result, 5);
    endpoint_hears(to, "hello");
    assert_ok(send_bytes(s, "", 0));
    test_run_until(w, s->done == 2);
    assert_int_equal(s->result, 0);
    assert_int_equal(test_metrics(w).live_operations, 0);
    endpoint_end(e);
    endpoint_end(to);
}

/* Sends that wait, others among them; in the order of the sends. */
TEST(D6_done_waits_for_the_kernel)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    struct sends *s = sends_of(e, &to->local);
    uint64_t n;

    to->on_data = endpoint_count_up;
    endpoint_block(w);
    for (n = 0; n < 100; n++)
        if (n % 3)
            assert_ok(rondo_datagram_send(e->d, &n, sizeof n, &to->local));
        else
            assert_ok(send_number(s, n));
    test_spin(w, 5);
    assert_int_equal(s->done, 0);
    endpoint_unblock();
    test_run_until(w, to->received == 100);
    test_run_until(w, s->done == 34);
    assert_int_equal(s->result, sizeof n);
    assert_int_equal(endpoint_buffered(e), 0);
    endpoint_end(e);
    endpoint_end(to);
}

/* It is told by done and not by error_received, and the rest goes on. */
TEST(D6_done_tells_why_it_was_dropped)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    struct sends *s = sends_of(e, &to->local);

    endpoint_block(w);
    assert_ok(send_number(s, 0));
    assert_ok(send_number(s, 1));
    (void)raw_sends_fail(RAW_SEND_UNREACHABLE, 0, 1);
    test_run_until(w, s->done == 2);
    assert_int_equal(s->failed, 1);
    assert_int_equal(e->errors, 0);
    assert_int_equal(s->result, sizeof(uint64_t));
    test_run_until(w, to->received == 1);
    endpoint_end(e);
    endpoint_end(to);
}

TEST(D6_a_send_that_is_refused_has_no_done)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    struct sends *s = sends_of(e, &to->local);
    rondo_buffer pieces[RONDO_DATAGRAM_PIECES + 1] = {{NULL, 0}};
    size_t blocks = test_live_blocks(w);

    assert_refused(
        rondo_datagram_send_then(e->d, NULL, 0, &to->local, NULL, NULL, NULL),
        RONDO_EINVAL, "no done");
    assert_refused(rondo_datagram_send_then(e->d, pieces,
                                            RONDO_DATAGRAM_PIECES + 1,
                                            &to->local, NULL, done, s),
                   RONDO_EINVAL, "65 pieces");
    assert_refused(rondo_datagram_send_then(e->d, NULL, 0, NULL, NULL, done, s),
                   RONDO_ENOTCONN, NULL);
    pieces[0].data = "x";
    pieces[0].size = pieces[1].size = SIZE_MAX;
    pieces[1].data = "y";
    assert_refused(rondo_datagram_send_with(e->d, pieces, 2, &to->local, NULL),
                   RONDO_EMSGSIZE, NULL);
    pieces[1].data = NULL;
    assert_refused(rondo_datagram_try_send(e->d, pieces, 2, &to->local, NULL),
                   RONDO_EINVAL, "NULL");
    assert_refused(rondo_datagram_send_with(NULL, pieces, 1, NULL, NULL),
                   RONDO_EINVAL, NULL);
    if (raw_sends_fail(RAW_SEND_UNREACHABLE, 0, 1)) {
        assert_error(send_bytes(s, "x", 1), RONDO_ENETUNREACH);
        endpoint_unblock();
    }
    test_spin(w, 5);
    assert_int_equal(s->done, 0);
    assert_true(test_live_blocks(w) <= blocks + 1); /* the ids' table */
    endpoint_end(e);
    assert_int_equal(test_metrics(w).live_operations, 0);
    endpoint_end(to);
}

TEST(D6_cancel_takes_back_what_waits)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    struct sends *s = sends_of(e, &to->local);
    rondo_id ids[4];

    to->on_data = endpoint_count_up;
    endpoint_block(w);
    for (uint64_t n = 0; n < 4; n++)
        assert_ok(ids[n] = send_number(s, n & 1 ? 100 : n / 2));
    assert_ok(rondo_cancel(w->loop, ids[1]));
    assert_ok(rondo_cancel(w->loop, ids[3]));
    assert_error(rondo_cancel(w->loop, ids[3]), RONDO_ENOENT);
    assert_int_equal(s->done, 0);
    test_run_until(w, s->done == 2);
    assert_int_equal(s->failed, 2);
    assert_int_equal(s->result, RONDO_ECANCELED);
    endpoint_unblock();
    test_run_until(w, s->done == 4);
    assert_int_equal(s->failed, 2);
    test_run_until(w, to->received == 2);
    assert_error(rondo_cancel(w->loop, ids[0]), RONDO_ENOENT);
    endpoint_end(e);
    endpoint_end(to);
}

/* All of them, while the endpoint waits to be writable or to try again. */
TEST(D6_all_are_taken_back)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    struct sends *s = sends_of(e, &to->local);
    rondo_id ids[50];

    endpoint_block(w);
    for (unsigned i = 0; i < 50; i++)
        assert_ok(ids[i] = send_number(s, i));
    test_spin(w, 3);
    for (unsigned i = 50; i-- > 0;)
        assert_ok(rondo_cancel(w->loop, ids[i]));
    assert_int_equal(endpoint_buffered(e), 0);
    test_run_until(w, s->done == 50);
    endpoint_unblock();
    assert_ok(send_number(s, 7));
    test_run_until(w, s->done == 51 && to->received == 1);
    assert_int_equal(s->result, sizeof(uint64_t));
    endpoint_end(e);
    endpoint_end(to);
}

/* What the kernel has is sent: its done says so. */
TEST(D6_cancel_is_too_late_for_what_is_sent)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    struct sends *s = sends_of(e, &to->local);
    rondo_id id = send_bytes(s, "hello", 5);

    assert_ok(id);
    assert_ok(rondo_cancel(w->loop, id));
    test_run_until(w, s->done == 1);
    assert_int_equal(s->result, 5);
    endpoint_hears(to, "hello");
    endpoint_end(e);
    endpoint_end(to);
}

static void try_end(struct world *w, bool abort)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    struct sends *s = sends_of(e, &to->local);

    endpoint_block(w);
    for (uint64_t n = 0; n < 10; n++)
        assert_ok(send_number(s, n));
    test_spin(w, 2);
    endpoint_ends[abort](e);
    assert_error(send_number(s, 0), RONDO_ECLOSED);
    if (!abort)
        endpoint_unblock();
    endpoint_lost(e, NULL, abort ? RONDO_ECANCELED : 0);
    endpoint_unblock();
    assert_int_equal(s->done, 10);
    assert_int_equal(s->phase, 0); /* before connection_lost */
    assert_int_equal(s->failed, abort ? 10 : 0);
    assert_int_equal(s->result,
                     abort ? RONDO_ECANCELED : (int64_t)sizeof(uint64_t));
    endpoint_end(to);
}

TEST_CASE(D6_close_sends_them_first, try_end(w, false));
TEST_CASE(D6_abort_drops_them, try_end(w, true));

TEST(D6_the_loop_s_close_drops_them)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    struct sends *s = sends_of(e, &to->local);

    endpoint_block(w);
    for (uint64_t n = 0; n < 10; n++)
        assert_ok(send_number(s, n));
    assert_ok(rondo_loop_close(w->loop));
    w->loop = NULL;
    endpoint_unblock();
    assert_int_equal(s->done, 10);
    assert_int_equal(s->failed, 10);
    assert_int_equal(s->result, e->error);
    assert_int_equal(s->phase, 0);
}

static void abort_it(struct sends *s)
{
    rondo_datagram_abort(s->e->d);
}

static void close_it(struct sends *s)
{
    rondo_datagram_close(s->e->d);
}

/* The others that are over at the same time are told, too. */
TEST(D6_ended_in_done)
{
    static void (*const ends[])(struct sends *) = {close_it, abort_it};

    for (unsigned i = 0; i < 2; i++) {
        struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
        struct sends *s = sends_of(e, &to->local);

        s->on_done = ends[i];
        for (uint64_t n = 0; n < 5; n++)
            assert_ok(send_number(s, n));
        endpoint_lost(e, "ML", i ? RONDO_ECANCELED : 0);
        assert_int_equal(s->done, 5);
        assert_int_equal(s->failed, 0);
        assert_int_equal(s->phase, 0);
        endpoint_end(to);
    }
}

static void send_next(struct sends *s)
{
    if (s->done < (unsigned)s->e->count)
        assert_ok(send_number(s, s->done));
}

/* One after the other: each turn of the loop has one, so others run, too. */
TEST(D6_each_done_sends_the_next_one)
{
    struct endpoint *e = endpoint_bound(w), *to = endpoint_bound(w);
    struct sends *s = sends_of(e, &to->local);
    uint64_t before, bytes;

    e->count = 20000 / (unsigned)test_slowness();
    s->on_done = send_next;
    assert_ok(send_number(s, 0));
    test_run_until(w, s->done > 10);
    before = test_iterations(w) - s->done;
    bytes = test_live_bytes(w);
    test_run_until(w, s->done == e->count);
    assert_true(test_iterations(w) - before >= s->done);
    assert_true(test_live_bytes(w) <= bytes + 100000);
    assert_int_equal(s->failed, 0);
    endpoint_end(e);
    endpoint_end(to);
}

/* Each allocation fails once: the send is refused, or its done comes. */
TEST(D6_sends_without_memory)
{
    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        struct endpoint *e = endpoint_new(w), *to = endpoint_new(w);
        struct sends *s = sends_of(e, &to->local);
        unsigned taken = 0;

        if (endpoint_create(
                to, RONDO_DATAGRAM(.local_address = endpoint_here(w))) < 0)
            continue;
        if (endpoint_create(
                e, RONDO_DATAGRAM(.local_address = endpoint_here(w))) == 0) {
            endpoint_block(w);
            for (unsigned i = 0; i < 3; i++)
                taken += send_number(s, i) > 0;
            endpoint_unblock();
            test_run_until(w, s->done == taken);
            endpoint_end(e);
        }
        assert_int_equal(s->failed, 0);
        endpoint_end(to);
    }
}

/* ---- D6: in a batch ------------------------------------------------------ */

static void answer_in_pieces(struct endpoint *e)
{
    uint64_t number;

    endpoint_count_up(e);
    memcpy(&number, e->lent, sizeof number);
    const rondo_buffer pieces[] = {{&number, 3}, {(char *)&number + 3, 5}};

    switch (number % 4) {
    case 0:
        assert_ok(rondo_datagram_send_with(e->d, pieces, 2, &e->from, NULL));
        break;
    case 1:
        assert_ok(rondo_datagram_try_send(e->d, pieces, 2, &e->from, NULL));
        break;
    case 2:
        assert_ok(rondo_datagram_send_then(e->d, pieces, 2, &e->from, NULL,
                                           done, e->user));
        break;
    default:
        endpoint_echo(e);
    }
}

/* Each way of sending in turn, in the callbacks of one batch: the order of the
 * calls is that of the answers. */
TEST(D6_answers_of_a_batch_keep_their_order)
{
    struct endpoint *e = endpoint_bound(w);
    struct sends *s = sends_of(e, NULL);
    raw_fd fd = test_udp(w);

    e->user = s;
    e->on_data = answer_in_pieces;
    endpoint_feed(e, fd, 0, 60);
    for (uint64_t n = 0; n < 60; n++)
        assert_int_equal(endpoint_answer(w, fd), n);
    test_run_until(w, s->done == 15);
    assert_int_equal(s->failed, 0);
    endpoint_end(e);
}

/* ---- D6: unix sockets --------------------------------------------------- */

TEST(D6_a_full_unix_client_holds_up_its_own_only)
{
    char path[128], other[128];
    rondo_address a, b;
    raw_fd full, fd;
    struct endpoint *e;
    struct sends *s, *t;
    uint64_t number, got = 0;

    test_skip_if(w,
                 !endpoint_path(path, sizeof path) ||
                     !endpoint_path(other, sizeof other),
                 "no unix sockets on this system");
    full = test_own(w, raw_datagram_path(path));
    fd = test_own(w, raw_datagram_path(other));
    assert_ok(rondo_address_unix(&a, path, strlen(path)));
    assert_ok(rondo_address_unix(&b, other, strlen(other)));
    e = endpoint_open(w, RONDO_DATAGRAM(.family = RONDO_FAMILY_UNIX));
    test_run_until(w, e->made);
    s = sends_of(e, &a);
    t = sends_of(e, &b);
    assert_ok(rondo_datagram_set_write_buffer_limits(e->d, 1 << 20, 0));
    for (number = 0; number < 600; number++)
        assert_ok(send_number(s, number));
    test_spin(w, 5);
    assert_ok(send_number(t, 0));
    test_run_until(w, t->done == 1);
    assert_int_equal(t->result, sizeof number);
    while (got < 600)
        if (raw_recv_from(full, &number, sizeof number, NULL, 0) > 0)
            assert_int_equal(number, got++);
        else
            test_spin(w, 1);
    test_run_until(w, s->done == 600);
    assert_int_equal(s->failed, 0);
    (void)fd;
    endpoint_end(e);
    raw_path_drop(path);
    raw_path_drop(other);
}

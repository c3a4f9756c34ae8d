/* test_stream_detach.c - the descriptor is the program's again. */
/* SPDX-License-Identifier: MIT */
#include "harness_filter.h"
#include "harness_local.h"
#include "harness_plain.h"

static void need_detach(struct world *w)
{
    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_DETACH),
                 "a completion port keeps its handles");
}

/* Takes it, and what was unread becomes the peer's bytes. */
static raw_fd detach(struct peer *p)
{
    rondo_detached out = RONDO_DETACHED_INIT;

    assert_ok(rondo_transport_detach(p->transport, &out));
    assert_true(out.fd != RONDO_NO_FD);
    assert_true(rondo_transport_fd(p->transport) == RONDO_NO_FD);
    assert_true(!out.unread == !out.unread_size);
    if (out.unread) {
        p->checksum = test_checksum(p->checksum, out.unread, out.unread_size);
        p->bytes += out.unread_size;
    }
    return test_own(p->w, (raw_fd)out.fd);
}

/* The peer is told the end; the socket gets the pattern from `position` on, and
 * answers. */
static void check_alive(struct peer *p, raw_fd fd, uint64_t position)
{
    unsigned char got[100];

    assert_lost(p->w, p, NULL, 0);
    plain_send_pattern(p, position, sizeof got);
    assert_true(raw_recv_exact(fd, got, sizeof got, 5000));
    assert_true(test_matches(got, position, sizeof got));
    assert_true(raw_send_all(fd, "still here", 10, 1000));
    plain_hears(p, "still here");
    assert_false(raw_is_blocking(fd));
}

TEST(S21_the_descriptor_goes_on)
{
    struct peer *p;
    unsigned char got[500];
    raw_fd fd;

    need_detach(w);
    p = plain_peer(w, &recorder, 0);
    plain_send_pattern(p, 0, 1000);
    test_run_until(w, p->bytes == 1000);
    plain_send_pattern(p, 1000, 500); /* nobody has read it yet */
    fd = detach(p);
    assert_refused(rondo_transport_write(p->transport, "x", 1), RONDO_ECLOSED,
                   NULL);
    assert_true(raw_recv_exact(fd, got, sizeof got, 5000));
    assert_true(test_matches(got, 1000, sizeof got));
    check_alive(p, fd, 1500);
    assert_string_equal(p->order, "MdL");
}

/* ---- S21: no byte is lost ------------------------------------------------ */

struct taker {
    raw_fd fd;
    size_t keep; /* what data_received gives back */
    unsigned buffers;
};

static void detach_in_data(struct peer *p, const void *data, size_t size)
{
    struct taker *x = p->user;
    size_t keep = x->keep < size ? x->keep : size;

    if (keep) {
        /* the recorder has counted them, but they are not taken */
        p->bytes -= keep;
        p->checksum = test_pattern_checksum(p->bytes);
        assert_ok(rondo_transport_unread(
            p->transport, (const char *)data + size - keep, keep));
    }
    x->fd = detach(p);
    /* it is too late */
    assert_int_equal(
        rondo_transport_unread(p->transport, (const char *)data + size, 0),
        RONDO_EINVAL);
}

TEST(S21_inside_data_received)
{
    static const size_t keeps[] = {0, 1, 999, 1000};

    need_detach(w);
    for (size_t i = 0; i < sizeof keeps / sizeof *keeps; i++) {
        struct peer *p = plain_peer(w, &recorder, 0);
        struct taker x = {.fd = RONDO_NO_FD, .keep = keeps[i]};

        p->user = &x;
        p->on_data = detach_in_data;
        plain_send_pattern(p, 0, 1000);
        test_run_until(w, p->lost);
        peer_got(p, 1000);
        assert_int_equal(p->data, 1);
        check_alive(p, x.fd, 1000);
    }
}

static void detach_in_buffer(struct peer *p)
{
    struct taker *x = p->user;

    if (p->buffers > x->buffers)
        x->fd = detach(p);
}

static void detach_in_updated(struct peer *p, size_t size)
{
    (void)size;
    if (((struct taker *)p->user)->fd == RONDO_NO_FD)
        detach_in_buffer(p);
}

/* What the kernel still has counts as the peer's. */
static void take_rest(struct peer *p, raw_fd fd, uint64_t size)
{
    size_t rest = (size_t)(size - p->bytes);
    unsigned char *got = test_alloc(p->w, rest + 1);

    assert_true(raw_recv_exact(fd, got, rest, 5000));
    p->checksum = test_checksum(p->checksum, got, rest);
    p->bytes += rest;
}

/* Small buffers are filled from what was read before. */
TEST(S21_inside_get_buffer_and_buffer_updated)
{
    for (int i = 0; i < 8; i++) {
        struct peer *p;
        struct taker x = {.fd = RONDO_NO_FD, .buffers = i & 1 ? 3 : 0};

        need_detach(w);
        p = plain_peer(w, &buffered_recorder, 0);
        p->user = &x;
        p->buffer_size = i & 2 ? 8192 : 100;
        p->buffer = test_alloc(w, p->buffer_size);
        if (i & 4)
            p->on_get_buffer = detach_in_buffer;
        else
            p->on_updated = detach_in_updated;
        plain_send_pattern(p, 0, 60000);
        test_run_until(w, x.fd != RONDO_NO_FD);
        test_run_until(w, p->lost);
        take_rest(p, x.fd, 60000);
        peer_got(p, 60000);
        check_alive(p, x.fd, 60000);
    }
}

static void hold_all(struct peer *p, const void *data, size_t size)
{
    p->bytes -= size;
    p->checksum = test_pattern_checksum(p->bytes);
    assert_ok(rondo_transport_unread(p->transport, data, size));
}

/* Given back, and one byte at a time: all of it comes with the descriptor. */
TEST(S21_what_was_given_back)
{
    struct peer *p;
    raw_fd fd;

    need_detach(w);
    p = plain_peer(w, &recorder, 0);
    p->on_data = hold_all;
    for (unsigned i = 0; i < 50; i++) {
        unsigned before = p->data;

        plain_send_pattern(p, i, 1);
        test_run_until(w, p->data > before);
    }
    assert_int_equal(p->bytes, 0);
    fd = detach(p);
    peer_got(p, 50);
    check_alive(p, fd, 50);
}

/* The loan lasts until connection_lost returns. */
static void look_at_loan(struct peer *p)
{
    const rondo_detached *out = p->user;

    assert_int_equal(out->unread_size, 50);
    assert_true(test_matches(out->unread, 0, 50));
}

TEST(S21_unread_bytes_are_lent_until_connection_lost_returns)
{
    rondo_detached out = RONDO_DETACHED_INIT;
    struct peer *p;

    need_detach(w);
    p = plain_peer(w, &recorder, 0);
    p->on_data = hold_all;
    plain_send_pattern(p, 0, 50);
    test_run_until(w, p->data);
    assert_ok(rondo_transport_detach(p->transport, &out));
    (void)test_own(w, (raw_fd)out.fd);
    p->user = &out;
    p->on_lost = look_at_loan;
    assert_lost(w, p, NULL, 0);
}

/* ---- S21: in every callback ---------------------------------------------- */

static void detach_once(struct peer *p)
{
    struct taker *x = p->user;

    if (x->fd == RONDO_NO_FD)
        x->fd = detach(p);
}

TEST(S21_inside_other_callbacks)
{
    for (int i = 0; i < 3; i++) {
        struct taker x = {.fd = RONDO_NO_FD};
        struct peer *p;

        need_detach(w);
        p = i ? plain_peer(w, &recorder, 0) : plain_peer_unmade(w);
        p->user = &x;
        p->keep_open = true;
        if (i == 0)
            p->on_made = detach_once;
        if (i == 1)
            p->on_eof = detach_once;
        if (i == 2)
            p->on_timeout = detach_once;
        if (i == 1)
            raw_shutdown_write(p->fd);
        if (i == 2)
            peer_set_timeouts(p, RONDO_MS(1), 0);
        test_run_until(w, x.fd != RONDO_NO_FD);
        assert_lost(w, p, NULL, 0);
        assert_true(raw_send_all(x.fd, "hello", 5, 1000));
        plain_hears(p, "hello");
    }
}

TEST(S21_twice_and_after_close)
{
    rondo_detached out = RONDO_DETACHED_INIT;
    struct peer *p;

    need_detach(w);
    p = plain_peer(w, &recorder, 0);
    (void)detach(p);
    assert_refused(rondo_transport_detach(p->transport, &out), RONDO_ECLOSED,
                   "closed");
    assert_true(out.fd == RONDO_NO_FD);
    act_close(p);
    act_abort(p);
    act_pause(p);
    act_resume(p);
    assert_lost(w, p, "ML", 0);
    p = plain_peer(w, &recorder, 0);
    act_close(p);
    assert_refused(rondo_transport_detach(p->transport, &out), RONDO_ECLOSED,
                   "closed");
    assert_lost(w, p, "ML", 0);
}

/* ---- S21: what is refused changes nothing -------------------------------- */

TEST(S21_refused)
{
    rondo_detached out = RONDO_DETACHED_INIT, sizeless = {.size = 0};
    struct peer *p;
    uint64_t sent;

    need_detach(w);
    p = plain_peer_unmade(w);
    assert_refused(rondo_transport_detach(NULL, &out), RONDO_EINVAL, NULL);
    assert_refused(rondo_transport_detach(p->transport, NULL), RONDO_EINVAL,
                   "answer");
    assert_refused(rondo_transport_detach(p->transport, &sizeless),
                   RONDO_EINVAL, "size");
    assert_refused(rondo_transport_detach(p->transport, &out), RONDO_ENOTCONN,
                   "connection_made");
    act_close(p);
    assert_lost(w, p, "ML", 0);
    p = plain_peer(w, &recorder, 8192);
    sent = test_fill_transport(w, p);
    assert_refused(rondo_transport_detach(p->transport, &out), RONDO_EBUSY,
                   "waits to be sent");
    plain_takes(p, 0, sent);
    test_run_until(w, peer_buffered(p) == 0);
    check_alive(p, detach(p), 0);
}

TEST(S21_not_under_filters)
{
    rondo_detached out = RONDO_DETACHED_INIT;
    struct toy_pair pair;

    need_detach(w);
    pair = toy_pair_ready(w, 0);
    assert_refused(rondo_transport_detach(pair.a->transport, &out),
                   RONDO_ENOTSUP, "filters");
    act_close(pair.a);
    assert_lost(w, pair.a, NULL, 0);
    test_run_until(w, pair.b->lost);
}

TEST_LEAVES(S21_not_from_a_completion_port)
{
    rondo_detached out = RONDO_DETACHED_INIT;
    struct peer *p;

    test_skip_if(w, rondo_loop_supports(w->loop, RONDO_CAN_DETACH),
                 "this loop can detach");
    p = plain_peer(w, &recorder, 0);
    assert_refused(rondo_transport_detach(p->transport, &out), RONDO_ENOTSUP,
                   "completion port");
    plain_send_pattern(p, 0, 10);
    test_run_until(w, p->bytes == 10);
}

/* A transport's, and where it is put. */
struct attempt {
    struct peer *p;
    rondo_detached out;
};

static int64_t try_detach(void *arg)
{
    struct attempt *a = arg;

    return rondo_transport_detach(a->p->transport, &a->out);
}

static void detach_without_memory(struct peer *p, const void *data, size_t size)
{
    struct attempt *a = p->user;
    size_t half = size / 2;

    assert_ok(rondo_transport_unread(p->transport, (const char *)data + half,
                                     size - half));
    assert_ok(test_try_without_memory(p->w, try_detach, a));
    assert_int_equal(a->out.unread_size, size - half);
    assert_true(test_matches(a->out.unread, half, size - half));
}

TEST(S21_out_of_memory)
{
    struct attempt a = {.out = RONDO_DETACHED_INIT};

    need_detach(w);
    a.p = plain_peer(w, &recorder, 0);
    a.p->user = &a;
    a.p->on_data = detach_without_memory;
    plain_send_pattern(a.p, 0, 100);
    test_run_until(w, a.p->lost);
    check_alive(a.p, test_own(w, (raw_fd)a.out.fd), 100);
}

/* ---- S21: to another loop, a thread's place ------------------------------- */

TEST(S21_the_loop_takes_it_again)
{
    struct peer *p, *again;

    need_detach(w);
    p = plain_peer(w, &recorder, 0);
    for (int i = 0; i < 200; i++) {
        raw_fd fd = test_disown(w, detach(p)); /* at once: p is not lost yet */

        again = test_peer(w);
        test_adopt(w, fd, &recorder, again);
        again->fd = p->fd;
        test_run_until(w, again->made);
        assert_int_equal(p->lost, 1);
        p = again;
    }
    plain_send_pattern(p, 0, 10);
    raw_shutdown_write(p->fd);
    assert_lost(w, p, "MdEL", 0);
}

/* ---- S21: descriptors that came with the bytes ---------------------------- */

TEST(S21_descriptors_that_came_with_unread_bytes)
{
    struct peer *a, *b;
    raw_fd *pair, end;
    rondo_fd got;
    rondo_detached out = RONDO_DETACHED_INIT;

    local_need_passing(w);
    need_detach(w);
    local_pair(w, &a, &b);
    pair = test_sockets(w);
    b->on_data = hold_all;
    assert_ok(rondo_transport_send_fd(a->transport, (rondo_fd)pair[0]));
    assert_refused(rondo_transport_detach(a->transport, &out), RONDO_EBUSY,
                   "waits to be sent");
    assert_ok(rondo_transport_write(a->transport, "x", 1));
    test_run_until(w, b->data);
    end = detach(b);
    got = rondo_transport_take_fd(b->transport);
    assert_true(got != RONDO_NO_FD);
    (void)test_own(w, (raw_fd)got);
    assert_true(raw_send_all((raw_fd)got, "through", 7, 1000));
    assert_lost(w, b, NULL, 0);
    assert_true(raw_send_all(end, "y", 1, 1000));
    test_run_until(w, a->bytes == 1);
    act_close(a);
    assert_lost(w, a, NULL, 0);
}

/* test_sendfile.c - files through transports: what is sent, and in what order.
 */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_calls.h"
#include "raw_net.h"

enum { LARGE = 1 << 20, SMALL_BUFFERS = 16384 };

static void write_pattern(struct world *w, struct peer *p, uint64_t position,
                          size_t size)
{
    unsigned char *bytes = test_alloc(w, size);

    test_fill(bytes, position, size);
    assert_ok(rondo_transport_write(p->transport, bytes, size));
}

/* ---- S15: what is sent -------------------------------------------------- */

TEST(S15_a_large_file)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, SMALL_BUFFERS);
    raw_fd file = call_file(LARGE);

    assert_true(rondo_transport_sendfile(p->transport, file, 0, LARGE,
                                         call_done, c) > 0);
    test_spin(w, 3);
    assert_int_equal(c->calls, 0);
    assert_int_equal(test_drain_raw_some(w, other, 0, LARGE), LARGE);
    assert_int_equal(call_wait(w, c), LARGE);
    raw_close(file);
    raw_close(other);
}

TEST(S15_a_small_file)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);
    raw_fd file = call_file(100);
    int64_t position = raw_file_position(file);

    assert_ok(
        rondo_transport_sendfile(p->transport, file, 0, 100, call_done, c));
    assert_int_equal(c->calls, 0); /* not inside the call */
    assert_int_equal(call_wait(w, c), 100);
    assert_int_equal(test_drain_raw_some(w, other, 0, 100), 100);
    assert_int_equal(raw_file_position(file), position);
    raw_close(file);
    raw_close(other);
}

TEST(S15_a_part_of_a_file)
{
    struct peer *p = test_peer(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);
    raw_fd file = call_file(LARGE);
    const int64_t parts[][2] = {{0, 1}, {1, 1}, {4095, 4098}, {70000, 200000}};

    for (size_t i = 0; i < 4; i++) {
        struct call *c = call_new(w);

        assert_ok(rondo_transport_sendfile(p->transport, file, parts[i][0],
                                           parts[i][1], call_done, c));
        assert_int_equal(test_drain_raw_some(w, other, (uint64_t)parts[i][0],
                                             (uint64_t)parts[i][1]),
                         parts[i][1]);
        assert_int_equal(call_wait(w, c), parts[i][1]);
    }
    raw_close(file);
    raw_close(other);
}

/* Where there is less than was asked for, that is what is sent. */
TEST(S15_past_the_end)
{
    struct peer *p = test_peer(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);
    raw_fd file = call_file(1000), empty = call_file(0);
    const struct {
        int64_t offset, size, sent;
    } asked[] = {{0, 1001, 1000},
                 {0, INT64_MAX, 1000},
                 {999, INT64_MAX, 1},
                 {1000, 1, 0},
                 {1001, 5, 0},
                 {0, 0, 0},
                 {INT64_MAX, 1, 0},
                 {INT64_MAX - 1, 1, 0},
                 {INT64_MAX, INT64_MAX, 0},
                 {1 << 30, INT64_MAX, 0}};

    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct call *c = call_new(w);

        assert_ok(rondo_transport_sendfile(p->transport, file, asked[i].offset,
                                           asked[i].size, call_done, c));
        assert_int_equal(call_wait(w, c), asked[i].sent);
        assert_int_equal(test_drain_raw_some(w, other,
                                             (uint64_t)asked[i].offset,
                                             (uint64_t)asked[i].sent),
                         asked[i].sent);
    }
    for (int64_t size = 0; size < 2; size++) {
        struct call *c = call_new(w);

        assert_ok(rondo_transport_sendfile(p->transport, empty, 0, size,
                                           call_done, c));
        assert_int_equal(call_wait(w, c), 0);
    }
    raw_close(file);
    raw_close(empty);
    raw_close(other);
}

TEST(S15_a_file_that_shrinks)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, SMALL_BUFFERS);
    raw_fd file = call_file(LARGE);
    uint64_t got = 0;

    assert_ok(
        rondo_transport_sendfile(p->transport, file, 0, LARGE, call_done, c));
    test_spin(w, 3);
    /* of a page that is cut, the kernel clears the rest, though it may still
     * be on its way */
    assert_true(raw_file_resize(file, LARGE / 2));
    rondo_transport_write_eof(p->transport);
    got = (uint64_t)test_drain_raw(w, other, 0);
    assert_true(call_wait(w, c) < LARGE);
    assert_int_equal(c->result, got);
    raw_close(file);
    raw_close(other);
}

TEST(S15_a_file_that_grows)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, SMALL_BUFFERS);
    raw_fd file = call_file(LARGE);
    char *tail = test_alloc(w, 5000);

    assert_ok(rondo_transport_sendfile(p->transport, file, 0, INT64_MAX,
                                       call_done, c));
    test_spin(w, 3);
    assert_true(raw_file_resize(file, LARGE + 5000));
    assert_int_equal(test_drain_raw_some(w, other, 0, LARGE), LARGE);
    assert_int_equal(call_wait(w, c), LARGE + 5000);
    assert_true(raw_recv_exact(other, tail, 5000, 5000));
    for (int i = 0; i < 5000; i++)
        assert_int_equal(tail[i], 0);
    raw_close(file);
    raw_close(other);
}

/* No offset is cut, nor the size: past its end there is nothing. */
TEST(S15_beyond_four_gigabytes)
{
    const int64_t size = (INT64_C(5) << 30) + 77;
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, 0);
    raw_fd file = raw_file();
    char tail[78];

    if (!raw_file_resize(file, size)) {
        raw_close(file);
        raw_close(other);
        test_skip(w, "no file can be so large here");
    }
    assert_ok(rondo_transport_sendfile(p->transport, file, INT64_C(5) << 30,
                                       1 << 20, call_done, c));
    assert_int_equal(call_wait(w, c), 77);
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
    assert_true(raw_recv_exact(other, tail, 77, 5000));
    assert_int_equal(raw_recv(other, tail, sizeof tail, 5000), 0);
    raw_close(file);
    raw_close(other);
}

TEST(S15_one_file_to_many)
{
    enum { CLIENTS = 8, SIZE = 300000 };
    struct call *calls[CLIENTS];
    raw_fd others[CLIENTS], file = call_file(SIZE);

    for (int i = 0; i < CLIENTS; i++) {
        struct peer *p = test_peer(w);

        calls[i] = call_new(w);
        others[i] = test_raw_peer(w, &recorder, p, SMALL_BUFFERS);
        assert_ok(rondo_transport_sendfile(p->transport, file, 0, SIZE,
                                           call_done, calls[i]));
    }
    assert_int_equal(test_metrics(w).live_operations, CLIENTS);
    for (int i = CLIENTS; i-- > 0;) {
        assert_int_equal(test_drain_raw_some(w, others[i], 0, SIZE), SIZE);
        assert_int_equal(call_wait(w, calls[i]), SIZE);
        raw_close(others[i]);
    }
    assert_int_equal(test_metrics(w).live_operations, 0);
    raw_close(file);
}

/* ---- S15: order --------------------------------------------------------- */

struct chain {
    struct call call;
    struct world *w;
    struct peer *p;
    raw_fd file;
    uint64_t at;
    unsigned left;
};

/* The pattern goes on: some of it written, some of it from the file. */
static void send_more(struct call *c, rondo_loop *loop)
{
    struct chain *chain = (struct chain *)c;

    (void)loop;
    if (c->calls) {
        assert_int_equal(c->result, 5000);
        chain->at += 5000;
    }
    if (!chain->left--)
        return;
    c->calls = 0;
    write_pattern(chain->w, chain->p, chain->at, 300);
    chain->at += 300;
    assert_ok(rondo_transport_sendfile(chain->p->transport, chain->file,
                                       (int64_t)chain->at, 5000, call_done, c));
}

TEST(S15_between_writes)
{
    enum { FILES = 40 };
    struct chain *chain = test_alloc(w, sizeof *chain);
    struct peer *p = test_peer(w);
    raw_fd other = test_raw_peer(w, &recorder, p, SMALL_BUFFERS);

    *chain = (struct chain){.w = w, .p = p, .left = FILES};
    chain->file = call_file(LARGE);
    chain->call.then = send_more;
    send_more(&chain->call, w->loop);
    assert_int_equal(test_drain_raw_some(w, other, 0, FILES * 5300),
                     FILES * 5300);
    test_run_until(w, chain->call.calls);
    raw_close(chain->file);
    raw_close(other);
}

TEST(S15_what_is_buffered_goes_first)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, SMALL_BUFFERS);
    raw_fd file = call_file(LARGE);
    const size_t first = LARGE / 2;

    write_pattern(w, p, 0, first);
    assert_true(rondo_transport_get_write_buffer_size(p->transport) > 0);
    assert_ok(rondo_transport_sendfile(p->transport, file, (int64_t)first,
                                       INT64_MAX, call_done, c));
    assert_int_equal(test_drain_raw_some(w, other, 0, LARGE), LARGE);
    assert_int_equal(call_wait(w, c), LARGE - (int64_t)first);
    test_run_until(w, p->resumes == p->pauses);
    assert_int_equal(p->pauses, 1);
    raw_close(file);
    raw_close(other);
}

TEST(S15_writes_meanwhile_are_refused)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w), *second = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, SMALL_BUFFERS);
    raw_fd file = call_file(LARGE);
    rondo_transport *t = p->transport;
    rondo_buffer piece = {"x", 1};

    assert_ok(rondo_transport_sendfile(t, file, 0, LARGE, call_done, c));
    assert_refused(rondo_transport_write(t, "x", 1), RONDO_EBUSY,
                   "a sendfile is under way");
    assert_error(rondo_transport_writev(t, &piece, 1), RONDO_EBUSY);
    assert_error(rondo_transport_write_owned(t, "x", 1, never_release, NULL),
                 RONDO_EBUSY);
    assert_error(rondo_transport_printf(t, "%d", 1), RONDO_EBUSY);
    assert_error(rondo_transport_sendfile(t, file, 0, LARGE, call_done, second),
                 RONDO_EBUSY);
    assert_int_equal(rondo_transport_get_write_buffer_size(t) > 65536, 0);
    assert_int_equal(test_drain_raw_some(w, other, 0, LARGE), LARGE);
    assert_int_equal(call_wait(w, c), LARGE);
    assert_ok(rondo_transport_write(t, "x", 1));
    assert_int_equal(second->calls, 0);
    raw_close(file);
    raw_close(other);
}

TEST(S15_reading_goes_on)
{
    struct peer *p = test_peer(w);
    struct call *c = call_new(w);
    raw_fd other = test_raw_peer(w, &recorder, p, SMALL_BUFFERS);
    raw_fd file = call_file(LARGE);

    assert_ok(
        rondo_transport_sendfile(p->transport, file, 0, LARGE, call_done, c));
    assert_true(raw_send_all(other, "meanwhile", 9, 1000));
    test_run_until(w, p->bytes == 9);
    assert_int_equal(c->calls, 0);
    assert_ok(rondo_transport_pause_reading(p->transport));
    assert_true(raw_send_all(other, "more", 4, 1000));
    assert_int_equal(test_drain_raw_some(w, other, 0, LARGE), LARGE);
    assert_int_equal(call_wait(w, c), LARGE);
    assert_false(rondo_transport_is_reading(p->transport)); /* as it was */
    assert_int_equal(p->bytes, 9);
    assert_ok(rondo_transport_resume_reading(p->transport));
    test_run_until(w, p->bytes == 13);
    raw_close(file);
    raw_close(other);
}

static void sendfile_in_made(struct peer *p)
{
    struct chain *chain = p->user;

    assert_ok(rondo_transport_sendfile(p->transport, chain->file, 0, 1000,
                                       call_done, &chain->call));
}

TEST(S15_from_connection_made_on)
{
    struct chain *chain = test_alloc(w, sizeof *chain);
    struct call *early = call_new(w);
    struct peer *p = test_peer(w);
    raw_fd pair[2];

    assert_int_equal(raw_pair(pair), 0);
    chain->file = call_file(1000);
    p->on_made = sendfile_in_made;
    p->user = chain;
    test_adopt(w, pair[0], &recorder, p);
    assert_error(rondo_transport_sendfile(p->transport, chain->file, 0, 1000,
                                          call_done, early),
                 RONDO_ENOTCONN);
    assert_int_equal(call_wait(w, &chain->call), 1000);
    assert_int_equal(test_drain_raw_some(w, pair[1], 0, 1000), 1000);
    assert_int_equal(early->calls, 0);
    raw_close(chain->file);
    raw_close(pair[1]);
}

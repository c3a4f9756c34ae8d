/* test_sendfile.c - files through transports: what is sent, and in what order.
 */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "raw_net.h"

enum { LARGE = 1 << 20, SMALL_BUFFERS = 16384 };

/* ---- S15: what is sent -------------------------------------------------- */

TEST_LEAVES(S15_a_small_and_a_large_file)
{
    for (int large = 0; large < 2; large++) {
        int64_t size = large ? LARGE : 100;
        struct peer *p = plain_peer(w, &recorder, large ? SMALL_BUFFERS : 0);
        raw_fd file = call_kept_file(w, (size_t)size);
        int64_t position = raw_file_position(file);
        struct call *c = call_sendfile(p, file, 0, size);

        assert_true(c->id > 0);
        assert_int_equal(c->calls, 0); /* not inside the call */
        test_spin(w, 3);
        if (large)
            assert_int_equal(c->calls, 0);
        plain_takes(p, 0, (uint64_t)size);
        assert_int_equal(call_wait(w, c), size);
        if (!large)
            assert_int_equal(raw_file_position(file), position);
    }
}

TEST_LEAVES(S15_a_part_of_a_file)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    raw_fd file = call_kept_file(w, LARGE);

    call_sends(p, file, 0, 1);
    call_sends(p, file, 1, 1);
    call_sends(p, file, 4095, 4098);
    call_sends(p, file, 70000, 200000);
}

/* Where there is less than was asked for, that is what is sent. */
TEST_LEAVES(S15_past_the_end)
{
    struct peer *p = plain_peer(w, &recorder, 0);
    raw_fd file = call_kept_file(w, 1000), empty = call_kept_file(w, 0);
    const struct {
        raw_fd file;
        int64_t offset, size, sent;
    } asked[] = {{file, 0, 1001, 1000},
                 {file, 0, INT64_MAX, 1000},
                 {file, 999, INT64_MAX, 1},
                 {file, 1000, 1, 0},
                 {file, 1001, 5, 0},
                 {file, 0, 0, 0},
                 {file, INT64_MAX, 1, 0},
                 {file, INT64_MAX - 1, 1, 0},
                 {file, INT64_MAX, INT64_MAX, 0},
                 {file, 1 << 30, INT64_MAX, 0},
                 {empty, 0, 0, 0},
                 {empty, 0, 1, 0}};

    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        struct call *c =
            call_sendfile(p, asked[i].file, asked[i].offset, asked[i].size);

        assert_int_equal(call_wait(w, c), asked[i].sent);
        plain_takes(p, (uint64_t)asked[i].offset, (uint64_t)asked[i].sent);
    }
}

TEST_LEAVES(S15_a_file_that_shrinks)
{
    struct peer *p = plain_peer(w, &recorder, SMALL_BUFFERS);
    raw_fd file = call_kept_file(w, LARGE);
    struct call *c = call_sendfile(p, file, 0, LARGE);
    int64_t got;

    test_spin(w, 3);
    /* of a page that is cut, the kernel clears the rest, though it may still
     * be on its way */
    assert_true(raw_file_resize(file, LARGE / 2));
    rondo_transport_write_eof(p->transport);
    got = plain_drain(p);
    assert_true(call_wait(w, c) < LARGE);
    assert_int_equal(c->result, got);
}

TEST_LEAVES(S15_a_file_that_grows)
{
    struct peer *p = plain_peer(w, &recorder, SMALL_BUFFERS);
    raw_fd file = call_kept_file(w, LARGE);
    struct call *c = call_sendfile(p, file, 0, INT64_MAX);
    char *tail = test_alloc(w, 5000);

    test_spin(w, 3);
    assert_true(raw_file_resize(file, LARGE + 5000));
    plain_takes(p, 0, LARGE);
    assert_int_equal(call_wait(w, c), LARGE + 5000);
    assert_true(raw_recv_exact(p->fd, tail, 5000, 5000));
    for (int i = 0; i < 5000; i++)
        assert_int_equal(tail[i], 0);
}

/* No offset is cut, nor the size: past its end there is nothing. */
TEST(S15_beyond_four_gigabytes)
{
    const int64_t size = (INT64_C(5) << 30) + 77;
    struct peer *p = plain_peer(w, &recorder, 0);
    raw_fd file = call_kept_file(w, 0);
    struct call *c;
    char tail[78];

    test_skip_if(w, !raw_file_resize(file, size),
                 "no file can be so large here");
    c = call_sendfile(p, file, INT64_C(5) << 30, 1 << 20);
    assert_int_equal(call_wait(w, c), 77);
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
    assert_true(raw_recv_exact(p->fd, tail, 77, 5000));
    assert_int_equal(raw_recv(p->fd, tail, sizeof tail, 5000), 0);
}

TEST_LEAVES(S15_one_file_to_many)
{
    enum { CLIENTS = 8, SIZE = 300000 };
    struct peer *peers[CLIENTS];
    struct call *calls[CLIENTS];
    raw_fd file = call_kept_file(w, SIZE);

    for (int i = 0; i < CLIENTS; i++) {
        peers[i] = plain_peer(w, &recorder, SMALL_BUFFERS);
        calls[i] = call_sendfile(peers[i], file, 0, SIZE);
    }
    assert_int_equal(test_metrics(w).live_operations, CLIENTS);
    for (int i = CLIENTS; i-- > 0;) {
        plain_takes(peers[i], 0, SIZE);
        assert_int_equal(call_wait(w, calls[i]), SIZE);
    }
    assert_int_equal(test_metrics(w).live_operations, 0);
}

/* ---- S15: order --------------------------------------------------------- */

struct chain {
    struct call call;
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
    (void)peer_write(chain->p, chain->at, 300);
    chain->at += 300;
    assert_ok(rondo_transport_sendfile(chain->p->transport, chain->file,
                                       (int64_t)chain->at, 5000, call_done, c));
}

TEST_LEAVES(S15_between_writes)
{
    enum { FILES = 40 };
    struct chain *chain = test_alloc(w, sizeof *chain);

    chain->p = plain_peer(w, &recorder, SMALL_BUFFERS);
    chain->file = call_kept_file(w, LARGE);
    chain->left = FILES;
    chain->call.then = send_more;
    send_more(&chain->call, w->loop);
    plain_takes(chain->p, 0, FILES * 5300);
    test_run_until(w, chain->call.calls);
}

TEST_LEAVES(S15_what_is_buffered_goes_first)
{
    const size_t first = LARGE / 2;
    struct peer *p = plain_peer(w, &recorder, SMALL_BUFFERS);
    struct call *c;

    (void)peer_write(p, 0, first);
    assert_true(peer_buffered(p) > 0);
    c = call_sendfile(p, call_kept_file(w, LARGE), (int64_t)first, INT64_MAX);
    plain_takes(p, 0, LARGE);
    assert_int_equal(call_wait(w, c), LARGE - (int64_t)first);
    test_run_until(w, p->resumes == p->pauses);
    assert_int_equal(p->pauses, 1);
}

TEST_LEAVES(S15_writes_meanwhile_are_refused)
{
    struct peer *p = plain_peer(w, &recorder, SMALL_BUFFERS);
    raw_fd file = call_kept_file(w, LARGE);
    struct call *c = call_sendfile(p, file, 0, LARGE), *second = call_new(w);
    rondo_transport *t = p->transport;
    rondo_buffer piece = {"x", 1};

    assert_refused(rondo_transport_write(t, "x", 1), RONDO_EBUSY,
                   "a sendfile is under way");
    assert_error(rondo_transport_writev(t, &piece, 1), RONDO_EBUSY);
    assert_error(rondo_transport_write_owned(t, "x", 1, never_release, NULL),
                 RONDO_EBUSY);
    assert_error(rondo_transport_printf(t, "%d", 1), RONDO_EBUSY);
    assert_error(rondo_transport_sendfile(t, file, 0, LARGE, call_done, second),
                 RONDO_EBUSY);
    assert_int_equal(peer_buffered(p) > 65536, 0);
    plain_takes(p, 0, LARGE);
    assert_int_equal(call_wait(w, c), LARGE);
    assert_ok(rondo_transport_write(t, "x", 1));
    assert_int_equal(second->calls, 0);
}

TEST_LEAVES(S15_reading_goes_on)
{
    struct peer *p = plain_peer(w, &recorder, SMALL_BUFFERS);
    struct call *c = call_sendfile(p, call_kept_file(w, LARGE), 0, LARGE);

    plain_send(p, "meanwhile");
    test_run_until(w, p->bytes == 9);
    assert_int_equal(c->calls, 0);
    act_pause(p);
    plain_send(p, "more");
    plain_takes(p, 0, LARGE);
    assert_int_equal(call_wait(w, c), LARGE);
    assert_false(rondo_transport_is_reading(p->transport)); /* as it was */
    assert_int_equal(p->bytes, 9);
    act_resume(p);
    test_run_until(w, p->bytes == 13);
}

static void sendfile_in_made(struct peer *p)
{
    raw_fd *file = p->user;

    p->user = call_sendfile(p, *file, 0, 1000);
}

TEST_LEAVES(S15_from_connection_made_on)
{
    struct call *early = call_new(w);
    struct peer *p = plain_peer_unmade(w);
    raw_fd file = call_kept_file(w, 1000);

    p->on_made = sendfile_in_made;
    p->user = &file;
    assert_error(
        rondo_transport_sendfile(p->transport, file, 0, 1000, call_done, early),
        RONDO_ENOTCONN);
    test_run_until(w, p->made);
    assert_int_equal(call_wait(w, p->user), 1000);
    plain_takes(p, 0, 1000);
    assert_int_equal(early->calls, 0);
}

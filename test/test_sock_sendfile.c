/* test_sock_sendfile.c - files through sockets of the program's. */
/* SPDX-License-Identifier: MIT */
#include "harness_calls.h"
#include "raw_net.h"

enum { LARGE = 1 << 20, SMALL_BUFFERS = 16384 };

TEST(Q1_sendfile)
{
    raw_fd file = call_file(LARGE), pair[2];

    w->expect_clean = true;
    call_pair(pair, SMALL_BUFFERS);
    for (int refused = 0; refused < 2; refused++) {
        struct call *c = call_new(w);

        if (refused && !raw_sendfile_fails(RAW_SENDFILE_MISSING, 1, 1))
            break;
        assert_ok(rondo_sock_sendfile(w->loop, pair[0], file, 0, INT64_MAX,
                                      call_done, c));
        assert_int_equal(c->calls, 0);
        assert_int_equal(test_drain_raw_some(w, pair[1], 0, LARGE), LARGE);
        assert_int_equal(call_wait(w, c), LARGE);
    }
    raw_close(file);
    raw_close_pair(pair);
}

TEST(Q1_sendfile_of_a_part)
{
    raw_fd file = call_file(10000), pair[2];
    const int64_t parts[][3] = {{0, 1, 1},      {77, 5000, 5000},
                                {0, 0, 0},      {9999, 10, 1},
                                {10000, 10, 0}, {INT64_MAX, INT64_MAX, 0}};

    call_pair(pair, 0);
    for (size_t i = 0; i < 6; i++) {
        struct call *c = call_new(w);

        assert_ok(rondo_sock_sendfile(w->loop, pair[0], file, parts[i][0],
                                      parts[i][1], call_done, c));
        assert_int_equal(call_wait(w, c), parts[i][2]);
        assert_int_equal(test_drain_raw_some(w, pair[1], (uint64_t)parts[i][0],
                                             (uint64_t)parts[i][2]),
                         parts[i][2]);
    }
    raw_close(file);
    raw_close_pair(pair);
}

TEST(Q1_sendfile_to_one_who_leaves)
{
    for (int refused = 0; refused < 2; refused++) {
        struct call *c = call_new(w);
        raw_fd file = call_file(LARGE), pair[2];

        call_pair(pair, SMALL_BUFFERS);
        if (refused)
            (void)raw_sendfile_fails(RAW_SENDFILE_MISSING, 1, 1);
        assert_ok(rondo_sock_sendfile(w->loop, pair[0], file, 0, LARGE,
                                      call_done, c));
        test_spin(w, 5);
        raw_shutdown_write(pair[1]);
        raw_reset(pair[1]);
        test_run_until(w, c->calls);
        assert_true(c->result == RONDO_ECONNRESET || c->result == RONDO_EPIPE);
        assert_non_null(strstr(c->last_error, "sock_sendfile"));
        assert_true(raw_sigpipe_untouched());
        raw_close(file);
        raw_close(pair[0]);
    }
}

/* What left is a beginning, and the direction is free. */
TEST(Q2_sendfile_cancelled)
{
    size_t before = 0;

    for (int i = 0; i < 8; i++) {
        struct call *c = call_new(w), *next = call_new(w);
        unsigned char *got = test_alloc(w, LARGE + 8);
        raw_fd file = call_file(LARGE), pair[2];
        size_t size = 0;
        ptrdiff_t n;
        rondo_id id;

        if (i == 2) /* by now there is a thread */
            before = raw_count_descriptors();
        call_pair(pair, SMALL_BUFFERS);
        if (i % 2)
            (void)raw_sendfile_fails(RAW_SENDFILE_INVALID, (unsigned)i / 4, 1);
        id =
            rondo_sock_sendfile(w->loop, pair[0], file, 0, LARGE, call_done, c);
        assert_ok(id);
        test_spin(w, i * 2);
        assert_ok(rondo_cancel(w->loop, id));
        assert_ok(rondo_sock_sendall(w->loop, pair[0], "the end.", 8, call_done,
                                     next));
        call_fails(w, c, RONDO_ECANCELED, "sock_sendfile");
        while (size < 8 || memcmp(got + size - 8, "the end.", 8) != 0) {
            test_run_until(w, (n = raw_recv(pair[1], got + size, LARGE - size,
                                            0)) != RAW_AGAIN);
            assert_true(n > 0);
            size += (size_t)n;
        }
        assert_true(test_matches(got, 0, size - 8));
        assert_int_equal(call_wait(w, next), 8);
        raw_close(file);
        raw_close_pair(pair);
    }
    call_descriptors_back(w, before);
}

/* Takes the sendall's bytes, and how many of the file's came with the last. */
static size_t skip_zeros(struct world *w, raw_fd fd)
{
    char piece[4096];
    ptrdiff_t size, at = 0;

    do {
        test_run_until(w, (size = raw_recv(fd, piece, sizeof piece, 0)) > 0);
        for (at = 0; at < size && !piece[at]; at++)
            ;
    } while (at == size);
    assert_true(test_matches(piece + at, 1, (size_t)(size - at)));
    return (size_t)(size - at);
}

/* The wait of a cancelled sendall ends while the file is being read. */
TEST(Q2_sendfile_after_a_cancel)
{
    enum { SIZE = 300000 };
    char *zeros = test_alloc(w, LARGE);

    for (int i = 0; i < 4; i++) {
        struct call *c = call_new(w), *next = call_new(w);
        raw_fd file = call_file(SIZE), pair[2];
        rondo_id id;
        size_t first, rest;

        call_pair(pair, SMALL_BUFFERS);
        if (i % 2)
            (void)raw_sendfile_fails(RAW_SENDFILE_INVALID, 0, 1);
        id = rondo_sock_sendall(w->loop, pair[0], zeros, LARGE, call_done, c);
        assert_ok(id);
        test_spin(w, 2);
        assert_ok(rondo_cancel(w->loop, id));
        assert_ok(rondo_sock_sendfile(w->loop, pair[0], file, 1, SIZE - 1,
                                      call_done, next));
        if (i >= 2)
            test_spin(w, 5);
        first = skip_zeros(w, pair[1]);
        rest = SIZE - 1 - first;
        assert_int_equal(test_drain_raw_some(w, pair[1], 1 + first, rest),
                         rest);
        assert_int_equal(call_wait(w, next), SIZE - 1);
        assert_int_equal(c->result, RONDO_ECANCELED);
        raw_close(file);
        raw_close_pair(pair);
    }
}

/* What a thread has read and the socket has not taken was not sent. */
TEST(Q2_sendfile_cancelled_where_a_thread_reads)
{
    struct call *c = call_new(w);
    raw_fd file = call_file(LARGE), pair[2];
    char *room = test_alloc(w, LARGE);
    int64_t got = 0;
    rondo_id id;
    ptrdiff_t n;

    if (!raw_sendfile_fails(RAW_SENDFILE_INVALID, 0, 1))
        test_skip(w, "sendfile cannot be made to fail on this system");
    call_pair(pair, SMALL_BUFFERS);
    id = rondo_sock_sendfile(w->loop, pair[0], file, 0, LARGE, call_done, c);
    assert_ok(id);
    test_run_until(w, raw_recv(pair[1], room, 1, 0) == 1);
    test_spin(w, 5);
    assert_ok(rondo_cancel(w->loop, id));
    call_fails(w, c, RONDO_ECANCELED, "sock_sendfile");
    for (got = 1; (n = raw_recv(pair[1], room, LARGE, 50)) > 0; got += n)
        ;
    assert_int_equal(raw_file_position(file), got);
    raw_close(file);
    raw_close_pair(pair);
}

TEST(L5_closing_the_loop_ends_sendfile)
{
    struct call *calls[2];
    size_t before = raw_count_descriptors();
    raw_fd file = call_file(LARGE), pairs[2][2];

    for (int i = 0; i < 2; i++) {
        calls[i] = call_new(w);
        call_pair(pairs[i], SMALL_BUFFERS);
        if (i)
            (void)raw_sendfile_fails(RAW_SENDFILE_INVALID, 0, 1);
        assert_ok(rondo_sock_sendfile(w->loop, pairs[i][0], file, 0, LARGE,
                                      call_done, calls[i]));
        test_spin(w, 3);
    }
    assert_ok(rondo_loop_close(w->loop));
    w->loop = NULL;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(calls[i]->result, RONDO_ECANCELED);
        raw_close(pairs[i][0]);
        raw_close(pairs[i][1]);
    }
    raw_close(file);
    (void)test_other_loop(w); /* in place of the one that was counted */
    call_descriptors_back(w, before);
}

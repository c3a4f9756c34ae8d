/* test_sock_sendfile.c - files through sockets of the program's. */
/* SPDX-License-Identifier: MIT */
#include "harness_wire.h"
#include "raw_process.h"

enum { LARGE = 1 << 20 };

TEST(Q1_sendfile)
{
    struct wire *x = wire_new(w, WIRE_SMALL);
    raw_fd file = call_kept_file(w, LARGE);

    for (int refused = 0; refused < 2; refused++) {
        struct call *c;

        if (refused && !raw_sendfile_fails(RAW_SENDFILE_MISSING, 1, 1))
            break;
        c = wire_sendfile(x, file, 0, INT64_MAX);
        wire_takes(x, 0, LARGE);
        assert_int_equal(call_wait(w, c), LARGE);
    }
}

TEST(Q1_sendfile_of_a_part)
{
    struct wire *x = wire_new(w, 0);
    raw_fd file = call_kept_file(w, 10000);
    const int64_t parts[][3] = {{0, 1, 1},      {77, 5000, 5000},
                                {0, 0, 0},      {9999, 10, 1},
                                {10000, 10, 0}, {INT64_MAX, INT64_MAX, 0}};

    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        struct call *c = wire_sendfile(x, file, parts[i][0], parts[i][1]);

        assert_int_equal(call_wait(w, c), parts[i][2]);
        wire_takes(x, (uint64_t)parts[i][0], (uint64_t)parts[i][2]);
    }
}

TEST(Q1_sendfile_to_one_who_leaves)
{
    for (int refused = 0; refused < 2; refused++) {
        struct wire *x = wire_new(w, WIRE_SMALL);
        struct call *c;

        if (refused)
            (void)raw_sendfile_fails(RAW_SENDFILE_MISSING, 1, 1);
        c = wire_sendfile(x, call_kept_file(w, LARGE), 0, LARGE);
        test_spin(w, 5);
        raw_shutdown_write(x->other);
        test_reset_own(w, x->other);
        test_run_until(w, c->calls);
        assert_true(c->result == RONDO_ECONNRESET || c->result == RONDO_EPIPE);
        assert_non_null(strstr(c->last_error, "sock_sendfile"));
        assert_true(raw_sigpipe_untouched());
    }
}

/* What left is a beginning, and the direction is free. */
TEST(Q2_sendfile_cancelled)
{
    size_t before = 0;

    for (int i = 0; i < 8; i++) {
        struct wire *x;
        struct call *c, *next;

        if (i == 2) /* by now there is a thread */
            before = raw_count_descriptors();
        x = wire_new(w, WIRE_SMALL);
        if (i % 2)
            (void)raw_sendfile_fails(RAW_SENDFILE_INVALID, (unsigned)i / 4, 1);
        c = wire_sendfile(x, call_kept_file(w, LARGE), 0, LARGE);
        test_spin(w, i * 2);
        assert_ok(rondo_cancel(w->loop, c->id));
        next = wire_sendall(x, "the end.", 8);
        call_fails(w, c, RONDO_ECANCELED, "sock_sendfile");
        (void)call_beginning(w, x->other);
        assert_int_equal(call_wait(w, next), 8);
        test_close_all_own(w);
    }
    /* on Windows the pool's other threads may have come, a handle each */
    call_descriptors_back(w, before + (raw_has_signals() ? 0 : 3));
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
        struct wire *x = wire_new(w, WIRE_SMALL);
        struct call *c, *next;
        size_t first;

        if (i % 2)
            (void)raw_sendfile_fails(RAW_SENDFILE_INVALID, 0, 1);
        c = wire_sendall(x, zeros, LARGE);
        test_spin(w, 2);
        assert_ok(rondo_cancel(w->loop, c->id));
        next = wire_sendfile(x, call_kept_file(w, SIZE), 1, SIZE - 1);
        if (i >= 2)
            test_spin(w, 5);
        first = skip_zeros(w, x->other);
        wire_takes(x, 1 + first, SIZE - 1 - first);
        assert_int_equal(call_wait(w, next), SIZE - 1);
        assert_int_equal(c->result, RONDO_ECANCELED);
    }
}

/* What a thread has read and the socket has not taken was not sent. */
TEST(Q2_sendfile_cancelled_where_a_thread_reads)
{
    struct wire *x = wire_new(w, WIRE_SMALL);
    raw_fd file = call_kept_file(w, LARGE);
    char *room = test_alloc(w, LARGE);
    struct call *c;
    int64_t got;
    ptrdiff_t n;

    call_need_failure(w, RAW_SENDFILE_INVALID, 0);
    c = wire_sendfile(x, file, 0, LARGE);
    test_run_until(w, raw_recv(x->other, room, 1, 0) == 1);
    test_spin(w, 5);
    assert_ok(rondo_cancel(w->loop, c->id));
    call_fails(w, c, RONDO_ECANCELED, "sock_sendfile");
    for (got = 1; (n = raw_recv(x->other, room, LARGE, 50)) > 0; got += n)
        ;
    assert_int_equal(raw_file_position(file), got);
}

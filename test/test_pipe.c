/* test_pipe.c - pipes, FIFOs, sockets, terminals and devices as transports. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_pipe.h"

enum { VOLUME = 1 << 20 };

/* ---- through and through ------------------------------------------------ */

/* What one transport writes to [1] another reads from [0]. */
static void carry(struct world *w, raw_fd fds[2])
{
    uint64_t volume = VOLUME / (unsigned)test_slowness();
    struct peer *r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    struct peer *wr = test_writer(w, fds[1], RONDO_PIPE_OWN);

    assert_int_equal(rondo_transport_fd(r->transport), fds[0]);
    assert_int_equal(rondo_transport_fd(wr->transport), fds[1]);
    test_run_until(w, r->made && wr->made);
    test_write_pattern(w, wr, volume, 100000);
    assert_ok(rondo_transport_write_eof(wr->transport));
    test_run_loop(w);
    assert_true(r->bytes == volume);
    assert_true(r->checksum == test_pattern_checksum(volume));
    assert_string_equal(r->order, "MdEL");
    assert_int_equal(r->error, 0);
    assert_int_equal(wr->error, 0);
    assert_int_equal(wr->lost, 1);
}

TEST(P1_pipe)
{
    raw_fd fds[2];

    test_pipe(w, fds);
    carry(w, fds);
}

TEST(P1_overlapped_pipe)
{
    raw_fd fds[2];

    test_overlapped_pipe(w, fds);
    carry(w, fds);
}

TEST(P1_fifo)
{
    raw_fd fds[2];

    test_fifo(w, fds);
    carry(w, fds);
}

TEST(P1_unix_socket)
{
    raw_fd fds[2];

    test_local_pair(w, fds);
    carry(w, fds);
}

TEST(P1_tcp_socket)
{
    raw_fd fds[2];

    test_need_pipes(w);
    assert_int_equal(raw_pair(fds), 0);
    carry(w, fds);
}

TEST(P1_many_small_pieces)
{
    raw_fd fds[2];
    struct peer *r;

    test_pipe(w, fds);
    r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    for (uint64_t i = 0; i < 500; i++) {
        unsigned char byte = test_pattern(i);

        assert_int_equal(raw_write(fds[1], &byte, 1), 1);
        test_run_until(w, r->bytes == i + 1);
    }
    raw_close(fds[1]);
    test_run_until(w, r->lost);
    assert_true(r->checksum == test_pattern_checksum(500));
    assert_string_equal(r->order, "MdEL");
}

TEST(P1_buffered_protocol)
{
    raw_fd fds[2];
    struct peer *r = test_peer(w);

    test_pipe(w, fds);
    assert_ok(rondo_connect_read_pipe(w->loop, fds[0], RONDO_PIPE_OWN,
                                      &buffered_recorder, r, NULL));
    assert_int_equal(raw_write(fds[1], "0123456789", 10), 10);
    raw_close(fds[1]);
    test_run_until(w, r->lost);
    assert_string_equal(r->order, "MbEL");
    assert_true(r->bytes == 10);
}

/* ---- one direction only ------------------------------------------------- */

TEST(P1_a_reader_does_not_write)
{
    raw_fd fds[2];
    struct peer *r;

    test_pipe(w, fds);
    r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    assert_refused(rondo_transport_write(r->transport, "x", 1), RONDO_EPIPE,
                   "only reads");
    assert_error(rondo_transport_write_eof(r->transport), RONDO_EPIPE);
    assert_false(rondo_transport_can_write_eof(r->transport));
    assert_true(rondo_transport_is_reading(r->transport));
    assert_int_equal(raw_write(fds[1], "x", 1), 1);
    test_run_until(w, r->bytes == 1);
    raw_close(fds[1]);
    assert_lost(w, r, NULL, 0);
}

TEST(P1_a_writer_does_not_read)
{
    raw_fd fds[2];
    struct peer *p;
    char byte;

    test_pipe(w, fds);
    p = test_writer(w, fds[1], RONDO_PIPE_OWN);
    assert_true(rondo_transport_can_write_eof(p->transport));
    assert_false(rondo_transport_is_reading(p->transport));
    assert_ok(rondo_transport_pause_reading(p->transport));
    assert_ok(rondo_transport_resume_reading(p->transport));
    assert_int_equal(rondo_transport_write(p->transport, "x", 1), 0);
    test_run_until(w, p->made);
    assert_true(test_run_for(w, RONDO_MS(5)) < 10);
    assert_int_equal(raw_read(fds[0], &byte, 1), 1);
    rondo_transport_close(p->transport);
    test_run_until(w, p->lost);
    assert_int_equal(raw_read(fds[0], &byte, 1), 0);
    raw_close(fds[0]);
    assert_string_equal(p->order, "ML");
}

/* ---- flow control ------------------------------------------------------- */

static void hold_the_writer(struct world *w, raw_fd fds[2])
{
    struct peer *r, *p;

    r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    p = test_writer(w, fds[1], RONDO_PIPE_OWN);
    test_run_until(w, r->made && p->made);
    assert_ok(rondo_transport_pause_reading(r->transport));
    uint64_t sent = test_fill_transport(w, p);
    assert_true(test_run_for(w, RONDO_MS(5)) < 10);
    assert_true(r->bytes == 0);
    rondo_transport_close(p->transport);
    assert_ok(rondo_transport_resume_reading(r->transport));
    test_run_until(w, r->lost && p->lost);
    assert_true(r->bytes == sent);
    assert_true(r->checksum == test_pattern_checksum(sent));
}

TEST(P1_paused_reading_holds_the_writer)
{
    raw_fd fds[2];

    test_pipe(w, fds);
    hold_the_writer(w, fds);
}

TEST(P1_paused_reading_holds_an_overlapped_writer)
{
    raw_fd fds[2];

    test_overlapped_pipe(w, fds);
    hold_the_writer(w, fds);
}

TEST(P1_owned_and_gathered_writes)
{
    raw_fd fds[2];
    size_t size = 300000;
    unsigned char *bytes = test_alloc(w, size);
    unsigned *released = test_alloc(w, sizeof *released);
    rondo_buffer pieces[3] = {
        {bytes, 1000}, {bytes + 1000, 199000}, {bytes + 200000, 50000}};

    test_pipe(w, fds);
    test_fill(bytes, 0, size);
    struct peer *r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    struct peer *p = test_writer(w, fds[1], RONDO_PIPE_OWN);
    test_run_until(w, p->made);
    assert_int_equal(rondo_transport_writev(p->transport, pieces, 3), 1);
    assert_int_equal(rondo_transport_write_owned(p->transport, bytes + 250000,
                                                 50000, count_release,
                                                 released),
                     1);
    rondo_transport_close(p->transport);
    test_run_until(w, r->lost && p->lost);
    assert_int_equal(*released, 1);
    assert_true(r->checksum == test_pattern_checksum(size));
}

/* ---- terminals and devices ---------------------------------------------- */

TEST(P1_terminal)
{
    raw_fd fds[2];
    char piece[16];

    test_terminal(w, fds);
    raw_fd out = raw_duplicate(fds[1]);
    struct peer *r = test_reader(w, fds[1], RONDO_PIPE_OWN);
    struct peer *p = test_writer(w, out, RONDO_PIPE_OWN);
    peer_capture(r, 16);
    test_run_until(w, r->made && p->made);
    assert_int_equal(raw_write(fds[0], "typed", 5), 5);
    test_run_until(w, r->bytes == 5);
    assert_memory_equal(r->captured, "typed", 5);
    assert_int_equal(rondo_transport_write(p->transport, "shown", 5), 0);
    assert_int_equal(raw_read(fds[0], piece, sizeof piece), 5);
    assert_memory_equal(piece, "shown", 5);
    rondo_transport_close(r->transport);
    rondo_transport_close(p->transport);
    test_run_until(w, r->lost && p->lost);
    raw_close(fds[0]);
}

TEST(P1_terminal_with_lines_and_an_end)
{
    raw_fd fds[2];

    test_need_pipes(w);
    if (raw_line_terminal(fds) != 0)
        test_skip(w, "no pseudo terminals on this system");
    struct peer *r = test_reader(w, fds[1], RONDO_PIPE_OWN);
    peer_capture(r, 16);
    test_run_until(w, r->made);
    assert_int_equal(raw_write(fds[0], "half", 4), 4);
    test_spin(w, 5);
    assert_true(r->bytes == 0);
    assert_int_equal(raw_write(fds[0], " line\r\x04", 7), 7);
    test_run_until(w, r->lost);
    assert_memory_equal(r->captured, "half line\n", 10);
    assert_true(r->bytes == 10);
    assert_string_equal(r->order, "MdEL");
    raw_close(fds[0]);
}

/* The kernel has room for a few KiB only: the rest waits for the reader. */
TEST(P1_terminal_that_is_slow)
{
    raw_fd fds[2];
    uint64_t size = 200000;

    test_terminal(w, fds);
    struct peer *p = test_writer(w, fds[1], RONDO_PIPE_OWN);
    struct peer *r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    test_run_until(w, r->made && p->made);
    test_write_pattern(w, p, size, 50000);
    rondo_transport_close(p->transport);
    test_run_until(w, r->lost && p->lost);
    assert_true(r->bytes == size);
    assert_true(r->checksum == test_pattern_checksum(size));
}

TEST(P1_null_device)
{
    char *bytes = test_alloc(w, VOLUME);

    test_need_pipes(w);
    raw_fd fds[2] = {raw_null(), raw_null()};
    struct peer *r = test_reader(w, fds[0], RONDO_PIPE_OWN);
    struct peer *p = test_writer(w, fds[1], RONDO_PIPE_OWN);
    assert_lost(w, r, "MEL", 0);
    assert_ok(rondo_transport_write(p->transport, bytes, VOLUME));
    test_run_until(w, rondo_transport_get_write_buffer_size(p->transport) == 0);
    rondo_transport_close(p->transport);
    test_run_loop(w);
    assert_int_equal(p->error, 0);
}

/* What never waits must not keep the loop from anything else. */
TEST(P1_endless_device)
{
    raw_fd fd = raw_device("/dev/zero");

    test_need_pipes(w);
    test_skip_if(w, fd == RONDO_NO_FD, "no /dev/zero on this system");
    struct peer *r = test_reader(w, fd, RONDO_PIPE_OWN);
    r->no_checksum = true;
    test_run_until(w, r->bytes > 3 * VOLUME);
    assert_ok(rondo_transport_pause_reading(r->transport));
    test_spin(w, 3);
    uint64_t before = r->bytes;
    test_run_for(w, RONDO_MS(5));
    assert_true(r->bytes == before);
    assert_ok(rondo_transport_resume_reading(r->transport));
    test_run_until(w, r->bytes > before);
    rondo_transport_abort(r->transport);
    assert_lost(w, r, NULL, RONDO_ECANCELED);
}

TEST(P1_full_device)
{
    raw_fd fd = raw_device("/dev/full");

    test_need_pipes(w);
    test_skip_if(w, fd == RONDO_NO_FD, "no /dev/full on this system");
    struct peer *p = test_writer(w, fd, RONDO_PIPE_OWN);
    test_run_until(w, p->made);
    (void)rondo_transport_write(p->transport, "x", 1);
    assert_lost(w, p, NULL, RONDO_ENOSPC);
    assert_non_null(strstr(p->last_error, "ENOSPC"));
}

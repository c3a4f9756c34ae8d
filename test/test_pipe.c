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
    struct peer *r, *p;

    test_both(w, fds, &r, &p);
    assert_int_equal(rondo_transport_fd(r->transport), fds[0]);
    assert_int_equal(rondo_transport_fd(p->transport), fds[1]);
    test_write_pattern(w, p, volume, 100000);
    assert_ok(rondo_transport_write_eof(p->transport));
    test_run_loop(w);
    assert_lost(w, r, "MdEL", 0);
    assert_lost(w, p, NULL, 0);
    assert_received(r, volume);
}

TEST_CASE(P1_each_kind_carries, test_each_pipe(w, EACH_KIND, carry));

TEST(P1_many_small_pieces)
{
    raw_fd fd;
    struct peer *r = test_pipe_reader(w, &fd);

    for (uint64_t i = 0; i < 500; i++) {
        unsigned char byte = test_pattern(i);

        assert_int_equal(raw_write(fd, &byte, 1), 1);
        test_run_until(w, r->bytes == i + 1);
    }
    raw_close(fd);
    assert_lost(w, r, "MdEL", 0);
    assert_received(r, 500);
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
    assert_lost(w, r, "MbEL", 0);
    assert_true(r->bytes == 10);
}

/* ---- one direction only ------------------------------------------------- */

TEST(P1_a_reader_does_not_write)
{
    raw_fd fd;
    struct peer *r = test_pipe_reader(w, &fd);

    assert_refused(rondo_transport_write(r->transport, "x", 1), RONDO_EPIPE,
                   "only reads");
    assert_error(rondo_transport_write_eof(r->transport), RONDO_EPIPE);
    assert_false(rondo_transport_can_write_eof(r->transport));
    assert_true(rondo_transport_is_reading(r->transport));
    assert_int_equal(raw_write(fd, "x", 1), 1);
    test_run_until(w, r->bytes == 1);
    raw_close(fd);
    assert_lost(w, r, NULL, 0);
}

TEST(P1_a_writer_does_not_read)
{
    raw_fd fd;
    struct peer *p = test_pipe_writer(w, &fd);
    char byte;

    test_own(w, fd);
    assert_true(rondo_transport_can_write_eof(p->transport));
    assert_false(rondo_transport_is_reading(p->transport));
    assert_ok(rondo_transport_pause_reading(p->transport));
    assert_ok(rondo_transport_resume_reading(p->transport));
    assert_int_equal(rondo_transport_write(p->transport, "x", 1), 0);
    test_run_until(w, p->made);
    assert_true(test_run_for(w, RONDO_MS(5)) < 10);
    assert_int_equal(raw_read(fd, &byte, 1), 1);
    rondo_transport_close(p->transport);
    assert_lost(w, p, "ML", 0);
    assert_int_equal(raw_read(fd, &byte, 1), 0);
}

/* ---- flow control ------------------------------------------------------- */

static void hold_the_writer(struct world *w, raw_fd fds[2])
{
    struct peer *r, *p;
    uint64_t sent;

    test_both(w, fds, &r, &p);
    assert_ok(rondo_transport_pause_reading(r->transport));
    sent = test_fill_transport(w, p);
    assert_true(test_run_for(w, RONDO_MS(5)) < 10);
    assert_true(r->bytes == 0);
    rondo_transport_close(p->transport);
    assert_ok(rondo_transport_resume_reading(r->transport));
    test_run_until(w, r->lost && p->lost);
    assert_received(r, sent);
}

TEST_CASE(P1_paused_reading_holds_the_writer,
          test_each_pipe(w, PIPE | OVERLAPPED_PIPE, hold_the_writer));

TEST(P1_owned_and_gathered_writes)
{
    raw_fd fds[2];
    size_t size = 300000;
    unsigned char *bytes = test_alloc(w, size);
    unsigned *released = test_counter(w);
    rondo_buffer pieces[3] = {
        {bytes, 1000}, {bytes + 1000, 199000}, {bytes + 200000, 50000}};
    struct peer *r, *p;

    test_pipe(w, fds);
    test_fill(bytes, 0, size);
    test_both(w, fds, &r, &p);
    assert_int_equal(rondo_transport_writev(p->transport, pieces, 3), 1);
    assert_int_equal(rondo_transport_write_owned(p->transport, bytes + 250000,
                                                 50000, count_release,
                                                 released),
                     1);
    rondo_transport_close(p->transport);
    test_run_until(w, r->lost && p->lost);
    assert_int_equal(*released, 1);
    assert_received(r, size);
}

/* ---- terminals and devices ---------------------------------------------- */

TEST(P1_terminal)
{
    raw_fd fds[2];
    char piece[16];
    struct peer *r, *p;

    test_terminal(w, fds);
    test_own(w, fds[0]);
    p = test_writer(w, raw_duplicate(fds[1]), RONDO_PIPE_OWN);
    r = test_reader(w, fds[1], RONDO_PIPE_OWN);
    test_run_until(w, r->made && p->made);
    assert_int_equal(raw_write(fds[0], "typed", 5), 5);
    assert_hears(w, r, "typed");
    assert_int_equal(rondo_transport_write(p->transport, "shown", 5), 0);
    assert_int_equal(raw_read(fds[0], piece, sizeof piece), 5);
    assert_memory_equal(piece, "shown", 5);
    rondo_transport_close(r->transport);
    rondo_transport_close(p->transport);
    test_run_until(w, r->lost && p->lost);
}

TEST(P1_terminal_with_lines_and_an_end)
{
    raw_fd fds[2];
    struct peer *r;

    test_need_pipes(w);
    test_skip_if(w, raw_line_terminal(fds) != 0,
                 "no pseudo terminals on this system");
    test_own(w, fds[0]);
    r = test_reader(w, fds[1], RONDO_PIPE_OWN);
    test_run_until(w, r->made);
    assert_int_equal(raw_write(fds[0], "half", 4), 4);
    test_spin(w, 5);
    assert_true(r->bytes == 0);
    assert_int_equal(raw_write(fds[0], " line\r\x04", 7), 7);
    assert_lost(w, r, "MdEL", 0);
    assert_hears(w, r, "half line\n");
}

/* The kernel has room for a few KiB only: the rest waits for the reader. */
TEST(P1_terminal_that_is_slow)
{
    raw_fd fds[2];
    struct peer *r, *p;

    test_terminal(w, fds);
    test_both(w, fds, &r, &p);
    test_write_pattern(w, p, 200000, 50000);
    rondo_transport_close(p->transport);
    test_run_until(w, r->lost && p->lost);
    assert_received(r, 200000);
}

TEST(P1_null_device)
{
    char *bytes = test_alloc(w, VOLUME);
    struct peer *r, *p;

    test_need_pipes(w);
    r = test_reader(w, raw_null(), RONDO_PIPE_OWN);
    p = test_writer(w, raw_null(), RONDO_PIPE_OWN);
    assert_lost(w, r, "MEL", 0);
    assert_ok(rondo_transport_write(p->transport, bytes, VOLUME));
    test_run_until(w, peer_buffered(p) == 0);
    rondo_transport_close(p->transport);
    test_run_loop(w);
    assert_lost(w, p, NULL, 0);
}

/* A device of that name, which the test skips where there is none. */
static raw_fd device(struct world *w, const char *path, const char *lacking)
{
    raw_fd fd;

    test_need_pipes(w);
    fd = raw_device(path);
    test_skip_if(w, fd == RONDO_NO_FD, lacking);
    return fd;
}

/* What never waits must not keep the loop from anything else. */
TEST(P1_endless_device)
{
    struct peer *r =
        test_reader(w, device(w, "/dev/zero", "no /dev/zero on this system"),
                    RONDO_PIPE_OWN);
    uint64_t before;

    r->no_checksum = true;
    test_run_until(w, r->bytes > 3 * VOLUME);
    assert_ok(rondo_transport_pause_reading(r->transport));
    test_spin(w, 3);
    before = r->bytes;
    test_run_for(w, RONDO_MS(5));
    assert_true(r->bytes == before);
    assert_ok(rondo_transport_resume_reading(r->transport));
    test_run_until(w, r->bytes > before);
    rondo_transport_abort(r->transport);
    assert_lost(w, r, NULL, RONDO_ECANCELED);
}

TEST(P1_full_device)
{
    struct peer *p =
        test_writer(w, device(w, "/dev/full", "no /dev/full on this system"),
                    RONDO_PIPE_OWN);

    test_run_until(w, p->made);
    (void)rondo_transport_write(p->transport, "x", 1);
    assert_lost(w, p, NULL, RONDO_ENOSPC);
    assert_non_null(strstr(p->last_error, "ENOSPC"));
}

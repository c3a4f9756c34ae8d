/* test_stream_reset.c - a peer that resets, at every point; SIGPIPE. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"

enum { SMALL = 8192 };

static void reset_once(struct peer *p)
{
    if (*(raw_fd *)p->user != RONDO_NO_FD)
        act_reset(p);
}

static void reset_in_data(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    reset_once(p);
}

static void reset_in_updated(struct peer *p, size_t size)
{
    (void)size;
    reset_once(p);
}

static struct peer *victim(struct world *w, const rondo_protocol *protocol,
                           int buffer_bytes)
{
    struct peer *p = test_peer(w);
    raw_fd *fd = test_alloc(w, sizeof *fd);

    p->user = fd;
    *fd = test_raw_peer(w, protocol, p, buffer_bytes);
    return p;
}

static raw_fd plain(const struct peer *p)
{
    return *(raw_fd *)p->user;
}

static void check_lost(struct world *w, struct peer *p)
{
    test_run_until(w, p->lost);
    test_spin(w, 20);
    assert_int_equal(p->error, RONDO_ECONNRESET);
    assert_non_null(strstr(p->last_error, "connection"));
    assert_true(raw_sigpipe_untouched());
    if (plain(p) != RONDO_NO_FD)
        raw_close(plain(p));
}

/* ---- S8: where the reset meets it --------------------------------------- */

TEST(S8_reset_idle)
{
    struct peer *p = victim(w, &recorder, 0);

    w->expect_clean = true;
    test_spin(w, 5);
    act_reset(p);
    check_lost(w, p);
    assert_string_equal(p->order, "ML");
}

TEST(S8_reset_idle_buffered_protocol)
{
    struct peer *p = victim(w, &buffered_recorder, 0);

    w->expect_clean = true;
    test_spin(w, 5);
    act_reset(p);
    check_lost(w, p);
    assert_string_equal(p->order, "ML");
}

static struct peer *not_yet_made(struct world *w)
{
    struct peer *p = test_peer(w);
    raw_fd *fds = test_alloc(w, 2 * sizeof *fds);

    assert_int_equal(raw_pair(fds), 0);
    p->user = &fds[1];
    test_adopt(w, fds[0], &recorder, p);
    return p;
}

TEST(S8_reset_before_made)
{
    struct peer *p = not_yet_made(w);

    w->expect_clean = true;
    act_reset(p);
    check_lost(w, p);
    assert_string_equal(p->order, "ML");
}

TEST(S8_reset_before_it_is_adopted)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];
    int result;

    w->expect_clean = true;
    assert_int_equal(raw_pair(fds), 0);
    raw_reset(fds[1]);
    result = rondo_connect_accepted_socket(w->loop, fds[0], &recorder, p, NULL);
    if (result < 0) { /* the system no longer knows the peer's address */
        raw_close(fds[0]);
        return;
    }
    assert_lost(w, p, "ML", RONDO_ECONNRESET);
}

TEST(S8_reset_in_made)
{
    struct peer *p = not_yet_made(w);

    p->on_made = act_reset;
    check_lost(w, p);
    assert_string_equal(p->order, "ML");
}

static void write_and_reset(struct peer *p)
{
    act_reset(p);
    (void)rondo_transport_write(p->transport, "x", 1);
    (void)rondo_transport_write(p->transport, "y", 1);
    assert_int_equal(p->lost, 0);
}

TEST(S8_reset_in_made_and_written_to)
{
    struct peer *p = not_yet_made(w);

    p->on_made = write_and_reset;
    check_lost(w, p);
    assert_string_equal(p->order, "ML");
}

TEST(S8_reset_in_data)
{
    struct peer *p = victim(w, &recorder, 0);

    p->on_data = reset_in_data;
    test_send_raw(w, plain(p), 0, 1000);
    check_lost(w, p);
    assert_string_equal(p->order, "MdL");
}

TEST(S8_reset_in_buffer_updated)
{
    struct peer *p = victim(w, &buffered_recorder, 0);

    p->on_updated = reset_in_updated;
    test_send_raw(w, plain(p), 0, 1000);
    check_lost(w, p);
    assert_string_equal(p->order, "MbL");
}

TEST(S8_reset_in_get_buffer)
{
    struct peer *p = victim(w, &buffered_recorder, 0);

    p->on_get_buffer = reset_once;
    test_send_raw(w, plain(p), 0, 1000);
    check_lost(w, p);
}

TEST(S8_reset_while_writing)
{
    struct peer *p = victim(w, &recorder, SMALL);

    w->expect_clean = true;
    (void)test_fill_transport(w, p);
    test_spin(w, 5);
    act_reset(p);
    check_lost(w, p);
}

TEST(S8_reset_while_writing_is_paused)
{
    struct peer *p = victim(w, &recorder, SMALL);

    assert_ok(rondo_transport_set_write_buffer_limits(p->transport, 1, 0));
    (void)test_fill_transport(w, p);
    test_run_until(w, p->pauses == 1);
    act_reset(p);
    check_lost(w, p);
    assert_string_equal(p->order, "MPL");
}

TEST(S8_reset_in_pause_writing)
{
    struct peer *p = victim(w, &recorder, SMALL);

    p->on_pause = act_reset;
    assert_ok(rondo_transport_set_write_buffer_limits(p->transport, 1, 0));
    (void)test_fill_transport(w, p);
    check_lost(w, p);
    assert_string_equal(p->order, "MPL");
}

TEST(S8_reset_in_resume_writing)
{
    struct peer *p = victim(w, &recorder, SMALL);
    unsigned char got[4096];

    p->on_resume = act_reset;
    assert_ok(rondo_transport_set_write_buffer_limits(p->transport, 1, 0));
    (void)test_fill_transport(w, p);
    while (!p->resumes) {
        (void)raw_recv(plain(p), got, sizeof got, 0);
        test_spin(w, 1);
    }
    check_lost(w, p);
    assert_string_equal(p->order, "MPRL");
}

TEST(S8_reset_after_eof)
{
    struct peer *p = victim(w, &recorder, 0);

    p->keep_open = true;
    raw_shutdown_write(plain(p));
    test_run_until(w, p->eof);
    act_reset(p);
    assert_true(test_run_for(w, RONDO_MS(50)) <= 10);
    for (int i = 0; i < 3 && !p->lost; i++)
        (void)rondo_transport_write(p->transport, "x", 1);
    assert_lost(w, p, "MEL", RONDO_ECONNRESET);
}

TEST(S8_reset_in_eof_received)
{
    struct peer *p = victim(w, &recorder, SMALL);

    p->keep_open = true;
    p->on_eof = act_reset;
    (void)test_fill_transport(w, p);
    raw_shutdown_write(plain(p));
    check_lost(w, p);
    assert_string_equal(p->order, "MEL");
}

TEST(S8_reset_after_write_eof)
{
    struct peer *p = victim(w, &recorder, 0);

    assert_ok(rondo_transport_write_eof(p->transport));
    test_spin(w, 5);
    act_reset(p);
    check_lost(w, p);
    assert_string_equal(p->order, "ML");
}

TEST(S8_reset_before_write_eof_is_out)
{
    struct peer *p = victim(w, &recorder, SMALL);

    (void)test_fill_transport(w, p);
    assert_ok(rondo_transport_write_eof(p->transport));
    test_spin(w, 5);
    act_reset(p);
    check_lost(w, p);
}

TEST(S8_reset_seen_by_the_read_and_the_write_at_once)
{
    struct peer *p = victim(w, &recorder, SMALL);

    (void)test_fill_transport(w, p);
    test_spin(w, 5);
    act_reset(p);
    (void)rondo_transport_write(p->transport, "x", 1);
    (void)rondo_transport_write(p->transport, "x", 1);
    (void)rondo_transport_write_eof(p->transport);
    check_lost(w, p);
    assert_int_equal(p->lost, 1);
}

/* ---- S7: a reset after close is not an error ---------------------------- */

TEST(S7_a_reset_after_close_is_no_error)
{
    struct peer *p = victim(w, &recorder, SMALL);

    w->expect_clean = true;
    (void)test_fill_transport(w, p);
    rondo_transport_close(p->transport);
    test_spin(w, 5);
    act_reset(p);
    assert_lost(w, p, "ML", 0);
}

TEST(S7_a_reset_just_after_close_is_no_error)
{
    struct peer *p = victim(w, &recorder, 0);

    w->expect_clean = true;
    rondo_transport_close(p->transport);
    act_reset(p);
    assert_lost(w, p, NULL, 0);
}

/* ---- S8: SIGPIPE -------------------------------------------------------- */

TEST(S8_no_sigpipe_however_it_is_written)
{
    const rondo_buffer pieces[2] = {{"ab", 2}, {"cd", 2}};

    assert_true(raw_sigpipe_untouched());
    for (int way = 0; way < 4; way++) {
        struct peer *p = victim(w, &recorder, 0);

        act_reset(p);
        for (int i = 0; i < 5; i++) {
            if (way == 0)
                (void)rondo_transport_write(p->transport, "x", 1);
            else if (way == 1)
                (void)rondo_transport_writev(p->transport, pieces, 2);
            else if (way == 2)
                (void)rondo_transport_printf(p->transport, "%d", i);
            else
                (void)rondo_transport_write_eof(p->transport);
        }
        check_lost(w, p);
    }
}

TEST(S8_no_sigpipe_from_the_buffer)
{
    for (int i = 0; i < 10; i++) {
        struct peer *p = victim(w, &recorder, SMALL);

        (void)test_fill_transport(w, p);
        if (i % 2)
            rondo_transport_close(p->transport);
        act_reset(p);
        test_run_until(w, p->lost);
        assert_true(raw_sigpipe_untouched());
    }
}

/* test_stream_reset.c - a peer that resets, at every point; SIGPIPE. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

enum { SMALL = 8192 };

static void reset_once(struct peer *p)
{
    if (p->fd != RONDO_NO_FD)
        plain_reset(p);
}

static void check_lost(struct world *w, struct peer *p, const char *order)
{
    assert_lost(w, p, order, RONDO_ECONNRESET);
    test_spin(w, 20);
    assert_int_equal(p->lost, 1);
    assert_non_null(strstr(p->last_error, "connection"));
    assert_true(raw_sigpipe_untouched());
}

/* ---- S8: where the reset meets it --------------------------------------- */

static void idle(struct peer *p)
{
    test_spin(p->w, 5);
    plain_reset(p);
}

static void in_made(struct peer *p)
{
    p->on_made = plain_reset;
}

static void write_and_reset(struct peer *p)
{
    plain_reset(p);
    (void)rondo_transport_write(p->transport, "x", 1);
    (void)rondo_transport_write(p->transport, "y", 1);
    assert_int_equal(p->lost, 0);
}

static void in_made_and_written_to(struct peer *p)
{
    p->on_made = write_and_reset;
}

static void in_bytes(struct peer *p)
{
    p->on_bytes = reset_once;
    plain_send_pattern(p, 0, 1000);
}

static void in_get_buffer(struct peer *p)
{
    p->on_get_buffer = reset_once;
    plain_send_pattern(p, 0, 1000);
}

static void while_writing(struct peer *p)
{
    (void)test_fill_transport(p->w, p);
    test_spin(p->w, 5);
    plain_reset(p);
}

static void while_paused(struct peer *p)
{
    peer_set_limits(p, 1, 0);
    (void)test_fill_transport(p->w, p);
    test_run_until(p->w, p->pauses == 1);
    plain_reset(p);
}

static void in_pause_writing(struct peer *p)
{
    p->on_pause = plain_reset;
    peer_set_limits(p, 1, 0);
    (void)test_fill_transport(p->w, p);
}

static void in_resume_writing(struct peer *p)
{
    unsigned char got[4096];

    p->on_resume = plain_reset;
    peer_set_limits(p, 1, 0);
    (void)test_fill_transport(p->w, p);
    while (!p->resumes) {
        (void)raw_recv(p->fd, got, sizeof got, 0);
        test_spin(p->w, 1);
    }
}

static void after_eof(struct peer *p)
{
    p->keep_open = true;
    raw_shutdown_write(p->fd);
    test_run_until(p->w, p->eof);
    plain_reset(p);
    assert_true(test_run_for(p->w, RONDO_MS(50)) <= 10);
    for (int i = 0; i < 3 && !p->lost; i++)
        (void)rondo_transport_write(p->transport, "x", 1);
}

static void in_eof_received(struct peer *p)
{
    p->keep_open = true;
    p->on_eof = plain_reset;
    (void)test_fill_transport(p->w, p);
    raw_shutdown_write(p->fd);
}

static void after_write_eof(struct peer *p)
{
    act_write_eof(p);
    test_spin(p->w, 5);
    plain_reset(p);
}

static void before_write_eof_is_out(struct peer *p)
{
    (void)test_fill_transport(p->w, p);
    after_write_eof(p);
}

static void by_the_read_and_the_write_at_once(struct peer *p)
{
    while_writing(p);
    (void)rondo_transport_write(p->transport, "x", 1);
    (void)rondo_transport_write(p->transport, "x", 1);
    (void)rondo_transport_write_eof(p->transport);
}

TEST(S8_reset_before_made_and_in_it)
{
    static const struct {
        const char *name;
        void (*reset)(struct peer *p);
    } rows[] = {
        {"before made", plain_reset},
        {"in made", in_made},
        {"in made and written to", in_made_and_written_to},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer_unmade(w);

        row->reset(p);
        check_lost(w, p, "ML");
    }
}

TEST(S8_reset_at_every_point)
{
    static const struct {
        const char *name;
        void (*reset)(struct peer *p);
        const rondo_protocol *protocol;
        int buffer_bytes;
        const char *order; /* NULL: any */
    } rows[] = {
        {"idle", idle, &recorder, 0, "ML"},
        {"idle, buffered", idle, &buffered_recorder, 0, "ML"},
        {"in data_received", in_bytes, &recorder, 0, "MdL"},
        {"in buffer_updated", in_bytes, &buffered_recorder, 0, "MbL"},
        {"in get_buffer", in_get_buffer, &buffered_recorder, 0, NULL},
        {"while writing", while_writing, &recorder, SMALL, NULL},
        {"while writing is paused", while_paused, &recorder, SMALL, "MPL"},
        {"in pause_writing", in_pause_writing, &recorder, SMALL, "MPL"},
        {"in resume_writing", in_resume_writing, &recorder, SMALL, "MPRL"},
        {"after EOF", after_eof, &recorder, 0, "MEL"},
        {"in eof_received", in_eof_received, &recorder, SMALL, "MEL"},
        {"after write_eof", after_write_eof, &recorder, 0, "ML"},
        {"before write_eof is out", before_write_eof_is_out, &recorder, SMALL,
         NULL},
        {"seen by the read and the write", by_the_read_and_the_write_at_once,
         &recorder, SMALL, NULL},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, row->protocol, row->buffer_bytes);

        row->reset(p);
        check_lost(w, p, row->order);
    }
}

TEST(S8_reset_before_it_is_adopted)
{
    struct peer *p = test_peer(w);
    raw_fd fds[2];
    int result;

    assert_int_equal(raw_pair(fds), 0);
    raw_reset(fds[1]);
    result = rondo_connect_accepted_socket(w->loop, fds[0], &recorder, p, NULL);
    if (result < 0) { /* the system no longer knows the peer's address */
        raw_close(fds[0]);
        return;
    }
    assert_lost(w, p, "ML", RONDO_ECONNRESET);
}

/* ---- S7: a reset after close is not an error ---------------------------- */

TEST(S7_a_reset_after_close_is_no_error)
{
    struct peer *p = plain_peer(w, &recorder, SMALL);

    (void)test_fill_transport(w, p);
    rondo_transport_close(p->transport);
    test_spin(w, 5);
    plain_reset(p);
    assert_lost(w, p, "ML", 0);
    /* and just after it */
    p = plain_peer(w, &recorder, 0);
    rondo_transport_close(p->transport);
    plain_reset(p);
    assert_lost(w, p, NULL, 0);
}

/* ---- S8: SIGPIPE -------------------------------------------------------- */

TEST(S8_no_sigpipe_however_it_is_written)
{
    const rondo_buffer pieces[2] = {{"ab", 2}, {"cd", 2}};

    assert_true(raw_sigpipe_untouched());
    for (int way = 0; way < 4; way++) {
        struct peer *p = plain_peer(w, &recorder, 0);

        plain_reset(p);
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
        check_lost(w, p, NULL);
    }
}

TEST(S8_no_sigpipe_from_the_buffer)
{
    for (int i = 0; i < 10; i++) {
        struct peer *p = plain_peer(w, &recorder, SMALL);

        (void)test_fill_transport(w, p);
        if (i % 2)
            rondo_transport_close(p->transport);
        plain_reset(p);
        test_run_until(w, p->lost);
        assert_true(raw_sigpipe_untouched());
    }
}

/* test_pipe_file.c - files as transports, by a thread. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_pipe.h"

enum { VOLUME = 1 << 20 };

/* Borrowed, a file can be looked at afterwards. */
enum { LENT_FILE = RONDO_PIPE_BORROW | RONDO_PIPE_FILE };

static void check_file(struct world *w, raw_fd fd, size_t size)
{
    unsigned char *bytes = test_alloc(w, size + 1);

    raw_rewind(fd);
    for (size_t got = 0; got < size;) {
        ptrdiff_t n = raw_read(fd, bytes + got, size + 1 - got);

        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_int_equal(raw_read(fd, bytes + size, 1), 0);
    assert_true(test_matches(bytes, 0, size));
}

/* ---- files -------------------------------------------------------------- */

TEST(P1_file_is_refused)
{
    raw_fd fd = test_own(w, test_file(w, 10));

    test_refused(w, fd, RONDO_PIPE_OWN, RONDO_EINVAL);
    assert_non_null(strstr(rondo_last_error(), "RONDO_PIPE_FILE"));
    test_refused(w, fd, RONDO_PIPE_BORROW, RONDO_EINVAL);
}

TEST(P1_file_is_read)
{
    for (size_t size = 0; size <= VOLUME + 10; size += VOLUME + 10) {
        raw_fd fd = test_file(w, size);
        struct peer *r = test_reader(w, fd, RONDO_PIPE_FILE);

        assert_int_equal(rondo_transport_fd(r->transport), fd);
        test_run_loop(w);
        assert_lost(w, r, size ? "MdEL" : "MEL", 0);
        assert_received(r, size);
    }
}

TEST(P1_file_is_written)
{
    raw_fd fd = test_own(w, test_file(w, 0));
    struct peer *p = test_writer(w, fd, LENT_FILE);

    test_write_pattern(w, p, VOLUME, 100000);
    assert_true(p->pauses > 0 && p->pauses == p->resumes);
    rondo_transport_close(p->transport);
    test_run_loop(w);
    assert_lost(w, p, NULL, 0);
    check_file(w, fd, VOLUME);
}

TEST(P1_write_eof_ends_a_file)
{
    raw_fd fd = test_own(w, test_file(w, 0));
    struct peer *p = test_writer(w, fd, LENT_FILE);

    test_write_pattern(w, p, 1000, 1000);
    assert_ok(rondo_transport_write_eof(p->transport));
    assert_error(rondo_transport_write(p->transport, "x", 1), RONDO_EPIPE);
    test_run_until(w, p->lost);
    check_file(w, fd, 1000);
}

TEST(P1_file_reading_is_paused)
{
    struct peer *r = test_reader(w, test_file(w, VOLUME), RONDO_PIPE_FILE);
    uint64_t before;

    test_run_until(w, r->bytes > 0);
    assert_ok(rondo_transport_pause_reading(r->transport));
    before = r->bytes;
    assert_true(before < VOLUME);
    assert_true(test_run_for(w, RONDO_MS(10)) < 20);
    assert_true(r->bytes == before);
    assert_ok(rondo_transport_resume_reading(r->transport));
    test_run_until(w, r->lost);
    assert_received(r, VOLUME);
}

static void pause_and_go_on(struct peer *p, const void *data, size_t size)
{
    (void)data;
    (void)size;
    assert_ok(rondo_transport_pause_reading(p->transport));
    assert_ok(rondo_transport_resume_reading(p->transport));
}

TEST(P1_file_reading_is_paused_inside)
{
    struct peer *r = test_reader(w, test_file(w, VOLUME), RONDO_PIPE_FILE);

    r->on_data = pause_and_go_on;
    test_run_until(w, r->lost);
    assert_received(r, VOLUME);
}

/* A read is under way then. */
TEST(P1_file_is_closed_while_it_is_read)
{
    for (int i = 0; i < 50; i++) {
        struct peer *r = test_reader(w, test_file(w, 100000), RONDO_PIPE_FILE);

        if (i % 3)
            r->on_made = i % 3 == 1 ? act_close : act_abort;
        test_spin(w, 2);
        if (!r->lost)
            rondo_transport_close(r->transport);
        assert_lost(w, r, NULL, i % 3 == 2 ? RONDO_ECANCELED : 0);
    }
}

/* The thread may be at the bytes: they are released when it is not. */
TEST(P1_file_is_aborted_while_it_is_written)
{
    unsigned *released = test_counter(w);

    for (unsigned i = 0; i < 50; i++) {
        struct peer *p = test_writer(w, test_file(w, 0), RONDO_PIPE_FILE);
        unsigned char *bytes = malloc(100000);

        assert_non_null(bytes);
        test_fill(bytes, 0, 100000);
        test_run_until(w, p->made);
        assert_ok(rondo_transport_write_owned(p->transport, bytes, 100000,
                                              count_release, released));
        test_spin(w, (int)(i % 3));
        rondo_transport_abort(p->transport);
        test_run_until(w, p->lost);
        assert_int_equal(*released, i + 1);
        memset(bytes, 0, 100000);
        free(bytes);
    }
}

TEST(P1_loop_close_with_a_file_under_way)
{
    struct peer *r = test_reader(w, test_file(w, VOLUME), RONDO_PIPE_FILE);
    struct peer *p = test_writer(w, test_file(w, 0), RONDO_PIPE_FILE);

    test_run_until(w, r->made && p->made);
    (void)test_fill_transport(w, p);
    test_spin(w, 1);
    test_close_loop(w);
    assert_int_equal(r->error, RONDO_ECLOSED);
    assert_int_equal(p->error, RONDO_ECLOSED);
}

static void write_in_vain(struct world *w, bool close)
{
    raw_fd fd = raw_sealed_file();
    struct peer *p;

    test_need_pipes(w);
    test_skip_if(w, fd == RONDO_NO_FD,
                 "no files that refuse to be written on this system");
    p = test_writer(w, fd, RONDO_PIPE_FILE);
    test_run_until(w, p->made);
    assert_ok(rondo_transport_write(p->transport, "x", 1));
    if (close)
        rondo_transport_close(p->transport);
    assert_lost(w, p, NULL, RONDO_EPERM);
    assert_non_null(strstr(p->last_error, "EPERM"));
}

TEST_CASE(P1_file_that_cannot_be_written, write_in_vain(w, false));

/* Closing needs the bytes in the file: that they are not is told. */
TEST_CASE(P1_file_that_cannot_be_written_is_closed, write_in_vain(w, true));

/* ---- what can go wrong -------------------------------------------------- */

TEST(G8_no_memory_for_a_file)
{
    raw_fd fd = test_own(w, test_file(w, 1000));

    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        struct peer *r = test_peer(w);
        int error;

        raw_rewind(fd);
        error = rondo_connect_read_pipe(w->loop, fd, LENT_FILE, &recorder, r,
                                        &r->transport);
        test_fail_allocation(w, 0);
        assert_true(raw_fd_valid(fd));
        if (error) {
            assert_error(error, RONDO_ENOMEM);
            continue;
        }
        test_run_until(w, r->lost);
        assert_true(r->error == 0 || r->error == RONDO_ENOMEM);
    }
}

struct child {
    struct world *w;
    struct peer *r, *p;
};

/* Steps that went wrong have a number. */
static int after_the_fork(void *arg)
{
    struct child *c = arg;
    struct world *w = c->w;

    if (rondo_loop_after_fork(w->loop) < 0)
        return 1;
    if (c->r->transport)
        (void)rondo_transport_resume_reading(c->r->transport);
    for (int i = 0; i < 1000 && !(c->r->lost && c->p->lost); i++)
        if (rondo_loop_run_once(w->loop, RONDO_MS(10)) < 0)
            return 2;
    if (!c->r->lost || !c->p->lost)
        return 3;
    return c->r->error == RONDO_EFORKED && c->p->error == RONDO_EFORKED ? 0 : 4;
}

TEST(L8_files_end_in_a_forked_child)
{
    struct child *c = test_alloc(w, sizeof *c);

    c->w = w;
    c->r = test_reader(w, test_file(w, VOLUME), RONDO_PIPE_FILE);
    c->p = test_writer(w, test_file(w, 0), RONDO_PIPE_FILE);
    test_run_until(w, c->r->bytes > 0 && c->p->made);
    assert_ok(rondo_transport_pause_reading(c->r->transport));
    (void)test_fill_transport(w, c->p);
    test_run_child(w, after_the_fork, c);
    /* and the parent's go on */
    assert_ok(rondo_transport_resume_reading(c->r->transport));
    rondo_transport_close(c->p->transport);
    assert_lost(w, c->r, NULL, 0);
    assert_lost(w, c->p, NULL, 0);
    assert_received(c->r, VOLUME);
}

/* test_file_stream.c - files as streams: by readers, as logs, through pumps. */
/* SPDX-License-Identifier: MIT */
#include "harness_file.h"
#include "harness_plain.h"
#include "harness_reader.h"

enum { LENT_FILE = RONDO_PIPE_BORROW | RONDO_PIPE_FILE };

static void need_pipes(struct world *w)
{
    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_PIPES),
                 "no transports over files");
}

/* ---- F15: readers, pumps ------------------------------------------------ */

TEST(F15_lines_of_a_file)
{
    need_pipes(w);

    rondo_file *f = file_new(w, "a", 0, "one\ntwo\nrest");
    struct book *b = test_alloc(w, sizeof *b);

    book_open(w, b, 0, NULL, NULL);
    assert_ok(rondo_connect_read_pipe(w->loop, rondo_file_fd(f), LENT_FILE,
                                      rondo_reader_protocol(), b->reader,
                                      NULL));
    test_run_until(w, rondo_reader_transport(b->reader));
    book_reads(b, "LLL");
    assert_int_equal(b->error, RONDO_EOF);
    assert_string_equal(b->text, "one\n|two\n|rest|");
    book_free(b);
    test_run_loop(w);
    file_close_and_unlink(w, f, "a");
}

static void pumped(rondo_loop *loop, void *arg, uint64_t moved, int error)
{
    struct file_told *t = arg;

    (void)loop;
    assert_int_equal(error, 0);
    t->count = (size_t)moved;
    t->done++;
}

TEST_LEAVES(F15_from_a_connection_into_a_file)
{
    enum { SIZE = 300000 };

    need_pipes(w);

    rondo_file *f = file_new(w, "a", 0, "");
    struct peer *a = plain_peer(w, &recorder, 0), *to = test_peer(w);
    struct file_told *t = file_told(w), *u = file_told(w);
    unsigned char *got = test_alloc(w, SIZE + 1);
    rondo_room room = {got, SIZE + 1};

    assert_ok(rondo_connect_write_pipe(w->loop, rondo_file_fd(f), LENT_FILE,
                                       &recorder, to, &to->transport));
    test_run_until(w, to->made);
    assert_ok(rondo_pump(a->transport, to->transport, -1, 0, pumped, t));
    plain_send_pattern(a, 0, SIZE);
    raw_shutdown_write(a->fd);
    test_run_until(w, t->done && to->lost);
    assert_int_equal(t->count, SIZE);
    file_moves(u, rondo_file_read(f, 0, &room, 1, file_moved, u), SIZE);
    assert_true(test_matches(got, 0, SIZE));
    rondo_transport_close(a->transport);
    file_close_and_unlink(w, f, "a");
}

/* ---- F16: logs ---------------------------------------------------------- */

enum { LINES = 2000, LINE_SIZE = 16 };

static void write_lines(struct world *w, rondo_file *f, struct file_told **t,
                        char *lines)
{
    for (int i = 0; i < LINES; i++) {
        rondo_buffer b = {lines + (size_t)i * LINE_SIZE, LINE_SIZE};
        (void)snprintf(lines + (size_t)i * LINE_SIZE, LINE_SIZE + 1,
                       "line %10d\n", i);
        t[i] = file_told(w);
        assert_ok(
            rondo_file_write(f, RONDO_FILE_CURRENT, &b, 1, file_moved, t[i]));
    }
}

TEST(F16_a_log_in_order_that_nobody_waits_for)
{
    enum { FLAGS = RONDO_FILE_APPEND | RONDO_FILE_IN_ORDER };
    rondo_file *f = file_new(w, "a", FLAGS, "");
    struct file_told **t = test_alloc(w, LINES * sizeof(void *)),
                     *s = file_told(w), *u = file_told(w);
    char *lines = test_alloc(w, LINES * LINE_SIZE + 1),
         *got = test_alloc(w, LINES * LINE_SIZE + 1);
    rondo_room room = {got, LINES * LINE_SIZE + 1};

    write_lines(w, f, t, lines);
    assert_ok(rondo_file_sync(f, true, file_plain, s)); /* all before it */
    assert_int_equal(t[0]->done, 0);
    test_run_until(w, s->done);
    for (int i = 0; i < LINES; i++) {
        assert_int_equal(t[i]->done, 1);
        assert_true(i == 0 || t[i]->place == t[i - 1]->place + 1);
    }
    file_moves(u, rondo_file_read(f, 0, &room, 1, file_moved, u),
               (size_t)LINES * LINE_SIZE);
    assert_memory_equal(got, lines, (size_t)LINES * LINE_SIZE);
    file_close_and_unlink(w, f, "a");
}

static void count(rondo_loop *loop, void *arg)
{
    (void)loop;
    ++*(unsigned *)arg;
}

/* A disk that hangs holds up the log, and nothing else. */
TEST(F16_a_log_does_not_hold_up_the_loop)
{
    file_need_hold(w);

    enum { FLAGS = RONDO_FILE_APPEND | RONDO_FILE_IN_ORDER };
    rondo_file *f = file_new(w, "a", FLAGS, "");
    struct file_told *held = file_hold(w, file_new(w, "b", 0, "")),
                     **t = test_alloc(w, LINES * sizeof(void *));
    char *lines = test_alloc(w, LINES * LINE_SIZE + 1);
    unsigned *called = test_alloc(w, sizeof *called);

    write_lines(w, f, t, lines);
    for (int i = 0; i < 10; i++)
        assert_ok(rondo_call_later(w->loop, RONDO_MS(i), count, called));
    test_run_until(w, *called == 10);
    assert_int_equal(t[0]->done, 0);
    file_let_go(w, held);
    test_run_until(w, t[LINES - 1]->done);
    file_close_and_unlink(w, f, "a");
    test_close_loop(w);
}

/* Each write that a full disk has refused says so. */
TEST(F16_a_full_disk_refuses_each_write)
{
    test_skip_if(w, !raw_fs_full(), "no device that is full");

    rondo_file *f =
        file_open(w, raw_fs_full(), RONDO_FILE_APPEND | RONDO_FILE_IN_ORDER);
    struct file_told **t = test_alloc(w, LINES * sizeof(void *));
    char *lines = test_alloc(w, LINES * LINE_SIZE + 1);

    write_lines(w, f, t, lines);
    test_run_until(w, t[LINES - 1]->done);
    for (int i = 0; i < LINES; i++)
        assert_int_equal(t[i]->result, RONDO_ENOSPC);
    file_close(w, f);
}

/* test_file_order.c - files: what waits for what, cancelling, closing. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_file.h"
#include "harness_jobs.h"

/* Begins to write that text, which must outlive it. */
static struct file_told *write_at(struct world *w, rondo_file *f,
                                  int64_t position, const char *text)
{
    rondo_buffer out = {text, strlen(text)};
    struct file_told *t = file_told(w);

    t->id = assert_ok(rondo_file_write(f, position, &out, 1, file_moved, t));
    return t;
}

static void check_ended(struct file_told *t, int64_t result)
{
    test_run_until(t->w, t->done);
    assert_int_equal(t->result, result);
    assert_int_equal(t->done, 1);
}

/* ---- F2: order and positions -------------------------------------------- */

TEST(F2_in_order_the_last_write_wins)
{
    enum { MANY = 200 };
    static char texts[MANY][8];
    rondo_file *f = file_new(w, "a", RONDO_FILE_IN_ORDER, "");
    struct file_told *t[MANY];

    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(texts[i], 8, "%05u", i);
        t[i] = write_at(w, f, 0, texts[i]);
    }
    file_holds(w, f, "00199"); /* a read waits for them, too */
    for (unsigned i = 0; i < MANY; i++) {
        check_ended(t[i], 0);
        assert_true(i == 0 || t[i]->place > t[i - 1]->place);
    }
    file_close_and_unlink(w, f, "a");
}

TEST(F2_without_order_one_does_not_wait_for_another)
{
    file_need_hold(w);

    rondo_file *f = file_new(w, "a", 0, "a");
    struct file_told *held, *t;

    assert_true(raw_fs_hold(true));
    held = file_told(w);
    held->id = assert_ok(rondo_file_sync(f, false, file_plain, held));
    test_run_until(w, raw_fs_held() == 1);
    file_holds(w, f, "a");
    t = write_at(w, f, RONDO_FILE_CURRENT, "b");
    check_ended(t, 0);
    assert_int_equal(held->done, 0);
    (void)raw_fs_hold(false);
    check_ended(held, 0);
    file_close_and_unlink(w, f, "a");
}

TEST(F2_in_order_all_wait)
{
    file_need_hold(w);

    rondo_file *f = file_new(w, "a", RONDO_FILE_IN_ORDER, "a");
    struct file_told *held = file_told(w), *t;

    assert_true(raw_fs_hold(true));
    held->id = assert_ok(rondo_file_sync(f, false, file_plain, held));
    test_run_until(w, raw_fs_held() == 1);
    t = write_at(w, f, 0, "b");
    (void)test_run_for(w, RONDO_MS(5));
    assert_int_equal(t->done, 0);
    (void)raw_fs_hold(false);
    check_ended(t, 0);
    assert_int_equal(held->done, 1);
    assert_true(held->place < t->place);
    file_close_and_unlink(w, f, "a");
}

TEST(F2_at_the_current_position_one_follows_another)
{
    rondo_file *f = file_new(w, "a", 0, "");
    char *got = test_alloc(w, 16);
    rondo_room in[] = {{got, 3}, {got + 3, 9}};
    struct file_told *t = file_told(w), *u = file_told(w), *last;

    (void)write_at(w, f, RONDO_FILE_CURRENT, "one ");
    (void)write_at(w, f, RONDO_FILE_CURRENT, "two ");
    last = write_at(w, f, RONDO_FILE_CURRENT, "three");
    check_ended(last, 0);
    file_put(w, f, 0, "O"); /* moves nothing */
    file_holds(w, f, "One two three");
    file_moves(t, rondo_file_read(f, RONDO_FILE_CURRENT, in, 1, file_moved, t),
               0); /* it is behind the end */
    file_close(w, f);
    f = file_open(w, file_path(w, "a"), RONDO_FILE_READ);
    t = file_told(w);
    t->id =
        assert_ok(rondo_file_read(f, RONDO_FILE_CURRENT, in, 1, file_moved, t));
    file_moves(
        u, rondo_file_read(f, RONDO_FILE_CURRENT, in + 1, 1, file_moved, u), 9);
    assert_int_equal(t->count, 3);
    assert_memory_equal(got, "One two thre", 12);
    file_close_and_unlink(w, f, "a");
}

TEST(F2_what_is_appended_goes_to_the_end)
{
    rondo_file *f = file_new(w, "a", 0, "start");
    rondo_file *end =
        file_open(w, file_path(w, "a"), RONDO_FILE_APPEND | RONDO_FILE_READ);
    rondo_buffer out = {"x", 1};
    struct file_told *t = file_told(w);

    assert_refused(rondo_file_write(end, 0, &out, 1, file_moved, t),
                   RONDO_EINVAL, "appending");
    file_put(w, end, RONDO_FILE_CURRENT, "+1");
    file_put(w, f, 7, "+2");
    file_put(w, end, RONDO_FILE_CURRENT, "+3");
    file_holds(w, end, "start+1+2+3");
    file_close(w, end);
    file_close_and_unlink(w, f, "a");
}

/* ---- F3: cancelling ----------------------------------------------------- */

TEST(F3_cancelled_before_it_begins_it_does_nothing)
{
    file_need_hold(w);

    rondo_file *f = file_new(w, "a", 0, "old");
    struct file_told *held = file_hold(w, f);
    struct file_told *t = write_at(w, f, 0, "new"), *u = file_told(w);

    u->id = assert_ok(rondo_file_open(
        w->loop, file_path(w, "b"), RW | RONDO_FILE_CREATE, 0, file_opened, u));
    assert_ok(rondo_cancel(w->loop, t->id));
    assert_ok(rondo_cancel(w->loop, u->id));
    assert_int_equal(t->done + u->done, 0);
    assert_error(rondo_cancel(w->loop, t->id), RONDO_ENOENT);
    check_ended(t, RONDO_ECANCELED); /* though all threads are busy */
    check_ended(u, RONDO_ECANCELED);
    assert_int_equal(t->count, 0);
    assert_null(u->file);
    assert_non_null(strstr(t->sentence, "ECANCELED"));
    file_let_go(w, held);
    file_holds(w, f, "old");
    file_open_fails(w, file_path(w, "b"), RW, RONDO_ENOENT);
    file_close_and_unlink(w, f, "a");
}

TEST(F3_cancelled_while_it_runs_it_tells_what_happened)
{
    file_need_hold(w);

    rondo_file *f = file_new(w, "a", 0, "old");
    struct file_told *held = file_hold(w, f);

    for (int i = 0; i < FILE_THREADS; i++)
        assert_ok(rondo_cancel(w->loop, held[i].id));
    (void)test_run_for(w, RONDO_MS(5));
    assert_int_equal(held[0].done, 0);
    file_let_go(w, held); /* each result is 0 */
    file_close_and_unlink(w, f, "a");
}

/* The middle of three that wait for each other, and the first, which is at its
 * thread's queue. */
TEST(F3_one_that_waits_in_order_is_left_out)
{
    file_need_hold(w);

    rondo_file *busy = file_new(w, "b", 0, "b");
    rondo_file *f = file_new(w, "a", RONDO_FILE_IN_ORDER, "----");
    struct file_told *held = file_hold(w, busy), *t[4];

    for (int i = 0; i < 4; i++)
        t[i] = write_at(w, f, i, &"abcd"[i]);
    assert_ok(rondo_cancel(w->loop, t[2]->id));
    assert_ok(rondo_cancel(w->loop, t[0]->id));
    check_ended(t[0], RONDO_ECANCELED);
    check_ended(t[2], RONDO_ECANCELED);
    assert_int_equal(t[1]->done + t[3]->done, 0);
    file_let_go(w, held);
    check_ended(t[3], 0);
    check_ended(t[1], 0);
    file_holds(w, f, "-bcd");
    file_close_and_unlink(w, busy, "b");
    file_close_and_unlink(w, f, "a");
}

static void cancel_itself(struct file_told *t)
{
    assert_error(rondo_cancel(t->w->loop, t->id), RONDO_ENOENT);
}

/* At whatever moment: what is told is what has happened. */
TEST(F3_at_any_moment_the_answer_is_true)
{
    unsigned seed = 7, canceled = 0;
    const char *path = file_path(w, "any");

    for (int i = 0; i < 400; i++) {
        struct file_told *t = file_told(w), *u = file_told(w);

        t->id = assert_ok(rondo_fs_mkdir(w->loop, path, 0, file_plain, t));
        t->then = cancel_itself;
        test_let_go_on(w, &seed);
        (void)rondo_cancel(w->loop, t->id);
        test_run_until(w, t->done);
        assert_true(t->result == 0 || t->result == RONDO_ECANCELED);
        canceled += t->result != 0;
        file_ends(u, rondo_fs_rmdir(w->loop, path, file_plain, u),
                  t->result ? RONDO_ENOENT : 0);
    }
    print_message("%u of 400 were cancelled\n", canceled);
}

/* ---- F4: closing a file ------------------------------------------------- */

TEST(F4_a_close_waits_for_what_is_under_way)
{
    file_need_hold(w);

    rondo_file *f = file_new(w, "a", 0, "old");
    struct file_told *held = file_hold(w, f), *t = write_at(w, f, 0, "new");
    struct file_told *u = file_told(w), *current;
    rondo_room in = {&u->result, 1};
    rondo_id id;

    current = write_at(w, f, RONDO_FILE_CURRENT, "N");
    id = assert_ok(rondo_file_close(f, file_plain, u));
    assert_int_equal(rondo_file_fd(f), RONDO_NO_FD);
    assert_refused(rondo_file_close(f, file_plain, t), RONDO_ECLOSED, NULL);
    assert_refused(rondo_file_read(f, 0, &in, 1, file_moved, t), RONDO_ECLOSED,
                   NULL);
    assert_refused(rondo_file_sync(f, true, file_plain, t), RONDO_ECLOSED,
                   NULL);
    assert_ok(rondo_cancel(w->loop, id)); /* which changes nothing */
    assert_ok(rondo_cancel(w->loop, t->id));
    (void)test_run_for(w, RONDO_MS(5));
    assert_int_equal(t->result, RONDO_ECANCELED);
    assert_int_equal(u->done, 0);
    file_let_go(w, held);
    check_ended(u, 0);
    check_ended(current, 0);
    assert_true(current->place < u->place);
    f = file_open(w, file_path(w, "a"), RW);
    file_holds(w, f, "Nld");
    file_close_and_unlink(w, f, "a");
}

static void close_in_done(struct file_told *t)
{
    rondo_file *f = t->file ? t->file : t->data;
    struct file_told *u = file_told(t->w);

    assert_ok(rondo_file_close(f, file_plain, u));
    t->data = u;
}

TEST(F4_a_file_is_closed_in_any_done)
{
    struct file_told *t = file_told(w), *u = file_told(w);
    rondo_file *f;

    t->then = u->then = close_in_done;
    file_ends(t,
              rondo_file_open(w->loop, file_path(w, "a"),
                              RW | RONDO_FILE_CREATE, 0, file_opened, t),
              0);
    check_ended(t->data, 0);
    f = file_open(w, file_path(w, "a"), RW);
    u->data = f;
    file_ends(u, rondo_file_sync(f, true, file_plain, u), 0);
    check_ended(u->data, 0);
    f = file_open(w, file_path(w, "a"), RW);
    assert_ok(rondo_file_close(f, NULL, NULL));
    file_unlink(w, file_path(w, "a"));
    test_run_loop(w);
}

/* ---- F4: closing a loop ------------------------------------------------- */

enum { MANY = 100 };

static void check_all(struct file_told **t, size_t count, bool any_canceled)
{
    unsigned canceled = 0;

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(t[i]->done, 1);
        assert_true(t[i]->result == 0 || t[i]->result == RONDO_ECANCELED);
        canceled += t[i]->result != 0;
    }
    assert_true(canceled > 0 || !any_canceled);
}

/* Writes, opens and closes are under way; in order and not. */
TEST(F4_a_loop_that_closes_tells_a_hundred)
{
    static rondo_file *f[2];
    struct file_told *t[3 * MANY];

    f[0] = file_new(w, "a", 0, "a");
    f[1] = file_new(w, "b", RONDO_FILE_IN_ORDER, "b");
    for (int i = 0; i < MANY; i++) {
        t[3 * i] = write_at(w, f[0], i, "x");
        t[3 * i + 1] = write_at(w, f[1], i, "x");
        t[3 * i + 2] = file_told(w);
        assert_ok(rondo_file_open(w->loop, file_path(w, "a"), RW, 0,
                                  file_opened, t[3 * i + 2]));
    }
    assert_ok(rondo_file_close(f[1], NULL, NULL));
    test_close_loop(w); /* the world sees what is not closed then */
    check_all(t, 3 * MANY, false);
}

static void release_soon(void *arg)
{
    (void)arg;
    raw_sleep_ms(20);
    (void)raw_fs_hold(false);
}

TEST(F4_a_loop_that_closes_waits_for_what_has_begun)
{
    file_need_hold(w);

    rondo_file *f = file_new(w, "a", 0, "a");
    struct file_told *held = file_hold(w, f), *t[MANY];
    struct raw_thread *thread;

    for (int i = 0; i < MANY; i++)
        t[i] = write_at(w, f, i, "x");
    thread = raw_thread_start(release_soon, NULL);
    test_close_loop(w);
    raw_thread_join(thread);
    for (int i = 0; i < FILE_THREADS; i++) {
        assert_int_equal(held[i].done, 1);
        assert_int_equal(held[i].result, 0);
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(t[i]->result, RONDO_ECANCELED);
    check_all(t, MANY, true);
}

TEST_LEAVES(F4_a_loop_closes_the_files_that_are_open)
{
    for (int i = 0; i < 10; i++)
        (void)file_new(w, "a", 0, "a");
}

static void open_another(struct file_told *t)
{
    struct file_told *u = t->data;

    assert_error(rondo_file_open(t->w->loop, file_path(t->w, "a"), RW, 0,
                                 file_opened, u),
                 RONDO_ECLOSED);
}

TEST(F4_in_the_last_done_nothing_begins)
{
    rondo_file *f = file_new(w, "a", 0, "a");
    struct file_told *t = write_at(w, f, 0, "x");

    t->then = open_another;
    t->data = file_told(w);
    test_close_loop(w);
    check_all(&t, 1, false);
}

/* ---- F7: threads -------------------------------------------------------- */

TEST(F7_a_slow_disk_does_not_hold_up_jobs_or_other_loops)
{
    file_need_hold(w);

    rondo_file *f = file_new(w, "a", 0, "a");
    struct file_told *held = file_hold(w, f), *t = file_told(w);
    rondo_loop *other = test_other_loop(w);
    rondo_file_info *info = test_alloc(w, sizeof *info);

    job_ends(w, job_start(w->loop), 0);
    info->size = sizeof *info;
    assert_ok(rondo_fs_stat(other, file_path(w, "a"), info, file_plain, t));
    check_ended(t, 0);
    assert_int_equal(held[0].done, 0);
    file_let_go(w, held);
    file_close_and_unlink(w, f, "a");
}

static void add_line(void *arg, const char *line, size_t size)
{
    char *text = arg;

    if (strlen(text) + size + 2 < 4096)
        (void)snprintf(text + strlen(text), 4096 - strlen(text), "%.*s\n",
                       (int)size, line);
}

TEST(F7_a_dump_lists_files_and_operations)
{
    file_need_hold(w);

    rondo_file *f = file_new(w, "a", 0, "a");
    struct file_told *held = file_hold(w, f), *t = write_at(w, f, 0, "b");
    char *text = test_alloc(w, 4096);

    assert_int_equal(test_metrics(w).live_operations, FILE_THREADS + 1);
    rondo_loop_dump(w->loop, add_line, text);
    assert_non_null(strstr(text, "file_write \""));
    assert_non_null(strstr(text, "begun"));
    assert_non_null(strstr(text, "5 operations"));
    file_let_go(w, held);
    check_ended(t, 0);
    file_close_and_unlink(w, f, "a");
}

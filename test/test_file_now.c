/* test_file_now.c - small reads: what the system has in memory needs no thread. */
/* SPDX-License-Identifier: MIT */
#include "harness_file.h"
#include "raw_process.h"

/* What is there is read: `size` bytes at `position` for so many. */
static void reads(struct world *w, rondo_file *f, int64_t position, size_t size,
                  const char *text)
{
    char *got = test_alloc(w, size + 1);
    rondo_room in = {got, size};
    struct file_told *t = file_told(w);

    file_moves(t, rondo_file_read(f, position, &in, 1, file_moved, t),
               strlen(text));
    assert_string_equal(got, text);
}

static const struct {
    const char *name;
    unsigned lacks;
} kernels[] = {
    {"all at once", RAW_LACKS_NOTHING},
    {"without such reads", RAW_LACKS_READS_NOW},
    {"nothing in memory", RAW_LACKS_PAGES},
    {"a part in memory", RAW_LACKS_SOME_PAGES},
};

static void lack_nothing(void *arg)
{
    (void)arg;
    (void)raw_kernel_lacks(RAW_LACKS_NOTHING);
}

/* ---- F17 -------------------------------------------------------------------- */

TEST(F17_however_much_is_in_memory_the_same_is_read)
{
    test_at_end(w, lack_nothing, NULL);
    for (EACH_ROW(w, row, kernels)) {
        rondo_file *f = file_new(w, "a", 0, "hello files");

        test_skip_if(w, !raw_kernel_lacks(row->lacks) && row->lacks,
                     "the system's calls cannot be replaced here");
        reads(w, f, 0, 11, "hello files");
        reads(w, f, 6, 5, "files");
        reads(w, f, 6, 20, "files");
        reads(w, f, 11, 1, "");
        reads(w, f, 5000, 100, "");
        reads(w, f, RONDO_FILE_CURRENT, 4, "hell");
        reads(w, f, RONDO_FILE_CURRENT, 4, "o fi");
        reads(w, f, 0, 1, "h");
        reads(w, f, RONDO_FILE_CURRENT, 4, "les");
        reads(w, f, RONDO_FILE_CURRENT, 4, "");
        file_close_and_unlink(w, f, "a");
    }
}

/* Behind a write in order it sees what was written. */
TEST(F17_behind_a_write_in_order)
{
    rondo_file *f = file_new(w, "a", RONDO_FILE_IN_ORDER, "");
    struct file_told *written = file_told(w), *t = file_told(w);
    rondo_buffer out = {"new", 3};
    char *got = test_alloc(w, 4);
    rondo_room in = {got, 3};

    assert_ok(rondo_file_write(f, 0, &out, 1, file_moved, written));
    file_moves(t, rondo_file_read(f, 0, &in, 1, file_moved, t), 3);
    assert_string_equal(got, "new");
    assert_int_equal(written->done, 1);
    file_close_and_unlink(w, f, "a");
}

/* Its done comes from the loop, never inside the call, and closes the file. */
TEST(F17_done_comes_later_and_may_close)
{
    rondo_file *f = file_new(w, "a", 0, "text");
    struct file_told *t = file_told(w);
    char *got = test_alloc(w, 8);
    rondo_room in = {got, 8};
    rondo_id id = rondo_file_read(f, 0, &in, 1, file_moved, t);

    assert_int_equal(t->done, 0);
    file_moves(t, id, 4);
    file_close_and_unlink(w, f, "a");
}

/* Cancelled, it has either not happened, or is told as it is. */
TEST(F17_cancelled_it_ends_once)
{
    rondo_file *f = file_new(w, "a", 0, "text");
    struct file_told *t = file_told(w);
    char *got = test_alloc(w, 8);
    rondo_room in = {got, 8};
    rondo_id id = rondo_file_read(f, 0, &in, 1, file_moved, t);

    assert_ok(rondo_cancel(w->loop, id));
    test_run_until(w, t->done);
    test_spin(w, 2);
    assert_int_equal(t->done, 1);
    assert_true(t->result == RONDO_ECANCELED || t->count == 4);
    file_close_and_unlink(w, f, "a");
}

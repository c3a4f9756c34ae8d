/* test_file.c - files that are opened, read, written, and what they are. */
/* SPDX-License-Identifier: MIT */
#include "harness_file.h"

/* ---- F1: reading and writing -------------------------------------------- */

TEST(F1_what_is_written_is_read_in_pieces)
{
    rondo_file *f = file_new(w, "a", 0, "");
    rondo_buffer out[] = {{"hel", 3}, {NULL, 0}, {"lo ", 3}, {"files", 5}};
    char *got = test_alloc(w, 32);
    rondo_room in[] = {{got, 4}, {got + 16, 0}, {got + 4, 10}};
    struct file_told *t = file_told(w), *u = file_told(w);

    file_moves(t, rondo_file_write(f, 0, out, 4, file_moved, t), 11);
    file_moves(u, rondo_file_read(f, 0, in, 3, file_moved, u), 11);
    assert_memory_equal(got, "hello files", 11);
    file_close_and_unlink(w, f, "a");
}

TEST(F1_the_arrays_of_buffers_are_copied)
{
    rondo_file *f = file_new(w, "a", 0, "");
    rondo_buffer out = {"right", 5};
    char *got = test_alloc(w, 8);
    rondo_room in = {got, 5};
    struct file_told *t = file_told(w), *u = file_told(w);
    rondo_id id = rondo_file_write(f, 0, &out, 1, file_moved, t);

    out = (rondo_buffer){NULL, 0};
    file_moves(t, id, 5);
    id = rondo_file_read(f, 0, &in, 1, file_moved, u);
    in = (rondo_room){NULL, 0};
    file_moves(u, id, 5);
    assert_memory_equal(got, "right", 5);
    file_close_and_unlink(w, f, "a");
}

TEST(F1_behind_the_end_nothing_is_read_and_a_write_leaves_zeros)
{
    rondo_file *f = file_new(w, "a", 0, "ab");
    char *got = test_alloc(w, 8);
    rondo_room in = {got, 6};
    struct file_told *t = file_told(w), *u = file_told(w);

    file_moves(t, rondo_file_read(f, 2, &in, 1, file_moved, t), 0);
    file_put(w, f, 4, "ef");
    file_moves(u, rondo_file_read(f, 0, &in, 1, file_moved, u), 6);
    assert_memory_equal(got, "ab\0\0ef", 6);
    file_close_and_unlink(w, f, "a");
}

TEST(F1_no_bytes_are_moved_at_once_but_told_by_done)
{
    rondo_file *f = file_new(w, "a", 0, "ab");
    rondo_buffer none = {NULL, 0};
    struct file_told *t = file_told(w), *u = file_told(w);
    rondo_id id = rondo_file_write(f, 0, &none, 1, file_moved, t);

    assert_int_equal(t->done, 0);
    file_moves(t, id, 0);
    file_moves(u, rondo_file_read(f, 0, NULL, 0, file_moved, u), 0);
    file_holds(w, f, "ab");
    file_close_and_unlink(w, f, "a");
}

enum { PIECES = 1000 };

static void try_pieces(struct world *w)
{
    rondo_file *f = file_new(w, "a", 0, "");
    rondo_buffer *out = test_alloc(w, PIECES * sizeof *out);
    rondo_room *in = test_alloc(w, PIECES * sizeof *in);
    char *from = test_alloc(w, PIECES * 7), *to = test_alloc(w, PIECES * 7);
    struct file_told *t = file_told(w), *u = file_told(w);
    size_t sent = 0, room = 0;

    for (size_t i = 0; i < PIECES; i++) {
        out[i] = (rondo_buffer){from + sent, i % 7};
        in[i] = (rondo_room){to + room, 6 - i % 7};
        sent += i % 7;
        room += 6 - i % 7;
    }
    for (size_t i = 0; i < sent; i++)
        from[i] = (char)(i % 251);
    file_moves(t, rondo_file_write(f, 0, out, PIECES, file_moved, t), sent);
    file_moves(u, rondo_file_read(f, 0, in, PIECES, file_moved, u),
               sent < room ? sent : room);
    assert_memory_equal(from, to, sent < room ? sent : room);
    file_close_and_unlink(w, f, "a");
}

TEST_CASE(F1_a_thousand_pieces, try_pieces(w));

TEST(F1_calls_that_fall_short_and_are_interrupted)
{
    test_skip_if(w, !raw_fs_short(5), "no call on files can be made to fail");
    try_pieces(w);
    assert_true(raw_fs_interrupted() > PIECES);
    (void)raw_fs_short(0);
}

TEST(F1_many_mebibytes)
{
    size_t size = (size_t)16 << 20;
    char *from = test_alloc(w, size), *to = test_alloc(w, size + 1);
    rondo_file *f = file_new(w, "a", 0, "");
    rondo_buffer out = {from, size};
    rondo_room in = {to, size + 1};
    struct file_told *t = file_told(w), *u = file_told(w);

    for (size_t i = 0; i < size; i++)
        from[i] = (char)(i * 7919 >> 5);
    file_moves(t, rondo_file_write(f, 0, &out, 1, file_moved, t), size);
    file_moves(u, rondo_file_read(f, 0, &in, 1, file_moved, u), size);
    assert_memory_equal(from, to, size);
    file_close_and_unlink(w, f, "a");
}

/* A chunk of reads is under way at a time; each done begins the next one. */
struct reads {
    rondo_file *f;
    unsigned long left, done;
    unsigned under_way, wrong;
};

struct small_read {
    struct reads *all;
    char byte;
    unsigned at;
};

static void read_done(rondo_loop *loop, void *arg, size_t count, int error);

static void read_next(struct small_read *r)
{
    rondo_room in = {&r->byte, 1};

    r->at = (unsigned)(r->all->left-- % 26);
    if (rondo_file_read(r->all->f, r->at, &in, 1, read_done, r) > 0)
        r->all->under_way++;
    else
        r->all->wrong++;
}

static void read_done(rondo_loop *loop, void *arg, size_t count, int error)
{
    struct small_read *r = arg;

    (void)loop;
    r->all->under_way--;
    r->all->done++;
    r->all->wrong += error || count != 1 || r->byte != (char)('a' + r->at);
    if (r->all->left)
        read_next(r);
}

TEST(F1_a_million_small_reads)
{
    enum { CHUNK = 1000 };
    unsigned long many =
        1000000UL / (unsigned long)test_slowness() /
        (rondo_loop_supports(w->loop, RONDO_CAN_UNIX) ? 1 : 20);
    struct reads *all = test_alloc(w, sizeof *all);
    struct small_read *r = test_alloc(w, CHUNK * sizeof *r);

    all->f = file_new(w, "a", 0, "abcdefghijklmnopqrstuvwxyz");
    all->left = many;
    for (size_t i = 0; i < CHUNK; i++) {
        r[i].all = all;
        read_next(&r[i]);
    }
    while (all->under_way || all->left) {
        unsigned long left = all->left;
        test_run_until(w, all->left < left || !all->under_way);
    }
    assert_int_equal(all->wrong, 0);
    assert_int_equal(all->done, many);
    file_close_and_unlink(w, all->f, "a");
}

/* ---- F1: what a file is, its size --------------------------------------- */

TEST(F1_stat_truncate_and_sync)
{
    rondo_file *f = file_new(w, "a", 0, "hello");
    rondo_file_info *info = test_alloc(w, 2 * sizeof *info);
    struct file_told *t = file_told(w);

    info[0].size = info[1].size = sizeof *info;
    file_ends(t, rondo_file_stat(f, &info[0], file_plain, t), 0);
    assert_int_equal(info[0].type, RONDO_FILE_REGULAR);
    assert_int_equal(info[0].bytes, 5);
    assert_int_equal(info[0].links, 1);
    assert_true(info[0].modified_ns > INT64_C(1500000000) * 1000000000);
    t = file_told(w);
    file_ends(t, rondo_file_truncate(f, 2, file_plain, t), 0);
    file_holds(w, f, "he");
    t = file_told(w);
    file_ends(t, rondo_file_truncate(f, 70000, file_plain, t), 0);
    t = file_told(w);
    file_ends(t, rondo_file_stat(f, &info[1], file_plain, t), 0);
    assert_int_equal(info[1].bytes, 70000);
    assert_int_equal(info[0].number, info[1].number);
    for (int only_data = 0; only_data < 2; only_data++) {
        t = file_told(w);
        file_ends(t, rondo_file_sync(f, only_data, file_plain, t), 0);
    }
    file_close_and_unlink(w, f, "a");
}

TEST(F1_a_struct_of_an_older_header_is_filled_as_far_as_it_goes)
{
    rondo_file *f = file_new(w, "a", 0, "hello");
    rondo_file_info *info = test_alloc(w, sizeof *info);
    struct file_told *t = file_told(w);

    memset(info, 0x5a, sizeof *info);
    info->size = offsetof(rondo_file_info, accessed_ns);
    file_ends(t, rondo_file_stat(f, info, file_plain, t), 0);
    assert_int_equal(info->bytes, 5);
    assert_int_equal(info->accessed_ns, INT64_C(0x5a5a5a5a5a5a5a5a));
    file_close_and_unlink(w, f, "a");
}

/* ---- F5: how files are opened ------------------------------------------- */

TEST(F5_flags_create_truncate_and_exclude)
{
    const char *path = file_path(w, "a");
    rondo_file *f;

    file_open_fails(w, path, RW, RONDO_ENOENT);
    f = file_open(w, path, RW | RONDO_FILE_CREATE | RONDO_FILE_EXCLUSIVE);
    file_put(w, f, 0, "first");
    file_close(w, f);
    file_open_fails(w, path, RW | RONDO_FILE_CREATE | RONDO_FILE_EXCLUSIVE,
                    RONDO_EEXIST);
    f = file_open(w, path, RW | RONDO_FILE_CREATE);
    file_holds(w, f, "first");
    file_close(w, f);
    f = file_open(w, path, RW | RONDO_FILE_TRUNCATE);
    file_holds(w, f, "");
    file_close_and_unlink(w, f, "a");
}

TEST(F5_a_file_is_used_only_as_it_was_opened)
{
    rondo_buffer out = {"x", 1};
    char byte;
    rondo_room in = {&byte, 1};
    struct file_told *t = file_told(w);
    rondo_file *f = file_new(w, "a", 0, "a");

    file_close(w, f);
    f = file_open(w, file_path(w, "a"), RONDO_FILE_READ);
    assert_refused(rondo_file_write(f, 0, &out, 1, file_moved, t), RONDO_EBADF,
                   "writing");
    assert_refused(rondo_file_truncate(f, 0, file_plain, t), RONDO_EBADF,
                   "writing");
    file_holds(w, f, "a");
    file_ends(t, rondo_file_sync(f, true, file_plain, t), 0);
    file_close(w, f);
    f = file_open(w, file_path(w, "a"), RONDO_FILE_WRITE);
    assert_refused(rondo_file_read(f, 0, &in, 1, file_moved, t), RONDO_EBADF,
                   "reading");
    file_put(w, f, 0, "b");
    file_close_and_unlink(w, f, "a");
}

TEST(F5_directories_and_pipes_are_no_files)
{
    const char *path = file_path(w, "folder");
    struct file_told *t = file_told(w), *u = file_told(w);

    file_ends(t, rondo_fs_mkdir(w->loop, path, 0, file_plain, t), 0);
    file_open_fails(w, path, RONDO_FILE_READ, RONDO_EISDIR);
    file_open_fails(w, path, RW, RONDO_EISDIR);
    file_open_fails(w, file_path(w, "folder/none/a"), RONDO_FILE_READ,
                    RONDO_ENOENT);
    file_ends(u, rondo_fs_rmdir(w->loop, path, file_plain, u), 0);
    if (raw_fs_fifo(file_path(w, "fifo"))) {
        file_open_fails(w, file_path(w, "fifo"), RONDO_FILE_READ,
                        RONDO_ENOTSUP);
        file_open_fails(w, file_path(w, "fifo"), RONDO_FILE_WRITE,
                        RONDO_ENOTSUP);
        file_unlink(w, file_path(w, "fifo"));
    }
}

TEST(F5_a_sentence_names_call_path_and_reason)
{
    const char *path = file_path(w, "no\nsuch");
    struct file_told *t = file_told(w);

    file_ends(t, rondo_file_open(w->loop, path, RW, 0, file_opened, t),
              rondo_loop_supports(w->loop, RONDO_CAN_UNIX) ? RONDO_ENOENT
                                                           : RONDO_EINVAL);
    assert_non_null(strstr(t->sentence, "file_open: cannot open \""));
    assert_non_null(strstr(t->sentence, "no\\x0asuch\""));
}

TEST(F5_what_makes_no_sense_is_refused)
{
    enum { X = RONDO_FILE_EXCLUSIVE, T = RONDO_FILE_TRUNCATE };
    rondo_file *f = file_new(w, "a", 0, "a");
    struct file_told *t = file_told(w);
    rondo_buffer out = {"x", 1}, bad = {NULL, 1},
                 big[] = {{"x", SIZE_MAX}, {"y", SIZE_MAX}};
    rondo_file_info *info = test_alloc(w, sizeof *info);
    rondo_loop *l = w->loop;

    assert_einval(rondo_file_open(l, NULL, RW, 0, file_opened, t));
    assert_einval(rondo_file_open(l, "a", RW, 0, NULL, t));
    assert_einval(rondo_file_open(l, "a", 0, 0, file_opened, t));
    assert_einval(rondo_file_open(l, "a", RW | 1U << 20, 0, file_opened, t));
    assert_einval(rondo_file_open(l, "a", RW | X, 0, file_opened, t));
    assert_einval(
        rondo_file_open(l, "a", RONDO_FILE_READ | T, 0, file_opened, t));
    assert_einval(rondo_file_open(l, "a", RW, 010000, file_opened, t));
    assert_einval(rondo_file_open(NULL, "a", RW, 0, file_opened, t));
    assert_einval(rondo_file_write(f, -2, &out, 1, file_moved, t));
    assert_einval(rondo_file_write(f, 0, &out, 1, NULL, t));
    assert_einval(rondo_file_write(f, 0, NULL, 1, file_moved, t));
    assert_einval(rondo_file_write(f, 0, &out, SIZE_MAX, file_moved, t));
    assert_einval(rondo_file_write(f, 0, &bad, 1, file_moved, t));
    assert_einval(rondo_file_write(f, 0, big, 2, file_moved, t));
    assert_einval(rondo_file_write(f, INT64_MAX, &out, 1, file_moved, t));
    assert_einval(rondo_file_write(NULL, 0, &out, 1, file_moved, t));
    assert_einval(rondo_file_read(f, INT64_MIN, NULL, 0, file_moved, t));
    assert_einval(rondo_file_truncate(f, -1, file_plain, t));
    assert_einval(rondo_file_stat(f, NULL, file_plain, t));
    assert_einval(rondo_file_stat(f, info, file_plain, t)); /* size 0 */
    assert_einval(rondo_file_sync(f, true, NULL, t));
    assert_einval(rondo_file_close(NULL, file_plain, t));
    assert_int_equal(rondo_file_fd(NULL), RONDO_NO_FD);
    file_holds(w, f, "a");
    file_close_and_unlink(w, f, "a");
    assert_int_equal(t->done, 0);
}

TEST(F5_a_descriptor_that_children_do_not_inherit)
{
    rondo_file *f = file_new(w, "a", 0, "a");

    assert_true(raw_fd_valid(rondo_file_fd(f)));
    assert_true(raw_fd_close_on_exec(rondo_file_fd(f)));
    file_close_and_unlink(w, f, "a");
}

TEST(F5_an_open_file_does_not_keep_the_loop_running)
{
    rondo_file *f = file_new(w, "a", 0, "a");
    struct file_told *t = file_told(w);

    test_run_loop(w);
    assert_ok(rondo_file_close(f, file_plain, t));
    test_run_loop(w); /* but closing it does */
    assert_int_equal(t->done, 1);
    file_unlink(w, file_path(w, "a"));
}

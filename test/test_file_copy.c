/* test_file_copy.c - copies, temporary files, paths that are made and long. */
/* SPDX-License-Identifier: MIT */
#include "harness_file.h"

static bool is_unix(struct world *w)
{
    return rondo_loop_supports(w->loop, RONDO_CAN_UNIX);
}

static void make(struct world *w, const char *name, const char *text)
{
    file_close(w, file_new(w, name, 0, text));
}

static void holds(struct world *w, const char *name, const char *text)
{
    rondo_file *f = file_open(w, file_path(w, name), RONDO_FILE_READ);

    file_holds(w, f, text);
    file_close(w, f);
}

static void copy(struct world *w, const char *from, const char *to,
                 unsigned flags, int64_t result)
{
    FILE_DO(result, rondo_fs_copy(w->loop, file_path(w, from), file_path(w, to),
                                  flags, file_plain, it));
}

static unsigned count_files(struct world *w)
{
    return raw_fs_count(file_path(w, "."));
}

/* ---- F10: copies -------------------------------------------------------- */

TEST(F10_a_copy_replaces_what_was_there)
{
    make(w, "a", "new text");
    make(w, "b", "old");
    copy(w, "a", "b", 0, 8);
    holds(w, "b", "new text");
    copy(w, "a", "c", 0, 8);
    holds(w, "c", "new text");
    copy(w, "a", "a", 0, 8); /* to itself */
    holds(w, "a", "new text");
    assert_int_equal(count_files(w), 3);
    file_unlink(w, file_path(w, "a"));
    file_unlink(w, file_path(w, "b"));
    file_unlink(w, file_path(w, "c"));
}

TEST(F10_exclusive)
{
    make(w, "a", "new text");
    make(w, "b", "old");
    copy(w, "a", "b", RONDO_COPY_EXCLUSIVE, RONDO_EEXIST);
    holds(w, "b", "old");
    copy(w, "a", "c", RONDO_COPY_EXCLUSIVE, 8);
    holds(w, "c", "new text");
    assert_int_equal(count_files(w), 3);
    file_unlink(w, file_path(w, "a"));
    file_unlink(w, file_path(w, "b"));
    file_unlink(w, file_path(w, "c"));
}

TEST(F10_what_cannot_be_copied)
{
    const char *folder = file_path(w, "folder");

    make(w, "a", "x");
    FILE_DO(0, rondo_fs_mkdir(w->loop, folder, 0, file_plain, it));
    copy(w, "none", "b", 0, RONDO_ENOENT);
    copy(w, "a", "none/b", 0, RONDO_ENOENT);
    copy(w, "folder", "b", 0, RONDO_EISDIR);
    copy(w, "a", "folder", 0, RONDO_EISDIR);
    if (raw_fs_fifo(file_path(w, "fifo"))) {
        copy(w, "fifo", "b", 0, RONDO_ENOTSUP);
        copy(w, "a", "fifo", 0, RONDO_ENOTSUP);
        file_unlink(w, file_path(w, "fifo"));
    }
    assert_int_equal(count_files(w), 2);
    FILE_DO(0, rondo_fs_rmdir(w->loop, folder, file_plain, it));
    file_unlink(w, file_path(w, "a"));
}

TEST(F10_a_clone_or_nothing)
{
    struct file_told *t = file_told(w);

    make(w, "a", "x");
    assert_ok(rondo_fs_copy(w->loop, file_path(w, "a"), file_path(w, "b"),
                            RONDO_COPY_CLONE, file_plain, t));
    test_run_until(w, t->done);
    assert_true(t->result == 1 || t->result == RONDO_ENOTSUP);
    assert_int_equal(count_files(w), t->result == 1 ? 2 : 1);
    if (t->result == 1)
        file_unlink(w, file_path(w, "b"));
    file_unlink(w, file_path(w, "a"));
}

static void fill(struct world *w, const char *name, int64_t mebibytes)
{
    enum { SIZE = 1 << 20 };
    char *bytes = test_alloc(w, SIZE);
    rondo_buffer out = {bytes, SIZE};
    rondo_file *f = file_new(w, name, 0, "");

    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 7919 >> 5);
    for (int64_t i = 0; i < mebibytes; i++) {
        struct file_told *t = file_told(w);
        file_moves(t, rondo_file_write(f, i * SIZE, &out, 1, file_moved, t),
                   SIZE);
    }
    file_close(w, f);
}

/* The next piece of the file; its size. */
static size_t read_piece(struct world *w, rondo_file *f, int64_t at,
                         char *piece, size_t size)
{
    rondo_room room = {piece, size};
    struct file_told *t = file_told(w);

    file_ends(t, rondo_file_read(f, at, &room, 1, file_moved, t), 0);
    return t->count;
}

static bool same_bytes(struct world *w, const char *one, const char *other)
{
    enum { PIECE = 65536 };
    char *a = test_alloc(w, PIECE), *b = test_alloc(w, PIECE);
    rondo_file *f = file_open(w, one, RONDO_FILE_READ);
    rondo_file *g = file_open(w, other, RONDO_FILE_READ);
    bool same = true;
    size_t size = PIECE;

    for (int64_t at = 0; same && size; at += PIECE) {
        size = read_piece(w, f, at, a, PIECE);
        same =
            read_piece(w, g, at, b, PIECE) == size && memcmp(a, b, size) == 0;
    }
    file_close(w, f);
    file_close(w, g);
    return same;
}

TEST(F10_many_mebibytes_with_a_mode)
{
    enum { MEBIBYTES = 8 };
    rondo_file_info *info = test_alloc(w, sizeof *info);
    rondo_file_changes c = RONDO_FILE_CHANGES_INIT;

    fill(w, "a", MEBIBYTES);
    c.changes = RONDO_CHANGE_MODE;
    c.mode = is_unix(w) ? 0640 : 0666;
    FILE_DO(0, rondo_fs_change(w->loop, file_path(w, "a"), &c, file_plain, it));
    copy(w, "a", "b", 0, MEBIBYTES << 20);
    info->size = sizeof *info;
    FILE_DO(0, rondo_fs_stat(w->loop, file_path(w, "b"), info, file_plain, it));
    assert_int_equal(info->bytes, MEBIBYTES << 20);
    assert_int_equal(info->mode, c.mode);
    assert_true(same_bytes(w, file_path(w, "a"), file_path(w, "b")));
    file_unlink(w, file_path(w, "a"));
    file_unlink(w, file_path(w, "b"));
}

/* Wherever the copy is then: it is whole, or nothing has happened. */
TEST(F10_cancelled_in_the_middle)
{
    unsigned seed = 4711;

    fill(w, "a", 16);
    make(w, "b", "old");
    for (int i = 0; i < 20; i++) {
        struct file_told *t = file_told(w);
        rondo_id id = assert_ok(rondo_fs_copy(
            w->loop, file_path(w, "a"), file_path(w, "b"), 0, file_plain, t));
        test_let_go_on(w, &seed);
        if (!t->done)
            assert_ok(rondo_cancel(w->loop, id));
        test_run_until(w, t->done);
        assert_int_equal(count_files(w), 2);
        if (t->result == RONDO_ECANCELED)
            continue;
        assert_int_equal(t->result, 16 << 20);
        file_unlink(w, file_path(w, "b"));
        make(w, "b", "old");
    }
    holds(w, "b", "old");
    file_unlink(w, file_path(w, "a"));
    file_unlink(w, file_path(w, "b"));
}

TEST(F10_no_room_leaves_nothing)
{
    test_skip_if(w, !raw_fs_limit(INT64_MAX), "no limit of a file's size");
    fill(w, "a", 2);
    make(w, "b", "old");
    assert_true(raw_fs_limit(1000000));
    copy(w, "a", "b", 0, RONDO_EFBIG);
    assert_true(raw_fs_limit(INT64_MAX));
    holds(w, "b", "old");
    assert_int_equal(count_files(w), 2);
    file_unlink(w, file_path(w, "a"));
    file_unlink(w, file_path(w, "b"));
}

/* ---- F11: temporary names, paths ---------------------------------------- */

TEST(F11_temporary_files_and_directories)
{
    enum { ROOM = 1024, MANY = 20 };
    const char *prefix = file_path(w, "thing-");
    char *text = test_alloc(w, ROOM);
    struct file_told *t[MANY];

    for (int i = 0; i < MANY; i++) {
        t[i] = file_told(w);
        file_ends(
            t[i],
            rondo_file_open_temporary(w->loop, prefix, 0, file_opened, t[i]),
            0);
        assert_int_equal(strlen(rondo_file_path(t[i]->file)),
                         strlen(prefix) + RONDO_TEMPORARY_CHARACTERS);
        file_put(w, t[i]->file, 0, "x");
    }
    assert_int_equal(count_files(w), MANY);
    for (int i = 0; i < MANY; i++) {
        file_unlink(w, rondo_file_path(t[i]->file));
        file_close(w, t[i]->file);
    }
    FILE_DO(0, rondo_fs_mkdir_temporary(w->loop, prefix, text, ROOM, file_plain,
                                        it));
    assert_true(strncmp(text, prefix, strlen(prefix)) == 0);
    FILE_DO(0, rondo_fs_rmdir(w->loop, text, file_plain, it));
    FILE_DO(RONDO_ENOENT,
            rondo_fs_mkdir_temporary(w->loop, file_path(w, "none/a"), text,
                                     ROOM, file_plain, it));
}

TEST(F11_a_path_with_all_that_is_above_it)
{
    const char *path = file_path(w, "x/y/z//");
    struct file_told *below = file_told(w); /* a file */

    FILE_DO(0, rondo_fs_make_path(w->loop, path, 0700, file_plain, it));
    FILE_DO(0, rondo_fs_make_path(w->loop, path, 0700, file_plain, it));
    make(w, "x/y/z/a", "x");
    FILE_DO(RONDO_EEXIST, rondo_fs_make_path(w->loop, file_path(w, "x/y/z/a"),
                                             0, file_plain, it));
    assert_ok(rondo_fs_make_path(w->loop, file_path(w, "x/y/z/a/b"), 0,
                                 file_plain, below));
    test_run_until(w, below->done);
    assert_true(below->result < 0);
    file_unlink(w, file_path(w, "x/y/z/a"));
    FILE_DO(0, rondo_fs_rmdir(w->loop, file_path(w, "x/y/z"), file_plain, it));
    FILE_DO(0, rondo_fs_rmdir(w->loop, file_path(w, "x/y"), file_plain, it));
    FILE_DO(0, rondo_fs_rmdir(w->loop, file_path(w, "x"), file_plain, it));
}

enum { AS_DIRECTORY = RONDO_FILE_READ | RONDO_FILE_AS_DIRECTORY };

static rondo_file *open_at(struct world *w, rondo_file *d, const char *path,
                           unsigned flags, int error)
{
    struct file_told *t = file_told(w);

    file_ends(t, rondo_file_open_at(d, path, flags, 0, file_opened, t), error);
    return t->file;
}

TEST(F11_a_path_that_begins_at_an_open_directory)
{
    rondo_file *d, *f;
    const char *y = "y";

    FILE_DO(0, rondo_fs_mkdir(w->loop, file_path(w, "x"), 0, file_plain, it));
    d = file_open(w, file_path(w, "x"), AS_DIRECTORY);
    f = open_at(w, d, "a", RW | RONDO_FILE_CREATE, 0);
    file_put(w, f, 0, "x");
    file_close(w, f);
    if (!is_unix(w))
        y = "x"; /* Wine knows an open directory by the name that it had */
    else
        FILE_DO(0, rondo_fs_rename(w->loop, file_path(w, "x"),
                                   file_path(w, "y"), file_plain, it));
    f = open_at(w, d, "a", RW, 0);
    file_holds(w, f, "x");
    file_close(w, f);
    (void)open_at(w, d, "b", RW, RONDO_ENOENT);
    f = open_at(w, d, file_path(w, test_format(w, "%s/a", y)), RW, 0);
    assert_einval(rondo_file_open_at(f, "a", RW, 0, file_opened, w));
    file_close(w, f);
    file_close(w, d);
    file_unlink(w, file_path(w, test_format(w, "%s/a", y)));
    FILE_DO(0, rondo_fs_rmdir(w->loop, file_path(w, y), file_plain, it));
}

TEST(F11_a_directory_closed_at_once_stays_until_the_file_is_open)
{
    rondo_file *d = file_open(w, file_path(w, "."), AS_DIRECTORY);
    struct file_told *t = file_told(w), *u = file_told(w);

    make(w, "a", "x");
    assert_ok(rondo_file_open_at(d, "a", RW, 0, file_opened, t));
    assert_ok(rondo_file_close(d, file_plain, u));
    test_run_until(w, t->done && u->done);
    assert_true(t->place < u->place);
    file_close_and_unlink(w, t->file, "a");
}

TEST(F11_directories_are_examined_and_synced)
{
    rondo_file *d = file_open(w, file_path(w, "."), AS_DIRECTORY);
    rondo_file_info *info = test_alloc(w, sizeof *info);
    char byte;
    rondo_room room = {&byte, 1};

    info->size = sizeof *info;
    FILE_DO(0, rondo_file_stat(d, info, file_plain, it));
    assert_int_equal(info->type, RONDO_FILE_DIRECTORY);
    FILE_DO(0, rondo_file_sync(d, false, file_plain, it));
    assert_true(rondo_file_read(d, 0, &room, 1, file_moved, file_told(w)) < 0);
    make(w, "a", "x");
    file_open_fails(w, file_path(w, "a"), AS_DIRECTORY, RONDO_ENOTDIR);
    assert_einval(rondo_file_open(w->loop, "a", AS_DIRECTORY | RONDO_FILE_WRITE,
                                  0, file_opened, w));
    file_unlink(w, file_path(w, "a"));
    file_close(w, d);
}

TEST(F11_no_link_is_followed)
{
    struct file_told *t = file_told(w);

    make(w, "a", "x");
    assert_ok(
        rondo_fs_symlink(w->loop, "a", file_path(w, "link"), file_plain, t));
    test_run_until(w, t->done);
    test_skip_if(w, t->result && !is_unix(w), "no symbolic links");
    file_open_fails(w, file_path(w, "link"), RW | RONDO_FILE_NO_FOLLOW,
                    RONDO_ELOOP);
    file_open_fails(w, file_path(w, "link"),
                    AS_DIRECTORY | RONDO_FILE_NO_FOLLOW, RONDO_ELOOP);
    file_close(w, file_open(w, file_path(w, "a"), RW | RONDO_FILE_NO_FOLLOW));
    file_unlink(w, file_path(w, "link"));
    file_unlink(w, file_path(w, "a"));
}

/* Longer than the calls of the system take. */
TEST(F11_long_paths)
{
    enum { MOST = 50, NAME = 100, ROOM = MOST * (NAME + 1) + 1024 };
    size_t levels = is_unix(w) ? MOST : 15; /* Wine has Linux' limit */
    char *path = test_alloc(w, ROOM);
    size_t start = strlen(file_path(w, ""));
    rondo_file *f;

    memcpy(path, file_path(w, ""), start);
    for (size_t i = 0; i < levels; i++) {
        memset(path + start + i * (NAME + 1), 'd', NAME);
        path[start + i * (NAME + 1) + NAME] = i + 1 < levels ? '/' : '\0';
    }
    FILE_DO(0, rondo_fs_make_path(w->loop, path, 0, file_plain, it));
    path[start + levels * (NAME + 1) - 1] = '/';
    memcpy(path + start + levels * (NAME + 1), "a", 2);
    f = file_open(w, path, RW | RONDO_FILE_CREATE);
    file_put(w, f, 0, "deep");
    file_close(w, f);
    f = file_open(w, path, RW);
    file_holds(w, f, "deep");
    file_close(w, f);
    file_unlink(w, path);
    for (size_t i = levels; i--;) {
        path[start + i * (NAME + 1) + NAME] = '\0';
        FILE_DO(0, rondo_fs_rmdir(w->loop, path, file_plain, it));
    }
}

/* test_file_path.c - what is done to files by their path. */
/* SPDX-License-Identifier: MIT */
#include "harness_file.h"
#include "raw_local.h"

static rondo_file_info *examine(struct world *w, const char *path, bool link,
                                int64_t result)
{
    rondo_file_info *info = test_alloc(w, sizeof *info);
    struct file_told *t = file_told(w);

    info->size = sizeof *info;
    file_ends(t,
              link ? rondo_fs_lstat(w->loop, path, info, file_plain, t)
                   : rondo_fs_stat(w->loop, path, info, file_plain, t),
              result);
    return info;
}

static void rename_to(struct world *w, const char *from, const char *to,
                      int64_t result)
{
    struct file_told *t = file_told(w);

    file_ends(t, rondo_fs_rename(w->loop, from, to, file_plain, t), result);
}

static void unlink_fails(struct world *w, const char *path, int64_t result)
{
    struct file_told *t = file_told(w);

    file_ends(t, rondo_fs_unlink(w->loop, path, file_plain, t), result);
}

static void mkdir_tells(struct world *w, const char *path, int64_t result)
{
    struct file_told *t = file_told(w);

    file_ends(t, rondo_fs_mkdir(w->loop, path, 0700, file_plain, t), result);
}

static void rmdir_tells(struct world *w, const char *path, int64_t result)
{
    struct file_told *t = file_told(w);

    file_ends(t, rondo_fs_rmdir(w->loop, path, file_plain, t), result);
}

static void make(struct world *w, const char *name, const char *text)
{
    file_close(w, file_new(w, name, 0, text));
}

TEST(F6_stat_tells_files_from_directories)
{
    const char *file = file_path(w, "file"), *folder = file_path(w, "folder");
    rondo_file_info *info;

    make(w, "file", "hello");
    mkdir_tells(w, folder, 0);
    info = examine(w, file, false, 0);
    assert_int_equal(info->type, RONDO_FILE_REGULAR);
    assert_int_equal(info->bytes, 5);
    assert_true(info->mode & 0400);
    info = examine(w, folder, false, 0);
    assert_int_equal(info->type, RONDO_FILE_DIRECTORY);
    info = examine(w, folder, true, 0);
    assert_int_equal(info->type, RONDO_FILE_DIRECTORY);
    info = examine(w, file_path(w, "none"), false, RONDO_ENOENT);
    assert_int_equal(info->bytes, 0); /* as it was */
    rmdir_tells(w, folder, 0);
    file_unlink(w, file);
}

TEST(F6_rename_replaces_a_file)
{
    const char *a = file_path(w, "a"), *b = file_path(w, "b");
    rondo_file *f;

    make(w, "a", "this");
    make(w, "b", "that");
    rename_to(w, a, b, 0);
    rename_to(w, a, b, RONDO_ENOENT);
    f = file_open(w, b, RONDO_FILE_READ);
    file_holds(w, f, "this");
    file_close_and_unlink(w, f, "b");
    examine(w, b, false, RONDO_ENOENT);
}

TEST(F6_unlink_is_for_files_and_rmdir_for_empty_directories)
{
    const char *folder = file_path(w, "folder");

    mkdir_tells(w, folder, 0);
    mkdir_tells(w, folder, RONDO_EEXIST);
    unlink_fails(w, folder, RONDO_EISDIR);
    unlink_fails(w, file_path(w, "none"), RONDO_ENOENT);
    make(w, "folder/inside", "x");
    rmdir_tells(w, folder, RONDO_ENOTEMPTY);
    rmdir_tells(w, file_path(w, "folder/inside"), RONDO_ENOTDIR);
    file_unlink(w, file_path(w, "folder/inside"));
    rmdir_tells(w, folder, 0);
    rmdir_tells(w, folder, RONDO_ENOENT);
}

TEST(F6_an_open_file_that_is_removed_goes_on)
{
    rondo_file *f = file_new(w, "a", 0, "here");

    file_unlink(w, file_path(w, "a"));
    file_holds(w, f, "here");
    file_close(w, f);
    examine(w, file_path(w, "a"), false, RONDO_ENOENT);
}

/* ---- links -------------------------------------------------------------- */

/* Skips the test where there are none. */
static const char *make_link(struct world *w, const char *target,
                             const char *name)
{
    const char *path = file_path(w, name);
    struct file_told *t = file_told(w);

    test_skip_if(w, !raw_path_make(path, "link to x"), "no symbolic links");
    assert_true(raw_path_remove(path));
    file_ends(t, rondo_fs_symlink(w->loop, target, path, file_plain, t), 0);
    return path;
}

static struct file_told *read_link(struct world *w, const char *path,
                                   size_t room, int64_t result)
{
    struct file_told *t = file_told(w);
    char *text = test_alloc(w, room + 1);

    text[room] = 'x';
    t->data = text;
    file_ends(t, rondo_fs_readlink(w->loop, path, text, room, file_plain, t),
              result);
    assert_int_equal(text[room], 'x');
    return t;
}

TEST(F6_a_link_is_made_read_and_followed)
{
    const char *link = make_link(w, "where", "link");
    rondo_file_info *info;

    assert_string_equal(read_link(w, link, 64, 5)->data, "where");
    assert_string_equal(read_link(w, link, 6, 5)->data, "where");
    read_link(w, link, 5, RONDO_ETOOMUCH);
    read_link(w, file_path(w, "where"), 64, RONDO_ENOENT);
    examine(w, link, false, RONDO_ENOENT);
    info = examine(w, link, true, 0);
    assert_int_equal(info->type, RONDO_FILE_SYMLINK);
    make(w, "where", "x");
    read_link(w, file_path(w, "where"), 64, RONDO_EINVAL);
    info = examine(w, link, false, 0);
    assert_int_equal(info->type, RONDO_FILE_REGULAR);
    file_unlink(w, link);
    file_unlink(w, file_path(w, "where"));
}

TEST(F6_links_that_lead_nowhere)
{
    const char *link = make_link(w, "round", "round");

    examine(w, link, false, RONDO_ELOOP);
    file_open_fails(w, link, RW, RONDO_ELOOP);
    file_unlink(w, link);
}

/* ---- names -------------------------------------------------------------- */

TEST(F6_a_name_is_any_bytes_or_utf8)
{
    const char *plain = file_path(w, "gr\xc3\xbc\xc3\x9f");
    const char *bytes = file_path(w, "\xff\xfe\x80");
    bool any = rondo_loop_supports(w->loop, RONDO_CAN_UNIX);
    struct file_told *t = file_told(w);

    make(w, "gr\xc3\xbc\xc3\x9f", "a");
    examine(w, plain, false, 0);
    file_unlink(w, plain);
    file_ends(t,
              rondo_file_open(w->loop, bytes, RW | RONDO_FILE_CREATE, 0,
                              file_opened, t),
              any ? 0 : RONDO_EINVAL);
    if (any) {
        file_close(w, t->file);
        file_unlink(w, bytes);
        unlink_fails(w, bytes, RONDO_ENOENT);
    } else {
        assert_non_null(strstr(t->sentence, "\\xff\\xfe\\x80"));
    }
}

TEST(F6_names_that_are_too_long_or_empty)
{
    enum { LONG = 300, ROOM = 1024 };
    char *path = test_alloc(w, ROOM);
    struct file_told *t = file_told(w);
    size_t size = (size_t)snprintf(path, ROOM, "%s", file_path(w, ""));

    memset(path + size, 'n', LONG);
    assert_ok(rondo_fs_mkdir(w->loop, path, 0, file_plain, t));
    test_run_until(w, t->done);
    assert_true(t->result == RONDO_ENAMETOOLONG || t->result == RONDO_ENOENT ||
                t->result == RONDO_EINVAL);
    mkdir_tells(w, "", RONDO_ENOENT);
}

TEST(F6_paths_are_copied)
{
    char *path = test_alloc(w, 600);
    struct file_told *t = file_told(w);
    rondo_id id;

    (void)snprintf(path, 600, "%s", file_path(w, "copied"));
    id = rondo_fs_mkdir(w->loop, path, 0, file_plain, t);
    memset(path, 'x', 599);
    file_ends(t, id, 0);
    rmdir_tells(w, file_path(w, "copied"), 0);
}

TEST(F6_what_makes_no_sense_is_refused)
{
    rondo_file_info info = {0};
    char text[8];
    rondo_loop *l = w->loop;

    assert_einval(rondo_fs_stat(l, "a", NULL, file_plain, w));
    assert_einval(rondo_fs_lstat(l, "a", &info, file_plain, w));
    info.size = sizeof info;
    assert_einval(rondo_fs_stat(l, NULL, &info, file_plain, w));
    assert_einval(rondo_fs_stat(l, "a", &info, NULL, w));
    assert_einval(rondo_fs_stat(NULL, "a", &info, file_plain, w));
    assert_einval(rondo_fs_rename(l, NULL, "a", file_plain, w));
    assert_einval(rondo_fs_rename(l, "a", NULL, file_plain, w));
    assert_einval(rondo_fs_unlink(l, NULL, file_plain, w));
    assert_einval(rondo_fs_unlink(l, "a", NULL, w));
    assert_einval(rondo_fs_mkdir(l, "a", 010000, file_plain, w));
    assert_einval(rondo_fs_rmdir(l, "a", NULL, w));
    assert_einval(rondo_fs_symlink(l, NULL, "a", file_plain, w));
    assert_einval(rondo_fs_symlink(l, "a", NULL, file_plain, w));
    assert_einval(rondo_fs_readlink(l, "a", NULL, 8, file_plain, w));
    assert_einval(rondo_fs_readlink(l, "a", text, 0, file_plain, w));
}

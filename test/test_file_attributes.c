/* test_file_attributes.c - mode, times, names, access and room of files. */
/* SPDX-License-Identifier: MIT */
#include "harness_file.h"

#define SECOND INT64_C(1000000000)

static bool is_unix(struct world *w)
{
    return rondo_loop_supports(w->loop, RONDO_CAN_UNIX);
}

static rondo_file_info *examine(struct world *w, const char *path, bool link)
{
    rondo_file_info *info = test_alloc(w, sizeof *info);

    info->size = sizeof *info;
    if (link)
        FILE_DO(0, rondo_fs_lstat(w->loop, path, info, file_plain, it));
    else
        FILE_DO(0, rondo_fs_stat(w->loop, path, info, file_plain, it));
    return info;
}

static bool make_link(struct world *w, const char *target, const char *path)
{
    struct file_told *t = file_told(w);

    assert_ok(rondo_fs_symlink(w->loop, target, path, file_plain, t));
    test_run_until(w, t->done);
    if (t->result && is_unix(w))
        test_fail(w, "no link: %s", t->sentence);
    return t->result == 0;
}

TEST(F8_the_mode_of_a_file_and_of_a_path)
{
    rondo_file *f = file_new(w, "a", 0, "x");
    const char *path = file_path(w, "a");
    rondo_file_changes c = RONDO_FILE_CHANGES_INIT;

    c.changes = RONDO_CHANGE_MODE;
    c.mode = 0444;
    FILE_DO(0, rondo_file_change(f, &c, file_plain, it));
    assert_int_equal(examine(w, path, false)->mode, 0444);
    c.mode = 0666;
    FILE_DO(0, rondo_fs_change(w->loop, path, &c, file_plain, it));
    assert_int_equal(examine(w, path, false)->mode, 0666);
    if (is_unix(w)) {
        c.mode = 0751;
        FILE_DO(0, rondo_file_change(f, &c, file_plain, it));
        assert_int_equal(examine(w, path, false)->mode, 0751);
    }
    file_close_and_unlink(w, f, "a");
}

TEST(F8_times_in_nanoseconds)
{
    static const struct {
        const char *name;
        int64_t time;
    } rows[] = {{"a billion seconds", SECOND * SECOND + 123456700},
                {"1970", 0},
                {"before 1970", -SECOND - 100}};
    rondo_file *f = file_new(w, "a", 0, "");
    const char *path = file_path(w, "a");

    for (EACH_ROW(w, row, rows)) {
        rondo_file_changes c = RONDO_FILE_CHANGES_INIT;
        rondo_file_info *info;

        c.changes = RONDO_CHANGE_TIMES;
        c.accessed_ns = RONDO_TIME_KEEP;
        c.modified_ns = row->time;
        FILE_DO(0, rondo_file_change(f, &c, file_plain, it));
        info = examine(w, path, false);
        assert_true(info->modified_ns == row->time);
        c.accessed_ns = row->time + 200;
        c.modified_ns = row->time + 100;
        FILE_DO(0, rondo_fs_change(w->loop, path, &c, file_plain, it));
        info = examine(w, path, false);
        assert_true(info->modified_ns == row->time + 100);
        /* Wine tells another time of access than was set */
        if (is_unix(w))
            assert_true(info->accessed_ns == row->time + 200);
        c.modified_ns = RONDO_TIME_NOW;
        FILE_DO(0, rondo_fs_change(w->loop, path, &c, file_plain, it));
        assert_true(examine(w, path, false)->modified_ns >
                    INT64_C(1500000000) * SECOND);
    }
    file_close_and_unlink(w, f, "a");
}

TEST(F8_a_link_has_times_of_its_own)
{
    const char *link = file_path(w, "link"), *path = file_path(w, "a");
    rondo_file_changes c = RONDO_FILE_CHANGES_INIT;

    test_skip_if(w, !make_link(w, "a", link), "no symbolic links");
    file_close(w, file_new(w, "a", 0, "x"));
    c.changes = RONDO_CHANGE_TIMES | RONDO_CHANGE_LINK;
    c.accessed_ns = c.modified_ns = SECOND;
    FILE_DO(0, rondo_fs_change(w->loop, link, &c, file_plain, it));
    assert_true(examine(w, link, true)->modified_ns == SECOND);
    assert_true(examine(w, path, false)->modified_ns > SECOND);
    c.changes = RONDO_CHANGE_TIMES;
    c.modified_ns = 2 * SECOND;
    FILE_DO(0, rondo_fs_change(w->loop, link, &c, file_plain, it));
    assert_true(examine(w, path, false)->modified_ns == 2 * SECOND);
    file_unlink(w, link);
    file_unlink(w, path);
}

TEST(F8_owners_where_there_are_any)
{
    rondo_file *f = file_new(w, "a", 0, "x");
    const char *path = file_path(w, "a");
    rondo_file_info *info = examine(w, path, false);
    rondo_file_changes c = RONDO_FILE_CHANGES_INIT;
    bool can = rondo_loop_supports(w->loop, RONDO_CAN_FILE_OWNERS);

    c.changes = RONDO_CHANGE_OWNER;
    c.uid = -1;
    c.gid = info->gid;
    FILE_DO(can ? 0 : RONDO_ENOTSUP, rondo_file_change(f, &c, file_plain, it));
    c.changes |= RONDO_CHANGE_LINK;
    c.uid = info->uid;
    FILE_DO(can ? 0 : RONDO_ENOTSUP,
            rondo_fs_change(w->loop, path, &c, file_plain, it));
    assert_int_equal(examine(w, path, false)->uid, info->uid);
    file_close_and_unlink(w, f, "a");
}

TEST(F8_one_more_name)
{
    const char *path = file_path(w, "a"), *name = file_path(w, "b");
    rondo_file *f = file_new(w, "a", 0, "x");

    file_close(w, f);
    FILE_DO(0, rondo_fs_link(w->loop, path, name, file_plain, it));
    FILE_DO(RONDO_EEXIST, rondo_fs_link(w->loop, path, name, file_plain, it));
    assert_int_equal(examine(w, path, false)->links, 2);
    file_unlink(w, path);
    f = file_open(w, name, RW);
    file_holds(w, f, "x");
    file_close_and_unlink(w, f, "b");
}

TEST(F8_access)
{
    enum { RWX = RONDO_ACCESS_READ | RONDO_ACCESS_WRITE };
    const char *path = file_path(w, "a");
    rondo_file_changes c = RONDO_FILE_CHANGES_INIT;

    FILE_DO(RONDO_ENOENT, rondo_fs_access(w->loop, path, 0, file_plain, it));
    file_close(w, file_new(w, "a", 0, "x"));
    FILE_DO(0, rondo_fs_access(w->loop, path, 0, file_plain, it));
    FILE_DO(0, rondo_fs_access(w->loop, path, RWX, file_plain, it));
    if (is_unix(w)) {
        FILE_DO(RONDO_EACCES,
                rondo_fs_access(w->loop, path, RONDO_ACCESS_EXECUTE, file_plain,
                                it));
    } else {
        c.changes = RONDO_CHANGE_MODE;
        c.mode = 0444;
        FILE_DO(0, rondo_fs_change(w->loop, path, &c, file_plain, it));
        FILE_DO(RONDO_EACCES,
                rondo_fs_access(w->loop, path, RWX, file_plain, it));
        c.mode = 0666;
        FILE_DO(0, rondo_fs_change(w->loop, path, &c, file_plain, it));
    }
    file_unlink(w, path);
}

TEST(F8_the_real_path)
{
    enum { ROOM = 4096 };
    char *text = test_alloc(w, ROOM);
    const char *path = file_path(w, "./a");
    struct file_told *t = file_told(w);

    FILE_DO(RONDO_ENOENT,
            rondo_fs_realpath(w->loop, path, text, ROOM, file_plain, it));
    file_close(w, file_new(w, "a", 0, "x"));
    assert_ok(rondo_fs_realpath(w->loop, path, text, ROOM, file_plain, t));
    test_run_until(w, t->done);
    assert_int_equal(t->result, strlen(text));
    assert_true(t->result > 2);
    assert_true(text[t->result - 1] == 'a');
    assert_null(strstr(text, "/./"));
    FILE_DO(RONDO_ETOOMUCH,
            rondo_fs_realpath(w->loop, path, text, (size_t)t->result,
                              file_plain, it));
    file_unlink(w, path);
}

TEST(F8_how_full_a_file_system_is)
{
    rondo_space_info *s = test_alloc(w, sizeof *s);

    s->size = sizeof *s;
    FILE_DO(0, rondo_fs_space(w->loop, file_path(w, "."), s, file_plain, it));
    assert_true(s->total_bytes >= s->free_bytes);
    assert_true(s->free_bytes >= s->usable_bytes);
    assert_true(s->total_bytes && s->block_bytes);
    FILE_DO(RONDO_ENOENT, rondo_fs_space(w->loop, file_path(w, "none/none"), s,
                                         file_plain, it));
}

TEST(F8_room_is_made_before_it_is_needed)
{
    rondo_file *f = file_new(w, "a", 0, "x");
    struct file_told *t = file_told(w);

    assert_ok(rondo_file_allocate(f, 1000, 5000, file_plain, t));
    test_run_until(w, t->done);
    test_skip_if(w, t->result == RONDO_ENOTSUP, "the file system cannot");
    assert_int_equal(t->result, 0);
    assert_int_equal(examine(w, file_path(w, "a"), false)->bytes, 6000);
    FILE_DO(0, rondo_file_allocate(f, 0, 10, file_plain, it));
    assert_int_equal(examine(w, file_path(w, "a"), false)->bytes, 6000);
    for (int a = RONDO_ADVICE_NORMAL; a <= RONDO_ADVICE_DONT_NEED; a++)
        FILE_DO(0, rondo_file_advise(f, 0, 0, (rondo_advice)a, file_plain, it));
    file_close_and_unlink(w, f, "a");
}

TEST(F8_room_that_there_is_not)
{
    rondo_file *f;

    test_skip_if(w, !raw_fs_limit(INT64_MAX), "no limit of a file's size");
    f = file_new(w, "a", 0, "x");
    assert_true(raw_fs_limit(1000));
    FILE_DO(RONDO_EFBIG, rondo_file_allocate(f, 0, 5000, file_plain, it));
    assert_true(raw_fs_limit(INT64_MAX));
    file_close_and_unlink(w, f, "a");
}

TEST(F8_what_makes_no_sense_is_refused)
{
    rondo_file *f = file_new(w, "a", 0, "x");
    struct file_told *t = file_told(w);
    rondo_loop *l = w->loop;
    rondo_file_changes none = {0}, bad = RONDO_FILE_CHANGES_INIT;
    rondo_space_info space = {0};
    char text[8];

    assert_einval(rondo_file_change(f, NULL, file_plain, t));
    assert_einval(rondo_file_change(f, &none, file_plain, t));
    assert_einval(rondo_file_change(NULL, &bad, file_plain, t));
    assert_einval(rondo_file_change(f, &bad, NULL, t));
    bad.changes = 1U << 20;
    assert_einval(rondo_file_change(f, &bad, file_plain, t));
    bad.changes = RONDO_CHANGE_LINK;
    assert_einval(rondo_file_change(f, &bad, file_plain, t));
    bad.changes = RONDO_CHANGE_OWNER;
    bad.uid = -2;
    assert_einval(rondo_fs_change(l, "a", &bad, file_plain, t));
    bad.changes = RONDO_CHANGE_MODE;
    bad.mode = 010000;
    assert_einval(rondo_fs_change(l, "a", &bad, file_plain, t));
    assert_einval(rondo_fs_link(l, "a", NULL, file_plain, t));
    assert_einval(rondo_fs_access(l, "a", 8, file_plain, t));
    assert_einval(rondo_fs_realpath(l, "a", text, 0, file_plain, t));
    assert_einval(rondo_fs_realpath(l, "a", NULL, 8, file_plain, t));
    assert_einval(rondo_fs_space(l, "a", NULL, file_plain, t));
    assert_einval(rondo_fs_space(l, "a", &space, file_plain, t));
    assert_einval(rondo_file_allocate(f, 0, 0, file_plain, t));
    assert_einval(rondo_file_allocate(f, INT64_MAX, 1, file_plain, t));
    assert_einval(
        rondo_file_advise(f, -1, 0, RONDO_ADVICE_RANDOM, file_plain, t));
    assert_einval(rondo_file_advise(f, 0, 0, (rondo_advice)77, file_plain, t));
    file_close_and_unlink(w, f, "a");
    assert_int_equal(t->done, 0);
}

struct shortage {
    struct world *w;
    rondo_file *f;
    struct file_told *t;
};

static int64_t change_it(void *arg)
{
    struct shortage *s = arg;
    rondo_file_changes c = RONDO_FILE_CHANGES_INIT;

    return rondo_file_change(s->f, &c, file_plain, s->t);
}

static int64_t copy_it(void *arg)
{
    struct shortage *s = arg;

    return rondo_fs_copy(s->w->loop, "a", "b", 0, NULL, s->t);
}

TEST(F8_without_memory_nothing_begins)
{
    struct shortage *s = test_alloc(w, sizeof *s);

    s->w = w;
    s->f = file_new(w, "a", 0, "x");
    s->t = file_told(w);
    file_ends(s->t, test_try_without_memory(w, change_it, s), 0);
    test_fail_allocation(w, 1);
    assert_int_equal(copy_it(s), RONDO_ENOMEM);
    test_fail_allocation(w, 0);
    file_close_and_unlink(w, s->f, "a");
}

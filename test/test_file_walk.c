/* test_file_walk.c - trees of directories that are walked through. */
/* SPDX-License-Identifier: MIT */
#include "harness_file.h"

/* What a walk has told. */
struct strolls {
    struct world *w;
    rondo_id id;
    unsigned done;
    int64_t result;
    unsigned long entries, folders, errors, examined;
    unsigned deepest;
    size_t longest; /* of the paths */
    int error;      /* the last one */
    unsigned long cancel_at;
    const char *skip; /* the name of a directory that is not entered */
    char last[64];    /* the name that came last */
    char sentence[256];
};

static bool met(rondo_loop *loop, void *arg, const rondo_walk_entry *e)
{
    struct strolls *s = arg;

    assert_string_equal(e->path + strlen(e->path) - strlen(e->name), e->name);
    if (e->error) {
        s->errors++;
        s->error = e->error;
        return true;
    }
    s->entries++;
    s->folders += e->type == RONDO_FILE_DIRECTORY;
    s->examined += e->info != NULL;
    s->deepest = e->depth > s->deepest ? e->depth : s->deepest;
    s->longest = strlen(e->path) > s->longest ? strlen(e->path) : s->longest;
    (void)snprintf(s->last, sizeof s->last, "%s", e->name);
    if (s->entries == s->cancel_at)
        assert_ok(rondo_cancel(loop, s->id));
    return !s->skip || strcmp(s->skip, e->name) != 0;
}

static void ended(rondo_loop *loop, void *arg, int64_t result)
{
    struct strolls *s = arg;

    (void)loop;
    s->done++;
    s->result = result;
    (void)snprintf(s->sentence, sizeof s->sentence, "%s",
                   result < 0 ? rondo_last_error() : "");
}

static void begin(struct strolls *s, const char *name, unsigned flags,
                  unsigned most)
{
    rondo_walk_options o = RONDO_WALK_OPTIONS_INIT;

    o.flags = flags;
    o.most = most;
    s->id = assert_ok(
        rondo_fs_walk(s->w->loop, file_path(s->w, name), &o, met, ended, s));
}

static struct strolls *stroll(struct world *w)
{
    struct strolls *s = test_alloc(w, sizeof *s);

    s->w = w;
    return s;
}

static struct strolls *walk(struct world *w, const char *name, unsigned flags,
                            unsigned most)
{
    struct strolls *s = stroll(w);

    begin(s, name, flags, most);
    test_run_until(w, s->done);
    return s;
}

static void remove_all(struct world *w, const char *name)
{
    FILE_DO(0,
            rondo_fs_remove_tree(w->loop, file_path(w, name), file_plain, it));
    assert_int_equal(raw_fs_count(file_path(w, ".")), 0);
}

/* 10 directories with 10 in each, and 5 files in each of these. */
static void make_tree(struct world *w)
{
    for (int i = 0; i < 100; i++) {
        const char *path = test_format(w, "tree/%d/%d", i / 10, i % 10);
        file_make_path(w, path);
        assert_true(raw_fs_fill(file_path(w, path), 5));
    }
}

TEST(F13_everything_in_a_tree)
{
    static const struct {
        const char *name;
        unsigned flags, most;
    } rows[] = {{"as usual", 0, 0},
                {"one directory at a time", 0, 1},
                {"twenty at a time", 0, 20},
                {"with infos", RONDO_LIST_INFO, 0},
                {"links, too", RONDO_WALK_FOLLOW, 0}};

    make_tree(w);
    for (EACH_ROW(w, row, rows)) {
        struct strolls *s = walk(w, "tree", row->flags, row->most);
        assert_int_equal(s->result, 610);
        assert_int_equal(s->entries, 610);
        assert_int_equal(s->folders, 110);
        assert_int_equal(s->errors, 0);
        assert_int_equal(s->deepest, 3);
        assert_int_equal(s->examined, row->flags & RONDO_LIST_INFO ? 610 : 0);
    }
    remove_all(w, "tree");
}

TEST(F13_a_directory_that_is_not_entered)
{
    struct strolls *s = stroll(w);

    file_make_path(w, "tree/in");
    file_make_path(w, "tree/out");
    file_touch(w, "tree/in/a");
    file_touch(w, "tree/out/b");
    file_touch(w, "tree/out/c");
    s->skip = "out";
    begin(s, "tree", 0, 0);
    test_run_until(w, s->done);
    assert_int_equal(s->result, 3);
    remove_all(w, "tree");
}

TEST(F13_what_cannot_be_walked)
{
    struct strolls *s = walk(w, "none", 0, 0);

    assert_int_equal(s->result, RONDO_ENOENT);
    assert_non_null(strstr(s->sentence, "fs_walk: cannot walk through \""));
    file_touch(w, "a");
    s = walk(w, "a", 0, 0);
    assert_int_equal(s->result, RONDO_ENOTDIR);
    assert_int_equal(s->entries + s->errors, 0);
    file_unlink(w, file_path(w, "a"));
}

TEST(F13_one_that_cannot_be_read_is_told_and_the_walk_goes_on)
{
    struct strolls *s;

    test_skip_if(w, !raw_fs_deny(NULL, false), "no call can be made to fail");
    file_make_path(w, "tree/a");
    file_make_path(w, "tree/b");
    file_touch(w, "tree/a/x");
    file_touch(w, "tree/b/y");
    for (int io = 0; io < 2; io++) {
        (void)raw_fs_deny("tree/a", io);
        s = walk(w, "tree", 0, 0);
        assert_int_equal(s->result, 3);
        assert_int_equal(s->errors, 1);
        assert_int_equal(s->error, io ? RONDO_EIO : RONDO_EACCES);
    }
    (void)raw_fs_deny(NULL, false);
    remove_all(w, "tree");
}

TEST(F13_links_are_followed_only_when_asked)
{
    struct strolls *s;

    file_need_links(w);
    file_make_path(w, "tree/a");
    file_make_path(w, "away");
    file_touch(w, "away/x");
    assert_true(file_link(w, "../away", "tree/link"));
    (void)file_link(w, "nowhere", "tree/broken");
    (void)file_link(w, "../away/x", "tree/file");
    s = walk(w, "tree", 0, 0);
    assert_int_equal(s->result, 4);
    s = walk(w, "tree", RONDO_WALK_FOLLOW, 0);
    assert_int_equal(s->result, 5);
    assert_int_equal(s->errors, 0);
    FILE_DO(
        0, rondo_fs_remove_tree(w->loop, file_path(w, "tree"), file_plain, it));
    remove_all(w, "away");
}

TEST(F13_a_loop_of_links_is_told_and_left)
{
    struct strolls *s;

    file_need_links(w);
    file_make_path(w, "tree/a/b");
    assert_true(file_link(w, "../..", "tree/a/b/loop"));
    (void)file_link(w, ".", "tree/self");
    s = walk(w, "tree", RONDO_WALK_FOLLOW, 0);
    assert_int_equal(s->result, 4);
    assert_int_equal(s->errors, 2);
    assert_int_equal(s->error, RONDO_ELOOP);
    remove_all(w, "tree");
}

TEST(F13_deeper_than_any_path_of_the_system)
{
    static const struct {
        const char *name;
        unsigned levels, size;
    } rows[] = {{"long names", 50, 100}, {"short names", 2500, 1}};

    test_skip_if(w, !rondo_loop_supports(w->loop, RONDO_CAN_UNIX),
                 "the tree is made by mkdirat");
    for (EACH_ROW(w, row, rows)) {
        struct strolls *s;
        file_make_path(w, "tree");
        assert_true(raw_fs_deep(file_path(w, "tree"), row->levels, row->size));
        s = walk(w, "tree", 0, 0);
        assert_int_equal(s->result, row->levels);
        assert_int_equal(s->errors, 0);
        assert_int_equal(s->deepest, row->levels);
        assert_true(s->longest >= 5000);
        remove_all(w, "tree");
    }
}

/* ---- its end ------------------------------------------------------------ */

TEST(F13_cancelled_in_a_callback)
{
    make_tree(w);
    for (unsigned long at = 1; at < 600; at += 50) {
        struct strolls *s = stroll(w);
        s->cancel_at = at;
        begin(s, "tree", 0, 0);
        test_run_until(w, s->done);
        assert_int_equal(s->result, RONDO_ECANCELED);
        assert_int_equal(s->entries, at);
    }
    remove_all(w, "tree");
}

TEST(F13_cancelled_at_any_time)
{
    unsigned seed = 4711;

    make_tree(w);
    for (int i = 0; i < 20; i++) {
        struct strolls *s = stroll(w);
        begin(s, "tree", RONDO_WALK_FOLLOW, 20);
        test_let_go_on(w, &seed);
        if (!s->done)
            assert_ok(rondo_cancel(w->loop, s->id));
        test_run_until(w, s->done);
        assert_true(s->result == 610 || s->result == RONDO_ECANCELED);
    }
    remove_all(w, "tree");
}

static void try_close(struct world *w, unsigned flags, int spins)
{
    enum { MANY = 100 };
    struct strolls *s[MANY];

    make_tree(w);
    for (int i = 0; i < MANY; i++) {
        s[i] = stroll(w);
        begin(s[i], "tree", flags, 4);
    }
    test_spin(w, spins);
    test_close_loop(w);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(s[i]->done, 1);
        assert_true(s[i]->result == 610 || s[i]->result == RONDO_ECANCELED);
    }
    raw_fs_folder_remove(file_path(w, "tree"));
}

TEST_CASE(F13_a_loop_that_closes_ends_a_hundred, try_close(w, 0, 0));
TEST_CASE(F13_a_loop_that_closes_ends_a_hundred_later,
          try_close(w, RONDO_LIST_INFO, 50));
TEST_CASE(F13_a_loop_that_closes_ends_a_hundred_that_follow,
          try_close(w, RONDO_WALK_FOLLOW, 20));

TEST(F13_out_of_memory_ends_it)
{
    file_make_path(w, "tree/a/b");
    file_make_path(w, "tree/c/d");
    file_touch(w, "tree/a/x");
    file_touch(w, "tree/a/b/y");
    for (uint64_t n = 1; test_nth_fails(w, n); n++) {
        struct strolls *s = stroll(w);
        rondo_id id =
            rondo_fs_walk(w->loop, file_path(w, "tree"), NULL, met, ended, s);
        if (id < 0) {
            assert_int_equal(id, RONDO_ENOMEM);
            assert_int_equal(s->entries + s->done, 0);
            continue;
        }
        test_run_until(w, s->done);
        assert_true(s->result == 6 || s->result == RONDO_ENOMEM);
    }
    remove_all(w, "tree");
}

TEST(F13_what_makes_no_sense_is_refused)
{
    struct strolls *s = stroll(w);
    rondo_walk_options o = {0};
    rondo_loop *l = w->loop;

    assert_einval(rondo_fs_walk(l, "a", &o, met, ended, s));
    o.size = sizeof o;
    o.flags = 2;
    assert_einval(rondo_fs_walk(l, "a", &o, met, ended, s));
    assert_einval(rondo_fs_walk(l, NULL, NULL, met, ended, s));
    assert_einval(rondo_fs_walk(l, "a", NULL, NULL, ended, s));
    assert_einval(rondo_fs_walk(l, "a", NULL, met, NULL, s));
    assert_einval(rondo_fs_walk(NULL, "a", NULL, met, ended, s));
    assert_int_equal(s->done, 0);
}

/* ---- a fork ------------------------------------------------------------- */

/* What is under way at the fork ends it; between two operations nothing is. */
static int walk_in_child(void *arg)
{
    struct strolls *s = arg;
    rondo_loop *loop = s->w->loop;

    if (rondo_loop_after_fork(loop) < 0)
        return 1;
    if (!child_runs_until(loop, &s->done, 1) ||
        (s->result != RONDO_EFORKED && s->result != 610))
        return 2;
    return rondo_loop_close(loop) < 0 ? 3 : 0;
}

TEST(F13_in_a_forked_child_it_ends_or_goes_on)
{
    struct strolls *s = stroll(w);
    rondo_file *f;
    struct file_told *held;

    file_need_hold(w);
    test_skip_if(w, !test_child_may_start_threads(),
                 "a forked child cannot start threads here");
    make_tree(w);
    f = file_new(w, "held", 0, "");
    held = file_hold(w, f);
    begin(s, "tree", 0, 0);
    test_run_child(w, walk_in_child, s);
    file_let_go(w, held);
    test_run_until(w, s->done);
    file_close_and_unlink(w, f, "held");
    assert_int_equal(s->result, 610);
    remove_all(w, "tree");
}

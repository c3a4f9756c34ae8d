/* test_file_long.c - paths that are longer than the system's calls take. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_file.h"

enum { LEVELS = 60, NAME = 100, ROOM = LEVELS * (NAME + 1) + 4096 };

static bool is_unix(struct world *w)
{
    return rondo_loop_supports(w->loop, RONDO_CAN_UNIX);
}

/* The path of a directory below the folder, and of `name` in it; above it some
 * 60 others are made. */
static char *deep(struct world *w, const char *name)
{
    char *path = test_alloc(w, ROOM);
    const char *start = file_path(w, "deep");
    size_t used = strlen(start);
    unsigned levels = is_unix(w) ? LEVELS : 15; /* Wine has Linux' limit */

    memcpy(path, start, used);
    for (unsigned i = 0; i < levels; i++) {
        path[used] = '/';
        memset(path + used + 1, 'd', NAME);
        used += NAME + 1;
    }
    FILE_DO(0, rondo_fs_make_path(w->loop, path, 0, file_plain, it));
    path[used] = '/';
    memcpy(path + used + 1, name, strlen(name) + 1);
    return path;
}

static void clear(struct world *w)
{
    FILE_DO(
        0, rondo_fs_remove_tree(w->loop, file_path(w, "deep"), file_plain, it));
}

static void touch(struct world *w, const char *path)
{
    file_close(w, file_open(w, path, RW | RONDO_FILE_CREATE));
}

TEST(F11_how_full_the_file_system_of_a_long_path_is)
{
    rondo_space_info *s = test_alloc(w, sizeof *s);
    char *path = deep(w, "a");

    s->size = sizeof *s;
    FILE_DO(RONDO_ENOENT, rondo_fs_space(w->loop, path, s, file_plain, it));
    if (is_unix(w)) /* Windows asks for a directory */
        touch(w, path);
    else
        *strrchr(path, '/') = '\0';
    FILE_DO(0, rondo_fs_space(w->loop, path, s, file_plain, it));
    assert_true(s->total_bytes && s->block_bytes);
    clear(w);
}

/* ---- the real path ------------------------------------------------------ */

struct real {
    struct world *w;
    const char *folder; /* the real path of it */
    size_t cut;         /* of the paths in it */
};

static const char *join(struct real *r, const char *path, const char *more)
{
    char *text = test_alloc(r->w, ROOM);

    (void)snprintf(text, ROOM, "%s%s", path, more);
    return text;
}

static void real_begin(struct world *w, struct real *r)
{
    char *text = test_alloc(w, ROOM);
    struct file_told *t = file_told(w);

    *r = (struct real){w, text, strlen(file_path(w, "")) - 1};
    assert_ok(rondo_fs_realpath(w->loop, file_path(w, "."), text, ROOM,
                                file_plain, t));
    test_run_until(w, t->done);
    assert_true(t->result > 0);
}

/* It leads to that one in the folder. */
static void real_is(struct real *r, const char *asked, const char *path)
{
    struct world *w = r->w;
    const char *expected = join(r, r->folder, path + r->cut);
    char *text = test_alloc(w, ROOM);

    FILE_DO((int64_t)strlen(expected),
            rondo_fs_realpath(w->loop, asked, text, ROOM, file_plain, it));
    assert_string_equal(text, expected);
}

static void real_fails(struct real *r, const char *asked, int error)
{
    struct world *w = r->w;
    char *text = test_alloc(w, ROOM);

    FILE_DO(error,
            rondo_fs_realpath(w->loop, asked, text, ROOM, file_plain, it));
}

static void real_link(struct real *r, const char *target, const char *path)
{
    struct world *w = r->w;

    FILE_DO(0, rondo_fs_symlink(w->loop, target, path, file_plain, it));
}

TEST(F11_the_real_path_of_a_long_one)
{
    struct real r;
    char *file, *dir, *above;
    const char *link;

    test_skip_if(w, !is_unix(w), "the system's own call takes any path");
    file = deep(w, "a");
    dir = deep(w, "");
    dir[strlen(dir) - 1] = '\0';
    above = deep(w, "");
    above[strlen(dir) - NAME - 1] = '\0';
    real_begin(w, &r);
    real_fails(&r, file, RONDO_ENOENT);
    touch(w, file);
    real_is(&r, file, file);
    real_fails(&r, join(&r, file, "/"), RONDO_ENOTDIR);
    real_fails(&r, join(&r, file, "/.."), RONDO_ENOTDIR);
    real_is(&r, join(&r, dir, "/.//../."), above);
    link = join(&r, dir, "/link");
    real_link(&r, "./a", link);
    real_is(&r, link, file);
    file_unlink(w, link);
    real_link(&r, r.folder, link);
    real_is(&r, join(&r, link, "/deep"), file_path(w, "deep"));
    file_unlink(w, link);
    real_link(&r, "link", link);
    real_fails(&r, link, RONDO_ELOOP);
    clear(w);
}

TEST(F11_separators_at_the_end_count_for_nothing)
{
    enum { FIRST = 1000, LAST = 1050 };
    char *path = test_alloc(w, LAST + 1);
    const char *start = file_path(w, "d");

    for (size_t size = FIRST; size < LAST; size++) {
        memset(path, '/', size);
        path[size] = '\0';
        for (size_t i = 0; start[i]; i++)
            path[i] = start[i];
        FILE_DO(0, rondo_fs_mkdir(w->loop, path, 0, file_plain, it));
        FILE_DO(0, rondo_fs_rmdir(w->loop, path, file_plain, it));
    }
}

/* ---- sentences ---------------------------------------------------------- */

static void keep_sentence(struct file_told *t)
{
    const char *text = rondo_last_error();
    size_t size = strlen(text) + 1;

    t->data = memcpy(test_alloc(t->w, size), text, size);
}

TEST(F5_a_sentence_has_its_reason_however_long_the_path_is)
{
    enum { FIRST = 1900, LAST = 2100 };
    char *path = test_alloc(w, ROOM);

    (void)snprintf(path, ROOM, "%s", file_path(w, "none/"));
    for (size_t size = strlen(path); size < LAST; size++) {
        bool first = size % 2 == 0; /* byte of an a with two dots */
        struct file_told *t = file_told(w);
        const char *text;
        path[size] = first ? '\xc3' : '\xa4';
        path[size + 1] = '\0';
        if (size < FIRST || size % 100 < 2)
            path[size] = size % 100 ? 'd' : '/';
        if (size < FIRST || first)
            continue;
        t->then = keep_sentence;
        file_ends(t, rondo_fs_unlink(w->loop, path, file_plain, t),
                  RONDO_ENOENT);
        text = t->data;
        assert_true(strlen(text) <= 2047);
        assert_memory_equal(text, "fs_unlink: cannot remove \"", 26);
        assert_true(text[strlen(text) - 1] == ')');
        assert_non_null(
            strstr(text, is_unix(w) ? "no such file or directory (" : ": "));
    }
}

static void no_list(rondo_loop *loop, void *arg, const rondo_dir_entry *entries,
                    size_t count, int error)
{
    (void)loop, (void)arg, (void)entries, (void)count, (void)error;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), length = strlen(end);

    return size >= length && strcmp(text + size - length, end) == 0;
}

TEST(F5_what_a_file_was_opened_for_is_said_however_long_its_path_is)
{
    char *path = deep(w, "a"), byte;
    rondo_room room = {&byte, 1};
    struct file_told *t = file_told(w);
    rondo_file *f = file_open(w, path, RONDO_FILE_WRITE | RONDO_FILE_CREATE);

    assert_error(rondo_file_read(f, 0, &room, 1, file_moved, t), RONDO_EBADF);
    assert_true(ends_with(rondo_last_error(), "\" is not open for reading"));
    assert_error(rondo_file_list(f, 0, 0, no_list, t), RONDO_ENOTDIR);
    assert_true(
        ends_with(rondo_last_error(), "\" was not opened as a directory"));
    file_close(w, f);
    clear(w);
}

/* ---- watched ------------------------------------------------------------ */

struct seen {
    struct world *w;
    const char *path;
    unsigned begun, created, changed, removed, failed;
};

static void see(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    struct seen *s = arg;

    (void)loop;
    s->begun += e->what == RONDO_PATH_BEGUN;
    s->failed += e->what == RONDO_PATH_ENDED;
    if (strcmp(e->path, s->path) != 0)
        return;
    s->created += (e->what & RONDO_PATH_CREATED) != 0;
    s->changed += (e->what & RONDO_PATH_CHANGED) != 0;
    s->removed += (e->what & RONDO_PATH_REMOVED) != 0;
}

static void watch_deep(struct world *w, const char *watcher)
{
    struct seen *s = test_alloc(w, sizeof *s);
    char *path = deep(w, "a");
    rondo_file *f;
    rondo_id id;

    *s = (struct seen){.w = w, .path = path};
    id = rondo_watch_path(w->loop, file_path(w, "deep"),
                          RONDO_PATH(.recursive = true, .watcher = watcher,
                                     .interval_ns = RONDO_MS(10)),
                          see, s);
    assert_true(id > 0);
    test_run_until(w, s->begun);
    f = file_open(w, path, RW | RONDO_FILE_CREATE);
    test_run_until(w, s->created);
    file_put(w, f, 0, "some text");
    test_run_until(w, s->changed);
    file_close(w, f);
    file_unlink(w, path);
    test_run_until(w, s->removed);
    assert_int_equal(s->failed, 0);
    assert_ok(rondo_cancel(w->loop, id));
    clear(w);
}

TEST(Y4_however_deep_it_is)
{
    test_skip_if(w, !is_unix(w), "Wine has Linux' limit");
    watch_deep(w, NULL);
}

static void not_there(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    struct seen *s = arg;

    (void)loop;
    assert_int_equal(e->what, RONDO_PATH_ENDED);
    assert_error(e->error, RONDO_ENOENT);
    assert_true(ends_with(rondo_last_error(), ")"));
    s->failed++;
}

TEST(Y6_the_reason_is_told_however_long_the_path_is)
{
    struct seen *s;
    char *path = test_alloc(w, ROOM);
    const char *start = file_path(w, "");

    test_skip_if(w, !is_unix(w), "no path that long is watched");
    s = test_alloc(w, sizeof *s);
    for (size_t i = 0; i < 1200; i++)
        path[i] = i % 100 ? 'd' : '/';
    for (size_t i = 0; start[i]; i++)
        path[i] = start[i];
    assert_ok(rondo_watch_path(w->loop, path, NULL, not_there, s));
    test_run_until(w, s->failed);
}

TEST(Y8_however_deep_it_is)
{
    test_skip_if(w, !is_unix(w), "Wine has Linux' limit");
    watch_deep(w, "poll");
}

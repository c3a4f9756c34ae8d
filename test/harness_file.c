/* harness_file.c - files in a folder of the executable's own. */
/* SPDX-License-Identifier: MIT */
#include "harness_file.h"

static char folder[512];
static bool has_folder;
static unsigned places;

static bool make_folder(void)
{
    has_folder = raw_fs_folder(folder, sizeof folder);
    return has_folder;
}

static void remove_folder(void)
{
    if (has_folder)
        raw_fs_folder_remove(folder);
}

TEST_AROUND(make_folder, remove_folder);

const char *file_path(struct world *w, const char *name)
{
    return test_format(w, "%s/%s", folder, name);
}

/* ---- what an operation tells -------------------------------------------- */

struct file_told *file_told(struct world *w)
{
    struct file_told *t = test_alloc(w, sizeof *t);

    t->w = w;
    return t;
}

static void tell(struct file_told *t, int64_t result)
{
    t->done++;
    t->place = ++places;
    t->result = result;
    (void)snprintf(t->sentence, sizeof t->sentence, "%s",
                   result < 0 ? rondo_last_error() : "");
    if (t->then)
        t->then(t);
}

void file_plain(rondo_loop *loop, void *arg, int64_t result)
{
    (void)loop;
    tell(arg, result);
}

void file_opened(rondo_loop *loop, void *arg, rondo_file *file, int error)
{
    struct file_told *t = arg;

    (void)loop;
    t->file = file;
    tell(t, error);
}

void file_moved(rondo_loop *loop, void *arg, size_t count, int error)
{
    struct file_told *t = arg;

    (void)loop;
    t->count = count;
    tell(t, error);
}

void file_ends(struct file_told *t, rondo_id id, int64_t result)
{
    assert_ok(id);
    assert_true(id > 0);
    t->id = id;
    test_run_until(t->w, t->done);
    if (t->result != result)
        test_fail(t->w, "%s instead of %s: %s",
                  rondo_error_name((int)t->result),
                  rondo_error_name((int)result), t->sentence);
    assert_int_equal(t->done, 1);
    if (result < 0)
        assert_non_null(strstr(t->sentence, ": cannot "));
    assert_error(rondo_cancel(t->w->loop, id), RONDO_ENOENT);
}

void file_moves(struct file_told *t, rondo_id id, size_t count)
{
    file_ends(t, id, 0);
    assert_int_equal(t->count, count);
}

/* ---- files -------------------------------------------------------------- */

rondo_file *file_open(struct world *w, const char *path, unsigned flags)
{
    struct file_told *t = file_told(w);

    file_ends(t, rondo_file_open(w->loop, path, flags, 0, file_opened, t), 0);
    assert_non_null(t->file);
    return t->file;
}

void file_open_fails(struct world *w, const char *path, unsigned flags,
                     int error)
{
    struct file_told *t = file_told(w);

    file_ends(t, rondo_file_open(w->loop, path, flags, 0, file_opened, t),
              error);
    assert_null(t->file);
}

rondo_file *file_new(struct world *w, const char *name, unsigned flags,
                     const char *text)
{
    rondo_file *f =
        file_open(w, file_path(w, name),
                  RW | RONDO_FILE_CREATE | RONDO_FILE_TRUNCATE | flags);

    if (*text)
        file_put(w, f, flags & RONDO_FILE_APPEND ? RONDO_FILE_CURRENT : 0,
                 text);
    return f;
}

void file_close(struct world *w, rondo_file *f)
{
    struct file_told *t = file_told(w);

    file_ends(t, rondo_file_close(f, file_plain, t), 0);
}

void file_put(struct world *w, rondo_file *f, int64_t position,
              const char *text)
{
    rondo_buffer b = {text, strlen(text)};
    struct file_told *t = file_told(w);

    file_moves(t, rondo_file_write(f, position, &b, 1, file_moved, t), b.size);
}

void file_holds(struct world *w, rondo_file *f, const char *text)
{
    char *got = test_alloc(w, strlen(text) + 8);
    rondo_room room = {got, strlen(text) + 8};
    struct file_told *t = file_told(w);

    file_moves(t, rondo_file_read(f, 0, &room, 1, file_moved, t), strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

void file_unlink(struct world *w, const char *path)
{
    struct file_told *t = file_told(w);

    file_ends(t, rondo_fs_unlink(w->loop, path, file_plain, t), 0);
}

void file_close_and_unlink(struct world *w, rondo_file *f, const char *name)
{
    file_close(w, f);
    file_unlink(w, file_path(w, name));
}

/* ---- busy threads ------------------------------------------------------- */

static void let_go(void *arg)
{
    (void)arg;
    (void)raw_fs_hold(false);
}

void file_need_hold(struct world *w)
{
    test_skip_if(w, !raw_fs_hold(false), "no call on files can be held");
}

struct file_told *file_hold(struct world *w, rondo_file *f)
{
    struct file_told *t = test_alloc(w, FILE_THREADS * sizeof *t);

    assert_true(raw_fs_hold(true));
    test_at_end(w, let_go, NULL);
    for (int i = 0; i < FILE_THREADS; i++) {
        t[i].w = w;
        t[i].id = assert_ok(rondo_file_sync(f, false, file_plain, &t[i]));
    }
    test_run_until(w, raw_fs_held() == FILE_THREADS);
    return t;
}

void file_let_go(struct world *w, struct file_told *held)
{
    (void)raw_fs_hold(false);
    for (int i = 0; i < FILE_THREADS; i++) {
        test_run_until(w, held[i].done);
        assert_int_equal(held[i].result, 0);
    }
}

/* ---- directories and links ---- */

void file_make_path(struct world *w, const char *name)
{
    FILE_DO(0,
            rondo_fs_make_path(w->loop, file_path(w, name), 0, file_plain, it));
}

void file_touch(struct world *w, const char *name)
{
    file_close(w, file_new(w, name, 0, "x"));
}

bool file_link(struct world *w, const char *target, const char *name)
{
    struct file_told *t = file_told(w);

    assert_ok(
        rondo_fs_symlink(w->loop, target, file_path(w, name), file_plain, t));
    test_run_until(w, t->done);
    return t->result == 0;
}

void file_need_links(struct world *w)
{
    bool can = file_link(w, "nowhere", "probe");

    if (can)
        file_unlink(w, file_path(w, "probe"));
    test_skip_if(w, !can, "no symbolic links");
}

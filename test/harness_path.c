/* harness_path.c - watched paths, and what they tell. */
/* SPDX-License-Identifier: MIT */
#include "harness_path.h"

#include "raw_change.h"

static const char last_file[] = "the-last";

/* ---- what is told ------------------------------------------------------- */

/* Behind the folder of the executable. */
static const char *short_name(const struct path_log *log, const char *path)
{
    size_t size;

    if (!path)
        return "";
    size = strlen(file_path(log->w, ""));
    assert_true(strlen(path) >= size);
    return test_format(log->w, "%s", path + size);
}

static void write_down(struct path_log *log, const rondo_path_event *e)
{
    struct path_told *told = &log->told[log->count];

    assert_true(log->count < PATH_TOLD_MOST);
    *told = (struct path_told){.what = e->what,
                               .type = e->type,
                               .path = short_name(log, e->path),
                               .from = short_name(log, e->from),
                               .more = e->more,
                               .iteration = test_iterations(log->w)};
    assert_int_equal(e->from != NULL, !!(e->what & RONDO_PATH_RENAMED));
    log->count++;
    log->more = e->more;
    if (log->act)
        log->act(log, told);
}

static void told(rondo_loop *loop, void *arg, const rondo_path_event *e)
{
    struct path_log *log = arg;

    assert_ptr_equal(loop, log->loop);
    assert_true(e->size >= sizeof *e);
    assert_false(log->ended);
    assert_true(log->events || e->what == RONDO_PATH_BEGUN ||
                e->what == RONDO_PATH_ENDED);
    /* once more in a forked child */
    assert_true(!log->events || e->what != RONDO_PATH_BEGUN || log->may_again);
    log->events++;
    assert_int_equal(e->error < 0, e->what == RONDO_PATH_ENDED);
    if (e->what == RONDO_PATH_BEGUN) {
        log->begun++;
    } else if (e->what == RONDO_PATH_OVERFLOW) {
        log->overflows++;
    } else if (e->what == RONDO_PATH_ENDED) {
        log->ended++;
        log->error = e->error;
        (void)snprintf(log->sentence, sizeof log->sentence, "%s",
                       rondo_last_error());
    } else {
        write_down(log, e);
    }
}

struct path_log *path_watch_on(struct world *w, rondo_loop *loop,
                               const char *name,
                               const rondo_path_options *options)
{
    struct path_log *log = test_alloc(w, sizeof *log);

    log->w = w;
    log->loop = loop;
    log->path = file_path(w, name);
    log->id = rondo_watch_path(loop, log->path, options, told, log);
    return log;
}

struct path_log *path_watch(struct world *w, const char *name,
                            const rondo_path_options *options)
{
    struct path_log *log = path_watch_on(w, w->loop, name, options);

    assert_ok(log->id);
    assert_true(log->id > 0);
    assert_int_equal(log->events, 0);
    test_run_until(w, log->begun || log->ended);
    if (log->ended)
        test_fail(w, "%s", log->sentence);
    return log;
}

void path_end(struct path_log *log)
{
    assert_ok(rondo_cancel(log->loop, log->id));
    assert_error(rondo_cancel(log->loop, log->id), RONDO_ENOENT);
}

/* ---- what was told ------------------------------------------------------ */

unsigned path_times(const struct path_log *log, unsigned what, const char *name)
{
    unsigned times = 0;

    for (size_t i = 0; i < log->count; i++)
        times +=
            log->told[i].what & what && strcmp(log->told[i].path, name) == 0;
    return times;
}

bool path_has(const struct path_log *log, unsigned what, const char *name)
{
    return path_times(log, what, name) > 0;
}

static bool has_rename(const struct path_log *log, const char *from,
                       const char *to)
{
    for (size_t i = 0; i < log->count; i++)
        if (log->told[i].what & RONDO_PATH_RENAMED &&
            strcmp(log->told[i].path, to) == 0 &&
            strcmp(log->told[i].from, from) == 0)
            return true;
    return false;
}

static const char *print(const struct path_log *log)
{
    const char *text = "";

    for (size_t i = 0; i < log->count && i < 40; i++)
        text = test_format(log->w, "%s [%#x %s%s%s]", text, log->told[i].what,
                           log->told[i].from, *log->told[i].from ? " -> " : "",
                           log->told[i].path);
    return text;
}

/* As test_run_until, but it says what was told instead. */
static void waited_too_long(struct path_log *log, const char *wanted)
{
    test_fail(log->w, "%s was not told; what was:%s", wanted, print(log));
}

void path_sees(struct path_log *log, unsigned what, const char *name)
{
    int64_t end = rondo_loop_time(log->loop) +
                  RONDO_MS(TEST_DEADLINE_MS) / 2 * test_slowness();

    while (!path_has(log, what, name)) {
        if (rondo_loop_time(log->loop) > end || log->ended)
            waited_too_long(log, test_format(log->w, "%#x of %s", what, name));
        assert_ok(rondo_loop_run_once(log->loop, RONDO_MS(50)));
    }
}

void path_sees_rename(struct path_log *log, const char *from, const char *to)
{
    int64_t end = rondo_loop_time(log->loop) +
                  RONDO_MS(TEST_DEADLINE_MS) / 2 * test_slowness();

    while (!has_rename(log, from, to)) {
        if (rondo_loop_time(log->loop) > end || log->ended)
            waited_too_long(log, test_format(log->w, "%s -> %s", from, to));
        assert_ok(rondo_loop_run_once(log->loop, RONDO_MS(50)));
    }
}

void path_forget(struct path_log *log)
{
    log->count = 0;
}

/* ---- all at once -------------------------------------------------------- */

struct at_once {
    void (*act)(struct path_log *log);
    const char *first, *last;
    bool done;
};

static void do_at_once(struct path_log *log, const struct path_told *t)
{
    struct at_once *x = log->data;

    if (strcmp(t->path, x->first) == 0) {
        log->count--;
        if (!x->done)
            x->act(log);
        x->done = true;
    }
}

/* The name of a file beside, or in, what is watched. */
static const char *beside(const struct path_log *log, const char *name)
{
    const char *path = short_name(log, log->path);

    return *path ? test_format(log->w, "%s/%s", path, name) : name;
}

static void forget_file(struct path_log *log, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < log->count; i++)
        if (strcmp(log->told[i].path, name) != 0)
            log->told[kept++] = log->told[i];
    log->count = kept;
}

void path_at_once(struct path_log *log, void (*act)(struct path_log *log))
{
    struct at_once x = {.act = act};

    x.first = beside(log, "the-first");
    x.last = beside(log, last_file);
    log->act = do_at_once;
    log->data = &x;
    path_write(log->w, x.first, "x");
    test_run_until(log->w, x.done);
    path_write(log->w, x.last, "x");
    path_sees(log, RONDO_PATH_CREATED, x.last);
    test_run_until(log->w, !log->more); /* it need not be the last one told */
    log->act = NULL;
    forget_file(log, x.last);
    path_unlink(log->w, x.first);
    path_unlink(log->w, x.last);
}

static const char *word_of(const struct path_log *log,
                           const struct path_told *t)
{
    if (t->what & RONDO_PATH_RENAMED)
        return test_format(log->w, "R %s %s", t->from, t->path);
    return test_format(log->w, "%s %s",
                       t->what & RONDO_PATH_CREATED      ? "C"
                       : t->what & RONDO_PATH_REMOVED    ? "D"
                       : t->what & RONDO_PATH_CHANGED    ? "M"
                       : t->what & RONDO_PATH_ATTRIBUTES ? "A"
                                                         : "?",
                       t->path);
}

/* A change of a file that was told as new before, or as changed where the system
 * tells late. */
static bool is_echo(const struct path_log *log, size_t at)
{
    const struct path_told *t = &log->told[at];
    unsigned earlier =
        RONDO_PATH_CREATED | (raw_notify_is_prompt() ? 0U : RONDO_PATH_CHANGED);

    if (t->what != RONDO_PATH_CHANGED)
        return false;
    while (at-- > 0)
        if (log->told[at].what & earlier &&
            strcmp(log->told[at].path, t->path) == 0)
            return true;
    return false;
}

void path_told_exactly(struct path_log *log, const char *const *words)
{
    size_t count = 0, told_count = 0;

    for (size_t i = 0; i < log->count; i++)
        told_count += !is_echo(log, i);
    for (; words[count]; count++) {
        size_t i = 0;

        while (i < log->count &&
               strcmp(word_of(log, &log->told[i]), words[count]) != 0)
            i++;
        if (i == log->count)
            test_fail(log->w, "\"%s\" was not told; what was:%s", words[count],
                      print(log));
    }
    if (count != told_count)
        test_fail(log->w, "%zu events instead of %zu:%s", told_count, count,
                  print(log));
}

/* ---- changes ------------------------------------------------------------ */

void path_write(struct world *w, const char *name, const char *text)
{
    assert_true(raw_change_write(file_path(w, name), "w", text));
}

void path_append(struct world *w, const char *name, const char *text)
{
    assert_true(raw_change_write(file_path(w, name), "a", text));
}

void path_rename(struct world *w, const char *from, const char *to)
{
    assert_true(raw_change_rename(file_path(w, from), file_path(w, to)));
}

void path_unlink(struct world *w, const char *name)
{
    assert_true(raw_change_unlink(file_path(w, name)));
}

static void clear(void *arg)
{
    raw_change_clear(arg);
}

/* One in the folder itself is cleared when the test ends. */
void path_mkdir(struct world *w, const char *name)
{
    size_t size = strlen(file_path(w, name)) + 1;

    if (!strchr(name, '/')) {
        path_clear(w, name); /* of a test that has failed */
        test_at_end(w, clear,
                    memcpy(test_alloc(w, size), file_path(w, name), size));
    }
    assert_true(raw_change_mkdir(file_path(w, name)));
}

void path_rmdir(struct world *w, const char *name)
{
    assert_true(raw_change_rmdir(file_path(w, name)));
}

void path_clear(struct world *w, const char *name)
{
    raw_change_clear(file_path(w, name));
}

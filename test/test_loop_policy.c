/* test_loop_policy.c - which backend a new loop gets. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* The backends, best first. The policy and the environment are the whole
 * process's: each test begins and ends with none. */
static const char *const *names;
static size_t count;

static void reset(void)
{
    raw_set_environment("RONDO_BACKEND", NULL);
    assert_ok(rondo_set_default_backend(NULL));
    count = rondo_backends(&names);
    assert_true(count >= 1);
    assert_non_null(names);
}

/* The name of the backend that a loop with this option gets. */
static const char *chosen(const char *option)
{
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    rondo_loop *loop;
    const char *name;

    options.backend = option;
    assert_ok(rondo_loop_new(&loop, &options));
    name = rondo_loop_backend(loop);
    assert_ok(rondo_loop_close(loop));
    return name;
}

TEST(L10_backends_lists_what_there_is)
{
    unsigned found = 0;

    reset();
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(names[i]) > 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
        found += strcmp(names[i], rondo_loop_backend(w->loop)) == 0;
    }
    assert_int_equal(found, 1);
    assert_int_equal(rondo_backends(NULL), count);
}

/* By option, by the environment and by default; a loop that is there keeps
 * its own. */
TEST(L10_each_backend_can_be_chosen)
{
    const char *before = rondo_loop_backend(w->loop);

    reset();
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(chosen(names[i]), names[i]);
        raw_set_environment("RONDO_BACKEND", names[i]);
        assert_string_equal(chosen(NULL), names[i]);
        raw_set_environment("RONDO_BACKEND", NULL);
        assert_ok(rondo_set_default_backend(names[i]));
        assert_string_equal(chosen(NULL), names[i]);
        test_spin(w, 1);
        assert_string_equal(rondo_loop_backend(w->loop), before);
        assert_ok(rondo_set_default_backend(NULL));
    }
    reset();
}

static void check_precedence(struct world *w, const char *first,
                             const char *last)
{
    const struct {
        const char *name, *environment, *by_default, *option, *chosen;
    } rows[] = {{"the best without a choice", NULL, NULL, NULL, first},
                {"the best", "", NULL, NULL, first},
                {"the environment's", last, NULL, NULL, last},
                {"the default's over that", first, last, NULL, last},
                {"which can be undone", first, NULL, NULL, first},
                {"the option's over all", last, last, first, first}};

    for (EACH_ROW(w, row, rows)) {
        raw_set_environment("RONDO_BACKEND", row->environment);
        assert_ok(rondo_set_default_backend(row->by_default));
        assert_string_equal(chosen(row->option), row->chosen);
    }
}

TEST(L10_which_choice_comes_first)
{
    rondo_loop *loop;

    reset();
    check_precedence(w, names[0], names[count - 1]);
    reset();
    assert_string_not_equal(names[0], "io_uring"); /* it is never the best */
    assert_ok(rondo_loop_new(&loop, NULL));
    assert_string_equal(rondo_loop_backend(loop), names[0]);
    assert_ok(rondo_loop_close(loop));
}

/* ---- what is refused ---------------------------------------------------- */

static void assert_lists_all(const char *unknown)
{
    assert_non_null(strstr(rondo_last_error(), unknown));
    for (size_t i = 0; i < count; i++)
        assert_non_null(strstr(rondo_last_error(), names[i]));
}

TEST(L10_an_unknown_option_lists_what_there_is)
{
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    static const char *const unknown[] = {"abacus", "EPOLL", "sel", " ",
                                          "io_uring9"};

    reset();
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        rondo_loop *loop = w->loop;

        options.backend = unknown[i];
        assert_error(rondo_loop_new(&loop, &options), RONDO_ENOTSUP);
        assert_null(loop);
        assert_lists_all(unknown[i]);
    }
}

TEST(L10_an_unknown_default_or_environment_lists_what_there_is)
{
    rondo_loop *loop = w->loop;

    reset();
    assert_ok(rondo_set_default_backend(names[count - 1]));
    assert_error(rondo_set_default_backend("abacus"), RONDO_ENOTSUP);
    assert_lists_all("abacus");
    assert_string_equal(chosen(NULL), names[count - 1]); /* as before */
    reset();
    raw_set_environment("RONDO_BACKEND", "abacus");
    assert_error(rondo_loop_new(&loop, NULL), RONDO_ENOTSUP);
    assert_null(loop);
    assert_lists_all("abacus");
    reset();
}

/* A program of a newer header: an option that this library does not know. */
TEST(L10_an_option_of_the_future_is_refused)
{
    struct {
        rondo_loop_options known;
        int64_t more;
    } o = {.known = test_loop_options(w)};
    rondo_loop *loop = NULL;

    o.known.size = sizeof o;
    assert_ok(rondo_loop_new(&loop, &o.known));
    assert_ok(rondo_loop_close(loop));
    o.more = 1;
    assert_error(rondo_loop_new(&loop, &o.known), RONDO_ENOTSUP);
    assert_null(loop);
}

/* ... and of an older one: shorter structs are filled as far as they go. */
TEST(L10_older_structs_are_taken)
{
    rondo_loop_options options = test_loop_options(w);
    rondo_loop_metrics m;
    rondo_loop *loop = NULL;

    options.size = offsetof(rondo_loop_options, allocator);
    options.debug = 12345; /* beyond what the size says is there */
    assert_ok(rondo_loop_new(&loop, &options));
    assert_string_equal(rondo_loop_backend(loop), w->backend);
    memset(&m, 0x7e, sizeof m);
    m.size = offsetof(rondo_loop_metrics, events);
    assert_ok(rondo_loop_get_metrics(loop, &m));
    assert_true(m.iterations == 0);
    assert_true(m.events == UINT64_C(0x7e7e7e7e7e7e7e7e));
    assert_ok(rondo_loop_close(loop));
}

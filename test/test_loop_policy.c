/* test_loop_policy.c - which backend a new loop gets. */
/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* The policy and the environment are the whole process's: put back. */
static void reset(void)
{
    raw_set_environment("RONDO_BACKEND", NULL);
    assert_ok(rondo_set_default_backend(NULL));
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

static const char *const *backends(size_t *n)
{
    const char *const *names = NULL;

    *n = rondo_backends(&names);
    assert_true(*n >= 1);
    assert_non_null(names);
    return names;
}

static void assert_lists_all(const char *unknown)
{
    size_t n;
    const char *const *names = backends(&n);

    assert_non_null(strstr(rondo_last_error(), unknown));
    for (size_t i = 0; i < n; i++)
        assert_non_null(strstr(rondo_last_error(), names[i]));
}

TEST(L10_backends_lists_what_there_is)
{
    size_t n;
    const char *const *names = backends(&n);

    for (size_t i = 0; i < n; i++) {
        assert_true(strlen(names[i]) > 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
    assert_int_equal(rondo_backends(NULL), n);
}

TEST(L10_each_backend_can_be_chosen_by_option)
{
    size_t n;
    const char *const *names = backends(&n);

    reset();
    for (size_t i = 0; i < n; i++)
        assert_string_equal(chosen(names[i]), names[i]);
}

TEST(L10_without_a_choice_the_best)
{
    size_t n;
    const char *const *names = backends(&n);
    rondo_loop *loop;

    reset();
    assert_string_equal(chosen(NULL), names[0]);
    assert_ok(rondo_loop_new(&loop, NULL));
    assert_string_equal(rondo_loop_backend(loop), names[0]);
    assert_ok(rondo_loop_close(loop));
    raw_set_environment("RONDO_BACKEND", "");
    assert_string_equal(chosen(NULL), names[0]);
    reset();
}

TEST(L10_the_environment_over_the_best)
{
    size_t n;
    const char *const *names = backends(&n);

    reset();
    for (size_t i = 0; i < n; i++) {
        raw_set_environment("RONDO_BACKEND", names[i]);
        assert_string_equal(chosen(NULL), names[i]);
    }
    reset();
}

TEST(L10_the_default_over_the_environment)
{
    size_t n;
    const char *const *names = backends(&n);

    reset();
    raw_set_environment("RONDO_BACKEND", names[0]);
    assert_ok(rondo_set_default_backend(names[n - 1]));
    assert_string_equal(chosen(NULL), names[n - 1]);
    assert_ok(rondo_set_default_backend(NULL));
    assert_string_equal(chosen(NULL), names[0]);
    reset();
}

TEST(L10_the_option_over_all)
{
    size_t n;
    const char *const *names = backends(&n);

    reset();
    raw_set_environment("RONDO_BACKEND", names[n - 1]);
    assert_ok(rondo_set_default_backend(names[n - 1]));
    assert_string_equal(chosen(names[0]), names[0]);
    reset();
}

TEST(L10_an_unknown_option_lists_what_there_is)
{
    rondo_loop_options options = RONDO_LOOP_OPTIONS_INIT;
    static const char *const unknown[] = {"abacus", "EPOLL", "sel", " ",
                                          "io_uring9"};

    reset();
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        rondo_loop *loop = w->loop;

        options.backend = unknown[i];
        assert_error(rondo_loop_new(&loop, &options), RONDO_ENOTSUP);
        assert_null(loop);
        assert_lists_all(unknown[i]);
    }
}

TEST(L10_an_unknown_default_lists_what_there_is)
{
    size_t n;
    const char *const *names = backends(&n);

    reset();
    assert_ok(rondo_set_default_backend(names[n - 1]));
    assert_error(rondo_set_default_backend("abacus"), RONDO_ENOTSUP);
    assert_lists_all("abacus");
    assert_string_equal(chosen(NULL), names[n - 1]); /* as before */
    reset();
}

TEST(L10_an_unknown_environment_lists_what_there_is)
{
    rondo_loop *loop = w->loop;

    reset();
    raw_set_environment("RONDO_BACKEND", "abacus");
    assert_error(rondo_loop_new(&loop, NULL), RONDO_ENOTSUP);
    assert_null(loop);
    assert_lists_all("abacus");
    reset();
}

TEST(L10_io_uring_is_never_the_best)
{
    reset();
    assert_string_not_equal(chosen(NULL), "io_uring");
}

TEST(L10_a_running_loop_keeps_its_backend)
{
    size_t n;
    const char *const *names = backends(&n);
    const char *before = rondo_loop_backend(w->loop);

    reset();
    for (size_t i = 0; i < n; i++) {
        assert_ok(rondo_set_default_backend(names[i]));
        test_spin(w, 1);
        assert_string_equal(rondo_loop_backend(w->loop), before);
    }
    reset();
}

/* A program of a newer header: an option that this library does not know. */
TEST(L10_an_option_of_the_future_is_refused)
{
    struct {
        rondo_loop_options known;
        int64_t more;
    } o;
    rondo_loop *loop = NULL;

    memset(&o, 0, sizeof o);
    o.known = test_loop_options(w);
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

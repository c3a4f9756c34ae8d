/* test_communicate.c - run to the end, fed and collected. */
/* SPDX-License-Identifier: MIT */
#include "harness_process.h"

struct talk {
    struct world *w;
    unsigned calls;
    int error;
    char last_error[256];
    rondo_exit status;
    size_t out_size, err_size;
    char out[256], err[256];
    bool matches; /* position % 251 in both */
    rondo_id id;
    rondo_id cancel; /* inside the callback */
    int cancelled;
};

static bool is_pattern(const void *data, size_t size)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++)
        if (bytes[i] != i % 251)
            return false;
    return bytes[size] == 0;
}

static void done(rondo_loop *loop, void *arg, const rondo_output *output,
                 int error)
{
    struct talk *t = arg;

    t->calls++;
    t->error = error;
    if (error)
        (void)snprintf(t->last_error, sizeof t->last_error, "%s",
                       rondo_last_error());
    assert_int_equal(output->size, sizeof *output);
    t->status = output->status;
    t->out_size = output->out_size;
    t->err_size = output->err_size;
    assert_int_equal(((const char *)output->out)[t->out_size], 0);
    assert_int_equal(((const char *)output->err)[t->err_size], 0);
    (void)snprintf(t->out, sizeof t->out, "%s", (const char *)output->out);
    (void)snprintf(t->err, sizeof t->err, "%s", (const char *)output->err);
    t->matches = is_pattern(output->out, output->out_size) &&
                 is_pattern(output->err, output->err_size);
    if (t->cancel)
        t->cancelled = rondo_cancel(loop, t->cancel);
}

static struct talk *begin(struct world *w)
{
    struct talk *t;

    proc_need(w);
    t = test_alloc(w, sizeof *t);
    t->w = w;
    return t;
}

/* argv[0] is put in front */
static rondo_id start(struct talk *t, const char *const *words,
                      const void *input, size_t size, size_t limit)
{
    const char *argv[32] = {raw_child()};

    for (int i = 0; words[i]; i++)
        argv[i + 1] = words[i];
    return t->id = rondo_communicate(t->w->loop, RONDO_PROCESS(.argv = argv),
                                     input, size, limit, done, t);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void wait_for(struct talk *t)
{
    test_run_until(t->w, t->calls);
    assert_int_equal(t->calls, 1);
    assert_error(rondo_cancel(t->w->loop, t->id), RONDO_ENOENT);
}

TEST(X7_collects)
{
    struct talk *t = begin(w);

    assert_ok(start(t,
                    WORDS("say", "1", "out", "say", "2", "error", "exit", "3"),
                    NULL, 0, 0));
    assert_int_equal(t->calls, 0);
    wait_for(t);
    assert_int_equal(t->error, 0);
    assert_string_equal(t->out, "out");
    assert_string_equal(t->err, "error");
    assert_true(t->status.known && !t->status.signaled);
    assert_int_equal(t->status.code, 3);
}

TEST(X7_feeds)
{
    struct talk *t = begin(w);

    assert_ok(start(t, WORDS("copy", "0", "1"), "some input", 10, 0));
    wait_for(t);
    assert_string_equal(t->out, "some input");
    assert_int_equal(t->err_size, 0);
}

TEST(X7_feeds_nothing)
{
    struct talk *t = begin(w);

    assert_ok(start(t, WORDS("copy", "0", "1", "say", "1", "end"), "", 0, 0));
    wait_for(t);
    assert_string_equal(t->out, "end");
    t->calls = 0;
    assert_ok(start(t, WORDS("copy", "0", "1", "say", "1", "end"), NULL, 0, 0));
    wait_for(t);
    assert_string_equal(t->out, "end");
}

/* It fills both pipes before it reads, and again while it does. */
TEST(X7_a_flood_while_it_is_fed_does_not_deadlock)
{
    struct talk *t = begin(w);
    size_t size = 4000000 / (size_t)test_slowness();
    unsigned char *input = test_alloc(t->w, size);
    char text[32];

    for (size_t i = 0; i < size; i++)
        input[i] = (unsigned char)((i + size) % 251);
    (void)snprintf(text, sizeof text, "%zu", size);
    assert_ok(start(t,
                    WORDS("flood", "1", text, "flood", "2", text, "copy", "0",
                          "1", "exit", "0"),
                    input, size, 0));
    wait_for(t);
    assert_int_equal(t->error, 0);
    assert_int_equal(t->out_size, 2 * size);
    assert_int_equal(t->err_size, size);
    assert_true(t->matches);
}

TEST(X7_a_broken_stdin_is_ignored)
{
    struct talk *t = begin(w);
    size_t size = 1000000;
    void *input = test_alloc(t->w, size);

    assert_ok(start(t,
                    WORDS("close", "0", "say", "1", "no, thanks", "exit", "0"),
                    input, size, 0));
    wait_for(t);
    assert_int_equal(t->error, 0);
    assert_string_equal(t->out, "no, thanks");
}

TEST(X7_more_than_the_limit_kills)
{
    struct talk *t = begin(w);

    assert_ok(start(t, WORDS("flood", "1", "999999999999"), NULL, 0, 100000));
    wait_for(t);
    assert_int_equal(t->error, RONDO_ETOOMUCH);
    assert_non_null(strstr(t->last_error, "100000"));
    assert_int_equal(t->out_size, 100000);
    assert_true(t->matches);
    assert_true(t->status.known);
    assert_true(t->status.signaled || t->status.code != 0);
    assert_true(raw_zombies() <= 0);
}

TEST(X7_exactly_the_limit_is_allowed)
{
    struct talk *t = begin(w);

    assert_ok(start(t, WORDS("flood", "1", "70000", "flood", "2", "30000"),
                    NULL, 0, 100000));
    wait_for(t);
    assert_int_equal(t->error, 0);
    assert_int_equal(t->out_size, 70000);
    assert_int_equal(t->err_size, 30000);
    t->calls = 0;
    assert_ok(start(t, WORDS("flood", "1", "70000", "flood", "2", "30001"),
                    NULL, 0, 100000));
    wait_for(t);
    assert_int_equal(t->error, RONDO_ETOOMUCH);
    assert_int_equal(t->out_size + t->err_size, 100000);
}

TEST(X7_cancel_kills)
{
    struct talk *t = begin(w);

    assert_ok(start(t, WORDS("say", "1", "here", "sleep"), NULL, 0, 0));
    test_spin(t->w, 3);
    assert_ok(rondo_cancel(t->w->loop, t->id));
    assert_error(rondo_cancel(t->w->loop, t->id), RONDO_ENOENT);
    assert_int_equal(t->calls, 0);
    wait_for(t);
    assert_int_equal(t->error, RONDO_ECANCELED);
    assert_true(t->status.known);
    assert_true(t->status.signaled || t->status.code != 0);
}

TEST(X7_cancel_at_once)
{
    struct talk *t = begin(w);

    assert_ok(start(t, WORDS("sleep"), "input", 5, 0));
    assert_ok(rondo_cancel(t->w->loop, t->id));
    wait_for(t);
    assert_int_equal(t->error, RONDO_ECANCELED);
}

TEST(X7_cancel_in_its_own_callback)
{
    struct talk *t = begin(w);

    t->cancel = start(t, WORDS("exit", "0"), NULL, 0, 0);
    assert_ok(t->cancel);
    wait_for(t);
    assert_int_equal(t->cancelled, RONDO_ENOENT);
}

/* A grandchild holds the pipes: what it writes belongs to it, too. */
TEST(X7_ends_when_the_pipes_have_ended)
{
    struct talk *t = begin(w);

    assert_ok(
        start(t, WORDS("start", "2", "drain", "0", "exit", "0"), NULL, 0, 0));
    wait_for(t);
    assert_int_equal(t->error, 0);
    t->calls = 0;
    assert_ok(start(
        t, WORDS("start", "5", "drain", "0", "say", "1", "late", "exit", "0"),
        "x", 1, 0));
    wait_for(t);
    assert_string_equal(t->out, "late");
}

TEST(X7_cancel_does_not_wait_for_a_grandchild)
{
    struct talk *t = begin(w);

    assert_ok(start(t,
                    WORDS("start", "3", "flood", "2", "999999999999", "sleep"),
                    NULL, 0, 0));
    test_spin(t->w, 3);
    assert_ok(rondo_cancel(t->w->loop, t->id));
    wait_for(t);
    assert_int_equal(t->error, RONDO_ECANCELED);
}

TEST(X7_kinds_can_be_chosen)
{
    struct talk *t = begin(w);
    rondo_process_options o =
        proc_options(RONDO_STDIO_NULL, RONDO_STDIO_INHERIT, RONDO_STDIO_STDOUT);

    o.argv = (const char *const[]){raw_child(), "copy", "0", "1",    "say", "1",
                                   "to 1,",     "say",  "2", "to 2", NULL};
    t->id = rondo_communicate(t->w->loop, &o, "ignored", 7, 0, done, t);
    assert_ok(t->id);
    wait_for(t);
    assert_string_equal(t->out, "to 1,to 2");
    assert_int_equal(t->err_size, 0);
}

TEST(X7_what_cannot_start_is_an_error_of_the_call)
{
    struct talk *t = begin(w);

    for (int i = 0; i < 10; i++)
        assert_refused(rondo_communicate(t->w->loop,
                                         RONDO_PROCESS(.program = "/nowhere"),
                                         "x", 1, 0, done, t),
                       RONDO_ENOENT, "communicate: ");
    assert_einval(rondo_communicate(t->w->loop,
                                    RONDO_PROCESS(.program = raw_child()), NULL,
                                    1, 0, done, t));
    assert_einval(rondo_communicate(t->w->loop,
                                    RONDO_PROCESS(.program = raw_child()), NULL,
                                    0, 0, NULL, t));
    test_run_loop(t->w);
    assert_int_equal(t->calls, 0);
}

TEST(L3_it_can_be_in_the_background)
{
    struct talk *t = begin(w);

    assert_ok(start(t, WORDS("sleep"), NULL, 0, 0));
    assert_int_equal(rondo_loop_run_once(t->w->loop, 0), 1);
    assert_ok(rondo_set_background(t->w->loop, t->id, true));
    assert_ok(rondo_cancel(t->w->loop, t->id));
    wait_for(t);
}

TEST(L5_the_loop_closes)
{
    struct talk *t = begin(w);

    assert_ok(start(t, WORDS("sleep"), "input", 5, 0));
    test_spin(t->w, 2);
    test_close_loop(t->w);
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->error, RONDO_ECANCELED);
    assert_true(raw_zombies() <= 0);
}

TEST(X7_many_at_once)
{
    enum { MANY = 50 };
    struct talk *t = begin(w);
    struct talk *many[MANY];

    for (int i = 0; i < MANY; i++) {
        many[i] = test_alloc(t->w, sizeof *t);
        many[i]->w = t->w;
        assert_ok(start(many[i], WORDS("copy", "0", "2", "flood", "1", "1000"),
                        "to and fro", 10, 0));
    }
    for (int i = 0; i < MANY; i++) {
        wait_for(many[i]);
        assert_int_equal(many[i]->out_size, 1000);
        assert_string_equal(many[i]->err, "to and fro");
    }
}

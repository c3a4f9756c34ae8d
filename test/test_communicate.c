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
    struct talk *t = test_alloc(w, sizeof *t);

    proc_need(w);
    t->w = w;
    return t;
}

/* argv[0] is put in front */
static void start(struct talk *t, const char *const *words, const void *input,
                  size_t size, size_t limit)
{
    const char *argv[32] = {raw_child()};

    for (int i = 0; words[i]; i++)
        argv[i + 1] = words[i];
    t->calls = 0;
    t->id = rondo_communicate(t->w->loop, RONDO_PROCESS(.argv = argv), input,
                              size, limit, done, t);
    assert_ok(t->id);
    assert_int_equal(t->calls, 0);
}

static void ends(struct talk *t, int error)
{
    test_run_until(t->w, t->calls);
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->error, error);
    assert_error(rondo_cancel(t->w->loop, t->id), RONDO_ENOENT);
}

static void check_killed(const struct talk *t)
{
    assert_true(t->status.known);
    assert_true(t->status.signaled || t->status.code != 0);
    assert_true(raw_zombies() <= 0);
}

TEST(X7_feeds_and_collects)
{
    static const char much[1000000];
    const char *const *say_end = WORDS("copy", "0", "1", "say", "1", "end");
    const struct {
        const char *name;
        const char *const *words;
        const char *input;
        size_t size;
        const char *out, *err;
        uint32_t code;
    } rows[] = {
        {"it collects",
         WORDS("say", "1", "out", "say", "2", "error", "exit", "3"), NULL, 0,
         "out", "error", 3},
        {"it feeds", WORDS("copy", "0", "1"), "some input", 10, "some input",
         "", 0},
        {"it feeds no bytes", say_end, "", 0, "end", "", 0},
        {"it feeds nothing", say_end, NULL, 0, "end", "", 0},
        {"a broken stdin is ignored",
         WORDS("close", "0", "say", "1", "no, thanks", "exit", "0"), much,
         sizeof much, "no, thanks", "", 0},
        /* a grandchild holds the pipes: what it writes belongs to it, too */
        {"it ends when the pipes have ended",
         WORDS("start", "2", "drain", "0", "exit", "0"), NULL, 0, "", "", 0},
        {"it has what a grandchild writes",
         WORDS("start", "5", "drain", "0", "say", "1", "late", "exit", "0"),
         "x", 1, "late", "", 0},
    };
    struct talk *t = begin(w);

    for (EACH_ROW(w, row, rows)) {
        start(t, row->words, row->input, row->size, 0);
        ends(t, 0);
        assert_string_equal(t->out, row->out);
        assert_string_equal(t->err, row->err);
        assert_int_equal(t->err_size, strlen(row->err));
        assert_true(t->status.known && !t->status.signaled);
        assert_int_equal(t->status.code, row->code);
    }
}

/* It fills both pipes before it reads, and again while it does. */
TEST(X7_a_flood_while_it_is_fed_does_not_deadlock)
{
    struct talk *t = begin(w);
    size_t size = 4000000 / (size_t)test_slowness();
    unsigned char *input = test_alloc(w, size);
    char text[32];

    for (size_t i = 0; i < size; i++)
        input[i] = (unsigned char)((i + size) % 251);
    (void)snprintf(text, sizeof text, "%zu", size);
    start(t,
          WORDS("flood", "1", text, "flood", "2", text, "copy", "0", "1",
                "exit", "0"),
          input, size, 0);
    ends(t, 0);
    assert_int_equal(t->out_size, 2 * size);
    assert_int_equal(t->err_size, size);
    assert_true(t->matches);
}

TEST(X7_more_than_the_limit_kills)
{
    const struct {
        const char *name, *out, *err;
        int error;
    } rows[] = {
        {"exactly the limit", "70000", "30000", 0},
        {"one more", "70000", "30001", RONDO_ETOOMUCH},
        {"no end", "999999999999", "0", RONDO_ETOOMUCH},
    };
    struct talk *t = begin(w);

    for (EACH_ROW(w, row, rows)) {
        start(t, WORDS("flood", "1", row->out, "flood", "2", row->err), NULL, 0,
              100000);
        ends(t, row->error);
        assert_int_equal(t->out_size + t->err_size, 100000);
        assert_true(t->matches);
        if (row->error)
            assert_non_null(strstr(t->last_error, "100000"));
    }
    check_killed(t);
}

TEST(X7_cancel_kills)
{
    const struct {
        const char *name;
        const char *const *words;
        const char *input;
        int spins;
    } rows[] = {
        {"one that sleeps", WORDS("say", "1", "here", "sleep"), "", 3},
        {"at once", WORDS("sleep"), "input", 0},
        {"one whose grandchild is not waited for",
         WORDS("start", "3", "flood", "2", "999999999999", "sleep"), "", 3},
    };
    struct talk *t = begin(w);

    for (EACH_ROW(w, row, rows)) {
        start(t, row->words, row->input, strlen(row->input), 0);
        test_spin(w, row->spins);
        assert_ok(rondo_cancel(w->loop, t->id));
        assert_error(rondo_cancel(w->loop, t->id), RONDO_ENOENT);
        assert_int_equal(t->calls, 0);
        ends(t, RONDO_ECANCELED);
        check_killed(t);
    }
}

TEST(X7_cancel_in_its_own_callback)
{
    struct talk *t = begin(w);

    start(t, WORDS("exit", "0"), NULL, 0, 0);
    t->cancel = t->id;
    ends(t, 0);
    assert_int_equal(t->cancelled, RONDO_ENOENT);
}

TEST(X7_kinds_can_be_chosen)
{
    struct talk *t = begin(w);

    t->id = rondo_communicate(
        w->loop,
        RONDO_PROCESS(.stdin_kind = RONDO_STDIO_NULL,
                      .stdout_kind = RONDO_STDIO_INHERIT,
                      .stderr_kind = RONDO_STDIO_STDOUT,
                      .argv = WORDS(raw_child(), "copy", "0", "1", "say", "1",
                                    "to 1,", "say", "2", "to 2")),
        "ignored", 7, 0, done, t);
    assert_ok(t->id);
    ends(t, 0);
    assert_string_equal(t->out, "to 1,to 2");
    assert_int_equal(t->err_size, 0);
}

TEST(X7_what_cannot_start_is_an_error_of_the_call)
{
    const rondo_process_options *o = RONDO_PROCESS(.program = raw_child());
    struct talk *t = begin(w);

    for (int i = 0; i < 10; i++)
        assert_refused(rondo_communicate(w->loop,
                                         RONDO_PROCESS(.program = "/nowhere"),
                                         "x", 1, 0, done, t),
                       RONDO_ENOENT, "communicate: ");
    assert_einval(rondo_communicate(w->loop, o, NULL, 1, 0, done, t));
    assert_einval(rondo_communicate(w->loop, o, NULL, 0, 0, NULL, t));
    test_run_loop(w);
    assert_int_equal(t->calls, 0);
}

TEST(L3_it_can_be_in_the_background)
{
    struct talk *t = begin(w);

    start(t, WORDS("sleep"), NULL, 0, 0);
    assert_int_equal(rondo_loop_run_once(w->loop, 0), 1);
    assert_ok(rondo_set_background(w->loop, t->id, true));
    assert_ok(rondo_cancel(w->loop, t->id));
    ends(t, RONDO_ECANCELED);
}

TEST(L5_the_loop_closes)
{
    struct talk *t = begin(w);

    start(t, WORDS("sleep"), "input", 5, 0);
    test_spin(w, 2);
    test_close_loop(w);
    assert_int_equal(t->calls, 1);
    assert_int_equal(t->error, RONDO_ECANCELED);
    assert_true(raw_zombies() <= 0);
}

TEST(X7_many_at_once)
{
    enum { MANY = 50 };
    struct talk *many[MANY];

    for (int i = 0; i < MANY; i++) {
        many[i] = begin(w);
        start(many[i], WORDS("copy", "0", "2", "flood", "1", "1000"),
              "to and fro", 10, 0);
    }
    for (int i = 0; i < MANY; i++) {
        ends(many[i], 0);
        assert_int_equal(many[i]->out_size, 1000);
        assert_string_equal(many[i]->err, "to and fro");
    }
}

/* Once it has started, what is missing kills it and is told. */
TEST(G8_no_memory)
{
    const char *const *argv =
        WORDS(raw_child(), "flood", "1", "100000", "copy", "0", "1");
    struct talk *t = begin(w);
    void *input = test_alloc(w, 100000);
    uint64_t n;

    for (n = 1; test_nth_fails(w, n); n++) {
        t->calls = 0;
        t->error = RONDO_ENOMEM;
        t->id = rondo_communicate(w->loop, RONDO_PROCESS(.argv = argv), input,
                                  100000, 0, done, t);
        if (t->id > 0)
            test_run_until(w, t->calls);
        else
            assert_error(t->id, RONDO_ENOMEM);
        test_fail_allocation(w, 0);
        test_run_loop(w);
        assert_int_equal(t->calls, t->id > 0 ? 1 : 0);
        assert_true(t->error == 0 || t->error == RONDO_ENOMEM);
        assert_true(raw_zombies() <= 0);
    }
    assert_true(n > 6);
    assert_int_equal(t->error, 0);
    assert_int_equal(t->out_size, 200000);
}

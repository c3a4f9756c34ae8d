/* test_loop_exception.c - who hears of what nobody else can be told. */
/* SPDX-License-Identifier: MIT */
#include "harness_report.h"
#include "raw_net.h"

#define TEAPOT "the teapot is empty"

/* What an exception handler was told. */
static void tell(rondo_loop *loop, const char *message)
{
    rondo_exception e = {
        .size = sizeof e, .message = message, .error = RONDO_EPROTO};

    rondo_loop_call_exception_handler(loop, &e);
}

/* ---- stderr, caught ----------------------------------------------------- */

static raw_fd saved = RONDO_NO_FD;
static raw_fd caught[2];

/* From here on stderr goes into a socket. Fail only after release. */
static bool catch_stderr(void)
{
    if (raw_pair(caught) < 0)
        return false;
    (void)fflush(stderr);
    saved = raw_duplicate(2);
    if (saved == RONDO_NO_FD || raw_move_fd(caught[1], 2) == RONDO_NO_FD)
        return false;
    return true;
}

static void release_stderr(char *text, size_t size)
{
    ptrdiff_t n;

    (void)fflush(stderr);
    (void)raw_move_fd(saved, 2);
    n = raw_recv(caught[0], text, size - 1, 2000);
    text[n > 0 ? n : 0] = '\0';
    raw_close(caught[0]);
}

static void need_stderr(struct world *w)
{
    if (raw_is_simulated() || !catch_stderr())
        test_skip(w, "stderr cannot be caught on this platform");
}

/* one line, with that in it */
static void assert_one_line(const char *text, const char *part)
{
    const char *end = strchr(text, '\n');

    if (!strstr(text, part) || !end || end[1] != '\0')
        fail_msg("not one line with \"%s\": \"%s\"", part, text);
}

/* ---- L11: the handler --------------------------------------------------- */

/* Who is told, and what the default prints: nothing but "end" where it has
 * nothing to say. */
TEST(L11_the_default_prints_one_line_unless_a_handler_is_set)
{
    const struct {
        const char *name;
        bool own, too, restored;
        const char *message, *line;
        unsigned told;
    } rows[] = {{"default", false, false, false, TEAPOT, TEAPOT, 0},
                {"bare error", false, false, false, NULL,
                 rondo_strerror(RONDO_EPROTO), 0},
                {"own handler", true, false, false, TEAPOT, "end", 1},
                {"own calls the default", true, true, false, TEAPOT, TEAPOT, 1},
                {"default restored", true, false, true, TEAPOT, TEAPOT, 0}};
    char text[1000];

    for (EACH_ROW(w, row, rows)) {
        struct report *r = row->own ? report_new(w) : test_alloc(w, sizeof *r);

        r->default_too = row->too;
        if (row->restored)
            assert_ok(rondo_loop_set_exception_handler(w->loop, NULL, NULL));
        need_stderr(w);
        tell(w->loop, row->message);
        if (strcmp(row->line, "end") == 0)
            (void)fputs("end\n", stderr);
        release_stderr(text, sizeof text);
        assert_one_line(text, row->line);
        assert_int_equal(r->count, row->told);
        if (row->told) {
            assert_int_equal(r->error, RONDO_EPROTO);
            assert_true(report_has(r, TEAPOT));
        }
    }
}

/* A report that is no error, such as debug mode's, has no error's name. */
TEST(L11_a_report_is_not_marked_as_an_error)
{
    const rondo_exception e = {.size = sizeof e, .message = TEAPOT};
    char text[1000];

    assert_ok(rondo_loop_set_exception_handler(w->loop, NULL, NULL));
    need_stderr(w);
    rondo_loop_call_exception_handler(w->loop, &e);
    release_stderr(text, sizeof text);
    assert_one_line(text, "rondo: " TEAPOT "\n");
}

/* A sentence that names its error already does not get the name twice. */
TEST(L11_the_name_of_an_error_comes_once)
{
    static const struct {
        const char *name, *message, *line;
    } rows[] = {
        {"not named", "a b", "rondo: a b [EPROTO]\n"},
        {"named", "a (EPROTO)", "rondo: a (EPROTO)\n"},
        {"from another", "a (EPROTO, from EX); b",
         "rondo: a (EPROTO, from EX); b\n"},
        {"another", "a (EPROTOX) (", "rondo: a (EPROTOX) ( [EPROTO]\n"}};
    char text[1000];

    assert_ok(rondo_loop_set_exception_handler(w->loop, NULL, NULL));
    for (EACH_ROW(w, row, rows)) {
        need_stderr(w);
        tell(w->loop, row->message);
        release_stderr(text, sizeof text);
        assert_one_line(text, row->line);
    }
}

TEST_LEAVES(L11_a_failed_accept_is_told)
{
    struct listener *l = test_serve(w);
    struct report *r = report_new(w);

    if (!raw_accept_fails(rondo_server_fd(l->server, 0), RAW_ACCEPT_NO_FILES,
                          1))
        test_skip(w, "accept cannot be made to fail on this platform");
    (void)test_client(w, l);
    assert_int_equal(raw_accept_failed(), 1);
    assert_int_equal(r->count, 1);
    assert_int_equal(r->error, RONDO_EMFILE);
    assert_true(r->os_error != 0);
    assert_ptr_equal(r->about, l->server);
    assert_true(report_has(r, "accept"));
}

static struct listener *victim;

static void close_all(rondo_loop *loop, void *arg, const rondo_exception *what)
{
    struct peer *p = arg;

    (void)what;
    p->connected++;
    rondo_server_close(victim->server);
    rondo_server_abort_clients(victim->server);
    rondo_transport_close(p->transport);
    rondo_transport_abort(p->transport);
    assert_ok(rondo_loop_set_exception_handler(loop, NULL, NULL));
}

TEST(L11_a_handler_may_close_the_loop_s_handles)
{
    struct peer *p;

    victim = test_serve(w);
    p = test_client(w, victim);
    p->connected = 0;
    assert_ok(rondo_loop_set_exception_handler(w->loop, close_all, p));
    tell(w->loop, "close it");
    test_run_until(w, p->lost && victim->closed);
    assert_int_equal(p->connected, 1);
}

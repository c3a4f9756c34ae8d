/* test_ground_error.c - errors: numbers, names, sentences. */
/* SPDX-License-Identifier: MIT */
#include "harness_dial.h"
#include "harness_plain.h"

/* ---- G1: the numbers ---------------------------------------------------- */

#define E(name)                                                                \
    {                                                                          \
        RONDO_##name, #name                                                    \
    }

static const struct {
    int error;
    const char *name;
} errors[] = {E(EOTHER),       E(EINVAL),     E(ENOMEM),        E(ENOTSUP),
              E(EBUSY),        E(ECLOSED),    E(ECANCELED),     E(ETIMEDOUT),
              E(ENOENT),       E(EEXIST),     E(EACCES),        E(EPERM),
              E(EBADF),        E(EMFILE),     E(ENFILE),        E(ENOBUFS),
              E(EFORKED),      E(ETHREAD),    E(ENAMETOOLONG),  E(ENOTDIR),
              E(ENOEXEC),      E(EADDRINUSE), E(EADDRNOTAVAIL), E(EAFNOSUPPORT),
              E(ECONNREFUSED), E(ECONNRESET), E(ECONNABORTED),  E(EPIPE),
              E(ENOTCONN),     E(EISCONN),    E(EHOSTUNREACH),  E(ENETUNREACH),
              E(ENETDOWN),     E(EMSGSIZE),   E(ENOTSOCK),      E(EIO),
              E(ENOSPC),       E(ESRCH),      E(ENONAME),       E(EAGAIN),
              E(EPROTO),       E(ETOOMUCH),   E(EOF),           E(EISDIR),
              E(ENOTEMPTY),    E(EFBIG),      E(EROFS),         E(ELOOP),
              E(EXDEV)};

TEST(G1_every_error_has_a_number_name_and_text_of_its_own)
{
    const char *ok = rondo_strerror(RONDO_OK);

    assert_string_equal(rondo_error_name(RONDO_OK), "OK");
    assert_non_null(ok);
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        int error = errors[i].error;
        const char *text = rondo_strerror(error);

        assert_true(error < -20000 && error > -21000); /* far from errno */
        assert_string_equal(rondo_error_name(error), errors[i].name);
        assert_true(text && strlen(text) > 2);
        assert_string_not_equal(text, ok);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(error, errors[j].error);
            assert_string_not_equal(text, rondo_strerror(errors[j].error));
        }
    }
}

TEST(G1_other_numbers_are_unknown)
{
    static const int numbers[] = {-1,    -2,     -22,    -110,      1,
                                  20002, -20000, -20999, INT32_MIN, INT32_MAX};

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        assert_string_equal(rondo_error_name(numbers[i]), "unknown");
        assert_non_null(rondo_strerror(numbers[i]));
    }
}

TEST(G1_version_is_the_header_s)
{
    char text[32];

    (void)snprintf(text, sizeof text, "%d.%d.%d", RONDO_VERSION_MAJOR,
                   RONDO_VERSION_MINOR, RONDO_VERSION_PATCH);
    assert_string_equal(rondo_version(), text);
}

/* ---- G1: the sentence --------------------------------------------------- */

static void assert_says(const char *sentence, const char *part)
{
    if (!strstr(sentence, part)) {
        print_error("\"%s\" does not say \"%s\"\n", sentence, part);
        fail();
    }
}

TEST_LEAVES(G1_sentence_says_what_on_what_and_why)
{
    const struct listener *l = test_serve(w);
    char address[32];

    (void)snprintf(address, sizeof address, "127.0.0.1:%u", l->port);
    assert_refused(
        rondo_create_server(w->loop,
                            RONDO_SERVE(.host = "127.0.0.1", .port = l->port),
                            &recorder, NULL, NULL),
        RONDO_EADDRINUSE, address);
    assert_says(rondo_last_error(), "EADDRINUSE)");
    assert_true(rondo_last_os_error() != 0);
    /* and 0 where the system said nothing */
    assert_einval(rondo_call_soon(w->loop, NULL, NULL));
    assert_true(rondo_last_os_error() == 0);
}

TEST(G1_a_success_leaves_the_last_failure)
{
    char before[256];

    assert_einval(rondo_call_every(w->loop, -5, NULL, NULL));
    (void)snprintf(before, sizeof before, "%s", rondo_last_error());
    assert_true(strlen(before) > 0);
    assert_ok(rondo_loop_run_once(w->loop, 0));
    assert_ok(rondo_loop_set_debug(w->loop, false, 0));
    assert_string_equal(rondo_last_error(), before);
}

struct sentences {
    char first[256], second[256];
    int64_t os_error;
};

static void fail_in_a_thread(void *arg)
{
    struct sentences *s = arg;

    (void)snprintf(s->first, sizeof s->first, "%s", rondo_last_error());
    s->os_error = rondo_last_os_error();
    (void)rondo_set_default_backend("abacus");
    (void)snprintf(s->second, sizeof s->second, "%s", rondo_last_error());
}

TEST(G1_sentence_belongs_to_the_thread)
{
    struct sentences s = {"?", "?", 1};

    assert_error(rondo_cancel(w->loop, 5), RONDO_ENOENT);
    raw_thread_join(raw_thread_start(fail_in_a_thread, &s));
    assert_string_equal(s.first, "");
    assert_true(s.os_error == 0);
    assert_says(s.second, "abacus");
    assert_says(rondo_last_error(), "cancel");
    assert_null(strstr(rondo_last_error(), "abacus"));
}

/* ---- G1: the sentence before callbacks ---------------------------------- */

/* Something else fails before the callback comes. */
static void disturb(struct world *w)
{
    assert_error(rondo_cancel(w->loop, 7), RONDO_ENOENT);
    assert_says(rondo_last_error(), "cancel");
}

static int64_t os_error_seen;

static void keep_os_error(struct peer *p)
{
    (void)p;
    os_error_seen = rondo_last_os_error();
}

TEST(G1_sentence_before_a_failed_connect)
{
    struct peer *p = test_peer(w);
    uint16_t port = dial_dead_port();
    char address[32];

    os_error_seen = 0;
    p->on_connected = keep_os_error;
    assert_ok(test_connect_peer(w, port, &recorder, p));
    disturb(w);
    test_run_until(w, p->connected);
    assert_int_equal(p->connect_error, RONDO_ECONNREFUSED);
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", port);
    assert_says(p->last_error, "create_connection");
    assert_says(p->last_error, address);
    assert_says(p->last_error, "ECONNREFUSED");
    assert_true(os_error_seen != 0);
}

TEST_LEAVES(G1_sentence_before_a_canceled_connect)
{
    struct listener *l = test_serve(w);
    struct peer *p = test_peer(w);
    rondo_id id = test_connect_peer(w, l->port, &recorder, p);

    assert_ok(rondo_cancel(w->loop, id));
    disturb(w);
    test_run_until(w, p->connected);
    assert_int_equal(p->connect_error, RONDO_ECANCELED);
    assert_says(p->last_error, "create_connection");
    assert_null(strstr(p->last_error, "no such id"));
}

static void abort_with_eproto(struct peer *p)
{
    rondo_transport_abort_with(p->transport, RONDO_EPROTO);
}

static void time_out(struct peer *p)
{
    peer_set_timeouts(p, RONDO_MS(5), RONDO_NEVER);
}

TEST(G1_sentence_before_a_connection_ends)
{
    static const struct {
        const char *name;
        void (*end)(struct peer *p);
        int error;
        const char *says, *on; /* NULL: something */
    } rows[] = {
        {"reset", plain_reset, RONDO_ECONNRESET, "ECONNRESET", "127.0.0.1:"},
        {"aborted", act_abort, RONDO_ECANCELED, NULL, NULL},
        {"a program's own error", abort_with_eproto, RONDO_EPROTO, NULL, NULL},
        {"timed out", time_out, RONDO_ETIMEDOUT, NULL, NULL},
    };

    for (EACH_ROW(w, row, rows)) {
        struct peer *p = plain_peer(w, &recorder, 0);

        os_error_seen = 0;
        p->on_lost = keep_os_error;
        row->end(p);
        disturb(w);
        assert_lost(w, p, NULL, row->error);
        assert_true(strlen(p->last_error) > 0);
        assert_null(strstr(p->last_error, "no such id"));
        if (!row->says)
            continue;
        assert_says(p->last_error, row->says);
        assert_says(p->last_error, row->on);
        assert_true(os_error_seen != 0);
    }
}

/* ---- G2: what cannot be done -------------------------------------------- */

/* Does the sentence name, after `what`, a backend that has the ability? */
static bool names_an_able_backend(struct world *w, rondo_capability ability)
{
    const char *const *names;
    size_t n = rondo_backends(&names);
    char sentence[512];
    unsigned able_ones = 0;

    (void)snprintf(sentence, sizeof sentence, "%s", rondo_last_error());
    for (size_t i = 0; i < n; i++) {
        rondo_loop_options options = test_loop_options(w);
        rondo_loop *loop = NULL;
        bool able;

        options.backend = names[i];
        assert_ok(rondo_loop_new(&loop, &options));
        able = rondo_loop_supports(loop, ability);
        assert_ok(rondo_loop_close(loop));
        if (able && strstr(sentence, names[i]))
            return true;
        able_ones += able;
    }
    return able_ones == 0; /* none in this build that could be named */
}

TEST(G2_no_embedding_names_another_backend)
{
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;

    if (rondo_loop_supports(w->loop, RONDO_CAN_EMBED_FD))
        test_skip(w, "this backend can be embedded");
    assert_error(rondo_loop_prepare(w->loop, &wait), RONDO_ENOTSUP);
    assert_says(rondo_last_error(), "loop_prepare");
    assert_true(names_an_able_backend(w, RONDO_CAN_EMBED_FD));
}

TEST_LEAVES(G2_what_is_supported_is_no_enotsup)
{
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    int expected =
        rondo_loop_supports(w->loop, RONDO_CAN_EMBED_FD) ? 0 : RONDO_ENOTSUP;

    assert_error(rondo_loop_prepare(w->loop, &wait), expected);
    expected =
        rondo_loop_supports(w->loop, RONDO_CAN_REUSE_PORT) ? 0 : RONDO_ENOTSUP;
    assert_error(rondo_create_server(
                     w->loop,
                     RONDO_SERVE(.host = "127.0.0.1", .reuse_port = RONDO_ON),
                     &recorder, NULL, NULL),
                 expected);
}

TEST(G2_an_unknown_backend_lists_what_there_is)
{
    rondo_loop_options options = test_loop_options(w);
    rondo_loop *loop = w->loop;
    const char *const *names;
    size_t n = rondo_backends(&names);

    options.backend = "abacus";
    assert_error(rondo_loop_new(&loop, &options), RONDO_ENOTSUP);
    assert_null(loop);
    assert_says(rondo_last_error(), "abacus");
    for (size_t i = 0; i < n; i++)
        assert_says(rondo_last_error(), names[i]);
}

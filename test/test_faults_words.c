/* test_faults_words.c - sentences that say what they are about. */
/* SPDX-License-Identifier: MIT */
#include "harness_act.h"
#include "harness_dial.h"
#include "harness_report.h"
#include "raw_net.h"

/* ---- G1: the error that is returned is the one that is named ------------ */

static void check_names(const char *sentence, int error)
{
    assert_non_null(strstr(sentence, rondo_error_name(error)));
    assert_non_null(strstr(sentence, rondo_strerror(error)));
    assert_null(strstr(sentence, "broken pipe"));
}

TEST(G1_a_write_to_a_shut_socket_names_its_error)
{
    struct listener *l = test_serve(w);
    struct peer *client = test_connect(w, l->port);
    int error;

    test_run_until(w, client->made && l->first && l->first->made);
    raw_shutdown_write(rondo_transport_fd(client->transport));
    error = rondo_transport_write(client->transport, "x", 1);
    assert_int_equal(error, RONDO_ECONNRESET);
    check_names(rondo_last_error(), error);
    assert_true(rondo_last_os_error() != 0);
    rondo_transport_close(l->first->transport);
    test_run_until(w, client->lost && l->first->lost);
    assert_int_equal(client->error, error);
    check_names(client->last_error, error);
    test_close_server(w, l->server);
}

/* ---- G1: which argument -------------------------------------------------- */

TEST(G1_a_null_says_which_argument)
{
    rondo_address a;

    (void)w;
    assert_refused((int)rondo_call_soon(NULL, NULL, NULL), RONDO_EINVAL,
                   "call_soon: the first argument is NULL");
    assert_refused((int)rondo_call_soon(w->loop, NULL, NULL), RONDO_EINVAL,
                   "call_soon: no function");
    assert_refused(rondo_transport_write(NULL, "", 0), RONDO_EINVAL,
                   "the first argument is NULL");
    assert_refused(rondo_address_parse(&a, NULL, 0), RONDO_EINVAL, "no text");
    assert_refused(rondo_address_parse(NULL, "::1", 0), RONDO_EINVAL,
                   "no address");
}

/* ---- L4: in a callback --------------------------------------------------- */

static void close_inside(rondo_loop *loop, void *arg)
{
    char *words = arg;

    assert_int_equal(rondo_loop_close(loop), RONDO_EBUSY);
    (void)snprintf(words, 256, "%s", rondo_last_error());
}

TEST(L4_close_in_a_callback_says_when_it_can_be)
{
    char *words = test_alloc(w, 256);

    assert_ok(rondo_call_soon(w->loop, close_inside, words));
    test_run_loop(w);
    assert_non_null(strstr(words, "loop_close: the loop is running"));
    assert_non_null(strstr(words, "returned"));
}

/* ---- L11: the message stays ---------------------------------------------- */

struct told {
    unsigned count;
    char before[256], after[256];
};

static void fail_and_look(rondo_loop *loop, void *arg,
                          const rondo_exception *what)
{
    struct told *t = arg;

    (void)loop;
    t->count++;
    (void)snprintf(t->before, sizeof t->before, "%s", what->message);
    (void)rondo_call_soon(NULL, NULL, NULL);
    (void)snprintf(t->after, sizeof t->after, "%s", what->message);
}

TEST(L11_the_message_stays_when_the_handler_fails)
{
    struct told *t = test_alloc(w, sizeof *t);
    rondo_exception e = {.size = sizeof e, .error = RONDO_EPROTO};

    assert_ok(rondo_loop_set_exception_handler(w->loop, fail_and_look, t));
    assert_ok(rondo_create_connection(
        w->loop, RONDO_CONNECT(.host = "127.0.0.1", .port = dial_dead_port()),
        &recorder, test_peer(w), NULL, NULL));
    test_run_loop(w);
    assert_int_equal(t->count, 1);
    assert_string_equal(t->before, t->after);
    (void)rondo_set_error(RONDO_EPROTO, "of the program");
    e.message = rondo_last_error();
    rondo_loop_call_exception_handler(w->loop, &e);
    assert_string_equal(t->after, "of the program");
}

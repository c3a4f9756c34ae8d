/* test_ground_thread.c - a loop belongs to one thread. */
/* SPDX-License-Identifier: MIT */
#include "harness_plain.h"

/* No assertions in a thread: it writes down what it was answered. */
struct answer {
    const char *what;
    int64_t result;
    char sentence[160];
};

struct visit {
    struct world *w;
    struct peer *peer;
    rondo_transport *t;
    rondo_server *server;
    rondo_remote *remote;
    rondo_id id;
    struct answer answers[64];
    size_t count;
    unsigned ran, told; /* told: the exception handler's calls */
};

static void note(struct visit *v, int64_t result, const char *what)
{
    struct answer *a = &v->answers[v->count++];

    a->what = what;
    a->result = result;
    (void)snprintf(a->sentence, sizeof a->sentence, "%s", rondo_last_error());
}

/* the call comes first, so that its sentence is the last one */
#define NOTE(v, call) note(v, (call), #call)

/* A loop in debug mode with one of everything. */
static struct visit *visit_new(struct world *w)
{
    struct visit *v = test_alloc(w, sizeof *v);

    v->w = w;
    v->peer = plain_peer(w, &recorder, 0);
    v->t = v->peer->transport;
    v->server = test_serve(w)->server;
    v->id = rondo_call_later(w->loop, RONDO_SEC(1000), count_call, &v->ran);
    assert_ok(v->id);
    v->remote = rondo_loop_remote(w->loop);
    assert_ok(
        rondo_loop_set_exception_handler(w->loop, count_exception, &v->told));
    assert_ok(rondo_loop_set_debug(w->loop, true, RONDO_SEC(1000)));
    return v;
}

static void by_thread(struct visit *v, void (*fn)(void *arg))
{
    raw_thread_join(raw_thread_start(fn, v));
}

/* The loop is as it was: the transport and the server live, one timer. */
static void visit_end(struct visit *v)
{
    struct world *w = v->w;
    rondo_loop_metrics m;

    assert_ok(rondo_loop_set_debug(w->loop, false, 0));
    test_spin(w, 5);
    m = test_metrics(w);
    assert_int_equal(m.live_timers, 1);
    assert_int_equal(m.live_transports, 1);
    assert_int_equal(m.live_servers, 1);
    assert_int_equal(m.live_watchers, 0);
    assert_int_equal(m.live_operations, 0);
    assert_string_equal(v->peer->order, "M");
    assert_false(rondo_transport_is_closing(v->t));
    assert_true(rondo_transport_is_reading(v->t));
    assert_true(rondo_server_is_serving(v->server));
    assert_ptr_equal(rondo_transport_self(v->t), v->peer);
    assert_int_equal(v->ran, 0);
    rondo_remote_release(v->remote);
}

static void assert_all_refused(const struct visit *v)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct answer *a = &v->answers[i];

        if (a->result != RONDO_ETHREAD)
            test_fail(v->w, "%s: %lld (%s)", a->what, (long long)a->result,
                      a->sentence);
        if (!strstr(a->sentence, "thread"))
            test_fail(v->w, "%s: the sentence is \"%s\"", a->what, a->sentence);
    }
}

/* ---- G3: what returns an error ------------------------------------------ */

static void use_loop(void *arg)
{
    struct visit *v = arg;
    rondo_loop *loop = v->w->loop;
    rondo_loop_wait wait = RONDO_LOOP_WAIT_INIT;
    rondo_loop_metrics metrics = RONDO_LOOP_METRICS_INIT;
    rondo_clock_info info = RONDO_CLOCK_INFO_INIT;

    NOTE(v, rondo_loop_close(loop));
    NOTE(v, rondo_loop_run(loop));
    NOTE(v, rondo_loop_run_forever(loop));
    NOTE(v, rondo_loop_run_once(loop, 0));
    NOTE(v, rondo_loop_prepare(loop, &wait));
    NOTE(v, rondo_loop_limit(loop, RONDO_LIMIT_DESCRIPTORS));
    NOTE(v, rondo_get_clock_info(loop, &info));
    NOTE(v, rondo_loop_get_metrics(loop, &metrics));
    NOTE(v, rondo_loop_dump(loop, count_line, &v->ran));
    NOTE(v, rondo_loop_set_exception_handler(loop, NULL, NULL));
    NOTE(v, rondo_loop_set_debug(loop, false, 0));
    NOTE(v, rondo_loop_remote(loop) ? 0 : RONDO_ETHREAD);
}

static void schedule(void *arg)
{
    struct visit *v = arg;
    rondo_loop *loop = v->w->loop;

    NOTE(v, rondo_call_soon(loop, count_call, &v->ran));
    NOTE(v, rondo_call_later(loop, 0, count_call, &v->ran));
    NOTE(v, rondo_call_at(loop, 0, count_call, &v->ran));
    NOTE(v, rondo_call_every(loop, 1, count_call, &v->ran));
    NOTE(v, rondo_missed(loop, v->id));
    NOTE(v, rondo_reschedule(loop, v->id, 0));
    NOTE(v, rondo_when(loop, v->id));
    NOTE(v, rondo_cancel(loop, v->id));
    NOTE(v, rondo_set_background(loop, v->id, true));
    NOTE(v, rondo_add_reader(loop, v->peer->fd, count_fd, &v->ran));
    NOTE(v, rondo_add_writer(loop, v->peer->fd, count_fd, &v->ran));
    NOTE(v, rondo_remove_reader(loop, v->peer->fd));
    NOTE(v, rondo_remove_writer(loop, v->peer->fd));
    NOTE(v, rondo_add_signal_handler(loop, 2, count_signal, &v->ran));
    NOTE(v, rondo_remove_signal_handler(loop, 2));
    NOTE(v,
         rondo_create_connection(loop, RONDO_CONNECT(.host = "127.0.0.1"),
                                 &recorder, v->peer, count_connected, &v->ran));
    NOTE(v, rondo_create_server(loop, RONDO_SERVE(.host = "127.0.0.1"),
                                &recorder, v->peer, NULL));
    NOTE(v, rondo_connect_accepted_socket(loop, v->peer->fd, &recorder, v->peer,
                                          NULL));
}

static void use_handles(void *arg)
{
    struct visit *v = arg;
    rondo_buffer buffer = {"x", 1};
    rondo_address a;

    NOTE(v, rondo_transport_write(v->t, "x", 1));
    NOTE(v, rondo_transport_writev(v->t, &buffer, 1));
    NOTE(v, rondo_transport_write_owned(v->t, "x", 1, count_release, &v->ran));
    NOTE(v, rondo_transport_printf(v->t, "%d", 1));
    NOTE(v, rondo_transport_write_eof(v->t));
    NOTE(v, rondo_transport_pause_reading(v->t));
    NOTE(v, rondo_transport_resume_reading(v->t));
    NOTE(v, rondo_transport_set_protocol(v->t, &recorder, v));
    NOTE(v, rondo_transport_unread(v->t, "x", 1));
    NOTE(v, rondo_transport_set_write_buffer_limits(v->t, 9, 3));
    NOTE(v, rondo_transport_set_timeouts(v->t, 1, 1));
    NOTE(v, rondo_transport_peer_address(v->t, &a));
    NOTE(v, rondo_transport_local_address(v->t, &a));
    NOTE(v, rondo_server_address(v->server, 0, &a));
    NOTE(v, rondo_server_start_serving(v->server));
    NOTE(v, rondo_server_pause_serving(v->server));
}

/* ---- G3: what returns none ---------------------------------------------- */

/* Another failure before, so that an old sentence is not taken for a new. */
#define NOTE_VOID(v, call)                                                     \
    do {                                                                       \
        (void)rondo_cancel(NULL, 1);                                           \
        call;                                                                  \
        note(v, RONDO_ETHREAD, #call);                                         \
    } while (0)

static void use_void(void *arg)
{
    struct visit *v = arg;
    rondo_exception e = {.size = sizeof e, .error = RONDO_EIO};

    NOTE_VOID(v, rondo_transport_close(v->t));
    NOTE_VOID(v, rondo_transport_abort(v->t));
    NOTE_VOID(v, rondo_transport_abort_with(v->t, RONDO_EIO));
    NOTE_VOID(v, rondo_transport_set_self(v->t, NULL));
    NOTE_VOID(v, rondo_transport_set_background(v->t, true));
    NOTE_VOID(v, rondo_server_close(v->server));
    NOTE_VOID(v, rondo_server_close_clients(v->server));
    NOTE_VOID(v, rondo_server_abort_clients(v->server));
    NOTE_VOID(v, rondo_server_set_background(v->server, true));
    NOTE_VOID(v, rondo_loop_set_data(v->w->loop, v));
    NOTE_VOID(v, rondo_loop_call_exception_handler(v->w->loop, &e));
}

/* ---- G3: all of them, by another thread --------------------------------- */

TEST_LEAVES(G3_another_thread_is_refused_and_changes_nothing)
{
    static const struct {
        const char *name;
        void (*use)(void *arg);
        size_t calls;
    } rows[] = {
        {"running and asking", use_loop, 12},
        {"scheduling and creating", schedule, 18},
        {"transports and servers", use_handles, 16},
        {"void functions", use_void, 11},
    };
    struct visit *v = visit_new(w);
    char byte;

    for (EACH_ROW(w, row, rows)) {
        v->count = 0;
        by_thread(v, row->use);
        assert_int_equal(v->count, row->calls);
        assert_all_refused(v);
    }
    assert_null(rondo_loop_data(w->loop));
    assert_int_equal(raw_recv(v->peer->fd, &byte, 1, 0), RAW_AGAIN);
    visit_end(v);
    assert_int_equal(v->told, 1); /* L12: by the loop's thread, once for all */
    assert_ok(rondo_loop_set_debug(w->loop, true, 0));
    by_thread(v, use_void);
    test_spin(w, 2);
    assert_int_equal(v->told, 2);
}

/* ---- G3: what any thread may call --------------------------------------- */

static void use_freely(void *arg)
{
    struct visit *v = arg;

    NOTE(v, rondo_call_soon_threadsafe(v->w->loop, count_call, &v->ran));
    NOTE(v, rondo_remote_call(v->remote, count_call, &v->ran));
    rondo_loop_wake(v->w->loop);
    rondo_loop_stop(v->w->loop);
}

TEST_LEAVES(G3_what_any_thread_may_call)
{
    struct visit *v = visit_new(w);

    by_thread(v, use_freely);
    assert_int_equal(v->answers[0].result, 0);
    assert_int_equal(v->answers[1].result, 0);
    assert_int_equal(rondo_loop_run(v->w->loop), 1); /* stopped */
    test_run_until(v->w, v->ran == 2);
    v->ran = 0;
    visit_end(v);
}

TEST_LEAVES(G3_the_loop_s_thread_is_not_disturbed)
{
    struct visit *v = visit_new(w);

    assert_ok(rondo_call_soon(v->w->loop, count_call, &v->ran));
    assert_ok(rondo_transport_write(v->t, "x", 1));
    assert_int_equal(rondo_loop_run_once(v->w->loop, 0), 1);
    assert_int_equal(v->ran, 1);
    v->ran = 0;
    visit_end(v);
}

/* ---- G3: rondo_loop_take ------------------------------------------------ */

static void take_and_use(void *arg)
{
    struct visit *v = arg;

    NOTE(v, rondo_call_soon(v->w->loop, count_call, &v->ran));
    NOTE(v, rondo_loop_take(v->w->loop));
    NOTE(v, rondo_call_soon(v->w->loop, count_call, &v->ran));
    NOTE(v, rondo_loop_run_once(v->w->loop, 0));
}

TEST_LEAVES(G3_take_moves_a_loop)
{
    struct visit *v = visit_new(w);

    by_thread(v, take_and_use);
    assert_int_equal(v->answers[0].result, RONDO_ETHREAD);
    assert_int_equal(v->answers[1].result, 0);
    assert_true(v->answers[2].result > 0);
    assert_int_equal(v->answers[3].result, 1);
    assert_int_equal(v->ran, 1);
    v->ran = 0;
    assert_error(rondo_call_soon(v->w->loop, count_call, &v->ran),
                 RONDO_ETHREAD);
    assert_error(rondo_loop_run(v->w->loop), RONDO_ETHREAD);
    assert_ok(rondo_loop_take(v->w->loop));
    visit_end(v);
}

static void make_elsewhere(void *arg)
{
    struct visit *v = arg;
    rondo_loop_options options = test_loop_options(v->w);

    options.debug = 1;
    NOTE(v, rondo_loop_new(&v->w->other, &options));
    NOTE(v, rondo_call_soon(v->w->other, count_call, &v->ran));
}

TEST(G3_a_loop_made_elsewhere_is_taken_and_run)
{
    struct visit *v = test_alloc(w, sizeof *v);

    v->w = w;
    by_thread(v, make_elsewhere);
    assert_int_equal(v->answers[0].result, 0);
    assert_true(v->answers[1].result > 0);
    assert_error(rondo_loop_run(w->other), RONDO_ETHREAD);
    assert_ok(rondo_loop_take(w->other));
    assert_int_equal(rondo_loop_run(w->other), 0);
    assert_int_equal(v->ran, 1);
}

static void try_to_take(void *arg)
{
    struct visit *v = arg;

    NOTE(v, rondo_loop_take(v->w->loop));
}

static void take_while_running(rondo_loop *loop, void *arg)
{
    struct visit *v = arg;

    NOTE(v, rondo_loop_take(loop));
    by_thread(v, try_to_take);
}

TEST(G3_a_running_loop_is_not_taken)
{
    struct visit *v = test_alloc(w, sizeof *v);

    v->w = w;
    assert_ok(rondo_call_soon(w->loop, take_while_running, v));
    assert_int_equal(rondo_loop_run(w->loop), 0);
    assert_int_equal(v->count, 2);
    assert_int_equal(v->answers[0].result, RONDO_EBUSY);
    assert_int_equal(v->answers[1].result, RONDO_EBUSY);
}
